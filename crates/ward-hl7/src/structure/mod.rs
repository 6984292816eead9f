//! Message structures: which segments stand in which order, in which groups.

mod grammar;
mod matcher;
mod tree;

use std::borrow::Cow;

use crate::location::SegmentId;

pub use grammar::GrammarError;
pub use tree::{Child, Group, Tree};

/// A message structure as a list of nodes in the order they are written.
///
/// - Shape: the first node is the message itself; a group is followed by what is in it.
/// - Source: HL7 v2.8, 2.5.1 Messages; 2.13 abstract message syntax.
#[derive(Clone, Debug)]
pub struct Structure {
    // INVARIANT: not empty; the first node is a group and holds all others.
    nodes: Vec<Node>,
}

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub what: What,
    pub is_required: bool,
    /// `None` is no limit.
    pub max: Option<u32>,
    /// One past the last node inside.
    pub end: usize,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    Group(Cow<'static, str>),
    /// Any one of these.
    Segments(Vec<SegmentId>),
    /// Whatever segment.
    Any,
}

impl Structure {
    pub fn name(&self) -> &str {
        match self.nodes.first().map(|node| &node.what) {
            Some(What::Group(name)) => name,
            _ => "",
        }
    }

    /// Every segment it names, in order.
    pub fn segments(&self) -> impl Iterator<Item = SegmentId> {
        self.nodes.iter().flat_map(|node| match &node.what {
            What::Segments(ids) => ids.clone(),
            _ => Vec::new(),
        })
    }

    pub(crate) fn node(&self, at: usize) -> Option<&Node> {
        self.nodes.get(at)
    }

    pub(crate) fn node_mut(&mut self, at: usize) -> Option<&mut Node> {
        self.nodes.get_mut(at)
    }

    /// The nodes directly inside the group at `at`.
    pub(crate) fn children(&self, at: usize) -> Children<'_> {
        let end = self.nodes.get(at).map_or(0, |node| node.end);
        Children { structure: self, next: at + 1, end }
    }

    /// The node of a segment, by the names of its groups; groups may be left out.
    pub(crate) fn find(&self, groups: &[&str], segment: SegmentId) -> Option<usize> {
        let (mut from, mut to) = (0, self.nodes.len());
        for group in groups {
            let is = |at: &usize| matches!(self.node(*at), Some(Node { what: What::Group(name), .. }) if name == group);
            let at = (from..to).find(is)?;
            (from, to) = (at + 1, self.node(at)?.end);
        }
        let mut within = from..to;
        within.find(|at| {
            matches!(self.node(*at), Some(Node { what: What::Segments(ids), .. }) if ids.contains(&segment))
        })
    }

    /// Puts a segment behind the node at `after`, in the same group.
    pub(crate) fn insert(&mut self, after: usize, node: Node) {
        let Some(at) = self.nodes.get(after).map(|node| node.end) else { return };
        for (n, other) in self.nodes.iter_mut().enumerate() {
            // Groups around the new place grow; those behind it move.
            if (n < after && after < other.end) || at <= n {
                other.end += 1;
            }
        }
        self.nodes.insert(at, Node { end: at + 1, ..node });
    }
}

/// The direct members of a group.
#[derive(Clone)]
pub(crate) struct Children<'s> {
    structure: &'s Structure,
    next: usize,
    end: usize,
}

impl<'s> Iterator for Children<'s> {
    type Item = (usize, &'s Node);

    fn next(&mut self) -> Option<(usize, &'s Node)> {
        if self.end <= self.next {
            return None;
        }
        let at = self.next;
        let node = self.structure.node(at)?;
        self.next = node.end;
        Some((at, node))
    }
}

impl Node {
    pub fn matches(&self, id: SegmentId) -> bool {
        match &self.what {
            What::Group(_) => false,
            What::Segments(ids) => ids.contains(&id),
            What::Any => true,
        }
    }

    pub fn takes_more_than(&self, count: u32) -> bool {
        self.max.is_none_or(|max| count < max)
    }
}

#[cfg(test)]
mod tests;
