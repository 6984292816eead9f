use std::collections::BTreeSet;

use crate::Hospital;

/// Every `urn:uuid:` in a bundle, and those that name an entry.
fn links(bundle: &str) -> (BTreeSet<&str>, BTreeSet<&str>) {
    let all = bundle.split('"').filter(|text| text.starts_with("urn:uuid:")).collect();
    let named = bundle.split(r#""fullUrl":""#).skip(1).filter_map(|rest| rest.split('"').next());
    (all, named.collect())
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for n in [0, 7, 40_000] {
        assert_eq!(Hospital::new(3).patient_bundle(n), Hospital::new(3).patient_bundle(n));
        assert_ne!(Hospital::new(3).patient_bundle(n), Hospital::new(4).patient_bundle(n));
        assert_ne!(Hospital::new(3).patient_bundle(n), Hospital::new(3).patient_bundle(n + 1));
    }
}

#[test]
fn every_link_leads_to_an_entry_of_the_same_bundle() {
    let hospital = Hospital::new(1);
    for bundle in (0..200).map(|n| hospital.patient_bundle(n)).chain([hospital.base_bundle()]) {
        let text = String::from_utf8(bundle).unwrap();
        let (all, named) = links(&text);
        assert!(all.is_subset(&named));
        assert!(1 < named.len());
    }
}
