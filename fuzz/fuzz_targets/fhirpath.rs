//! The first line is an expression, the rest a resource; the evaluation ends.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ward_fhir::{
    Json,
    fhirpath::{Env, Expression},
};

fuzz_target!(|text: &str| {
    let (expression, resource) = text.split_once('\n').unwrap_or((text, "{}"));
    let (Ok(expression), Ok(resource)) =
        (Expression::parse(expression), Json::parse(resource.as_bytes()))
    else {
        return;
    };
    let now = "2024-05-31T10:00:00Z".parse().expect("a time");
    let _ = expression.eval(&Env { resource: &resource, now, variables: &[] });
});
