//! What people have, get and are given: codes with the numbers that make them hang together.
//!
//! Codes are from SNOMED CT, LOINC, RxNorm and CVX; the rates are round figures, good for a
//! believable ward and not for epidemiology.

/// Something a patient has for years, or comes in with.
#[derive(Debug)]
pub struct Ailment {
    pub snomed: &'static str,
    pub display: &'static str,
    /// Percent of people of the age who have it.
    pub percent: u64,
    pub age_min: i64,
    pub age_max: i64,
    /// Ingredients given for it, by their place in [`DRUGS`].
    pub drugs: &'static [Drug],
    pub shift: Shift,
}

/// How an ailment moves what is measured.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum Shift {
    None,
    Pressure,
    Sugar,
    Lungs,
    Kidney,
    Lipids,
    Thyroid,
    Heart,
    Blood,
    Infection,
    Weight,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drug {
    pub rxnorm: &'static str,
    pub name: &'static str,
    pub dose: &'static str,
    pub unit: &'static str,
    /// Times in a day.
    pub daily: i64,
    pub intravenous: bool,
}

const fn oral(
    rxnorm: &'static str,
    name: &'static str,
    dose: &'static str,
    unit: &'static str,
    daily: i64,
) -> Drug {
    Drug { rxnorm, name, dose, unit, daily, intravenous: false }
}

const fn drip(
    rxnorm: &'static str,
    name: &'static str,
    dose: &'static str,
    unit: &'static str,
    daily: i64,
) -> Drug {
    Drug { rxnorm, name, dose, unit, daily, intravenous: true }
}

const fn ailment(
    snomed: &'static str,
    display: &'static str,
    percent: u64,
    ages: (i64, i64),
    drugs: &'static [Drug],
    shift: Shift,
) -> Ailment {
    Ailment { snomed, display, percent, age_min: ages.0, age_max: ages.1, drugs, shift }
}

const LISINOPRIL: Drug = oral("29046", "lisinopril", "10", "mg", 1);
const AMLODIPINE: Drug = oral("17767", "amlodipine", "5", "mg", 1);
const METFORMIN: Drug = oral("6809", "metformin", "500", "mg", 2);
const ATORVASTATIN: Drug = oral("83367", "atorvastatin", "40", "mg", 1);
const ALBUTEROL: Drug = oral("435", "albuterol", "0.09", "mg", 4);
const PREDNISONE: Drug = oral("8640", "prednisone", "40", "mg", 1);
const METOPROLOL: Drug = oral("6918", "metoprolol", "50", "mg", 2);
const FUROSEMIDE: Drug = oral("4603", "furosemide", "40", "mg", 1);
const ASPIRIN: Drug = oral("1191", "aspirin", "81", "mg", 1);
const ACETAMINOPHEN: Drug = oral("161", "acetaminophen", "650", "mg", 4);
const CEFTRIAXONE: Drug = drip("2193", "ceftriaxone", "1", "g", 1);
const VANCOMYCIN: Drug = drip("11124", "vancomycin", "1", "g", 2);
const MORPHINE: Drug = drip("7052", "morphine", "2", "mg", 6);

