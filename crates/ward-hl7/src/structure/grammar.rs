//! Message structures as text: `MSH SFT* PATIENT(PID PD1?)? <OBR|RXO>+ @*`.
//!
//! A name is a segment, or a group with what is in it in brackets; `<A|B>` is one of several
//! segments, `@` any segment. Nothing behind it is exactly once, `?` at most once, `+` at least
//! once, `*` any number of times.

use super::{Node, Structure, What};
use crate::location::SegmentId;

/// Text is not a message structure.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a message structure at byte {at}")]
pub struct GrammarError {
    pub at: usize,
}

/// Most groups in each other.
/// LIMIT: the deepest structure of the standard has seven; matching goes as deep as this.
const DEPTH_MAX: usize = 16;

impl Structure {
    /// The structure `name`, from its text.
    pub fn parse(name: &str, text: &str) -> Result<Structure, GrammarError> {
        let what = What::Group(name.to_owned().into());
        let root = Node { what, is_required: true, max: Some(1), end: 1 };
        let mut reader = Reader { text, at: 0, nodes: vec![root] };
        reader
            .items(0)
            .filter(|()| reader.at == text.len())
            .ok_or(GrammarError { at: reader.at })?;
        let mut nodes = reader.nodes;
        let end = nodes.len();
        if let Some(root) = nodes.first_mut() {
            root.end = end;
        }
        Ok(Structure { nodes })
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    nodes: Vec<Node>,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip(&mut self, c: char) -> bool {
        let found = self.rest().starts_with(c);
        self.at += usize::from(found);
        found
    }

    /// At least one item, up to a closing bracket or the end.
    fn items(&mut self, depth: usize) -> Option<()> {
        if DEPTH_MAX < depth {
            return None;
        }
        loop {
            while self.skip(' ') {}
            self.item(depth)?;
            while self.skip(' ') {}
            if self.rest().is_empty() || self.rest().starts_with(')') {
                return Some(());
            }
        }
    }

    fn item(&mut self, depth: usize) -> Option<()> {
        let at = self.nodes.len();
        if self.skip('@') {
            self.push(What::Any);
        } else if self.skip('<') {
            let mut ids = vec![self.segment()?];
            while self.skip('|') {
                ids.push(self.segment()?);
            }
            if !self.skip('>') {
                return None;
            }
            self.push(What::Segments(ids));
        } else {
            let name = self.name()?;
            if self.skip('(') {
                self.push(What::Group(name.to_owned().into()));
                self.items(depth + 1)?;
                if !self.skip(')') {
                    return None;
                }
                let end = self.nodes.len();
                self.nodes.get_mut(at)?.end = end;
            } else {
                self.push(What::Segments(vec![SegmentId::new(name.as_bytes())?]));
            }
        }
        let (is_required, max) = if self.skip('?') {
            (false, Some(1))
        } else if self.skip('*') {
            (false, None)
        } else if self.skip('+') {
            (true, None)
        } else {
            (true, Some(1))
        };
        let node = self.nodes.get_mut(at)?;
        (node.is_required, node.max) = (is_required, max);
        Some(())
    }

    fn push(&mut self, what: What) {
        let end = self.nodes.len() + 1;
        self.nodes.push(Node { what, is_required: true, max: Some(1), end });
    }

    fn segment(&mut self) -> Option<SegmentId> {
        SegmentId::new(self.name()?.as_bytes())
    }

    fn name(&mut self) -> Option<&'t str> {
        let rest = self.rest();
        let inside = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        let end = rest.bytes().position(|b| !inside(b)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).filter(|name| !name.is_empty())
    }
}
