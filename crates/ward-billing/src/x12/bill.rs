//! A Claim of the chart as the bill that an institution writes to payers.

use serde_json::Value;
use ward_store::values::text;
use ward_x12::claim::{InstitutionalClaim, ServiceLine};

use super::build::{diagnoses, digits, members};
use crate::{
    facts::{Facts, list},
    payers::{Provider, X12Way},
};

/// The Claim as an institution writes it to payers.
///
/// - Errors: what a payer would refuse anyway, in words.
pub(crate) fn institutional(
    facts: &Facts,
    provider: &Provider,
    way: &X12Way,
    trace: &str,
) -> Result<InstitutionalClaim, &'static str> {
    let (subscriber, patient) = members(facts);
    let authorization = facts.claim.pointer("/insurance/0/preAuthRef/0").and_then(Value::as_str);
    let at = |name: &str| {
        let text = facts.encounter.pointer(&format!("/period/{name}")).and_then(Value::as_str);
        digits(text.and_then(|it| it.get(..16)).unwrap_or_default())
    };
    let (from, to) = (at("start"), at("end"));
    let day = |it: &str| it.get(..8).unwrap_or_default().to_owned();
    let class = facts.encounter.pointer("/class/code").and_then(Value::as_str);
    let group = list(&facts.coverage, "class")
        .find(|it| it.pointer("/type/coding/0/code").and_then(Value::as_str) == Some("group"));
    let mut submitter = provider.party();
    submitter.id = Some(("46".to_owned(), way.our_id.1.trim().to_owned()));
    let mut receiver = way.payer();
    receiver.id = Some(("46".to_owned(), way.their_id.1.trim().to_owned()));
    let lines = list(&facts.claim, "item").map(line);
    let lines: Vec<ServiceLine> = lines.collect::<Option<_>>().ok_or("an item has no price")?;
    let diagnoses = diagnoses(&facts.claim);
    if from.len() < 12 || to.len() < 8 {
        return Err("the stay has no beginning or no end");
    }
    if diagnoses.is_empty() {
        return Err("there is no diagnosis in ICD-10-CM");
    }
    if subscriber.party.number().is_empty() {
        return Err("the coverage has no member's number");
    }
    if provider.tax_id.is_empty() || provider.street.is_empty() || provider.telephone.is_empty() {
        return Err(
            "the file of payers does not say the hospital's address, telephone and tax number",
        );
    }
    Ok(InstitutionalClaim {
        reference: trace.to_owned(),
        submitter,
        contact: (provider.contact.clone(), digits(&provider.telephone)),
        receiver,
        provider: provider.party(),
        provider_address: provider.address(),
        tax_id: digits(&provider.tax_id),
        payer: way.payer(),
        subscriber,
        group: group.and_then(|it| text(it, "value")).map(str::to_owned),
        filing: way.filing.clone(),
        patient,
        number: trace.to_owned(),
        total: lines.iter().map(|it| it.amount).sum(),
        bill: ("11".to_owned(), "1".to_owned()),
        admission: from.get(..12).unwrap_or_default().to_owned(),
        from: day(&from),
        to: day(&to),
        // Emergency, or elective where nobody said otherwise; referral of a physician otherwise.
        admission_type: if class == Some("EMER") { "1" } else { "3" }.to_owned(),
        admission_source: "1".to_owned(),
        discharge_status: discharge(&facts.encounter).to_owned(),
        authorization: authorization.map(str::to_owned),
        attending: None,
        diagnoses,
        lines,
    })
}

/// Where the patient went, as UB-04 says it.
///
/// - Source: FHIR R4 discharge-disposition; NUBC patient discharge status.
fn discharge(encounter: &Value) -> &'static str {
    let at = "/hospitalization/dischargeDisposition/coding/0/code";
    match encounter.pointer(at).and_then(Value::as_str) {
        Some("other-hcf" | "hosp") => "02",
        Some("snf") => "03",
        Some("aadvice") => "07",
        Some("exp") => "20",
        Some("hosp-home" | "hospice") => "50",
        Some("psy") => "65",
        Some("rehab") => "62",
        Some("long") => "63",
        _ => "01",
    }
}

fn line(item: &Value) -> Option<ServiceLine> {
    let codings = || list(item.get("productOrService").unwrap_or(&Value::Null), "coding");
    let of = |systems: &[&str]| {
        let found = codings().find(|it| text(it, "system").is_some_and(|it| systems.contains(&it)));
        found.and_then(|it| text(it, "code")).map(str::to_owned)
    };
    let procedure = of(&[
        "http://www.ama-assn.org/go/cpt",
        "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
        "http://terminology.hl7.org/CodeSystem/HCPCS-all-codes",
        "urn:oid:2.16.840.1.113883.6.285",
    ]);
    let revenue =
        of(&["https://www.nubc.org/CodeSystem/RevenueCodes", "urn:oid:2.16.840.1.113883.6.301.3"]);
    let quantity = item.pointer("/quantity/value").map(ToString::to_string);
    let day = text(item, "servicedDate").and_then(|it| it.get(..10));
    Some(ServiceLine {
        // General classification, where the charge says no more.
        revenue: revenue.unwrap_or_else(|| "0500".to_owned()),
        procedure,
        amount: item.pointer("/net/value")?.to_string().parse().ok()?,
        quantity: quantity.unwrap_or_else(|| "1".to_owned()),
        unit: "UN".to_owned(),
        date: day.map(digits),
    })
}
