//! JSON Pointer.

use crate::json::Json;

/// A path into a document, its escapes undone.
///
/// - Source: RFC 6901.
#[derive(Clone, Debug)]
pub(super) struct Pointer(Vec<String>);

impl Pointer {
    pub(super) fn parse(text: &str) -> Option<Pointer> {
        if text.is_empty() {
            return Some(Pointer(Vec::new()));
        }
        let parts = text.strip_prefix('/')?.split('/');
        parts.map(unescape).collect::<Option<Vec<String>>>().map(Pointer)
    }

    pub(super) fn depth(&self) -> usize {
        self.0.len()
    }

    pub(super) fn split_last(&self) -> Option<(Pointer, &str)> {
        let (last, parent) = self.0.split_last()?;
        Some((Pointer(parent.to_vec()), last))
    }

    /// Whether the other place lies inside this one.
    pub(super) fn is_above(&self, other: &Pointer) -> bool {
        self.0.len() < other.0.len() && other.0.starts_with(&self.0)
    }

    pub(super) fn find<'j, 'd>(&self, document: &'j Json<'d>) -> Option<&'j Json<'d>> {
        self.0.iter().try_fold(document, |json, part| match json {
            Json::Object(object) => object.get(part),
            Json::Array(items) => match Index::parse(part)? {
                Index::At(at) => items.get(at),
                Index::End => None,
            },
            _ => None,
        })
    }

    pub(super) fn find_mut<'j, 'd>(&self, document: &'j mut Json<'d>) -> Option<&'j mut Json<'d>> {
        self.0.iter().try_fold(document, |json, part| match json {
            Json::Object(object) => object.get_mut(part),
            Json::Array(items) => match Index::parse(part)? {
                Index::At(at) => items.get_mut(at),
                Index::End => None,
            },
            _ => None,
        })
    }
}

/// A place in an array.
pub(super) enum Index {
    At(usize),
    /// `-`: behind the last item.
    End,
}

impl Index {
    /// Digits without a leading zero, or `-`.
    pub(super) fn parse(part: &str) -> Option<Index> {
        let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        match part {
            "-" => Some(Index::End),
            "0" => Some(Index::At(0)),
            _ if digits && !part.starts_with('0') => part.parse().ok().map(Index::At),
            _ => None,
        }
    }
}

fn unescape(part: &str) -> Option<String> {
    let mut out = String::with_capacity(part.len());
    let mut rest = part.chars();
    while let Some(c) = rest.next() {
        out.push(match c {
            '~' => match rest.next()? {
                '0' => '~',
                '1' => '/',
                _ => return None,
            },
            c => c,
        });
    }
    Some(out)
}
