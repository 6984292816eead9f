//! The pharmacy of the demo: stock, and orders of simulated patients at every stage, made through
//! the same doors that people use.

mod http;
mod orders;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use self::{
    http::Client,
    orders::{How, ORDERS, Order, PRODUCTS, Product, Stage},
};
use crate::run::Stop;

/// Patients whom the demo's physician, nurse and pharmacist look after.
const PATIENTS: usize = 8;

/// Who signs in, as role and as name; the second ones agree, check and watch.
pub const STAFF: [(&str, &str); 6] = [
    ("physician", "physician"),
    ("physician", "physician2"),
    ("nurse", "nurse"),
    ("nurse", "nurse2"),
    ("pharmacist", "pharmacist"),
    ("pharmacist", "pharmacist2"),
];

struct Pharmacy {
    password: String,
    physician: Client,
    nurse: Client,
    pharmacist: Client,
    now: Timestamp,
}

/// Fills the stock and orders for patients who are in the house.
///
/// - Errors: the server refuses something, in its words.
pub fn fill(address: &str, token: &str, password: &str) -> Result<(), Stop> {
    let mut all = Client::with_token(address, token);
    for (role, name) in STAFF {
        let practitioner = json!({
            "resourceType": "Practitioner", "id": name,
            "name": [{ "family": name, "text": format!("Demo {role}") }],
        });
        all.ok("PUT", &format!("/fhir/Practitioner/{name}"), &practitioner)?;
    }
    let patients = in_care(&mut all)?;
    #[expect(clippy::disallowed_methods, reason = "a command has nobody above it to ask")]
    let now = Timestamp::now();
    let mut it = Pharmacy {
        password: password.to_owned(),
        physician: Client::signed_in(address, "physician", password)?,
        nurse: Client::signed_in(address, "nurse", password)?,
        pharmacist: Client::signed_in(address, "pharmacist", password)?,
        now,
    };
    it.stock()?;
    for (n, text, dose) in [
        (0, "Metformin 500 mg", "twice a day"),
        (0, "Ibuprofen 400 mg", "as needed"),
        (1, "Simvastatin 40 mg", "at night"),
    ] {
        let Some((patient, _)) = patients.get(n) else { continue };
        let statement = json!({
            "resourceType": "MedicationStatement", "status": "active",
            "subject": { "reference": format!("Patient/{patient}") },
            "medicationCodeableConcept": { "text": text }, "dosage": [{ "text": dose }],
        });
        all.ok("POST", "/fhir/MedicationStatement", &statement)?;
    }
    for order in ORDERS {
        if let Some((patient, encounter)) = patients.get(order.patient) {
            it.play(order, patient, encounter)?;
        }
    }
    it.after()
}

/// Patients who are in the house, with their stays, which the staff of the demo takes part in.
fn in_care(all: &mut Client) -> Result<Vec<(String, String)>, Stop> {
    let found = all.ok("GET", "/fhir/Encounter?status=in-progress&_count=200", &Value::Null)?;
    let mut patients: Vec<(String, String)> = Vec::new();
    let mut stays: Vec<Value> = found["entry"].as_array().into_iter().flatten().cloned().collect();
    // Who lies in a bed is in front.
    stays.sort_by_key(|it| it["resource"]["location"].as_array().is_none_or(Vec::is_empty));
    for entry in stays {
        let mut stay = entry["resource"].clone();
        let (Some(patient), Some(id)) = (
            stay["subject"]["reference"]
                .as_str()
                .and_then(|it| it.strip_prefix("Patient/"))
                .map(str::to_owned),
            stay["id"].as_str().map(str::to_owned),
        ) else {
            continue;
        };
        if patients.iter().any(|(known, _)| *known == patient) || PATIENTS <= patients.len() {
            continue;
        }
        let mut staff = stay["participant"].as_array().cloned().unwrap_or_default();
        staff.extend(STAFF.map(
            |(_, name)| json!({ "individual": { "reference": format!("Practitioner/{name}") } }),
        ));
        stay["participant"] = Value::Array(staff);
        all.ok("PUT", &format!("/fhir/Encounter/{id}"), &stay)?;
        patients.push((patient, id));
    }
    if patients.is_empty() {
        return Err(Stop::Why("nobody is in the house: no orders for the demo".to_owned()));
    }
    Ok(patients)
}

