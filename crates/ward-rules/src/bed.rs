//! The states of a bed, derived from the claims on it and from nothing else.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Somebody's right to a place in a bed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claim {
    /// Logical id of the Encounter; empty for a hold, whose stay has not begun here.
    pub encounter: String,
    /// Logical id of the Patient.
    pub patient: String,
    /// Administrative sex, for rooms of one sex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sex: Option<String>,
    pub since: Timestamp,
    /// Held until then for a patient who is expected; without it the patient lies there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl Claim {
    /// Of a patient who lies there.
    pub fn lying(encounter: &str, patient: &str, sex: Option<String>, since: Timestamp) -> Claim {
        let (encounter, patient) = (encounter.to_owned(), patient.to_owned());
        Claim { encounter, patient, sex, since, until: None }
    }

    /// Of a patient who is expected.
    pub fn held(patient: &str, sex: Option<String>, since: Timestamp, until: Timestamp) -> Claim {
        let patient = patient.to_owned();
        Claim { encounter: String::new(), patient, sex, since, until: Some(until) }
    }

    /// Whether `next` takes its place: it is of the same stay, or of the patient it was held for.
    fn gives_way_to(&self, next: &Claim) -> bool {
        let is_same = !self.encounter.is_empty() && self.encounter == next.encounter;
        is_same || (self.until.is_some() && self.patient == next.patient)
    }

    /// Whether it holds at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// What is known of one bed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bed {
    /// Patients who may lie there at once: 1 but for mother and child.
    pub capacity: u16,
    #[serde(default)]
    pub claims: Vec<Claim>,
    /// Has to be cleaned before the next patient.
    #[serde(default)]
    pub is_dirty: bool,
    /// Out of use.
    #[serde(default)]
    pub is_closed: bool,
}

/// The one word for a bed on a board.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BedState {
    Free,
    Held,
    Occupied,
    Dirty,
    Closed,
}

/// A bed cannot be had.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
pub enum BedRefusal {
    #[error("the bed is taken")]
    Taken,
    #[error("the bed has to be cleaned first")]
    Dirty,
    #[error("the bed is closed")]
    Closed,
    #[error("the stay has no claim on this bed")]
    NoClaim,
    #[error("somebody lies in the bed")]
    InUse,
    #[error("the bed is not held for this patient")]
    NoHold,
}

impl Bed {
    /// A bed that nobody has claimed.
    pub fn new(capacity: u16) -> Bed {
        Bed { capacity, claims: Vec::new(), is_dirty: false, is_closed: false }
    }

    pub fn state(&self, now: Timestamp) -> BedState {
        let is_held = self.live(now).next().is_some();
        match () {
            () if self.live(now).any(|claim| claim.until.is_none()) => BedState::Occupied,
            () if is_held => BedState::Held,
            () if self.is_closed => BedState::Closed,
            () if self.is_dirty => BedState::Dirty,
            () => BedState::Free,
        }
    }

