//! Putting the segments of a message into the groups of its structure, tolerantly.
//!
//! The nearest place wins, from the inside out: the same node again, another occurrence of the
//! group, what follows in it; then the same one level up. First without passing over anything that
//! is required; if that finds nothing, passing it over (it is then reported as missing). A segment
//! that stands before its place is put there and reported; one without any place stays in the
//! group it was met in. Z segments may stand anywhere.

use super::{Child, Group, Structure, Tree, What};
use crate::{
    location::{Location, SegmentId},
    message::Message,
    problem::ProblemKind,
};

/// A finding of the matcher; its severity is decided by the rules in force.
pub(crate) type Finding = (ProblemKind, Location);

impl Structure {
    /// Puts the segments of `message` into groups.
    pub(crate) fn fit(&self, message: &Message<'_>) -> (Tree, Vec<Finding>) {
        let root = Group { name: self.name().into(), occurrence: 1, node: 0, children: Vec::new() };
        let mut matcher = Matcher {
            structure: self,
            groups: vec![root],
            open: vec![Open { group: 0, at: None }],
            findings: Vec::new(),
        };
        let mut ids = Vec::with_capacity(message.n_segments());
        for segment in message.segments() {
            let id = segment.id();
            ids.push(id);
            match id {
                Some(id) => matcher.segment(message, segment.place(), id),
                None => matcher.attach(segment.place(), None),
            }
        }
        matcher.count(message, &ids);
        (Tree { groups: matcher.groups }, matcher.findings)
    }
}

/// A group that is open, and the node in it that was matched last.
#[derive(Clone, Copy)]
struct Open {
    group: usize,
    at: Option<usize>,
}

/// Whether required nodes may be passed over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Passing {
    Never,
    Required,
}

/// Where a segment goes: close groups down to `level`, then go through `steps`; the last one is the
/// segment's node, the ones before it are groups to open.
struct Place {
    level: usize,
    steps: Vec<usize>,
}

struct Matcher<'s> {
    structure: &'s Structure,
    groups: Vec<Group>,
    open: Vec<Open>,
    findings: Vec<Finding>,
}

