//! Where a problem is.

use ward_hl7::Path;

/// A place in a message as numbers from 1; 0 is not meant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Levels {
    pub(super) occurrence: usize,
    pub(super) segment: [u8; 3],
    pub(super) field: usize,
    pub(super) repetition: usize,
    pub(super) component: usize,
    pub(super) subcomponent: usize,
}

impl Levels {
    pub(super) fn of(path: &Path) -> Levels {
        let mut segment = [0; 3];
        for (to, from) in segment.iter_mut().zip(path.segment().as_str().bytes()) {
            *to = from;
        }
        Levels {
            occurrence: path.occurrence().unwrap_or(1),
            segment,
            field: path.field().unwrap_or(0),
            // One that is not named is the first; of a field alone it is the field that is meant.
            repetition: match (path.repetition(), path.component()) {
                (None, Some(_)) => 1,
                (it, _) => it.unwrap_or(0),
            },
            component: path.component().unwrap_or(0),
            subcomponent: path.subcomponent().unwrap_or(0),
        }
    }

    pub(super) fn is_within(&self, outer: &Levels) -> bool {
        let pairs = [
            (outer.field, self.field),
            (outer.repetition, self.repetition),
            (outer.component, self.component),
            (outer.subcomponent, self.subcomponent),
        ];
        let is_same = outer.segment == self.segment && outer.occurrence == self.occurrence;
        is_same && pairs.iter().all(|(outer, own)| *outer == 0 || outer == own)
    }
}
