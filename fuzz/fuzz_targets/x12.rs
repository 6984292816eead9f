//! Any bytes are read as interchanges, written as they were, and acknowledged with what is right.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ward_x12::{
    ack, eligibility, read, remittance, review,
    write::{Envelope, GroupOut, interchange},
};

fuzz_target!(|bytes: &[u8]| {
    let document = read(bytes);
    if std::str::from_utf8(bytes).is_ok() {
        assert_eq!(document.to_text().as_bytes(), bytes);
    }
    for it in &document.interchanges {
        for set in it.groups.iter().flat_map(|group| &group.transactions) {
            let (segments, separators) = (set.segments(it), &it.separators);
            let _ = eligibility::inquiries(segments, separators);
            let _ = eligibility::answers(segments, separators);
            let _ = review::requests(segments, separators);
            let _ = review::answers(segments, separators);
            let _ = remittance::remittance(segments, separators).map(|told| told.balances());
            let _ = ack::acknowledged(segments);
        }
        let acks = ack::acknowledge(it, None);
        let sets = acks.sets();
        let groups = match sets.is_empty() {
            true => Vec::new(),
            false => vec![GroupOut { functional: "FA", version: ack::VERSION, control: 1, sets }],
        };
        let id = || ("ZZ".to_owned(), "WARD".to_owned());
        let envelope = Envelope {
            sender: id(),
            receiver: id(),
            group_sender: "WARD".to_owned(),
            group_receiver: "OTHER".to_owned(),
            time: jiff::civil::date(2026, 1, 2).at(8, 30, 0, 0),
            control: 1,
            is_test: true,
            wants_acknowledgment: false,
        };
        let ta1: Vec<_> = acks.ta1.into_iter().collect();
        let text = interchange(&envelope, &ta1, &groups);
        assert!(read(text.as_bytes()).all_problems().is_empty());
    }
});
