use std::{fs, path::Path};

use expect_test::expect_file;
use ward_rules::payer::PlanTable;
use ward_x12::{read, write::Envelope};

use super::answer::{Voice, answer, civil};

const PLANS: &str = r#"
[[plan]]
name = "Gold"
payer = ["Acme Health", "ABC COMPANY"]
ask = "simulated"
copay = "250.00"
deductible = "500.00"
coinsurance_pct = 20
"#;

/// Everything that a file is answered with, and how many 271 and 278 are in it.
fn answered(bytes: &[u8]) -> (String, [usize; 3]) {
    let plans: PlanTable = toml::from_str(PLANS).unwrap();
    let now = "2026-01-02T08:31:00Z".parse().unwrap();
    let voice = Voice { plans: &plans, is_simulated: true, now };
    let mut out = String::new();
    let mut counts = [0; 3];
    for it in &read(bytes).interchanges {
        let answered = answer(it, None, &voice, &|_| 0);
        if answered.is_empty() {
            continue;
        }
        let pair = |(a, b): (&str, &str)| (a.to_owned(), b.to_owned());
        let envelope = Envelope {
            sender: pair(it.receiver()),
            receiver: pair(it.sender()),
            group_sender: "WARD".to_owned(),
            group_receiver: "OTHER".to_owned(),
            time: civil(now),
            control: 7,
            is_test: true,
            wants_acknowledgment: false,
        };
        let (text, _) = answered.to_text(&envelope, 70);
        let problems = read(text.as_bytes()).all_problems();
        assert_eq!(problems, [], "{text}");
        for (n, kind) in ["ST*271*", "ST*278*", "ST*999*"].iter().enumerate() {
            counts[n] += text.matches(kind).count();
        }
        out.push_str(&text);
    }
    (out, counts)
}

/// One case is a sample of `ward-x12` and what it is answered with.
#[test]
fn golden() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, counts) in [
        ("270", [1, 0, 1]),
        ("270-dependent", [1, 0, 1]),
        ("278-request", [0, 1, 1]),
        // An answer is acknowledged, and not answered.
        ("278-answer", [0, 0, 1]),
        ("two-groups", [2, 1, 2]),
        ("837", [0, 0, 1]),
        ("835", [0, 0, 1]),
        ("999", [0, 0, 0]),
        // What is refused is not answered.
        ("bad-date", [0, 0, 1]),
        ("bad-interchange-count", [0, 0, 0]),
    ] {
        let sample = here.join("../ward-x12/tests/data").join(format!("{name}.x12"));
        let (text, n) = answered(&fs::read(sample).unwrap());
        assert_eq!(n, counts, "{name}: {text}");
        expect_file![here.join("tests/data").join(format!("{name}.txt"))].assert_eq(&text);
    }
}

#[test]
fn samples_of_others_are_answered() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let data = std::env::var_os("WARD_SHARED_DATA").map_or(beside, Into::into).join("meds/x12");
    let Ok(folder) = fs::read_dir(&data) else {
        eprintln!("!! SKIPPED: no X12 samples; set WARD_SHARED_DATA to test on real input");
        return;
    };
    let mut n_answered = 0;
    for entry in folder {
        let path = entry.unwrap().path();
        let (text, counts) = answered(&fs::read(&path).unwrap());
        let is_question = path.extension().is_some_and(|it| it == "270");
        assert_eq!(counts, [usize::from(is_question), 0, 1], "{}: {text}", path.display());
        assert_eq!(is_question, text.contains("EB*1**30**GOLD~"), "{text}");
        n_answered += 1;
    }
    assert!(0 < n_answered);
}
