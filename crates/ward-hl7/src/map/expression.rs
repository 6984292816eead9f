//! What a row assigns: `"urn:oid:"+HD.2`.

use super::condition::Ref;

/// Pieces put together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Expression(pub Vec<Piece>);

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Piece {
    Text(Box<str>),
    Value(Ref),
}

impl Expression {
    /// Reads pieces joined by `+`; `None` where one is neither text in quotes nor a reference.
    pub fn parse(text: &str) -> Option<Expression> {
        let mut pieces = Vec::new();
        let mut rest = text.trim();
        loop {
            if let Some(after) = rest.strip_prefix('"') {
                let (quoted, after) = after.split_once('"')?;
                pieces.push(Piece::Text(quoted.into()));
                rest = after.trim_start();
            } else {
                let end = rest.find('+').unwrap_or(rest.len());
                let (reference, after) = rest.split_at_checked(end)?;
                pieces.push(Piece::Value(Ref::parse(reference.trim())?));
                rest = after;
            }
            if rest.is_empty() {
                return Some(Expression(pieces));
            }
            rest = rest.strip_prefix('+')?.trim_start();
        }
    }

    /// The text, where it depends on no value.
    pub fn constant(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }
}