/// What lasts.
pub const CHRONIC: &[Ailment] = &[
    ailment(
        "38341003",
        "Hypertensive disorder",
        38,
        (30, 120),
        &[LISINOPRIL, AMLODIPINE],
        Shift::Pressure,
    ),
    ailment("44054006", "Diabetes mellitus type 2", 14, (30, 120), &[METFORMIN], Shift::Sugar),
    ailment("55822004", "Hyperlipidemia", 30, (35, 120), &[ATORVASTATIN], Shift::Lipids),
    ailment("195967001", "Asthma", 9, (4, 70), &[ALBUTEROL], Shift::Lungs),
    ailment(
        "13645005",
        "Chronic obstructive lung disease",
        9,
        (50, 120),
        &[oral("69120", "tiotropium", "0.018", "mg", 1)],
        Shift::Lungs,
    ),
    ailment("433144002", "Chronic kidney disease stage 3", 9, (55, 120), &[], Shift::Kidney),
    ailment(
        "49436004",
        "Atrial fibrillation",
        8,
        (60, 120),
        &[oral("1364430", "apixaban", "5", "mg", 2), METOPROLOL],
        Shift::Heart,
    ),
    ailment("84114007", "Heart failure", 6, (60, 120), &[FUROSEMIDE, METOPROLOL], Shift::Heart),
    ailment(
        "53741008",
        "Coronary arteriosclerosis",
        12,
        (50, 120),
        &[ASPIRIN, ATORVASTATIN],
        Shift::Heart,
    ),
    ailment(
        "40930008",
        "Hypothyroidism",
        7,
        (25, 120),
        &[oral("10582", "levothyroxine", "0.075", "mg", 1)],
        Shift::Thyroid,
    ),
    ailment(
        "35489007",
        "Depressive disorder",
        11,
        (15, 120),
        &[oral("36437", "sertraline", "50", "mg", 1)],
        Shift::None,
    ),
    ailment(
        "87522002",
        "Iron deficiency anemia",
        6,
        (12, 120),
        &[oral("24947", "ferrous sulfate", "325", "mg", 1)],
        Shift::Blood,
    ),
    ailment(
        "235595009",
        "Gastroesophageal reflux disease",
        16,
        (20, 120),
        &[oral("7646", "omeprazole", "20", "mg", 1)],
        Shift::None,
    ),
    ailment("396275006", "Osteoarthritis", 22, (50, 120), &[ACETAMINOPHEN], Shift::None),
    ailment(
        "37796009",
        "Migraine",
        10,
        (12, 60),
        &[oral("37418", "sumatriptan", "50", "mg", 1)],
        Shift::None,
    ),
    ailment("414916001", "Obesity", 30, (12, 120), &[], Shift::Weight),
];

/// What brings somebody to the emergency department or into a bed.
pub const ACUTE: &[Ailment] = &[
    ailment(
        "233604007",
        "Pneumonia",
        18,
        (0, 120),
        &[CEFTRIAXONE, oral("18631", "azithromycin", "500", "mg", 1)],
        Shift::Infection,
    ),
    ailment(
        "91302008",
        "Sepsis",
        8,
        (18, 120),
        &[VANCOMYCIN, drip("8339", "piperacillin", "4", "g", 4)],
        Shift::Infection,
    ),
    ailment(
        "68566005",
        "Urinary tract infectious disease",
        15,
        (16, 120),
        &[oral("7454", "nitrofurantoin", "100", "mg", 2)],
        Shift::Infection,
    ),
    ailment("74400008", "Appendicitis", 8, (6, 50), &[CEFTRIAXONE, MORPHINE], Shift::Infection),
    ailment(
        "5913000",
        "Fracture of neck of femur",
        6,
        (65, 120),
        &[MORPHINE, ACETAMINOPHEN],
        Shift::Blood,
    ),
    ailment(
        "230690007",
        "Cerebrovascular accident",
        6,
        (55, 120),
        &[ASPIRIN, ATORVASTATIN],
        Shift::Pressure,
    ),
    ailment(
        "22298006",
        "Myocardial infarction",
        7,
        (45, 120),
        &[ASPIRIN, drip("5224", "heparin", "5000", "[IU]", 3)],
        Shift::Heart,
    ),
    ailment("195967001", "Asthma", 10, (4, 60), &[ALBUTEROL, PREDNISONE], Shift::Lungs),
    ailment(
        "840539006",
        "COVID-19",
        10,
        (0, 120),
        &[oral("3264", "dexamethasone", "6", "mg", 1)],
        Shift::Infection,
    ),
    ailment("54150009", "Upper respiratory infection", 20, (0, 120), &[ACETAMINOPHEN], Shift::None),
];

/// One thing a laboratory or a bedside measures.
#[derive(Debug)]
pub struct Measure {
    pub loinc: &'static str,
    pub display: &'static str,
    pub unit: &'static str,
    pub mean: f64,
    pub deviation: f64,
    pub low: f64,
    pub high: f64,
    pub digits: usize,
    /// What moves it, and by how many of its unit.
    pub moved: &'static [(Shift, f64)],
}

macro_rules! measure {
    ($loinc:literal $display:literal $unit:literal $mean:literal +- $dev:literal [$low:literal $high:literal] $digits:literal $($shift:ident $by:literal)*) => {
        Measure {
            loinc: $loinc, display: $display, unit: $unit, mean: $mean, deviation: $dev,
            low: $low, high: $high, digits: $digits, moved: &[$((Shift::$shift, $by)),*],
        }
    };
}

