//! Any bytes are read, answered and written again; what is written is read as it was meant.

use proptest::prelude::*;
use ward_x12::{
    eligibility::{self, Inquiry},
    party::{Member, Party},
    read,
    review::{self, Review},
    write::{Body, GroupOut, Set, interchange},
};

use crate::golden::{envelope, trace};

fn sent(kind: &'static str, functional: &'static str, version: &'static str, body: Body) -> String {
    let set = Set { kind, control: "0001".to_owned(), body };
    let group = GroupOut { functional, version, control: 1, sets: vec![set] };
    interchange(&envelope(), &[], &[group])
}

prop_compose! {
    fn member()(name in "[A-Z]{1,20}", given in "[A-Z]{1,12}", number in "[A-Z0-9]{2,12}") -> Member {
        Member {
            party: Party {
                name,
                given: Some(given),
                is_person: true,
                id: Some(("MI".to_owned(), number)),
                ..Party::default()
            },
            birth: Some("19700102".to_owned()),
            sex: Some("F".to_owned()),
            address: None,
        }
    }
}

prop_compose! {
    fn party()(name in "[A-Z][A-Z ]{0,20}[A-Z]", number in "[0-9]{10}") -> Party {
        Party { name, id: Some(("XX".to_owned(), number)), ..Party::default() }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        trace(&bytes);
    }

    /// Close to an interchange: a sample with a part of it changed, cut out or doubled.
    #[test]
    fn a_sample_that_was_changed_is_answered(
        n in 0usize..7, at in 0usize..900, len in 0usize..40, with in "[A-Z0-9*~:^\\n]{0,8}",
    ) {
        let samples = [
            include_str!("../data/270.x12"), include_str!("../data/271.x12"),
            include_str!("../data/278-request.x12"), include_str!("../data/278-answer.x12"),
            include_str!("../data/835.x12"), include_str!("../data/999.x12"),
            include_str!("../data/two-groups.x12"),
        ];
        let sample = samples[n];
        let at = at.min(sample.len());
        let end = (at + len).min(sample.len());
        trace(format!("{}{with}{}", &sample[..at], &sample[end..]).as_bytes());
    }

    #[test]
    fn questions_are_read_as_they_were_written(
        payer in party(), provider in party(), subscriber in member(),
        dependent in prop::option::of(member()), services in prop::collection::vec("[0-9]{2}", 1..4),
    ) {
        let asked = Inquiry {
            reference: "R1".to_owned(), payer, provider, subscriber, dependent,
            trace: Some(("T1".to_owned(), "9WARDWARD0".to_owned())), services,
            date: Some("20260102".to_owned()),
        };
        let body = eligibility::write_270(&asked, ("20260102", "0830"));
        let document = read(sent("270", "HS", eligibility::VERSION, body).as_bytes());
        prop_assert_eq!(document.all_problems(), []);
        let it = &document.interchanges[0];
        let segments = it.groups[0].transactions[0].segments(it);
        let mut read = eligibility::inquiries(segments, &it.separators);
        // The member's number of a dependent is the subscriber's.
        prop_assert_eq!(read.pop(), Some(asked));
        prop_assert!(read.is_empty());
    }

    #[test]
    fn reviews_are_read_as_they_were_written(
        payer in party(), requester in party(), subscriber in member(),
        dependent in prop::option::of(member()), days in prop::option::of(1u32..90),
        codes in prop::collection::vec("[A-Z][0-9]{2,5}", 0..5),
    ) {
        let asked = Review {
            reference: "R1".to_owned(), payer, requester, subscriber, dependent,
            trace: Some(("T1".to_owned(), "9WARDWARD0".to_owned())),
            category: "AR".to_owned(), certification: "I".to_owned(), service: None,
            facility: Some("21".to_owned()), admission: Some("20260102".to_owned()), days,
            diagnoses: codes.into_iter().map(|it| ("ABF".to_owned(), it)).collect(),
        };
        let body = review::write_request(&asked, ("20260102", "0830"));
        let document = read(sent("278", "HI", review::VERSION, body).as_bytes());
        prop_assert_eq!(document.all_problems(), []);
        let it = &document.interchanges[0];
        let segments = it.groups[0].transactions[0].segments(it);
        prop_assert_eq!(review::requests(segments, &it.separators), vec![asked]);
    }

    /// Whatever a name holds, an interchange that carries it stays one.
    #[test]
    fn no_text_breaks_an_interchange(name in ".{1,40}") {
        let asked = Review {
            reference: "R1".to_owned(),
            payer: Party { name, ..Party::default() },
            category: "AR".to_owned(),
            ..Review::default()
        };
        let text = sent("278", "HI", review::VERSION, review::write_request(&asked, ("20260102", "0830")));
        let document = read(text.as_bytes());
        let it = &document.interchanges[0];
        prop_assert!(it.problems.is_empty() && it.groups[0].problems.is_empty());
        let counts = it.groups[0].transactions[0].problems.iter().filter(|it| it.code.number() == "4");
        prop_assert_eq!(counts.filter(|it| it.code.field() == "IK502").count(), 0);
    }
}
