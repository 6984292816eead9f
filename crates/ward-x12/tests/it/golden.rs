//! One case is two files: `NAME.x12` in, `NAME.txt` out. To add a case, add the first.

use std::{fmt::Write, fs, path::Path};

use expect_test::expect_file;
use jiff::civil::date;
use ward_x12::{
    Document, ack, claim, eligibility, read, remittance, review,
    write::{Envelope, GroupOut, interchange},
};

/// What is read, what is wrong with it, and what it is acknowledged with.
pub fn trace(bytes: &[u8]) -> String {
    let mut out = String::new();
    let document = read(bytes);
    if std::str::from_utf8(bytes).is_ok() {
        assert_eq!(document.to_text().as_bytes(), bytes, "not written as it was read");
    }
    for problem in document.all_problems() {
        writeln!(out, "{problem}").unwrap();
    }
    for it in &document.interchanges {
        let (sender, receiver) = (it.sender(), it.receiver());
        writeln!(out, "interchange {} {sender:?} to {receiver:?}", it.control_number()).unwrap();
        for group in &it.groups {
            let accepted = ack::accepted(it, group);
            writeln!(out, "  group {}: {accepted:?}", group.header(it).unwrap().element(6))
                .unwrap();
            for set in &group.transactions {
                let kind = set.kind(it);
                writeln!(out, "    {kind} {}", set.control_number(it)).unwrap();
                let (segments, separators) = (set.segments(it), &it.separators);
                match kind {
                    "270" => said(&mut out, &eligibility::inquiries(segments, separators)),
                    "271" => said(&mut out, &eligibility::answers(segments, separators)),
                    "278" if segments[1].element(2) == "13" => {
                        said(&mut out, &review::requests(segments, separators));
                    }
                    "278" => said(&mut out, &review::answers(segments, separators)),
                    "835" => {
                        let Some(told) = remittance::remittance(segments, separators) else {
                            continue;
                        };
                        let balances = told.claims.iter().map(|it| it.balances());
                        let balances: Vec<bool> = balances.collect();
                        writeln!(out, "balances: {} {balances:?}", told.balances()).unwrap();
                        said(&mut out, &[told]);
                    }
                    "999" => said(&mut out, &ack::acknowledged(segments)),
                    _ => {}
                }
            }
        }
        out.push_str(&answered(&document));
    }
    out
}

fn said<T: std::fmt::Debug>(out: &mut String, all: &[T]) {
    for one in all {
        writeln!(out, "{one:#?}").unwrap();
    }
}

fn answered(document: &Document) -> String {
    let mut out = String::new();
    for it in &document.interchanges {
        let acks = ack::acknowledge(it, None);
        if acks.ta1.is_none() && acks.groups.is_empty() {
            continue;
        }
        let groups = match acks.sets() {
            sets if sets.is_empty() => Vec::new(),
            sets => vec![GroupOut { functional: "FA", version: ack::VERSION, control: 1, sets }],
        };
        let ta1: Vec<_> = acks.ta1.into_iter().collect();
        let text = interchange(&envelope(), &ta1, &groups);
        // What is answered is right itself.
        let problems = read(text.as_bytes()).all_problems();
        assert!(problems.is_empty(), "{text}\n{problems:#?}");
        out.push_str(&text);
    }
    out
}

pub fn envelope() -> Envelope {
    Envelope {
        sender: ("ZZ".to_owned(), "WARD".to_owned()),
        receiver: ("ZZ".to_owned(), "SENDER".to_owned()),
        group_sender: "WARD".to_owned(),
        group_receiver: "SENDER".to_owned(),
        time: date(2026, 1, 2).at(8, 31, 0, 0),
        control: 7,
        is_test: true,
        wants_acknowledgment: false,
    }
}

#[test]
fn golden() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let mut n_cases = 0;
    for entry in fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ext| ext == "x12") {
            let bytes = fs::read(&path).unwrap();
            let actual = trace(&bytes);
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let is_wrong = !read(&bytes).all_problems().is_empty();
            assert_eq!(is_wrong, name.starts_with("bad-"), "{name}: {actual}");
            expect_file![path.with_extension("txt")].assert_eq(&actual);
            n_cases += 1;
        }
    }
    assert!(40 < n_cases, "no cases in {}", dir.display());
}

/// The claim that is written is the one that is kept as a sample.
#[test]
fn a_claim_is_written_as_its_sample() {
    use ward_x12::party::{Address, Member, Party};
    let party = |name: &str, of: &str, number: &str| Party {
        name: name.to_owned(),
        id: Some((of.to_owned(), number.to_owned())),
        ..Party::default()
    };
    let address = |line: &str| Address {
        lines: vec![line.to_owned()],
        city: "Springfield".to_owned(),
        state: "IL".to_owned(),
        postal_code: "62701".to_owned(),
    };
    let line = |revenue: &str, procedure: Option<&str>, amount: &str, unit: &str, n: &str| {
        claim::ServiceLine {
            revenue: revenue.to_owned(),
            procedure: procedure.map(str::to_owned),
            amount: amount.parse().unwrap(),
            quantity: n.to_owned(),
            unit: unit.to_owned(),
            date: procedure.map(|_| "20260102".to_owned()),
        }
    };
    let claim = claim::InstitutionalClaim {
        reference: "B1".to_owned(),
        submitter: party("General Hospital", "46", "GENERAL"),
        contact: ("Billing".to_owned(), "5551234567".to_owned()),
        receiver: party("Acme Health", "46", "ACME01"),
        provider: party("General Hospital", "XX", "1234567893"),
        provider_address: address("1 High St"),
        tax_id: "123456789".to_owned(),
        payer: party("Acme Health", "PI", "ACME01"),
        subscriber: Member {
            party: Party {
                name: "Meyer".to_owned(),
                given: Some("Änna".to_owned()),
                is_person: true,
                id: Some(("MI".to_owned(), "M-5".to_owned())),
                ..Party::default()
            },
            birth: Some("19700102".to_owned()),
            sex: Some("F".to_owned()),
            address: Some(address("2 Low St~*")),
        },
        group: Some("GRP1".to_owned()),
        filing: "CI".to_owned(),
        patient: None,
        number: "C-1".to_owned(),
        total: "1500".parse().unwrap(),
        bill: ("11".to_owned(), "1".to_owned()),
        from: "20260102".to_owned(),
        to: "20260105".to_owned(),
        admission: "202601020830".to_owned(),
        admission_type: "1".to_owned(),
        admission_source: "7".to_owned(),
        discharge_status: "01".to_owned(),
        authorization: None,
        attending: None,
        diagnoses: vec!["S72.001A".to_owned()],
        lines: vec![
            line("0120", None, "1200.00", "DA", "3"),
            line("0450", Some("99285"), "300", "UN", "1"),
        ],
    };
    let body = claim::write_837(&claim, ("20260102", "0830"));
    let set = ward_x12::write::Set { kind: "837", control: "0001".to_owned(), body };
    let group = GroupOut { functional: "HC", version: claim::VERSION, control: 1, sets: vec![set] };
    let text = interchange(&envelope(), &[], &[group]);
    let sample = include_str!("../data/837.x12");
    let body_of = |text: &str| {
        let from = text.find("ST*").unwrap();
        text[from..text.find("GE*").unwrap()].to_owned()
    };
    assert_eq!(
        body_of(&text).replace("HI*ABJ:S72001A~\n", "").replace("SE*29", "SE*28"),
        body_of(sample)
    );
    assert_eq!(read(text.as_bytes()).all_problems(), []);
}
