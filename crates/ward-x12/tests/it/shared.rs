//! Samples that nobody here wrote.

use std::{collections::BTreeMap, fs, path::Path};

use ward_x12::{ack, eligibility, read};

#[test]
fn samples_of_others_are_read_and_written_as_they_are() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let data = std::env::var_os("WARD_SHARED_DATA").map_or(beside, Into::into).join("meds/x12");
    let Ok(folder) = fs::read_dir(&data) else {
        eprintln!("!! SKIPPED: no X12 samples; set WARD_SHARED_DATA to test on real input");
        return;
    };
    let mut n_read = 0;
    let mut wrong: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in folder {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = fs::read(&path).unwrap();
        let document = read(&bytes);
        assert_eq!(document.to_text().as_bytes(), bytes, "{name}");
        assert_eq!(document.interchanges.len(), 1, "{name}");
        let it = &document.interchanges[0];
        for set in it.groups.iter().flat_map(|group| &group.transactions) {
            let (segments, kind) = (set.segments(it), set.kind(it));
            match kind {
                "270" => {
                    let asked = eligibility::inquiries(segments, &it.separators);
                    assert_eq!((asked.len(), asked[0].services[0].as_str()), (1, "30"), "{name}");
                    assert_eq!(asked[0].trace.as_ref().unwrap().0, "93175-012547", "{name}");
                    assert_eq!(asked[0].subscriber.party.number(), "11122333301", "{name}");
                }
                "271" => {
                    let told = eligibility::answers(segments, &it.separators);
                    assert_eq!(told.len(), 1, "{name}");
                    match name.contains("error") {
                        true => assert_eq!(told[0].rejections[0].reason, "50", "{name}"),
                        false => assert_eq!(told[0].benefits.len(), 5, "{name}"),
                    }
                }
                _ => assert_eq!(kind, "837", "{name}"),
            }
        }
        let all = document.all_problems();
        let acks = ack::acknowledge(it, None);
        // Each of them asks for a TA1, and has groups that are answered.
        assert!(acks.ta1.is_some() && acks.groups.len() == it.groups.len(), "{name}");
        if !all.is_empty() {
            wrong.insert(name, all.iter().map(ToString::to_string).collect());
        }
        n_read += 1;
    }
    assert!(0 < n_read);
    // One of the samples is not what its envelope says; nothing else is complained about.
    for (name, problems) in &wrong {
        eprintln!("{name}: {problems:#?}");
    }
    let names: Vec<&str> = wrong.keys().map(String::as_str).collect();
    assert_eq!(names, ["271_005010X279A1__subscriber-health-benefit-check-error.271"]);
}
