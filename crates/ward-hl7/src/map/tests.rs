use super::*;

#[test]
fn every_row_of_the_standard_maps_can_be_read() {
    let faults: Vec<String> = standard_faults().iter().map(|fault| fault.to_string()).collect();
    assert!(faults.is_empty(), "{} rows:\n{}", faults.len(), faults.join("\n"));
    assert!(standard().part("PID[Patient]").is_some());
}

#[test]
fn every_map_that_a_row_names_is_there() {
    let maps = standard();
    let mut missing = std::collections::BTreeSet::new();
    for map in maps.parts() {
        for row in map.rows.iter().filter(|row| !row.is_asleep) {
            // A conversion with a name is no map; those who run it know which there are.
            if let Some(by) = &row.by
                && !by.starts_with('!')
                && maps.part(by).is_none()
            {
                missing.insert(format!("{}: {by}", row.id));
            }
            if let Some(codes) = &row.codes
                && maps.codes(codes).is_none()
            {
                missing.insert(format!("{}: % {codes}", row.id));
            }
        }
    }
    for map in maps.messages() {
        for row in map.rows.iter().filter(|row| !row.is_asleep) {
            if let Some(by) = &row.by
                && maps.part(by).is_none()
            {
                missing.insert(format!("{}: {by}", row.id));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn conditions_of_the_guide_are_understood() {
    for text in [
        "IF PID-11 LST.COUNT EQUALS 1 AND PID-11.9 IS VALUED NOT EQUAL PID-12",
        "IF (OBX-5 LST.count GREATER THAN 1 AND OBX-2 IS NOT \"NA\") AND OBX-29 NOT IN (\"QST\")",
        "IF PID-33 AND PID-34 VALUED",
        "IF NOT VALUED OR NOT IN (\"ISO\", \"UUID\")",
        "IF HD.2 NOT VALUED AND (HD-3 NOT IN (\"ISO\"))",
        "IF RXO-2 IS VALUED AND (IF RXO-4.1 IS VALUED OR RXO-4.3 IS VALUED)",
        "IF XCN.19 DOES NOT EXIST AND IF XCN.20 DOES NOT EXIST",
        "IF IAM-15 VALUED AND NOT \"SEL\"",
        "IF OBX-33 COUNT>1",
        "IF PID-7 LENGTH GREATER THAN 8",
    ] {
        assert!(Condition::parse(text).is_some(), "{text}");
    }
    for text in ["", "IF", "IF PRT-2 IS IN (\"A\", X\")", "IF PL3.NOT VALUED", "PID-3 IS"] {
        assert_eq!(Condition::parse(text), None, "{text}");
    }
}

#[test]
fn targets_are_read_and_written_again() {
    for text in [
        "identifier[2].type.coding.code",
        "participant.individual(PractitionerRole.practitioner(Practitioner.name))",
        "dosageInstruction[=1].route",
        "contact.telecom[1*]",
        "[2].use",
        "$this",
    ] {
        assert_eq!(Target::parse(text).unwrap().to_string(), text);
    }
    for text in ["a..b", "a(", "a(B", "1a]", "a[x]"] {
        assert_eq!(Target::parse(text), None, "{text}");
    }
}

#[test]
fn an_overlay_adds_rows_and_says_which_it_cannot_read() {
    let text = r#"
        name = "north"
        [systems]
        NLAB = "https://north.example/lab"
        [segments]
        "ZPI[Patient]" = ['ZPI-2 [ZPI-1 VALUED] -> name.text']
        [messages]
        ADT_A01 = ['ZPI -> Patient[1] : ZPI[Patient] ; managingOrganization @ Organization[1]']
    "#;
    let maps = standard().clone().with(&text.parse().unwrap()).unwrap();
    let map = maps.part("ZPI[Patient]").unwrap();
    assert_eq!(map.rows[0].id.as_str(), "ZPI[Patient] ZPI-2/north");
    assert_eq!(maps.system("nlab"), Some("https://north.example/lab"));
    let bad = "name = \"north\"\n[segments]\n\"ZPI[Patient]\" = ['ZPI-2 => x']";
    let refused = standard().clone().with(&bad.parse().unwrap());
    assert!(matches!(refused, Err(OverlayError::Row(_))));
}
