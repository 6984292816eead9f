//! Where each segment stands among the groups of its message.

use ward_hl7::{
    Header, Message, Segment, SegmentId, Version,
    structure::{Child, Tree},
    validate::{Rules, tree},
};

/// The groups around each segment.
pub(super) struct Groups {
    /// The structure that was used, such as `ADT_A01`.
    pub structure: String,
    /// The group of each segment, by the place of the segment.
    of: Vec<usize>,
    /// Name and parent of each group; the message itself is 0, its own parent.
    groups: Vec<(Box<str>, usize)>,
}

impl Groups {
    pub fn of(message: &Message<'_>) -> Groups {
        let header = Header::of(message);
        // A message that does not say its version, or a later one, is read as the last we know.
        let said = header.version().unwrap_or(Version::V2_8);
        let found = [said, Version::V2_8, Version::V2_5_1]
            .into_iter()
            .find_map(|version| tree(message, &Rules::standard(version)));
        let n = message.n_segments();
        let Some(tree) = found else {
            let structure = header.message_structure().into_owned();
            return Groups { structure, of: vec![0; n], groups: vec![("".into(), 0)] };
        };
        let mut groups = Groups::from_tree(&tree, n);
        groups.structure = tree.group(0).map(|g| g.name.to_string()).unwrap_or_default();
        groups
    }

    fn from_tree(tree: &Tree, n_segments: usize) -> Groups {
        let mut of = vec![0; n_segments];
        let mut groups: Vec<(Box<str>, usize)> =
            tree.groups().iter().map(|group| (group.name.clone(), 0)).collect();
        for (at, group) in tree.groups().iter().enumerate() {
            for child in &group.children {
                match child {
                    Child::Group(inner) => {
                        if let Some((_, parent)) = groups.get_mut(*inner) {
                            *parent = at;
                        }
                    }
                    Child::Segment { place, .. } => {
                        if let Some(own) = of.get_mut(*place) {
                            *own = at;
                        }
                    }
                }
            }
        }
        Groups { structure: String::new(), of, groups }
    }

    /// The group of the segment at `place`. Timing is part of the order around it.
    pub fn group(&self, place: usize) -> usize {
        let own = self.written_in(place);
        let is_timing = self.groups.get(own).is_some_and(|(name, _)| name.starts_with("TIMING"));
        if is_timing { self.parent(own) } else { own }
    }

    fn written_in(&self, place: usize) -> usize {
        self.of.get(place).copied().unwrap_or(0)
    }

    pub fn parent(&self, group: usize) -> usize {
        self.groups.get(group).map_or(0, |(_, parent)| *parent)
    }

    /// The group and all around it, the message last.
    pub fn around(&self, group: usize) -> impl Iterator<Item = usize> + '_ {
        let mut next = Some(group);
        std::iter::from_fn(move || {
            let at = next?;
            next = (at != 0).then(|| self.parent(at)).filter(|parent| *parent < at);
            Some(at)
        })
    }

    pub fn is_within(&self, inner: usize, outer: usize) -> bool {
        self.around(inner).any(|group| group == outer)
    }

    /// Whether a group of that name is around the segment at `place`.
    pub fn is_in(&self, place: usize, name: &str) -> bool {
        let mut around = self.around(self.written_in(place));
        around.any(|at| at != 0 && self.groups.get(at).is_some_and(|(own, _)| **own == *name))
    }

    /// The segment of that name that belongs to the one at `place`: in its group, else in the
    /// groups around it, the nearest before it first.
    pub fn related<'m>(
        &self,
        message: &'m Message<'m>,
        place: usize,
        id: SegmentId,
    ) -> Option<Segment<'m>> {
        let own = self.group(place);
        let all = message.all(id);
        all.clone().next()?;
        for around in self.around(own) {
            let here = |segment: &Segment<'m>| {
                let group = self.group(segment.place());
                group == around || (around == own && self.is_within(group, own))
            };
            let before = all.clone().filter(here).take_while(|segment| segment.place() <= place);
            if let Some(found) = before.last().or_else(|| all.clone().find(here)) {
                return Some(found);
            }
        }
        None
    }
}
