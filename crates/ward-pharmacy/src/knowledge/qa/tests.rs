use std::collections::BTreeMap;

use crate::knowledge::{
    csv_tables::{self, DoseFact},
    facts::{Brought, Facts},
    pair::DrugFact,
    qa::{Weight, check},
    tests::{ddi, digoxin_limit, facts_of, read, small, source},
};

/// The errors that joining public sources brought about, in a table of our own.
const WRONG: &str = "id,left,left_rxcui,right,right_rxcui,severity\n\
    furosemide,furosemide,460,warfarin,11289,major\n\
    dabigatran,dabigatran etexilate,103704,warfarin,11289,major\n\
    lisinopril,lisinopril,1546022,warfarin,11289,major\n\
    meropenem,meropenem,1546029,warfarin,11289,major\n\
    gentamicin,gentamicin,142438,warfarin,11289,major\n\
    alteplase,alteplase,10785,warfarin,11289,major\n\
    amoxicillin,amoxicillin,706,warfarin,11289,major\n\
    nsaid,NSAID,343047,omeprazole,7646,major\n\
    swapped,warfarin,1191,omeprazole,7646,major\n\
    letters,warfarin,11o89,omeprazole,7646,major\n\
    nobody,wunderin,,omeprazole,,major\n\
    combination,aspirin / omeprazole,,warfarin,,major\n\
    grave,warfarin,,omeprazole,,vivement déconseillé\n\
    itself,warfarin,,Coumadin,,major\n\
    first,aspirin,,ibuprofen,,major\n\
    second,ibuprofen,5640,aspirin,1191,severe\n\
    third,aspirin,,ibuprofen,,minor\n\
    first,digoxin,,furosemide,,major\n\
    good,digoxin,3407,furosemide,4603,moderate\n";

#[test]
fn each_known_error_is_caught_and_not_loaded() {
    let mut facts = facts_of(&small());
    facts.base.rules.clear();
    let (pairs, problems) = ddi(WRONG);
    assert_eq!(problems, []);
    facts.take(source("ddi"), Brought::Pairs(pairs));
    let report = check(&facts);
    let found: BTreeMap<&str, &str> = report
        .findings
        .iter()
        .filter_map(|it| Some((it.name.split_once("/pair/")?.1, it.check)))
        .collect();
    for (id, check) in [
        ("furosemide", "rxcui-unknown"),
        ("dabigatran", "rxcui-unknown"),
        ("lisinopril", "rxcui-not-ingredient"),
        ("meropenem", "rxcui-not-ingredient"),
        ("gentamicin", "rxcui-moved"),
        ("alteplase", "rxcui-unknown"),
        ("amoxicillin", "rxcui-suppressed"),
        ("nsaid", "name-disagrees"),
        ("swapped", "name-disagrees"),
        ("letters", "rxcui-malformed"),
        ("nobody", "drug-unknown"),
        ("combination", "drug-ambiguous"),
        ("grave", "severity-unknown"),
        ("itself", "same-twice"),
        ("second", "told-twice"),
        ("third", "contradicts"),
        ("first", "id-twice"),
    ] {
        assert_eq!(found.get(id), Some(&check), "{id}\n{report}");
    }
    assert!(!found.contains_key("good"), "{report}");
    let says = |id: &str| {
        let it = report.findings.iter().find(|it| it.name.ends_with(&format!("/pair/{id}")));
        it.map(|it| format!("{} {}", it.place, it.says)).unwrap()
    };
    assert_eq!(
        says("gentamicin"),
        "ddi.csv:6 gentamicin: 142438 is gone from the release; now 1596450 (gentamicin)"
    );
    assert_eq!(
        says("lisinopril"),
        "ddi.csv:4 lisinopril: 1546022 is PIN, not an ingredient; it comes down to 29046 \
         (lisinopril)"
    );
    assert_eq!(says("swapped"), "ddi.csv:10 warfarin is 11289, but 1191 is aspirin");
    let parts = crate::knowledge::parts(&facts, &report);
    let mut rules: Vec<&str> =
        parts.rules.iter().filter_map(|it| it.id.strip_prefix("house-")).collect();
    rules.sort_unstable();
    assert_eq!(rules, ["good", "third"], "`first` was there twice, so neither is sure");
}

