//! Putting the segments of a message into the groups of its structure, tolerantly.
//!
//! The nearest place wins, from the inside out: the same node again, another occurrence of the
//! group, what follows in it; then the same one level up. First without passing over anything that
//! is required; if that finds nothing, passing it over (it is then reported as missing). A segment
//! that stands before its place is put there and reported; one without any place stays in the
//! group it was met in. Z segments may stand anywhere.

use std::collections::BTreeMap;

use super::{Child, Group, Structure, Tree, What};
use crate::{
    location::{Location, SegmentId},
    message::Message,
    problem::ProblemKind,
};

impl Structure {
    /// Puts the segments of `message` into groups, and tells `note` what does not fit; how bad that
    /// is, the rules in force decide.
    ///
    /// - Cost: for each segment, at most once through the structure, however long the message.
    pub(crate) fn fit(
        &self,
        message: &Message<'_>,
        note: &mut dyn FnMut(ProblemKind, Location),
    ) -> Tree {
        let root = Group { name: self.name().into(), occurrence: 1, node: 0, children: Vec::new() };
        let mut matcher = Matcher {
            structure: self,
            places: Places::of(message),
            groups: vec![root],
            open: vec![Open { group: 0, at: None, counts: Vec::new() }],
            note,
        };
        for segment in message.segments() {
            match segment.id() {
                Some(id) => matcher.segment(segment.place(), id),
                None => matcher.attach(segment.place(), None),
            }
        }
        matcher.count(message);
        Tree { groups: matcher.groups }
    }
}

/// Where the segments of each name are.
struct Places {
    by_id: BTreeMap<SegmentId, Vec<usize>>,
}

impl Places {
    fn of(message: &Message<'_>) -> Places {
        let mut by_id: BTreeMap<SegmentId, Vec<usize>> = BTreeMap::new();
        for segment in message.segments() {
            if let Some(id) = segment.id() {
                by_id.entry(id).or_default().push(segment.place());
            }
        }
        Places { by_id }
    }

    /// How many segments of that name stand before `place`.
    fn n_before(&self, id: SegmentId, place: usize) -> u32 {
        let all = self.by_id.get(&id);
        let before = all.map_or(0, |all| all.partition_point(|other| *other < place));
        u32::try_from(before).unwrap_or(u32::MAX)
    }

    fn location(&self, id: SegmentId, place: usize) -> Location {
        let line = u32::try_from(place + 1).unwrap_or(u32::MAX);
        Location::segment(id, self.n_before(id, place).saturating_add(1)).on_line(line)
    }
}

/// A group that is open.
struct Open {
    group: usize,
    /// The node that was matched last.
    at: Option<usize>,
    /// How often each node has been matched; as long as the group has nodes.
    counts: Vec<(usize, u32)>,
}

impl Open {
    fn count_of(&self, node: usize) -> u32 {
        self.counts.iter().find(|(known, _)| *known == node).map_or(0, |(_, count)| *count)
    }

    /// Matches a node, and tells how often that has been.
    fn matched(&mut self, node: usize) -> u32 {
        self.at = Some(node);
        match self.counts.iter_mut().find(|(known, _)| *known == node) {
            Some((_, count)) => {
                *count = count.saturating_add(1);
                *count
            }
            None => {
                self.counts.push((node, 1));
                1
            }
        }
    }
}

/// Who takes part does so in what the segment before is about: a PRT after the ORC of an order says
/// nothing of an OBR that has not come yet.
fn is_about_previous(id: SegmentId) -> bool {
    id.as_str() == "PRT"
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
    places: Places,
    groups: Vec<Group>,
    open: Vec<Open>,
    note: &'s mut dyn FnMut(ProblemKind, Location),
}

impl Matcher<'_> {
    fn segment(&mut self, place: usize, id: SegmentId) {
        let found = self
            .search(id, Passing::Never)
            .or_else(|| self.same_again(id))
            .or_else(|| (!is_about_previous(id)).then(|| self.search(id, Passing::Required))?);
        if let Some(found) = found {
            return self.go(&found, place);
        }
        if let Some(found) = self.earlier(id) {
            (self.note)(ProblemKind::SegmentOrder, self.places.location(id, place));
            if is_about_previous(id) {
                return self.attach(place, None);
            }
            return self.go(&found, place);
        }
        if !id.is_local() {
            (self.note)(ProblemKind::UnexpectedSegment, self.places.location(id, place));
        }
        self.attach(place, None);
    }

    /// The nearest place that is not before where we are.
    fn search(&self, id: SegmentId, passing: Passing) -> Option<Place> {
        for (level, open) in self.open.iter().enumerate().rev() {
            let group_node = self.groups.get(open.group)?.node;
            if let Some(at) = open.at {
                let node = self.structure.node(at)?;
                let count = open.count_of(at);
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
            let occurrence = parent.matched(*step);
            let parent = parent.group;
            let name = match self.structure.node(*step).map(|node| &node.what) {
                Some(What::Group(name)) => name.as_ref(),
                _ => "",
            };
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
            self.open.push(Open { group: next, at: None, counts: Vec::new() });
        }
        if let Some(open) = self.open.last_mut() {
            open.matched(*segment);
        }
        self.attach(place, Some(*segment));
    }

    fn attach(&mut self, place: usize, node: Option<usize>) {
        let at = self.open.last().map_or(0, |open| open.group);
        if let Some(group) = self.groups.get_mut(at) {
            group.children.push(Child::Segment { place, node });
        }
    }

    /// What is missing and what is there too often, in every group.
    fn count(&mut self, message: &Message<'_>) {
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
                        let (kind, at) = missing(self.structure, &self.places, at, last_place);
                        (self.note)(kind, at);
                    }
                    Some((_, count, place)) if node.max.is_some_and(|max| max < *count) => {
                        let id = message.segment_at(*place).and_then(|segment| segment.id());
                        let at =
                            id.map_or(Location::MESSAGE, |id| self.places.location(id, *place));
                        (self.note)(ProblemKind::SegmentCardinality, at);
                    }
                    _ => {}
                }
            }
        }
    }
}

/// The first required segment of the node at `at`, at the place where it would be the next.
fn missing(
    structure: &Structure,
    places: &Places,
    at: usize,
    after: usize,
) -> (ProblemKind, Location) {
    let Some(node) = structure.node(at) else {
        return (ProblemKind::MissingSegment, Location::MESSAGE);
    };
    let kind = match node.what {
        What::Group(_) => ProblemKind::MissingGroup,
        _ => ProblemKind::MissingSegment,
    };
    let mut inside = (at..node.end).filter_map(|at| structure.node(at));
    let id = inside.find_map(|node| match &node.what {
        What::Segments(ids) if node.is_required => ids.first().copied(),
        _ => None,
    });
    let next = |id| Location::segment(id, places.n_before(id, after + 1).saturating_add(1));
    (kind, id.map_or(Location::MESSAGE, next))
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
