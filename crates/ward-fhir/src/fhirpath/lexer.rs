//! Words and signs of FHIRPath.

use super::{EXPRESSION_BYTES_MAX, SyntaxError};

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Token {
    Name(String),
    /// In back-quotes: never a keyword.
    Quoted(String),
    Text(String),
    Number(String),
    /// After `@`, as written.
    Moment(String),
    /// After `%`.
    Variable(String),
    Sign(&'static str),
}

pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, SyntaxError> {
    if EXPRESSION_BYTES_MAX < text.len() {
        return Err(SyntaxError { at: 0, what: "an expression that is too long" });
    }
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.token()? {
        tokens.push(token);
    }
    Ok(tokens)
}

struct Lexer<'x> {
    text: &'x str,
    at: usize,
}

/// Longer signs first.
const SIGNS: [&str; 24] = [
    "<=", ">=", "!=", "!~", "$this", "$index", "$total", ".", ",", "(", ")", "[", "]", "{", "}",
    "=", "~", "<", ">", "+", "-", "*", "|", "&",
];

fn is_name_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn fail<T>(&self, what: &'static str) -> Result<T, SyntaxError> {
        Err(SyntaxError { at: self.at, what })
    }

    fn white(&mut self) -> Result<(), SyntaxError> {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            let skipped = rest.len() - trimmed.len();
            let comment = if trimmed.starts_with("//") {
                trimmed.find('\n').unwrap_or(trimmed.len())
            } else if trimmed.starts_with("/*") {
                match trimmed.find("*/") {
                    Some(end) => end + 2,
                    None => return self.fail("a comment without an end"),
                }
            } else {
                0
            };
            self.at += skipped + comment;
            if comment == 0 {
                return Ok(());
            }
        }
    }

    fn while_(&mut self, keep: impl Fn(char) -> bool) -> String {
        let rest = self.rest();
        let end = rest.find(|c| !keep(c)).unwrap_or(rest.len());
        let word = rest.get(..end).unwrap_or_default().to_owned();
        self.at += end;
        word
    }

    fn token(&mut self) -> Result<Option<(usize, Token)>, SyntaxError> {
        self.white()?;
        let start = self.at;
        let Some(c) = self.rest().chars().next() else { return Ok(None) };
        let token = match c {
            '\'' | '"' => Token::Text(self.quoted(c)?),
            '`' => Token::Quoted(self.quoted(c)?),
            '%' => {
                self.at += 1;
                match self.rest().chars().next() {
                    Some(quote @ ('`' | '\'')) => Token::Variable(self.quoted(quote)?),
                    _ => Token::Variable(self.while_(|c| is_name(c) || c == '-')),
                }
            }
            '@' => {
                self.at += 1;
                let text = self.while_(|c| c.is_ascii_digit() || "T:.Z+-".contains(c));
                // A point that no digit follows is the start of a function call.
                let kept = text.trim_end_matches('.');
                self.at -= text.len() - kept.len();
                Token::Moment(kept.to_owned())
            }
            c if c.is_ascii_digit() => {
                let mut number = self.while_(|c| c.is_ascii_digit());
                let mut after = self.rest().chars();
                if after.next() == Some('.') && after.next().is_some_and(|c| c.is_ascii_digit()) {
                    self.at += 1;
                    number.push('.');
                    number.push_str(&self.while_(|c| c.is_ascii_digit()));
                }
                Token::Number(number)
            }
            c if is_name_start(c) => Token::Name(self.while_(is_name)),
            '/' => {
                self.at += 1;
                Token::Sign("/")
            }
            _ => match SIGNS.iter().find(|sign| self.rest().starts_with(**sign)) {
                Some(sign) => {
                    self.at += sign.len();
                    Token::Sign(sign)
                }
                None => return self.fail("a character that has no meaning here"),
            },
        };
        Ok(Some((start, token)))
    }

    fn quoted(&mut self, quote: char) -> Result<String, SyntaxError> {
        let start = self.at;
        let mut out = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            if c == quote {
                self.at = start + at + c.len_utf8();
                return Ok(out);
            }
            if c != '\\' {
                out.push(c);
                continue;
            }
            let escaped = match chars.next() {
                Some((_, 'n')) => Some('\n'),
                Some((_, 'r')) => Some('\r'),
                Some((_, 't')) => Some('\t'),
                Some((_, 'f')) => Some('\u{c}'),
                Some((_, c @ ('\\' | '\'' | '"' | '`' | '/'))) => Some(c),
                Some((_, 'u')) => {
                    let digits = (0..4).map_while(|_| chars.next()?.1.to_digit(16));
                    char::from_u32(digits.fold(0, |code, digit| code * 16 + digit))
                }
                _ => None,
            };
            match escaped {
                Some(c) => out.push(c),
                None => return self.fail("an escape that is not known"),
            }
        }
        self.fail("a text without an end")
    }
}