pub const SYSTOLIC: Measure = measure!("8480-6" "Systolic blood pressure" "mm[Hg]" 118.0 +- 9.0 [90.0 140.0] 0 Pressure 24.0 Infection -12.0);
pub const DIASTOLIC: Measure = measure!("8462-4" "Diastolic blood pressure" "mm[Hg]" 74.0 +- 6.0 [60.0 90.0] 0 Pressure 12.0 Infection -6.0);
pub const HEIGHT: Measure = measure!("8302-2" "Body height" "cm" 169.0 +- 8.0 [50.0 210.0] 1);
pub const VITALS: &[Measure] = &[
    measure!("8867-4" "Heart rate" "/min" 74.0 +- 8.0 [60.0 100.0] 0 Infection 26.0 Heart 12.0 Lungs 8.0),
    measure!("9279-1" "Respiratory rate" "/min" 15.0 +- 1.6 [12.0 20.0] 0 Infection 7.0 Lungs 6.0),
    measure!("8310-5" "Body temperature" "Cel" 36.8 +- 0.2 [36.1 37.8] 1 Infection 1.7),
    measure!("59408-5" "Oxygen saturation in Arterial blood by Pulse oximetry" "%" 97.6 +- 0.8 [94.0 100.0] 0 Infection -3.0 Lungs -4.0),
];

/// A panel of the laboratory.
#[derive(Debug)]
pub struct Panel {
    pub loinc: &'static str,
    pub display: &'static str,
    pub measures: &'static [Measure],
}

pub const PANELS: &[Panel] = &[
    Panel {
        loinc: "51990-0",
        display: "Basic metabolic panel - Blood",
        measures: &[
            measure!("2345-7" "Glucose [Mass/volume] in Serum or Plasma" "mg/dL" 93.0 +- 8.0 [70.0 99.0] 0 Sugar 68.0 Infection 20.0),
            measure!("2160-0" "Creatinine [Mass/volume] in Serum or Plasma" "mg/dL" 0.92 +- 0.13 [0.6 1.3] 2 Kidney 0.85 Infection 0.30),
            measure!("3094-0" "Urea nitrogen [Mass/volume] in Serum or Plasma" "mg/dL" 14.0 +- 3.0 [7.0 20.0] 0 Kidney 17.0),
            measure!("2951-2" "Sodium [Moles/volume] in Serum or Plasma" "mmol/L" 140.0 +- 1.8 [135.0 145.0] 0 Heart -3.0),
            measure!("2823-3" "Potassium [Moles/volume] in Serum or Plasma" "mmol/L" 4.2 +- 0.3 [3.5 5.1] 1 Kidney 0.6),
            measure!("2075-0" "Chloride [Moles/volume] in Serum or Plasma" "mmol/L" 103.0 +- 2.0 [98.0 107.0] 0),
            measure!("2028-9" "Carbon dioxide, total [Moles/volume] in Serum or Plasma" "mmol/L" 25.5 +- 1.6 [22.0 29.0] 0 Kidney -3.0),
        ],
    },
    Panel {
        loinc: "58410-2",
        display: "CBC panel - Blood by Automated count",
        measures: &[
            measure!("6690-2" "Leukocytes [#/volume] in Blood by Automated count" "10*3/uL" 7.0 +- 1.3 [4.5 11.0] 1 Infection 8.0),
            measure!("718-7" "Hemoglobin [Mass/volume] in Blood" "g/dL" 14.0 +- 1.0 [12.0 17.5] 1 Blood -3.8 Kidney -1.6),
            measure!("4544-3" "Hematocrit [Volume Fraction] of Blood by Automated count" "%" 42.0 +- 3.0 [36.0 51.0] 1 Blood -11.0 Kidney -4.5),
            measure!("777-3" "Platelets [#/volume] in Blood by Automated count" "10*3/uL" 250.0 +- 45.0 [150.0 400.0] 0 Infection 60.0),
        ],
    },
    Panel {
        loinc: "24331-1",
        display: "Lipid 1996 panel - Serum or Plasma",
        measures: &[
            measure!("2093-3" "Cholesterol [Mass/volume] in Serum or Plasma" "mg/dL" 178.0 +- 22.0 [0.0 200.0] 0 Lipids 52.0),
            measure!("2085-9" "Cholesterol in HDL [Mass/volume] in Serum or Plasma" "mg/dL" 55.0 +- 9.0 [40.0 90.0] 0 Lipids -9.0 Sugar -5.0),
            measure!("13457-7" "Cholesterol in LDL [Mass/volume] in Serum or Plasma by calculation" "mg/dL" 102.0 +- 18.0 [0.0 130.0] 0 Lipids 48.0),
            measure!("2571-8" "Triglyceride [Mass/volume] in Serum or Plasma" "mg/dL" 112.0 +- 28.0 [0.0 150.0] 0 Lipids 60.0 Sugar 40.0),
        ],
    },
];