impl Matcher<'_> {
    fn segment(&mut self, message: &Message<'_>, place: usize, id: SegmentId) {
        let found = self
            .search(id, Passing::Never)
            .or_else(|| self.same_again(id))
            .or_else(|| self.search(id, Passing::Required));
        if let Some(found) = found {
            return self.go(&found, place);
        }
        if let Some(found) = self.earlier(id) {
            self.findings.push((ProblemKind::SegmentOrder, message.location_of(place)));
            return self.go(&found, place);
        }
        if !id.is_local() {
            self.findings.push((ProblemKind::UnexpectedSegment, message.location_of(place)));
        }
        self.attach(place, None);
    }

    /// The nearest place that is not before where we are.
    fn search(&self, id: SegmentId, passing: Passing) -> Option<Place> {
        for (level, open) in self.open.iter().enumerate().rev() {
            let group_node = self.groups.get(open.group)?.node;
            if let Some(at) = open.at {
                let node = self.structure.node(at)?;
                let count = self.count_of(open.group, at);
                let again = match node.what {
                    What::Group(_) => self.enter(at, id, Passing::Never),
                    _ => node.matches(id).then(|| vec![at]),
                };
                if let Some(steps) = again.filter(|_| node.takes_more_than(count)) {
                    return Some(Place { level, steps });
                }
            }
            let after = open.at.map_or(0, |at| at + 1);
            for (at, node) in self.structure.children(group_node) {
                if at < after {
                    continue;
                }
                if let Some(steps) = self.enter(at, id, passing) {
                    return Some(Place { level, steps });
                }
                if node.is_required && passing == Passing::Never {
                    return None;
                }
            }
        }
        None
    }

    /// The way from the node at `at` to a node for the segment.
    fn enter(&self, at: usize, id: SegmentId, passing: Passing) -> Option<Vec<usize>> {
        let node = self.structure.node(at)?;
        if !matches!(node.what, What::Group(_)) {
            return node.matches(id).then(|| vec![at]);
        }
        for (child, inside) in self.structure.children(at) {
            if let Some(mut steps) = self.enter(child, id, passing) {
                steps.insert(0, at);
                return Some(steps);
            }
            if inside.is_required && passing == Passing::Never {
                return None;
            }
        }
        None
    }

    /// The same segment once more than it may stand; counted and reported at the end.
    fn same_again(&self, id: SegmentId) -> Option<Place> {
        let level = self.open.len().checked_sub(1)?;
        let at = self.open.last()?.at?;
        let is_same = self.structure.node(at)?.matches(id);
        is_same.then(|| Place { level, steps: vec![at] })
    }

    /// A place that we have passed, in a group that is still open.
    fn earlier(&self, id: SegmentId) -> Option<Place> {
        for (level, open) in self.open.iter().enumerate().rev() {
            let group_node = self.groups.get(open.group)?.node;
            let mut children = self.structure.children(group_node);
            let steps = children.find_map(|(at, _)| self.enter(at, id, Passing::Never));
            if let Some(steps) = steps {
                return Some(Place { level, steps });
            }
        }
        None
    }

    fn go(&mut self, to: &Place, place: usize) {
        self.open.truncate(to.level + 1);
        let Some((segment, groups)) = to.steps.split_last() else { return };
        for step in groups {
            let Some(parent) = self.open.last_mut() else { return };
            parent.at = Some(*step);
            let parent = parent.group;
            let name = match self.structure.node(*step).map(|node| &node.what) {
                Some(What::Group(name)) => name.as_ref(),
                _ => "",
            };
            let occurrence = self.count_of(parent, *step).saturating_add(1);
            let next = self.groups.len();
            self.groups.push(Group {
                name: name.into(),
                occurrence,
                node: *step,
                children: Vec::new(),
            });
            if let Some(parent) = self.groups.get_mut(parent) {
                parent.children.push(Child::Group(next));
            }
            self.open.push(Open { group: next, at: None });
        }
        if let Some(open) = self.open.last_mut() {
            open.at = Some(*segment);
        }
        self.attach(place, Some(*segment));
    }

    fn attach(&mut self, place: usize, node: Option<usize>) {
        let at = self.open.last().map_or(0, |open| open.group);
        if let Some(group) = self.groups.get_mut(at) {
            group.children.push(Child::Segment { place, node });
        }
    }

    /// How often the node stands in that group so far.
    fn count_of(&self, group: usize, node: usize) -> u32 {
        let children = self.groups.get(group).map_or(&[][..], |group| &group.children);
        // What is counted stands together at the end, unless order is broken; that is rare, and
        // then a place too many is found at the end.
        let is = |child: &&Child| match child {
            Child::Group(at) => self.groups.get(*at).is_some_and(|group| group.node == node),
            Child::Segment { node: Some(at), .. } => *at == node,
            Child::Segment { node: None, .. } => false,
        };
        let limit = self.structure.node(node).and_then(|node| node.max);
        let most = limit.map_or(usize::MAX, |max| usize::try_from(max).unwrap_or(usize::MAX));
        let wanted = if limit.is_none() { 0 } else { most };
        // Without a limit only the occurrence number of a group needs the count.
        if wanted == 0 {
            let last = children.iter().rev().find(|child| is(child));
            return match last {
                Some(Child::Group(at)) => self.groups.get(*at).map_or(1, |group| group.occurrence),
                Some(_) => 1,
                None => 0,
            };
        }
        u32::try_from(children.iter().filter(is).count()).unwrap_or(u32::MAX)
    }

    /// What is missing and what is there too often, in every group.
    fn count(&mut self, message: &Message<'_>, ids: &[Option<SegmentId>]) {
        let mut found = Vec::new();
        for group in &self.groups {
            let mut counts: Vec<(usize, u32, usize)> = Vec::new();
            let mut last_place = 0;
            for child in &group.children {
                let (node, place) = match child {
                    Child::Group(at) => match self.groups.get(*at) {
                        Some(inner) => (inner.node, first_place(&self.groups, inner)),
                        None => continue,
                    },
                    Child::Segment { node: Some(node), place } => (*node, *place),
                    Child::Segment { node: None, .. } => continue,
                };
                last_place = last_place.max(place);
                match counts.iter_mut().find(|(known, ..)| *known == node) {
                    Some((_, count, last)) => (*count, *last) = (*count + 1, place),
                    None => counts.push((node, 1, place)),
                }
            }
            for (at, node) in self.structure.children(group.node) {
                match counts.iter().find(|(known, ..)| *known == at) {
                    None if node.is_required => {
                        found.extend(self.missing(at, last_place, ids));
                    }
                    Some((_, count, place)) if node.max.is_some_and(|max| max < *count) => {
                        let at = message.location_of(*place);
                        found.push((ProblemKind::SegmentCardinality, at));
                    }
                    _ => {}
                }
            }
        }
        self.findings.extend(found);
    }

    /// The first required segment of the node at `at`, at the place where it would be the next.
    fn missing(&self, at: usize, after: usize, ids: &[Option<SegmentId>]) -> Option<Finding> {
        let node = self.structure.node(at)?;
        let kind = match node.what {
            What::Group(_) => ProblemKind::MissingGroup,
            _ => ProblemKind::MissingSegment,
        };
        let mut inside = (at..node.end).filter_map(|at| self.structure.node(at));
        let id = inside.find_map(|node| match &node.what {
            What::Segments(ids) if node.is_required => ids.first().copied(),
            _ => None,
        });
        let Some(id) = id else { return Some((kind, Location::MESSAGE)) };
        let before = ids.iter().take(after + 1).filter(|it| **it == Some(id)).count();
        let occurrence = u32::try_from(before + 1).unwrap_or(u32::MAX);
        Some((kind, Location::segment(id, occurrence)))
    }
}

fn first_place(groups: &[Group], group: &Group) -> usize {
    let mut group = group;
    loop {
        match group.children.first() {
            Some(Child::Segment { place, .. }) => return *place,
            Some(Child::Group(at)) => match groups.get(*at) {
                Some(inner) => group = inner,
                None => return 0,
            },
            None => return 0,
        }
    }
}