    /// Whether one more patient may have it.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.refusal(now).is_none()
    }

    /// Whether this patient may have it: a bed that is held for them is open to them.
    pub fn is_open_to(&self, patient: &str, now: Timestamp) -> bool {
        let mut without = self.clone();
        without.claims.retain(|it| !(it.until.is_some() && it.patient == patient));
        without.is_open(now)
    }

    /// Whether it is held for this patient.
    pub fn is_held_for(&self, patient: &str, now: Timestamp) -> bool {
        self.live(now).any(|it| it.until.is_some() && it.patient == patient)
    }

    fn refusal(&self, now: Timestamp) -> Option<BedRefusal> {
        let n_live = self.claims.iter().filter(|claim| claim.is_live(now)).count();
        match () {
            () if self.is_closed => Some(BedRefusal::Closed),
            () if usize::from(self.capacity) <= n_live => Some(BedRefusal::Taken),
            () if self.is_dirty => Some(BedRefusal::Dirty),
            () => None,
        }
    }

    /// Gives the bed to a stay, or turns its hold into lying there. A claim of the same stay is
    /// replaced.
    pub fn claim(&mut self, claim: Claim, now: Timestamp) -> Result<(), BedRefusal> {
        let mut next = self.clone();
        next.claims.retain(|it| it.is_live(now) && !it.gives_way_to(&claim));
        if let Some(no) = next.refusal(now) {
            // A dirty or closed bed is still that of who lies in it.
            let keeps = next.claims.len() < self.live(now).count();
            if !keeps || no == BedRefusal::Taken {
                return Err(no);
            }
        }
        next.claims.push(claim);
        *self = next;
        Ok(())
    }

    /// Gives the bed to a stay that lies in it already, as somebody else has told: dirt, closure
    /// and who was expected do not make it untrue.
    pub fn claim_as_told(&mut self, claim: Claim, now: Timestamp) -> Result<(), BedRefusal> {
        let mut next = Bed { is_dirty: false, is_closed: false, ..self.clone() };
        if next.claim(claim.clone(), now).is_err() {
            next.claims.retain(|it| it.until.is_none());
            next.claim(claim, now)?;
        }
        *self = next;
        Ok(())
    }

    /// Ends the claim of a stay. A bed that somebody lay in is dirty afterwards.
    pub fn release(&mut self, encounter: &str, now: Timestamp) -> Result<Claim, BedRefusal> {
        let at = self.claims.iter().position(|claim| claim.encounter == encounter);
        let claim = at.map(|at| self.claims.remove(at)).ok_or(BedRefusal::NoClaim)?;
        self.is_dirty |= claim.until.is_none();
        self.claims.retain(|it| it.is_live(now));
        Ok(claim)
    }

    /// Ends the hold for a patient.
    pub fn unhold(&mut self, patient: &str, now: Timestamp) -> Result<(), BedRefusal> {
        if !self.is_held_for(patient, now) {
            return Err(BedRefusal::NoHold);
        }
        self.claims.retain(|it| it.is_live(now) && !(it.until.is_some() && it.patient == patient));
        Ok(())
    }

    /// It was cleaned.
    pub fn clean(&mut self) {
        self.is_dirty = false;
    }

    /// Takes it out of use; who lies there has to be moved first.
    pub fn close(&mut self, now: Timestamp) -> Result<(), BedRefusal> {
        if self.live(now).next().is_some() {
            return Err(BedRefusal::InUse);
        }
        self.is_closed = true;
        Ok(())
    }

    pub fn reopen(&mut self) {
        self.is_closed = false;
    }

    fn live(&self, now: Timestamp) -> impl Iterator<Item = &Claim> {
        self.claims.iter().filter(move |claim| claim.is_live(now))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(s: i64) -> Timestamp {
        Timestamp::from_second(s).unwrap()
    }

    fn claim(encounter: &str, until_s: Option<i64>) -> Claim {
        Claim {
            encounter: encounter.to_owned(),
            patient: format!("p-{encounter}"),
            sex: None,
            since: at(0),
            until: until_s.map(at),
        }
    }

    #[test]
    fn a_bed_is_held_occupied_dirty_and_free() {
        let mut bed = Bed::new(1);
        assert_eq!(bed.state(at(1)), BedState::Free);
        bed.claim(claim("a", Some(10)), at(1)).unwrap();
        assert_eq!(bed.state(at(1)), BedState::Held);
        assert_eq!(bed.claim(claim("b", None), at(2)), Err(BedRefusal::Taken));
        // The hold is over.
        assert_eq!(bed.state(at(10)), BedState::Free);
        bed.claim(claim("b", None), at(10)).unwrap();
        assert_eq!(bed.state(at(10)), BedState::Occupied);
        assert_eq!(bed.close(at(11)), Err(BedRefusal::InUse));
        assert_eq!(bed.release("a", at(11)), Err(BedRefusal::NoClaim));
        bed.release("b", at(11)).unwrap();
        assert_eq!(bed.state(at(11)), BedState::Dirty);
        assert_eq!(bed.claim(claim("c", None), at(12)), Err(BedRefusal::Dirty));
        bed.clean();
        bed.close(at(13)).unwrap();
        assert_eq!(bed.claim(claim("c", None), at(14)), Err(BedRefusal::Closed));
        bed.reopen();
        bed.claim(claim("c", Some(20)), at(14)).unwrap();
        bed.release("c", at(15)).unwrap();
        assert_eq!(bed.state(at(15)), BedState::Free, "nobody lay there");
    }

    #[test]
    fn a_hold_becomes_a_stay() {
        let mut bed = Bed::new(1);
        bed.claim(claim("a", Some(10)), at(1)).unwrap();
        bed.claim(claim("a", None), at(5)).unwrap();
        assert_eq!(bed.claims.len(), 1);
        assert_eq!(bed.state(at(99)), BedState::Occupied);
    }

    #[test]
    fn a_bed_is_held_for_one_patient_until_then() {
        let mut bed = Bed::new(1);
        bed.claim(Claim::held("p", None, at(0), at(60)), at(0)).unwrap();
        assert_eq!(bed.state(at(59)), BedState::Held);
        assert!(bed.is_open_to("p", at(59)) && !bed.is_open_to("q", at(59)));
        let lying = |patient: &str| Claim::lying(&format!("e-{patient}"), patient, None, at(1));
        assert_eq!(bed.clone().claim(lying("q"), at(59)), Err(BedRefusal::Taken));
        // Held longer, it is one hold; who comes lies in it.
        bed.claim(Claim::held("p", None, at(1), at(90)), at(1)).unwrap();
        assert_eq!(bed.claims.len(), 1);
        let mut taken = bed.clone();
        taken.claim(lying("p"), at(2)).unwrap();
        assert_eq!((taken.claims.len(), taken.state(at(99))), (1, BedState::Occupied));
        // What was told is true, whoever was expected.
        let mut told = bed.clone();
        told.claim_as_told(lying("q"), at(2)).unwrap();
        assert_eq!(told.claims[0].patient, "q");
        assert_eq!(told.claim_as_told(lying("p"), at(3)), Err(BedRefusal::Taken));
        assert_eq!(bed.unhold("q", at(2)), Err(BedRefusal::NoHold));
        bed.unhold("p", at(2)).unwrap();
        assert_eq!(bed.state(at(2)), BedState::Free, "nobody lay there");
    }

    #[derive(Clone, Debug)]
    enum Act {
        Claim(u8, Option<i64>),
        Release(u8),
        Clean,
        Close,
        Reopen,
    }

    proptest! {
        #[test]
        fn never_more_patients_than_places(
            capacity in 1u16..3,
            acts in prop::collection::vec(prop_oneof![
                (0u8..5, prop::option::of(1i64..60)).prop_map(|(n, s)| Act::Claim(n, s)),
                (0u8..5).prop_map(Act::Release),
                Just(Act::Clean), Just(Act::Close), Just(Act::Reopen),
            ], 0..60),
        ) {
            let mut bed = Bed::new(capacity);
            for (s, act) in (0i64..).zip(acts) {
                let now = at(s);
                match act {
                    Act::Claim(n, hold) => {
                        let _taken = bed.claim(claim(&n.to_string(), hold.map(|h| s + h)), now);
                    }
                    Act::Release(n) => drop(bed.release(&n.to_string(), now)),
                    Act::Clean => bed.clean(),
                    Act::Close => drop(bed.close(now)),
                    Act::Reopen => bed.reopen(),
                }
                let live: Vec<_> = bed.live(now).map(|it| it.encounter.clone()).collect();
                prop_assert!(live.len() <= usize::from(capacity));
                let mut once = live.clone();
                once.sort();
                once.dedup();
                prop_assert_eq!(once.len(), live.len());
            }
        }
    }
}
