//! A message put into the groups of its structure.

use crate::{
    message::{Message, Part, Segment},
    path::Path,
};

/// Groups and segments of one message.
///
/// - Shape: every segment of the message is in it once, the ones that have no place too.
#[derive(Clone, Debug)]
pub struct Tree {
    // INVARIANT: not empty; the first is the message itself, and a group comes after its parent.
    pub(super) groups: Vec<Group>,
}

/// One occurrence of a group.
#[derive(Clone, Debug)]
pub struct Group {
    pub name: Box<str>,
    /// Which of the groups of that name in its parent, from 1.
    pub occurrence: u32,
    /// The node of the structure.
    pub(crate) node: usize,
    pub children: Vec<Child>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Child {
    /// A group, for [`Tree::group`].
    Group(usize),
    Segment {
        /// Its place in the message, from 0.
        place: usize,
        /// The node of the structure; `None` where it has no place there.
        node: Option<usize>,
    },
}

impl Tree {
    /// The group at `at`; the message itself is at 0.
    pub fn group(&self, at: usize) -> Option<&Group> {
        self.groups.get(at)
    }

    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The groups of that name inside the group at `of`, at any depth, in the order of the message.
    pub fn groups_within(&self, of: usize, name: &str) -> Vec<usize> {
        let mut found = Vec::new();
        self.walk(of, &mut |child| {
            if let Child::Group(at) = child
                && self.group(at).is_some_and(|group| *group.name == *name)
            {
                found.push(at);
            }
        });
        found
    }

    /// The segments inside the group at `of`, at any depth, in the order of the message.
    pub fn segments_within<'m>(&self, of: usize, message: &'m Message<'_>) -> Vec<Segment<'m>> {
        let mut places = Vec::new();
        self.walk(of, &mut |child| {
            if let Child::Segment { place, .. } = child {
                places.push(place);
            }
        });
        places.into_iter().filter_map(|place| message.segment_at(place)).collect()
    }

    /// What stands at `path`, groups and all.
    ///
    /// - Shape: a group or segment may be named without the groups around it; then it is counted
    ///   within the last group that is named.
    pub fn find<'m>(&self, message: &'m Message<'_>, path: &Path) -> Option<Part<'m>> {
        let mut at = 0;
        for step in path.groups() {
            let nth = step.occurrence.unwrap_or(1).checked_sub(1)?;
            at = *self.groups_within(at, &step.name).get(nth)?;
        }
        let nth = path.occurrence().unwrap_or(1).checked_sub(1)?;
        let mut all = self.segments_within(at, message).into_iter();
        path.within(all.by_ref().filter(|segment| segment.is(path.segment())).nth(nth)?)
    }

    /// The depth of groups is limited by the grammar.
    fn walk(&self, of: usize, visit: &mut impl FnMut(Child)) {
        for child in self.group(of).into_iter().flat_map(|group| &group.children) {
            visit(*child);
            if let Child::Group(at) = child
                && of < *at
            {
                self.walk(*at, visit);
            }
        }
    }
}
