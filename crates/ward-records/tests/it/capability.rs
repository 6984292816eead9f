//! What the server says that it does: valid, and only changed on purpose.

use std::path::Path;

use expect_test::expect_file;
use ward_core::ResourceType;
use ward_fhir::{Json, validate::validate};

use crate::house::House;

#[tokio::test]
async fn the_statement_is_valid_and_as_expected() {
    let house = House::new();
    let body = house.records.capability().body.unwrap();
    let mut statement = Json::parse(&body).unwrap();
    let issues = validate(&statement, Some(ResourceType::CAPABILITY_STATEMENT));
    assert!(issues.is_empty(), "{issues:?}");

    // Compact: what every type has is said once, what differs is said beside its name.
    let rest = &mut statement.get_mut("rest").unwrap().as_array_mut().unwrap()[0];
    let resources = rest.as_object_mut().unwrap().remove("resource").unwrap();
    let mut told = format!("{}\n", String::from_utf8(statement.to_bytes()).unwrap());
    let mut common = None;
    for resource in resources.items() {
        let mut resource = resource.clone();
        let object = resource.as_object_mut().unwrap();
        let name = object.remove("type").unwrap();
        let params = object.remove("searchParam").unwrap();
        let params: Vec<String> = params
            .items()
            .iter()
            .map(|it| {
                let text = |name: &str| it.get(name).unwrap().as_str().unwrap();
                format!("{}:{}", text("name"), text("type"))
            })
            .collect();
        let rest = String::from_utf8(resource.to_bytes()).unwrap();
        if common.as_ref() != Some(&rest) {
            told.push_str(&format!("\n{rest}\n"));
            common = Some(rest);
        }
        told.push_str(&format!("{} {}\n", name.as_str().unwrap(), params.join(" ")));
    }
    let path =
        Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("tests/data/capability.txt");
    expect_file![path].assert_eq(&told);
}
