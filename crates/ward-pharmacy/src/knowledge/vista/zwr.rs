//! One line of an export: `^PS(51.24,1,1,1,0)="APPLICATION"`.

/// A place in a global and what stands there.
#[derive(Clone, PartialEq, Debug)]
pub struct Node {
    /// Without the caret: `PS`.
    pub global: String,
    pub subscripts: Vec<Subscript>,
    pub value: String,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Subscript {
    /// As it is written: `51.24`.
    Number(String),
    Text(String),
}

/// Most subscripts of one node.
/// LIMIT: the deepest of these files have seven; M itself allows some hundred.
const SUBSCRIPTS_MAX: usize = 32;

impl Subscript {
    pub fn is_number(&self, text: &str) -> bool {
        matches!(self, Subscript::Number(it) if it == text)
    }

    pub fn number(&self) -> Option<u64> {
        match self {
            Subscript::Number(text) => text.parse().ok(),
            Subscript::Text(_) => None,
        }
    }
}

impl Node {
    /// The piece of the value between two carets, counted from 1 as M does.
    pub fn piece(&self, n: usize) -> &str {
        self.value.split('^').nth(n.saturating_sub(1)).unwrap_or_default()
    }

    /// As it stands in an export.
    pub fn to_line(&self) -> String {
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let subscripts: Vec<String> = self
            .subscripts
            .iter()
            .map(|it| match it {
                Subscript::Number(text) => text.clone(),
                Subscript::Text(text) => quoted(text),
            })
            .collect();
        format!("^{}({})={}", self.global, subscripts.join(","), quoted(&self.value))
    }
}

/// Reads one line.
///
/// - Errors: what was expected where.
pub fn parse_node(line: &str) -> Result<Node, &'static str> {
    let rest = line.strip_prefix('^').ok_or("a node begins with `^`")?;
    let at = rest.find('(').ok_or("no `(` after the name of the global")?;
    let (global, mut rest) = rest.split_at(at);
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '%';
    if global.is_empty() || !global.chars().all(is_name) {
        return Err("the global has no name");
    }
    let mut subscripts = Vec::new();
    rest = rest.strip_prefix('(').unwrap_or(rest);
    loop {
        if SUBSCRIPTS_MAX <= subscripts.len() {
            return Err("too many subscripts");
        }
        let (subscript, after) = subscript(rest)?;
        subscripts.push(subscript);
        rest = match after.strip_prefix(',') {
            Some(more) => more,
            None => {
                rest = after.strip_prefix(')').ok_or("no `,` or `)` after a subscript")?;
                break;
            }
        };
    }
    let rest = rest.strip_prefix('=').ok_or("no `=` after the subscripts")?;
    let value = match rest.starts_with('"') {
        true => match quoted(rest)? {
            (value, "") => value,
            _ => return Err("something follows the value"),
        },
        false => rest.to_owned(),
    };
    Ok(Node { global: global.to_owned(), subscripts, value })
}

fn subscript(text: &str) -> Result<(Subscript, &str), &'static str> {
    if text.starts_with('"') {
        let (value, rest) = quoted(text)?;
        return Ok((Subscript::Text(value), rest));
    }
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-');
    let end = text.find(|c| !is_number(c)).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    if number.is_empty() {
        return Err("a subscript is a number or in quotes");
    }
    Ok((Subscript::Number(number.to_owned()), rest))
}

/// A text in quotes, in which a quote stands twice, and what follows it.
fn quoted(text: &str) -> Result<(String, &str), &'static str> {
    let mut rest = text.strip_prefix('"').ok_or("no quote")?;
    let mut value = String::new();
    loop {
        let at = rest.find('"').ok_or("a text without its second quote")?;
        let (before, after) = rest.split_at(at);
        value.push_str(before);
        let after = after.strip_prefix('"').unwrap_or(after);
        match after.strip_prefix('"') {
            Some(more) => {
                value.push('"');
                rest = more;
            }
            None => return Ok((value, after)),
        }
    }
}
