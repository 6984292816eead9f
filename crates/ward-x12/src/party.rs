//! People and organizations, as NM1 and what follows it name them.

use crate::{put, segment::Segment, write::Body};

/// A person or an organization.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Party {
    /// Family name, or the name of an organization.
    pub name: String,
    /// Set for a person.
    pub given: Option<String>,
    pub middle: Option<String>,
    pub is_person: bool,
    /// NM108 and NM109: what kind of number, and the number.
    pub id: Option<(String, String)>,
}

/// Who is insured, or depends on who is.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Member {
    pub party: Party,
    /// Eight digits.
    pub birth: Option<String>,
    /// `M`, `F` or `U`.
    pub sex: Option<String>,
    pub address: Option<Address>,
}

#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Address {
    pub lines: Vec<String>,
    pub city: String,
    pub state: String,
    pub postal_code: String,
}

/// Why somebody cannot say anything about a request.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Rejection {
    /// AAA03, such as `75`: the subscriber was not found.
    pub reason: String,
    /// AAA04: what to do.
    pub follow_up: String,
}

impl Party {
    pub(crate) fn of(nm1: &Segment) -> Party {
        let id = nm1.text(8).zip(nm1.text(9));
        Party {
            name: nm1.text(3).unwrap_or_default(),
            given: nm1.text(4),
            middle: nm1.text(5),
            is_person: nm1.element(2) == "1",
            id,
        }
    }

    /// The number, whatever its kind.
    pub fn number(&self) -> &str {
        self.id.as_ref().map_or("", |(_, number)| number)
    }

    pub(crate) fn put(&self, body: &mut Body, entity: &str) {
        let kind = if self.is_person { "1" } else { "2" };
        let (qualifier, number) = self.id.clone().unwrap_or_default();
        put!(
            body,
            "NM1",
            entity,
            kind,
            &self.name,
            &self.given,
            &self.middle,
            "",
            "",
            qualifier,
            number,
        );
    }
}

impl Member {
    /// From the segments of a level, beginning at its NM1.
    pub(crate) fn of(segments: &[Segment], entities: &[&str]) -> Option<Member> {
        let start = segments
            .iter()
            .position(|it| &*it.tag == "NM1" && entities.contains(&it.element(1)))?;
        let mut own = segments.get(start..)?.iter();
        let party = Party::of(own.next()?);
        let mut member = Member { party, ..Member::default() };
        let mut address = Address::default();
        for segment in own.take_while(|it| !matches!(&*it.tag, "NM1" | "EB" | "EQ" | "LS" | "CLM"))
        {
            match &*segment.tag {
                "N3" => {
                    address.lines.extend([segment.text(1), segment.text(2)].into_iter().flatten())
                }
                "N4" => {
                    address.city = segment.text(1).unwrap_or_default();
                    address.state = segment.text(2).unwrap_or_default();
                    address.postal_code = segment.text(3).unwrap_or_default();
                }
                "DMG" => (member.birth, member.sex) = (segment.text(2), segment.text(3)),
                _ => {}
            }
        }
        member.address = (address != Address::default()).then_some(address);
        Some(member)
    }

    pub(crate) fn put(&self, body: &mut Body, entity: &str) {
        self.party.put(body, entity);
        if let Some(address) = &self.address {
            address.put(body);
        }
        if self.birth.is_some() {
            put!(body, "DMG", "D8", &self.birth, &self.sex);
        }
    }
}

impl Address {
    pub(crate) fn put(&self, body: &mut Body) {
        let line = |n: usize| self.lines.get(n).cloned().unwrap_or_default();
        if !self.lines.is_empty() {
            put!(body, "N3", line(0), line(1));
        }
        if !self.city.is_empty() {
            put!(body, "N4", &self.city, &self.state, &self.postal_code);
        }
    }
}

impl Rejection {
    pub(crate) fn of(aaa: &Segment) -> Rejection {
        Rejection { reason: aaa.element(3).to_owned(), follow_up: aaa.element(4).to_owned() }
    }

    pub(crate) fn put(&self, body: &mut Body) {
        put!(body, "AAA", "N", "", &self.reason, &self.follow_up);
    }
}
