use ward_core::ResourceType;

use super::{ElementKind, Primitive, TypeKind, schema};

#[test]
fn every_resource_type_of_the_house_is_defined() {
    for kind in ResourceType::fhir() {
        if kind.name().starts_with("SubscriptionStatus") {
            continue;
        }
        let def = schema().resource(kind.name());
        assert!(def.is_some_and(|def| 2 < def.elements().len()), "{kind}");
    }
    assert!(schema().type_named("DomainResource").is_some_and(|def| def.is_abstract()));
    assert!(schema().resource("DomainResource").is_none());
    assert!(schema().resource("HumanName").is_none());
    assert_eq!(schema().compartments.len(), 5);
    assert!(200 < schema().codes.len());
}

#[test]
fn every_element_has_a_type_and_fits_the_bits() {
    for def in schema().types() {
        assert!(def.elements().len() <= 128, "{}", def.name);
        let n_names: usize = def.elements().iter().map(|element| element.types.len()).sum();
        assert_eq!(def.members.len(), n_names, "{}: a name twice", def.name);
        for element in def.elements() {
            assert!(!element.types.is_empty(), "{}.{}", def.name, element.name);
        }
    }
    for set in &schema().codes {
        assert!(!set.systems.is_empty(), "{}", set.url);
        assert!(set.systems.iter().all(|(_, codes)| codes.is_sorted()), "{}", set.url);
    }
}

#[test]
fn elements_are_found_by_the_names_json_uses() {
    let patient = schema().resource("Patient").unwrap();
    let birth = patient.member("birthDate").unwrap();
    assert_eq!(birth.kind.kind, ElementKind::Primitive(Primitive::Date));
    assert!(!birth.element.repeats());
    let id = patient.element("id").unwrap();
    assert_eq!(id.types[0].kind, ElementKind::Primitive(Primitive::Id));

    let observation = schema().resource("Observation").unwrap();
    let value = observation.member("valueQuantity").unwrap();
    assert_eq!((value.element.name, value.kind.name), ("value", "Quantity"));
    assert!(observation.member("value").is_none());
    assert!(observation.member("valueNonsense").is_none());
    let subject = observation.element("subject").unwrap();
    assert!(subject.types[0].targets.contains(&ResourceType::PATIENT));

    let link = schema().type_named("Bundle.entry").unwrap().member("link").unwrap();
    let ElementKind::Complex(id) = link.kind.kind else { panic!("a structure") };
    assert_eq!(schema().get(id).map(|d| (d.name, d.kind)), Some(("Bundle.link", TypeKind::Nested)));
}

#[test]
fn codes_and_compartments_are_there() {
    let patient = schema().resource("Patient").unwrap();
    let codes = schema().codes_of(patient.element("gender").unwrap()).unwrap();
    assert!(codes.contains("female"));
    assert!(!codes.contains("f"));
    assert!(codes.contains_in("http://hl7.org/fhir/administrative-gender", "other"));
    let of_patient = schema().compartment("Patient").unwrap();
    assert_eq!(of_patient.params("Observation"), ["subject", "performer"]);
    assert!(of_patient.params("Medication").is_empty());
}
