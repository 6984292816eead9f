//! Kinds of record that no policy can tell apart.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::Policy;
use ward_core::ResourceType;

use crate::{groups, schema};

/// Kinds in one class get the same answer to every question, so one of them is asked for all.
///
/// Two kinds differ for a policy only by their group or by being named in it: a class is a group
/// without its named kinds, or one named kind.
#[derive(Default)]
pub(crate) struct Classes {
    of: BTreeMap<ResourceType, usize>,
    len: usize,
}

impl Classes {
    pub(crate) fn new<'a>(policies: impl Iterator<Item = &'a Policy>) -> Classes {
        let named: BTreeSet<String> = policies
            .flat_map(Policy::entity_literals)
            .filter(|uid| uid.type_name().to_string() == "Kind")
            .map(|uid| uid.id().unescaped().to_owned())
            .collect();
        let mut classes = Classes::default();
        let mut by_group = BTreeMap::new();
        for kind in schema::kinds() {
            let group = groups::group_of(kind).map(|group| group.name);
            let next = classes.len;
            let class = match named.contains(kind.name()) {
                true => next,
                false => *by_group.entry(group).or_insert(next),
            };
            classes.len = classes.len.max(class + 1);
            classes.of.insert(kind, class);
        }
        classes
    }

    pub(crate) fn of(&self, kind: ResourceType) -> Option<usize> {
        self.of.get(&kind).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }
}
