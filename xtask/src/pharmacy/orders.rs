//! What the demo's pharmacy has, and what is ordered there. Nobody took these drugs.

use serde_json::{Value, json};

pub struct Product {
    pub id: &'static str,
    pub number: u32,
    pub name: &'static str,
    pub unit: &'static str,
    pub strength: Option<(f64, &'static str)>,
    pub rxcui: &'static str,
    pub schedule: Option<&'static str>,
    pub is_high_alert: bool,
    /// The ingredient, its lot, and how much of it goes into one batch.
    pub made_of: Option<(&'static str, &'static str, u32)>,
    pub lots: &'static [Lot],
}

pub struct Lot {
    pub name: &'static str,
    /// Until it expires.
    pub days: i64,
    pub quantity: u32,
    pub shelf: &'static str,
    pub status: Option<&'static str>,
}

const fn lot(name: &'static str, days: i64, quantity: u32) -> Lot {
    Lot { name, days, quantity, shelf: "pharmacy", status: None }
}

const fn shelf(it: Lot, shelf: &'static str) -> Lot {
    Lot { shelf, ..it }
}

const fn status(it: Lot, status: &'static str) -> Lot {
    Lot { status: Some(status), ..it }
}

const fn product(
    (id, number): (&'static str, u32),
    name: &'static str,
    unit: &'static str,
    strength: (f64, &'static str),
    rxcui: &'static str,
    lots: &'static [Lot],
) -> Product {
    Product {
        id,
        number,
        name,
        unit,
        strength: Some(strength),
        rxcui,
        schedule: None,
        is_high_alert: false,
        made_of: None,
        lots,
    }
}

const fn controlled(it: Product) -> Product {
    Product { schedule: Some("CII"), ..it }
}

const fn high_alert(it: Product) -> Product {
    Product { is_high_alert: true, ..it }
}

const fn made_of(it: Product, part: (&'static str, &'static str, u32)) -> Product {
    Product { made_of: Some(part), ..it }
}

/// - Source: ingredients and their numbers in RxNorm's prescribable content; lots are made up.
pub const PRODUCTS: &[Product] = &[
    product(
        ("amoxicillin-500", 101),
        "Amoxicillin 500 mg capsule",
        "capsule",
        (500.0, "mg"),
        "723",
        &[lot("AX-31", 45, 60), lot("AX-44", 400, 200)],
    ),
    product(
        ("tizanidine-4", 102),
        "Tizanidine 4 mg tablet",
        "tablet",
        (4.0, "mg"),
        "57258",
        &[lot("TZ-02", 200, 80)],
    ),
    product(
        ("ciprofloxacin-500", 103),
        "Ciprofloxacin 500 mg tablet",
        "tablet",
        (500.0, "mg"),
        "2551",
        &[lot("CP-88", 300, 100), status(lot("CP-70", 120, 40), "quarantined")],
    ),
    product(
        ("metoprolol-50", 104),
        "Metoprolol 50 mg tablet",
        "tablet",
        (50.0, "mg"),
        "6918",
        &[lot("MP-17", 150, 90), lot("MP-21", 500, 150)],
    ),
    product(
        ("furosemide-40", 105),
        "Furosemide 40 mg tablet",
        "tablet",
        (40.0, "mg"),
        "4603",
        &[lot("FU-09", 30, 20), lot("FU-12", 420, 100)],
    ),
    product(
        ("paracetamol-500", 106),
        "Acetaminophen 500 mg tablet",
        "tablet",
        (500.0, "mg"),
        "161",
        &[lot("PC-55", 600, 500), shelf(lot("PC-50", 90, 40), "cabinet-w1")],
    ),
    product(
        ("warfarin-5", 107),
        "Warfarin 5 mg tablet",
        "tablet",
        (5.0, "mg"),
        "11124",
        &[lot("WF-03", 280, 60), status(lot("WF-01", 100, 12), "recalled")],
    ),
    controlled(product(
        ("morphine-10", 108),
        "Morphine 10 mg/mL injection",
        "mL",
        (10.0, "mg"),
        "7052",
        &[lot("MO-11", 365, 50), shelf(lot("MO-10", 180, 10), "cabinet-w1")],
    )),
    high_alert(product(
        ("insulin-lispro", 109),
        "Insulin lispro 100 units/mL",
        "mL",
        (100.0, "units"),
        "86009",
        &[lot("IN-70", 75, 30)],
    )),
    high_alert(product(
        ("heparin-bag", 110),
        "Heparin 25000 units/250 mL bag",
        "bag",
        (25_000.0, "units"),
        "5224",
        &[lot("HP-05", 210, 12)],
    )),
    product(
        ("vancomycin-1g", 111),
        "Vancomycin 1 g vial",
        "vial",
        (1.0, "g"),
        "11124",
        &[lot("VA-61", 340, 40)],
    ),
    made_of(
        product(
            ("vancomycin-bag", 112),
            "Vancomycin 1 g in 200 mL bag",
            "bag",
            (1.0, "g"),
            "11124",
            &[],
        ),
        ("vancomycin-1g", "VA-61", 1),
    ),
];

pub struct Order {
    pub patient: usize,
    pub drug: &'static str,
    pub product: &'static str,
    pub dose: (f64, &'static str),
    pub route: (&'static str, &'static str),
    pub how: How,
    pub per_dose: f64,
    /// Doses handed out.
    pub doses: f64,
    pub priority: &'static str,
    pub note: Option<&'static str>,
    /// Since when it is due, in minutes before now.
    pub since_min: i64,
    pub stage: Stage,
    /// What became of its doses: `given`, or why not.
    pub done: &'static [&'static str],
}

#[derive(Clone, Copy)]
pub enum How {
    /// Hours.
    Every(u32),
    Needed {
        why: &'static str,
    },
    Infusion {
        rate: u32,
        unit: &'static str,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    Draft,
    Signed,
    Verified,
    Dispensed,
}

const ORAL: (&str, &str) = ("26643006", "Oral");
const IV: (&str, &str) = ("47625008", "Intravenous");
const SC: (&str, &str) = ("34206005", "Subcutaneous");

const BASE: Order = Order {
    patient: 0,
    drug: "",
    product: "",
    dose: (0.0, "mg"),
    route: ORAL,
    how: How::Every(8),
    per_dose: 1.0,
    doses: 6.0,
    priority: "routine",
    note: None,
    since_min: 0,
    stage: Stage::Signed,
    done: &[],
};

pub const ORDERS: &[Order] = &[
    // A patient with a full sheet: given, held, late, as needed, an infusion.
    Order {
        drug: "Amoxicillin",
        product: "amoxicillin-500",
        dose: (500.0, "mg"),
        since_min: 16 * 60 + 20,
        stage: Stage::Dispensed,
        done: &["given", "given"],
        ..BASE
    },
    Order {
        drug: "Metoprolol",
        product: "metoprolol-50",
        dose: (50.0, "mg"),
        how: How::Every(12),
        since_min: 14 * 60,
        stage: Stage::Dispensed,
        done: &["given"],
        ..BASE
    },
    Order {
        drug: "Furosemide",
        product: "furosemide-40",
        dose: (40.0, "mg"),
        how: How::Every(6),
        since_min: 13 * 60,
        stage: Stage::Dispensed,
        done: &["given", "hold"],
        ..BASE
    },
    Order {
        drug: "Morphine",
        product: "morphine-10",
        dose: (5.0, "mg"),
        route: IV,
        how: How::Needed { why: "pain" },
        per_dose: 0.5,
        doses: 4.0,
        stage: Stage::Dispensed,
        done: &["given"],
        ..BASE
    },
    Order {
        drug: "Heparin",
        product: "heparin-bag",
        route: IV,
        how: How::Infusion { rate: 10, unit: "mL/h" },
        doses: 2.0,
        stage: Stage::Dispensed,
        done: &["given"],
        ..BASE
    },
    // What waits for the pharmacist, one of it against a hard stop.
    Order {
        patient: 1,
        drug: "Ciprofloxacin",
        product: "ciprofloxacin-500",
        dose: (500.0, "mg"),
        how: How::Every(12),
        since_min: 26 * 60,
        stage: Stage::Dispensed,
        done: &["given", "refuse"],
        ..BASE
    },
    Order {
        patient: 1,
        drug: "Tizanidine",
        product: "tizanidine-4",
        dose: (4.0, "mg"),
        note: Some("Spasticity after stroke; watched closely"),
        ..BASE
    },
    Order {
        patient: 2,
        drug: "Amoxicillin",
        product: "amoxicillin-500",
        dose: (500.0, "mg"),
        priority: "stat",
        ..BASE
    },
    Order {
        patient: 3,
        drug: "Warfarin",
        product: "warfarin-5",
        dose: (5.0, "mg"),
        how: How::Every(24),
        ..BASE
    },
    // To be prepared, to be dispensed.
    Order {
        patient: 2,
        drug: "Vancomycin",
        product: "vancomycin-bag",
        dose: (1.0, "g"),
        route: IV,
        how: How::Every(12),
        stage: Stage::Verified,
        ..BASE
    },
    Order {
        patient: 3,
        drug: "Metoprolol",
        product: "metoprolol-50",
        dose: (50.0, "mg"),
        how: How::Every(12),
        since_min: 30,
        stage: Stage::Verified,
        ..BASE
    },
    Order {
        patient: 4,
        drug: "Morphine",
        product: "morphine-10",
        dose: (5.0, "mg"),
        route: IV,
        how: How::Needed { why: "pain" },
        per_dose: 0.5,
        stage: Stage::Verified,
        ..BASE
    },
    // Late and missed, and a high-alert drug that is due.
    Order {
        patient: 4,
        drug: "Furosemide",
        product: "furosemide-40",
        dose: (40.0, "mg"),
        how: How::Every(8),
        since_min: 9 * 60 + 45,
        stage: Stage::Dispensed,
        ..BASE
    },
    Order {
        patient: 5,
        drug: "Insulin lispro",
        product: "insulin-lispro",
        dose: (6.0, "units"),
        route: SC,
        per_dose: 0.06,
        since_min: 8 * 60 + 10,
        stage: Stage::Dispensed,
        done: &["given"],
        ..BASE
    },
    Order {
        patient: 5,
        drug: "Vancomycin",
        product: "vancomycin-bag",
        dose: (1.0, "g"),
        route: IV,
        how: How::Every(12),
        doses: 1.0,
        since_min: 10,
        stage: Stage::Dispensed,
        ..BASE
    },
    Order {
        patient: 6,
        drug: "Acetaminophen",
        product: "paracetamol-500",
        dose: (500.0, "mg"),
        how: How::Every(6),
        since_min: 12 * 60 + 30,
        stage: Stage::Dispensed,
        done: &["given", "given"],
        ..BASE
    },
    Order {
        patient: 6,
        drug: "Warfarin",
        product: "warfarin-5",
        dose: (5.0, "mg"),
        how: How::Every(24),
        stage: Stage::Draft,
        ..BASE
    },
    Order {
        patient: 7,
        drug: "Metoprolol",
        product: "metoprolol-50",
        dose: (50.0, "mg"),
        how: How::Every(12),
        since_min: 13 * 60,
        stage: Stage::Dispensed,
        done: &["given"],
        ..BASE
    },
];

impl Order {
    pub fn request(&self, patient: &str, encounter: &str) -> Value {
        let (code, text) = self.route;
        let (value, unit) = self.dose;
        let (says, amount) = match self.how {
            How::Every(hours) => (
                format!("{value} {unit}, {}, every {hours} h", text.to_lowercase()),
                json!({ "doseQuantity": { "value": value, "unit": unit } }),
            ),
            How::Needed { why } => (
                format!("{value} {unit}, {}, as needed for {why}", text.to_lowercase()),
                json!({ "doseQuantity": { "value": value, "unit": unit } }),
            ),
            How::Infusion { rate, unit } => (
                format!("{rate} {unit}, {}, continuously", text.to_lowercase()),
                json!({ "rateQuantity": { "value": rate, "unit": unit } }),
            ),
        };
        let mut line = json!({
            "text": says, "doseAndRate": [amount],
            "route": { "text": text, "coding": [{ "system": "http://snomed.info/sct", "code": code, "display": text }] },
        });
        let mut order = json!({
            "patient": format!("Patient/{patient}"), "encounter": format!("Encounter/{encounter}"),
            "medication": { "text": self.drug }, "priority": self.priority, "note": self.note,
        });
        match self.how {
            How::Every(hours) => {
                line["timing"] =
                    json!({ "repeat": { "frequency": 1, "period": hours, "periodUnit": "h" } })
            }
            How::Needed { .. } => {
                line["asNeededBoolean"] = json!(true);
                line["timing"] =
                    json!({ "repeat": { "frequency": 6, "period": 1, "periodUnit": "d" } });
                order["asNeeded"] = json!({ "minIntervalMin": 120, "maxDoses24h": 6 });
            }
            How::Infusion { rate, unit } => {
                order["titration"] = json!({
                    "start": rate, "lowest": rate / 2, "highest": rate * 2, "step": 2, "unit": unit,
                    "everyMin": 60, "target": "aPTT 60 to 80 s",
                });
            }
        }
        order["dosage"] = json!([line]);
        order
    }
}