impl Pharmacy {
    fn stock(&mut self) -> Result<(), Stop> {
        for product in PRODUCTS {
            let path = format!("/api/meds/products/{}", product.id);
            self.pharmacist.ok("PUT", &path, &product.about())?;
            for lot in product.lots {
                let expires = self.in_hours(lot.days * 24);
                // What has expired was received when it had not; the clock of the demo has no past.
                let receive = json!({
                    "act": "receive", "lot": lot.name, "expires": expires.strftime("%Y-%m-%d").to_string(),
                    "location": lot.shelf, "quantity": lot.quantity,
                });
                self.pharmacist.ok("POST", &format!("{path}/move"), &receive)?;
                if let Some(status) = lot.status {
                    let status = json!({
                        "act": "status", "lot": lot.name, "status": status,
                        "reason": "notice of the manufacturer",
                    });
                    self.pharmacist.ok("POST", &format!("{path}/move"), &status)?;
                }
            }
        }
        Ok(())
    }

    fn play(&mut self, order: &Order, patient: &str, encounter: &str) -> Result<(), Stop> {
        let mut request = order.request(patient, encounter);
        let start = self.in_minutes(-order.since_min);
        if order.since_min > 0 && !matches!(order.how, How::Needed { .. }) {
            request["start"] = json!(start.to_string());
        }
        let mut body = json!({ "order": request, "sign": order.stage != Stage::Draft });
        let mut path = "/api/meds/orders".to_owned();
        let kept = self.settled(Role::Physician, &path, &mut body)?;
        let id = kept["id"].as_str().unwrap_or_default().to_owned();
        let Some(product) = PRODUCTS.iter().find(|it| it.id == order.product) else {
            return Err(Stop::Why(format!("{} is no product", order.product)));
        };
        if order.stage < Stage::Verified {
            return Ok(());
        }
        path = format!("/api/meds/orders/{id}");
        let mut verify = json!({ "product": product.id, "perDose": order.per_dose });
        self.settled(Role::Pharmacist, &format!("{path}/verify"), &mut verify)?;
        if order.stage < Stage::Dispensed {
            return Ok(());
        }
        let quantity = order.per_dose * order.doses;
        let dispense = match product.made_of {
            None => json!({ "location": "pharmacy", "quantity": quantity }),
            Some((part, lot, n)) => {
                let prepare = json!({
                    "quantity": quantity, "category": "immediate-use", "storage": "refrigerator",
                    "components": [{ "product": part, "lot": lot, "quantity": n }],
                    "location": "pharmacy", "second": self.second("pharmacist2"),
                });
                let made = self.pharmacist.ok("POST", &format!("{path}/prepare"), &prepare)?;
                json!({ "location": "pharmacy", "quantity": quantity, "batch": made["batches"][0]["id"] })
            }
        };
        let dispensed = self.pharmacist.ok("POST", &format!("{path}/dispense"), &dispense)?;
        let lot = dispensed["lots"][0]["lot"].as_str().unwrap_or_default().to_owned();
        let scan = if product.made_of.is_some() { lot } else { product.scan(&lot) };
        let due = if matches!(order.how, How::Needed { .. }) {
            None
        } else {
            Some(dispensed["doses"].clone())
        };
        self.doses(order, (&path, patient, &scan), due)
    }

