//! 837: the bill for a stay, as an institution writes it.

use ward_core::Amount;

use crate::{
    party::{Address, Member, Party},
    put,
    write::{Body, Element, parts},
};

pub const VERSION: &str = "005010X223A2";

/// One claim.
///
/// - Source: 837 as 005010X223A2.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct InstitutionalClaim {
    /// BHT03.
    pub reference: String,
    pub submitter: Party,
    /// Who answers questions about it: name and telephone.
    pub contact: (String, String),
    pub receiver: Party,
    /// Who bills; the number is the NPI (`XX`).
    pub provider: Party,
    pub provider_address: Address,
    /// REF*EI.
    pub tax_id: String,
    pub payer: Party,
    pub subscriber: Member,
    /// SBR03.
    pub group: Option<String>,
    /// SBR09, such as `CI` (commercial), `MA` (Medicare part A), `MC` (Medicaid).
    pub filing: String,
    /// Set when the patient is not who is insured; with PAT01, such as `19` (child).
    pub patient: Option<(Member, String)>,
    /// CLM01: our number, which the payment repeats.
    pub number: String,
    pub total: Amount,
    /// First two digits of the type of bill and its last: `11` (hospital, inpatient) and `1`.
    pub bill: (String, String),
    /// Days of the stay, eight digits each.
    pub from: String,
    pub to: String,
    /// Twelve digits.
    pub admission: String,
    /// CL101 to CL103: how urgent, from where, and where to.
    pub admission_type: String,
    pub admission_source: String,
    pub discharge_status: String,
    /// REF*G1.
    pub authorization: Option<String>,
    pub attending: Option<Party>,
    /// ICD-10-CM; the first is the principal one.
    pub diagnoses: Vec<String>,
    pub lines: Vec<ServiceLine>,
}

/// One charge.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct ServiceLine {
    /// Four digits of the revenue code.
    pub revenue: String,
    /// HCPCS or CPT.
    pub procedure: Option<String>,
    pub amount: Amount,
    /// In days (`DA`) or units (`UN`).
    pub quantity: String,
    pub unit: String,
    /// Eight digits.
    pub date: Option<String>,
}

/// Most lines of one claim.
/// LIMIT: 999 in the guide.
pub const LINES_MAX: usize = 999;

/// Writes one claim.
pub fn write_837(claim: &InstitutionalClaim, (day, time): (&str, &str)) -> Body {
    let mut body = Body::default();
    put!(body, "BHT", "0019", "00", &claim.reference, day, time, "CH");
    claim.submitter.put(&mut body, "41");
    let (name, telephone) = &claim.contact;
    put!(body, "PER", "IC", name, "TE", telephone);
    claim.receiver.put(&mut body, "40");
    let provider = body.level(None, "20", true);
    claim.provider.put(&mut body, "85");
    claim.provider_address.put(&mut body);
    put!(body, "REF", "EI", &claim.tax_id);
    let subscriber = body.level(Some(provider), "22", claim.patient.is_some());
    let own = if claim.patient.is_some() { "" } else { "18" };
    put!(body, "SBR", "P", own, &claim.group, "", "", "", "", "", &claim.filing);
    claim.subscriber.put(&mut body, "IL");
    claim.payer.put(&mut body, "PR");
    if let Some((patient, relation)) = &claim.patient {
        body.level(Some(subscriber), "23", false);
        put!(body, "PAT", relation);
        patient.put(&mut body, "QC");
    }
    stay(&mut body, claim);
    for (line, n) in claim.lines.iter().zip(1..=LINES_MAX) {
        put!(body, "LX", n.to_string());
        let procedure = match &line.procedure {
            Some(code) => parts(&["HC", code]),
            None => Element::from(""),
        };
        body.put(
            "SV2",
            [
                (&line.revenue).into(),
                procedure,
                line.amount.to_string().into(),
                (&line.unit).into(),
                (&line.quantity).into(),
            ],
        );
        if let Some(date) = &line.date {
            put!(body, "DTP", "472", "D8", date);
        }
    }
    body
}

fn stay(body: &mut Body, claim: &InstitutionalClaim) {
    let (facility, frequency) = &claim.bill;
    body.put(
        "CLM",
        [
            (&claim.number).into(),
            claim.total.to_string().into(),
            "".into(),
            "".into(),
            parts(&[facility, "A", frequency]),
            "".into(),
            "A".into(),
            "Y".into(),
            "Y".into(),
        ],
    );
    put!(body, "DTP", "434", "RD8", format!("{}-{}", claim.from, claim.to));
    put!(body, "DTP", "435", "DT", &claim.admission);
    put!(body, "CL1", &claim.admission_type, &claim.admission_source, &claim.discharge_status,);
    if let Some(number) = &claim.authorization {
        put!(body, "REF", "G1", number);
    }
    let bare = |code: &String| code.replace('.', "");
    // LIMIT: one principal diagnosis, and as many others as one HI holds.
    const OTHERS_MAX: usize = 12;
    if let Some((principal, others)) = claim.diagnoses.split_first() {
        body.put("HI", [parts(&["ABK", &bare(principal)])]);
        body.put("HI", [parts(&["ABJ", &bare(principal)])]);
        let others = others.iter().take(OTHERS_MAX).map(|it| parts(&["ABF", &bare(it)]));
        let others: Vec<Element> = others.collect();
        if !others.is_empty() {
            body.put("HI", others);
        }
    }
    if let Some(attending) = &claim.attending {
        attending.put(body, "71");
    }
}