/// Single tests that belong to what somebody has.
pub const SINGLE: &[(Shift, Measure)] = &[
    (
        Shift::Sugar,
        measure!("4548-4" "Hemoglobin A1c/Hemoglobin.total in Blood" "%" 5.4 +- 0.25 [4.0 5.6] 1 Sugar 2.2),
    ),
    (
        Shift::Thyroid,
        measure!("3016-3" "Thyrotropin [Units/volume] in Serum or Plasma" "m[IU]/L" 2.1 +- 0.6 [0.4 4.0] 2 Thyroid 4.5),
    ),
    (
        Shift::Blood,
        measure!("2276-4" "Ferritin [Mass/volume] in Serum or Plasma" "ng/mL" 90.0 +- 20.0 [15.0 200.0] 0 Blood -78.0),
    ),
    (
        Shift::Heart,
        measure!("30934-4" "Natriuretic peptide B [Mass/volume] in Serum or Plasma" "pg/mL" 45.0 +- 15.0 [0.0 100.0] 0 Heart 420.0),
    ),
    (
        Shift::Infection,
        measure!("1988-5" "C reactive protein [Mass/volume] in Serum or Plasma" "mg/L" 3.0 +- 1.0 [0.0 8.0] 1 Infection 92.0),
    ),
    (
        Shift::Infection,
        measure!("2524-7" "Lactate [Moles/volume] in Serum or Plasma" "mmol/L" 1.2 +- 0.3 [0.5 2.0] 1 Infection 1.6),
    ),
];

/// CVX code, name, age from, age to.
pub const VACCINES: &[(&str, &str, i64, i64)] = &[
    ("140", "Influenza, seasonal, injectable, preservative free", 1, 120),
    ("115", "Tdap", 11, 120),
    ("208", "COVID-19, mRNA, LNP-S, PF, 30 mcg/0.3 mL dose", 12, 120),
    ("33", "pneumococcal polysaccharide PPV23", 65, 120),
    ("187", "zoster recombinant", 50, 120),
    ("03", "MMR", 1, 20),
];

/// Code system, code, name, category of an allergy.
pub const ALLERGENS: &[(&str, &str, &str, &str)] = &[
    (RXNORM, "7980", "penicillin G", "medication"),
    (RXNORM, "10180", "sulfamethoxazole", "medication"),
    (RXNORM, "2670", "codeine", "medication"),
    (SNOMED, "762952008", "Peanut", "food"),
    (SNOMED, "111088007", "Latex", "environment"),
];
pub const REACTIONS: &[(&str, &str)] =
    &[("247472004", "Wheal"), ("271807003", "Eruption of skin"), ("39579001", "Anaphylaxis")];

/// SNOMED CT code and name of what is done, with the ailment it is done for, if it is for one.
pub const PROCEDURES: &[(&str, &str, &str)] = &[
    ("80146002", "Appendectomy", "74400008"),
    ("52734007", "Total replacement of hip", "5913000"),
    ("415070008", "Percutaneous coronary intervention", "22298006"),
    ("399208008", "Plain X-ray of chest", "233604007"),
    ("29303009", "Electrocardiographic procedure", "49436004"),
    ("73761001", "Colonoscopy", ""),
];

pub const SNOMED: &str = "http://snomed.info/sct";
pub const LOINC: &str = "http://loinc.org";
pub const RXNORM: &str = "http://www.nlm.nih.gov/research/umls/rxnorm";
pub const UCUM: &str = "http://unitsofmeasure.org";
pub const CVX: &str = "http://hl7.org/fhir/sid/cvx";