#[test]
fn what_is_accepted_by_name_is_loaded() {
    let mut facts = facts_of(&small());
    let (pairs, _) =
        ddi("id,left,right,severity\na,warfarin,aspirin,major\nb,aspirin,warfarin,major\n");
    facts.take(source("ddi"), Brought::Pairs(pairs));
    let name = "told-twice/pair/b";
    assert!(check(&facts).refuses("pair/b"));
    facts.accepted.insert(name.to_owned(), "from two sources on purpose".to_owned());
    let report = check(&facts);
    assert!(!report.refuses("pair/b"));
    let it = report.findings.iter().find(|it| it.name == name).unwrap();
    assert_eq!(it.accepted.as_deref(), Some("from two sources on purpose"));
    assert!(report.to_string().contains("accepted: from two sources on purpose"));
    // What nobody can load is not loaded by being accepted.
    let (pairs, _) = ddi("id,left,right,severity\na,warfarin,aspirin,dreadful\n");
    facts.take(source("ddi"), Brought::Pairs(pairs));
    let name = "severity-unknown/pair/a";
    assert!(check(&facts).may_accept(name).is_err());
    facts.accepted.insert(name.to_owned(), "it is very bad".to_owned());
    assert!(check(&facts).refuses("pair/a"));
}

#[test]
fn without_a_release_the_base_still_knows_its_own() {
    let mut facts = Facts::of_base(crate::knowledge::house::base().unwrap());
    let (pairs, _) = ddi("id,left,left_rxcui,right,right_rxcui,severity\n\
         a,furosemide,460,warfarin,11289,major\n\
         b,furosemide,4603,warfarin,11289,major\n");
    facts.take(source("ddi"), Brought::Pairs(pairs));
    let report = check(&facts);
    assert!(report.of("no-release").next().is_some());
    assert!(
        report.of("name-disagrees").any(|it| it.says == "furosemide is 4603, but 460 is no name")
    );
    assert!(report.refuses("pair/a") && !report.refuses("pair/b"), "{report}");
}

#[test]
fn maxima_far_apart_are_told() {
    let mut facts = facts_of(&small());
    facts.base.limits = vec![digoxin_limit()];
    let dose = |mg_per_day, file: &str| DoseFact {
        drug: DrugFact { name: "Digoxin".to_owned(), rxcui: String::new() },
        mg_per_day,
        source: file.to_owned(),
        file: file.to_owned(),
        line: 7,
        ..DoseFact::default()
    };
    facts.doses = vec![dose(0.00001 * 60.0, "fdamdd"), dose(0.25, "house"), dose(0.375, "other")];
    let report = check(&facts);
    let outliers: Vec<_> = report.of("dose-outlier").collect();
    assert_eq!(outliers.len(), 1, "{report}");
    assert_eq!(outliers[0].place, "fdamdd:7");
    assert!(outliers[0].says.contains("833 times"), "{}", outliers[0].says);
    assert_eq!(report.of("doses-apart").count(), 2, "{report}");
}

#[test]
fn classes_of_two_sources_are_compared() {
    let mut facts = facts_of(&small());
    facts.base.classes.push(ward_rules::medication::knowledge::Class {
        id: "nsaid-test".to_owned(),
        scheme: "ward".to_owned(),
        name: "NSAIDs of the test".to_owned(),
        members: vec!["5640".parse().unwrap(), "1191".parse().unwrap()],
        duplicate_at: None,
        source: "ATC M01A".to_owned(),
    });
    let text = "class,member,rxcui\nNSAID test,ibuprofen,5640\nNSAID test,atazanavir,343047\n\
        NSAID test,furosemide,460\nOnly here,warfarin,\n";
    let (classes, _) =
        read(|it| csv_tables::read_classes(std::io::Cursor::new(text), "classes.csv", it).unwrap());
    facts.take(source("classes"), Brought::Classes(classes));
    let report = check(&facts);
    let alone: Vec<_> = report.of("class-member-alone").collect();
    assert_eq!(alone.len(), 1, "{report}");
    assert_eq!(
        alone[0].says,
        "classes.csv counts atazanavir (343047) to NSAID test, base does not"
    );
    assert!(report.of("class-member-missing").any(|it| it.says.contains("aspirin")));
    assert!(report.of("class-uncompared").any(|it| it.says.contains("Only here")));
    assert!(report.of("rxcui-unknown").any(|it| it.weight == Weight::Refuses));
    let parts = crate::knowledge::parts(&facts, &report);
    let class = parts.classes.iter().find(|it| it.id == "nsaid-test").unwrap();
    assert!(!class.members.contains(&"343047".parse().unwrap()));
}

#[test]
fn a_release_without_its_relations_is_told() {
    let rrf = small();
    let ((), _) = read(|intake| {
        let mut builder = crate::knowledge::rxnorm::Builder::default();
        builder.read("RXNCONSO.RRF", std::io::Cursor::new(rrf.files()[0].1), intake).unwrap();
        let mut facts = Facts::of_base(crate::knowledge::house::base().unwrap());
        facts.take(source("rxnorm"), Brought::Release(builder.finish()));
        assert!(check(&facts).of("release-incomplete").next().is_some());
    });
}