    /// What became of the doses so far.
    fn doses(
        &mut self,
        order: &Order,
        (path, patient, scan): (&str, &str, &str),
        due: Option<Value>,
    ) -> Result<(), Stop> {
        let due: Option<Vec<Timestamp>> = due.map(|doses| {
            let times = doses.as_array().into_iter().flatten();
            times.filter_map(|it| it["due"].as_str()?.parse().ok()).collect()
        });
        for (n, what) in order.done.iter().enumerate() {
            let at = due.as_ref().and_then(|due| due.get(n).copied());
            if *what != "given" {
                let body = json!({ "due": at, "what": what, "reason": "the patient is not well" });
                self.nurse.ok("POST", &format!("{path}/withhold"), &body)?;
                continue;
            }
            let runs = matches!(order.how, How::Infusion { .. });
            let given = at.unwrap_or_else(|| self.in_minutes(-90)).min(self.now);
            let mut body = json!({
                "patientScan": format!("Patient/{patient}"), "drugScan": scan, "at": given.to_string(),
                "second": self.second("nurse2"),
            });
            match order.how {
                How::Needed { why } => body["neededFor"] = json!(why),
                How::Infusion { rate, .. } => body["rate"] = json!(rate),
                How::Every(_) => body["due"] = json!(at),
            }
            if runs {
                body["at"] = Value::Null;
            }
            self.settled(Role::Nurse, &format!("{path}/give"), &mut body)?;
        }
        Ok(())
    }

    /// What happened after the doses were given.
    fn after(&mut self) -> Result<(), Stop> {
        let recall = json!({
            "act": "status", "lot": "MP-17", "status": "recalled",
            "reason": "recalled by the manufacturer: wrong strength on the label",
        });
        self.pharmacist.ok("POST", "/api/meds/products/metoprolol-50/move", &recall).map(drop)
    }

    /// Posts, and answers for everything that is found, as a person would.
    fn settled(&mut self, role: Role, path: &str, body: &mut Value) -> Result<Value, Stop> {
        let second = self.second(if role == Role::Nurse { "nurse2" } else { "physician2" });
        let client = match role {
            Role::Physician => &mut self.physician,
            Role::Nurse => &mut self.nurse,
            Role::Pharmacist => &mut self.pharmacist,
        };
        let (status, value) = client.send("POST", path, body)?;
        if status != 409 {
            return http::good("POST", path, (status, value));
        }
        if let Some(found) = value["found"].as_array() {
            let answers = found.iter().filter(|it| it["tier"] != "passive" && it["tier"] != "log");
            let answers = answers.map(|it| json!({ "key": it["key"], "reason": "will-monitor" }));
            body["overrides"] = answers.collect();
        } else {
            body["reason"] = json!("seen, and discussed with the physician");
        }
        body["second"] = second;
        client.ok("POST", path, body)
    }

    fn second(&self, name: &str) -> Value {
        json!({ "name": name, "password": self.password })
    }

    fn in_hours(&self, hours: i64) -> Timestamp {
        self.in_minutes(hours * 60)
    }

    fn in_minutes(&self, minutes: i64) -> Timestamp {
        self.now.checked_add(SignedDuration::from_mins(minutes)).unwrap_or(self.now)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Physician,
    Nurse,
    Pharmacist,
}

impl Product {
    fn about(&self) -> Value {
        json!({
            "name": self.name, "unit": self.unit, "gtin": [self.gtin()],
            "strength": self.strength.map(|(value, unit)| json!({ "value": value, "unit": unit })),
            "codes": [{ "system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": self.rxcui }],
            "schedule": self.schedule, "isHighAlert": self.is_high_alert,
            "isCompounded": self.made_of.is_some(),
        })
    }

    /// - Source: GS1 General Specifications, check digit. The numbers are of the demo alone.
    fn gtin(&self) -> String {
        let body = format!("0031234{:06}", self.number);
        let digits = body.bytes().map(|b| u32::from(b - b'0'));
        let sum: u32 = digits.enumerate().map(|(n, d)| if n % 2 == 0 { 3 * d } else { d }).sum();
        format!("{body}{}", (10 - sum % 10) % 10)
    }

    /// What a scanner reads off a unit dose.
    fn scan(&self, lot: &str) -> String {
        format!("(01){}(10){lot}", self.gtin())
    }
}
