//! Which bed a patient is put in: what must hold first, then what is wished for.

use serde::{Deserialize, Serialize};

/// What a bed offers.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Offer {
    /// Logical id of the ward's Location.
    pub ward: String,
    /// Logical id of the room's Location.
    pub room: String,
    /// Services that use it; everybody's when empty.
    pub services: Vec<String>,
    pub sex: SexPolicy,
    pub has_isolation: bool,
    pub has_monitoring: bool,
    /// Beds in the room.
    pub beds_in_room: u16,
}

/// Who may share a room.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SexPolicy {
    #[default]
    Any,
    Female,
    Male,
    /// That of whoever is in the room first.
    SameInRoom,
}

/// What a patient needs and wishes.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Needs {
    /// This ward and no other.
    pub ward: Option<String>,
    /// This bed and no other.
    pub bed: Option<String>,
    pub service: Option<String>,
    pub isolation: bool,
    pub monitoring: bool,
    /// A ward that would be better.
    pub prefer_ward: Option<String>,
    /// Alone in the room, if it can be.
    pub prefer_single: bool,
    /// Administrative sex of the patient.
    #[serde(skip)]
    pub sex: Option<String>,
}

/// Why a bed is not for a patient.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unfit {
    OtherBed,
    OtherWard,
    Service,
    Sex,
    NoIsolation,
    NoMonitoring,
}

impl Unfit {
    pub const fn text(self) -> &'static str {
        match self {
            Unfit::OtherBed => "another bed was asked for",
            Unfit::OtherWard => "another ward was asked for",
            Unfit::Service => "the bed is another service's",
            Unfit::Sex => "the room is for patients of another sex",
            Unfit::NoIsolation => "the bed has no isolation",
            Unfit::NoMonitoring => "the bed has no monitoring",
        }
    }
}

/// How well a bed fits: more is better; nothing where it must not be.
///
/// - Shape: `in_room` are the sexes of who is in the room already.
pub fn fit(
    (id, offer): (&str, &Offer),
    needs: &Needs,
    in_room: &[Option<&str>],
) -> Result<i32, Unfit> {
    let is_not = |wanted: &Option<String>, is: &str| wanted.as_ref().is_some_and(|it| it != is);
    if is_not(&needs.bed, id) {
        return Err(Unfit::OtherBed);
    }
    if is_not(&needs.ward, &offer.ward) {
        return Err(Unfit::OtherWard);
    }
    let serves = |service: &String| offer.services.is_empty() || offer.services.contains(service);
    if !needs.service.as_ref().is_none_or(serves) {
        return Err(Unfit::Service);
    }
    if !suits(offer.sex, needs.sex.as_deref(), in_room) {
        return Err(Unfit::Sex);
    }
    if needs.isolation && !offer.has_isolation {
        return Err(Unfit::NoIsolation);
    }
    if needs.monitoring && !offer.has_monitoring {
        return Err(Unfit::NoMonitoring);
    }
    let mut score = 0;
    if needs.prefer_ward.as_ref().is_some_and(|ward| *ward == offer.ward) {
        score += 40;
    }
    if needs.service.as_ref().is_some_and(|service| offer.services.contains(service)) {
        score += 20;
    }
    if needs.prefer_single && offer.beds_in_room <= 1 {
        score += 10;
    }
    // What others may need more is left for them.
    if offer.has_isolation && !needs.isolation {
        score -= 15;
    }
    if offer.has_monitoring && !needs.monitoring {
        score -= 15;
    }
    if offer.beds_in_room <= 1 && !needs.prefer_single && !needs.isolation {
        score -= 5;
    }
    Ok(score)
}

fn suits(policy: SexPolicy, sex: Option<&str>, in_room: &[Option<&str>]) -> bool {
    match policy {
        SexPolicy::Any => true,
        SexPolicy::Female => sex == Some("female"),
        SexPolicy::Male => sex == Some("male"),
        // Who is neither, or not known to be, is not put with others.
        SexPolicy::SameInRoom => {
            in_room.is_empty()
                || (matches!(sex, Some("female" | "male"))
                    && in_room.iter().all(|other| *other == sex))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(ward: &str) -> Offer {
        Offer { ward: ward.to_owned(), beds_in_room: 2, ..Offer::default() }
    }

    #[test]
    fn what_must_hold_comes_before_what_is_wished() {
        let icu = Offer {
            services: vec!["ICU".to_owned()],
            has_monitoring: true,
            has_isolation: true,
            ..offer("icu")
        };
        let plain = offer("w1");
        let needs =
            Needs { monitoring: true, prefer_ward: Some("w1".to_owned()), ..Needs::default() };
        assert_eq!(fit(("b1", &plain), &needs, &[]), Err(Unfit::NoMonitoring));
        assert!(fit(("b2", &icu), &needs, &[]).is_ok());
        let needs = Needs { service: Some("MED".to_owned()), ..Needs::default() };
        assert_eq!(fit(("b2", &icu), &needs, &[]), Err(Unfit::Service));
        let needs = Needs { bed: Some("b2".to_owned()), ..Needs::default() };
        assert_eq!(fit(("b1", &plain), &needs, &[]), Err(Unfit::OtherBed));
        let needs = Needs { ward: Some("w2".to_owned()), ..Needs::default() };
        assert_eq!(fit(("b1", &plain), &needs, &[]), Err(Unfit::OtherWard));
    }

    #[test]
    fn scarce_beds_are_left_for_those_who_need_them() {
        let icu = Offer { has_monitoring: true, ..offer("icu") };
        let needs = Needs::default();
        assert!(fit(("a", &icu), &needs, &[]) < fit(("b", &offer("w1")), &needs, &[]));
    }

    #[test]
    fn rooms_of_one_sex() {
        let room = Offer { sex: SexPolicy::SameInRoom, ..offer("w1") };
        let needs = |sex: Option<&str>| Needs { sex: sex.map(str::to_owned), ..Needs::default() };
        let fits = |sex, others: &[Option<&str>]| fit(("b", &room), &needs(sex), others).is_ok();
        assert!(fits(Some("female"), &[]) && fits(None, &[]));
        assert!(fits(Some("female"), &[Some("female")]));
        assert!(!fits(Some("male"), &[Some("female")]));
        assert!(!fits(None, &[Some("female")]) && !fits(Some("other"), &[Some("other")]));
        let women = Offer { sex: SexPolicy::Female, ..offer("w1") };
        assert_eq!(fit(("b", &women), &needs(Some("male")), &[]), Err(Unfit::Sex));
    }
}
