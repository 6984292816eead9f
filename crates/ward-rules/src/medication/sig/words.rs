//! The words of a sig, with numbers and units apart.

/// Words in lower case, and a place among them.
pub(super) struct Words {
    words: Vec<Word>,
    at: usize,
}

struct Word {
    text: String,
    /// A comma or a semicolon stood before it.
    is_break: bool,
}

const NUMBERS: &[(&str, f64)] = &[
    ("half", 0.5),
    ("one", 1.0),
    ("two", 2.0),
    ("three", 3.0),
    ("four", 4.0),
    ("five", 5.0),
    ("six", 6.0),
    ("ten", 10.0),
];

impl Words {
    pub fn of(text: &str) -> Words {
        let mut words = Vec::new();
        let text = without_separators(text).to_lowercase();
        for piece in text.split_whitespace() {
            let mut is_break = false;
            for part in piece.split_inclusive([',', ';', '(', ')']) {
                let ends = part.ends_with([',', ';', '(', ')']);
                let bare = part.trim_matches([',', ';', '(', ')']);
                for text in apart(bare) {
                    words.push(Word { text, is_break });
                    is_break = false;
                }
                is_break = is_break || ends;
            }
            if is_break && let Some(last) = words.last_mut() {
                // The next word begins after a break: it is marked when it comes.
                last.text.push('\u{0}');
            }
        }
        let mut after = false;
        for word in &mut words {
            if after {
                word.is_break = true;
            }
            after = word.text.ends_with('\u{0}');
            if after {
                word.text.pop();
            }
        }
        Words { words, at: 0 }
    }

    pub fn peek(&self, n: usize) -> Option<String> {
        self.words.get(self.at.checked_add(n)?).map(|word| word.text.clone())
    }

    pub fn peek_is(&self, n: usize, text: &str) -> bool {
        self.words.get(self.at + n).is_some_and(|word| word.text == text)
    }

    pub fn next_is(&self, n: usize, texts: &[&str]) -> bool {
        self.words.get(self.at + n).is_some_and(|word| texts.contains(&word.text.as_str()))
    }

    pub fn is_break(&self) -> bool {
        self.words.get(self.at).is_some_and(|word| word.is_break)
    }

    pub fn starts(&self, phrase: &[&str]) -> bool {
        phrase.iter().enumerate().all(|(n, word)| self.peek_is(n, word))
    }

    pub fn take(&mut self, word: &str) -> bool {
        let is_it = self.peek_is(0, word);
        self.at += usize::from(is_it);
        is_it
    }

    pub fn skip(&mut self, n: usize) {
        self.at = (self.at + n).min(self.words.len());
    }

    /// So many words from the one `from` places on.
    pub fn joined(&self, from: usize, n: usize) -> Option<String> {
        let words = self.words.get(self.at + from..self.at + from + n)?;
        let is_broken = words.iter().skip(1).any(|word| word.is_break);
        let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        (!is_broken).then(|| texts.join(" "))
    }

    pub fn number_at(&self, n: usize) -> Option<f64> {
        number(&self.peek(n)?)
    }

    /// A number or a range at `n`: low, high, how many words.
    pub fn range_at(&self, n: usize) -> Option<(f64, Option<f64>, usize)> {
        let first = self.peek(n)?;
        if let Some((low, high)) = first.split_once('-')
            && let (Some(low), Some(high)) = (number(low), number(high))
        {
            return Some((low.min(high), Some(high.max(low)), 1));
        }
        let low = number(&first)?;
        if self.next_is(n + 1, &["to", "-", "or"])
            && let Some(high) = self.number_at(n + 2)
        {
            return Some((low.min(high), Some(high.max(low)), 3));
        }
        Some((low, None, 1))
    }

    /// Whether what is to come says how often.
    pub fn has_frequency(&self) -> bool {
        let rest = self.words.get(self.at..).unwrap_or_default();
        rest.iter().any(|word| super::frequency::begins(&word.text))
    }
}

fn number(text: &str) -> Option<f64> {
    if let Some((_, value)) = NUMBERS.iter().find(|(word, _)| *word == text) {
        return Some(*value);
    }
    let plain = |text: &str| {
        let is_plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        text.parse::<f64>().ok().filter(|n| is_plain && n.is_finite())
    };
    match text.split_once('/') {
        Some((above, below)) => {
            let below = plain(below).filter(|n| 0.0 < *n)?;
            Some(plain(above)? / below)
        }
        None => plain(text),
    }
}

/// `5,000` is five thousand.
fn without_separators(text: &str) -> String {
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut made = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let is_separator = c == ','
            && 0 < at
            && is_digit(at - 1)
            && (1..=3).all(|n| is_digit(at + n))
            && !is_digit(at + 4);
        if !is_separator {
            made.push(c);
        }
    }
    made
}

/// `500mg` as two words, `x5d` as three; `q6h`, `08:00` and `1-2` as one.
fn apart(word: &str) -> Vec<String> {
    let whole = || [word.trim_end_matches('.').to_owned()].into();
    if word.is_empty() {
        return Vec::new();
    }
    let is_schedule = word.starts_with('q') && word.bytes().any(|b| b.is_ascii_digit());
    if is_schedule || word.contains(':') {
        return whole();
    }
    let mut rest = word;
    let mut parts: Vec<String> = Vec::new();
    if let Some(after) = rest.strip_prefix('x')
        && after.starts_with(|c: char| c.is_ascii_digit())
    {
        parts.push("x".to_owned());
        rest = after;
    }
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '/');
    let end = rest.find(|c: char| !is_number(c)).unwrap_or(rest.len());
    let (number, unit) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let has_digit = number.bytes().any(|b| b.is_ascii_digit());
    if !has_digit || unit.is_empty() {
        parts.push(rest.trim_end_matches('.').to_owned());
    } else {
        // The slash of `8/day` is the unit's.
        let tail = number.trim_end_matches('/');
        parts.push(tail.to_owned());
        let slash = if tail.len() < number.len() { "/" } else { "" };
        parts.push(format!("{slash}{}", unit.trim_end_matches('.')));
    }
    parts
}
