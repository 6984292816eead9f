//! A day of the hospital as HL7 v2 messages: who comes, moves and goes, what is measured, ordered
//! and given.
//!
//! - Shape: version 2.5.1, UTF-8; one sender for each department, as in a real house. Control ids
//!   are unique and grow; the order is that of the day.
//! - Source: HL7 v2.5.1, chapters 3 (ADT), 4 (RDE, RAS) and 7 (ORU).

use std::fmt::Write as _;

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    entry::after,
    house,
    person::Person,
    rng::Rng,
    terms::{ACUTE, Ailment, DIASTOLIC, Drug, Measure, PANELS, SYSTOLIC, Shift, VITALS},
};

/// One message, and when it is sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sent {
    pub at: Timestamp,
    /// Segments ended by carriage returns.
    pub text: String,
}

/// The stay that messages tell of.
struct Stay {
    rng: Rng,
    person: Person,
    n: u64,
    ailment: &'static Ailment,
    doctor: u64,
    ward: &'static str,
    room: u64,
    second: bool,
    n_orders: u64,
    sent: Vec<Sent>,
}

/// The messages about patients `0..n_patients` on the day that begins at `midnight`.
pub fn messages(seed: u64, now: Timestamp, midnight: Timestamp, n_patients: u64) -> Vec<Sent> {
    let mut all = Vec::new();
    for n in 0..n_patients {
        all.extend(stay(seed, now, midnight, n));
    }
    // Stable: what one patient's messages say keeps its order.
    all.sort_by_key(|sent| sent.at);
    for (n, sent) in all.iter_mut().enumerate() {
        sent.text = sent.text.replacen(CONTROL_ID, &format!("SIM{:08}", n + 1), 1);
    }
    all
}

/// Stands for MSH-10 until the order of the day is known.
const CONTROL_ID: &str = "\u{1}";

fn stay(seed: u64, now: Timestamp, midnight: Timestamp, n: u64) -> Vec<Sent> {
    // The same people as in the population; what they do today is drawn apart from it.
    let person = {
        let mut rng = Rng::new(seed, n);
        let _uuid = rng.uuid();
        Person::new(&mut rng, now, n)
    };
    let mut rng = Rng::new(seed ^ 0xDA7, n);
    let fits = |it: &&Ailment| (it.age_min..=it.age_max).contains(&person.age);
    let fitting: Vec<&'static Ailment> = ACUTE.iter().filter(fits).collect();
    let ailment: &'static Ailment = match fitting.as_slice() {
        [] => rng.pick(ACUTE),
        some => {
            let picked: &&'static Ailment = rng.pick(some);
            picked
        }
    };
    let (ward, _, rooms) = *rng.pick(house::WARDS);
    let room = 1 + rng.below(rooms);
    let (second, doctor) = (rng.chance(50), rng.below(house::STAFF));
    let mut stay =
        Stay { rng, person, n, ailment, doctor, ward, room, second, n_orders: 0, sent: Vec::new() };
    stay.tell(midnight);
    stay.sent
}

impl Stay {
    fn tell(&mut self, midnight: Timestamp) {
        let begin = after(midnight, self.rng.between(6 * 60, 18 * 60));
        let is_emergency = self.rng.chance(40);
        let class = if is_emergency { "E" } else { "I" };
        self.adt(begin, if is_emergency { "A04" } else { "A01" }, class);
        let mut time = begin;
        for drug in self.ailment.drugs {
            time = after(time, self.rng.between(10, 40));
            let order = self.order(time, drug);
            let given = after(time, self.rng.between(15, 45));
            self.give(given, drug, &order);
        }
        for hour in 0..self.rng.between(2, 6) {
            self.vitals(after(begin, 20 + hour * 60));
        }
        let drawn = after(begin, self.rng.between(20, 60));
        self.laboratory(drawn);
        if is_emergency && self.rng.chance(60) {
            let at = after(begin, self.rng.between(90, 200));
            self.adt(at, "A06", "I");
        } else if self.rng.chance(30) {
            let (ward, _, rooms) = *self.rng.pick(house::WARDS);
            (self.ward, self.room) = (ward, 1 + self.rng.below(rooms));
            let at = after(begin, self.rng.between(120, 240));
            self.adt(at, "A02", "I");
        }
        if self.rng.chance(25) {
            let at = after(begin, self.rng.between(60, 300));
            self.adt(at, "A08", class);
        }
        if self.rng.chance(45) {
            let at = after(begin, self.rng.between(310, 420));
            self.adt(at, "A03", class);
        }
    }

    fn adt(&mut self, at: Timestamp, event: &str, class: &str) {
        let structure = match event {
            "A02" => "ADT_A02",
            "A03" => "ADT_A03",
            "A06" => "ADT_A06",
            _ => "ADT_A01",
        };
        let mut text = self.head(at, "REG", &format!("ADT^{event}^{structure}"));
        let _ = write!(text, "EVN||{}\r", dtm(at));
        text.push_str(&self.pid());
        text.push_str(&self.pv1(class, (event == "A03").then_some(at)));
        if matches!(event, "A01" | "A04") {
            let Ailment { snomed, display, .. } = self.ailment;
            let _ = write!(text, "DG1|1||{snomed}^{display}^SCT||{}|A\r", dtm(at));
        }
        self.sent.push(Sent { at, text });
    }

    fn vitals(&mut self, at: Timestamp) {
        let order = self.next_order("V");
        let mut text = self.head(at, "BEDSIDE", "ORU^R01^ORU_R01");
        text.push_str(&self.pid());
        text.push_str(&self.pv1("I", None));
        let _ = write!(
            text,
            "OBR|1||{order}^BEDSIDE|85353-1^Vital signs panel^LN|||{}|||||||||||||||{}|||F\r",
            dtm(at),
            dtm(at),
        );
        let all = [&SYSTOLIC, &DIASTOLIC].into_iter().chain(VITALS);
        for (n, measure) in all.enumerate() {
            text.push_str(&self.obx(n + 1, measure, at, "F"));
        }
        self.sent.push(Sent { at, text });
    }

    /// A panel: preliminary now and then, final, and one in ten corrected.
    fn laboratory(&mut self, drawn: Timestamp) {
        let panel = self.rng.pick(PANELS);
        let order = self.next_order("L");
        let mut states = vec!["F"];
        if self.rng.chance(30) {
            states.insert(0, "P");
        }
        if self.rng.chance(10) {
            states.push("C");
        }
        let mut at = drawn;
        for status in states {
            at = after(at, self.rng.between(25, 60));
            let mut text = self.head(at, "LAB", "ORU^R01^ORU_R01");
            text.push_str(&self.pid());
            text.push_str(&self.pv1("I", None));
            let _ = write!(
                text,
                "OBR|1|{order}^WARD|{order}^LAB|{}^{}^LN|||{}|||||||||{}||||||{}||LAB|{status}\r",
                panel.loinc,
                panel.display,
                dtm(drawn),
                self.doctor(),
                dtm(at),
            );
            for (n, measure) in panel.measures.iter().enumerate() {
                text.push_str(&self.obx(n + 1, measure, drawn, status));
            }
            self.sent.push(Sent { at, text });
        }
    }

    fn order(&mut self, at: Timestamp, drug: &Drug) -> String {
        let order = self.next_order("R");
        let mut text = self.head(at, "PHARM", "RDE^O11^RDE_O11");
        text.push_str(&self.pid());
        text.push_str(&self.pv1("I", None));
        let _ = write!(
            text,
            "ORC|NW|{order}^WARD|{order}^PHARM||||||{}|||{}\r",
            dtm(at),
            self.doctor()
        );
        let route = if drug.intravenous { "IV^Intravenous^HL70162" } else { "PO^Oral^HL70162" };
        let every = 24 / drug.daily.max(1);
        let _ = write!(
            text,
            "RXE|^^^{}|{}^{}^RXNORM|{}||{}\rTQ1|1||Q{every}H\rRXR|{route}\r",
            dtm(at),
            drug.rxnorm,
            drug.name,
            drug.dose,
            drug.unit,
        );
        self.sent.push(Sent { at, text });
        order
    }

    fn give(&mut self, at: Timestamp, drug: &Drug, order: &str) {
        let mut text = self.head(at, "WARD", "RAS^O17^RAS_O17");
        text.push_str(&self.pid());
        text.push_str(&self.pv1("I", None));
        let route = if drug.intravenous { "IV^Intravenous^HL70162" } else { "PO^Oral^HL70162" };
        let _ = write!(
            text,
            "ORC|RE|{order}^WARD|{order}^PHARM\r\
             RXA|0|1|{}|{}|{}^{}^RXNORM|{}|{}|||||||||||||CP\rRXR|{route}\r",
            dtm(at),
            dtm(at),
            drug.rxnorm,
            drug.name,
            drug.dose,
            drug.unit,
        );
        self.sent.push(Sent { at, text });
    }

    fn head(&self, at: Timestamp, from: &str, kind: &str) -> String {
        format!(
            "MSH|^~\\&|{from}|FGH|WARD|FGH|{}||{kind}|{CONTROL_ID}|P|2.5.1||||||UNICODE UTF-8\r",
            dtm(at)
        )
    }

    fn pid(&self) -> String {
        let told = &self.person.told;
        let sex = if self.person.is_female { "F" } else { "M" };
        format!(
            "PID|1||{}^^^FGH&2.16.840.1.113883.4.642.40.99.2&ISO^MR||{}^{}^^^^^L||{}|{sex}|||\
             {}^^{}^{}^{}^USA^H||{}^PRN^PH|||{}\r",
            told.mrn,
            told.family,
            told.given,
            told.birth.strftime("%Y%m%d"),
            told.street,
            told.city,
            told.state,
            told.zip,
            told.phone,
            if told.is_married { "M" } else { "S" },
        )
    }

    fn pv1(&self, class: &str, end: Option<Timestamp>) -> String {
        let place = match class {
            "E" => house::EMERGENCY.to_owned(),
            _ => {
                let bed = if self.second { 'B' } else { 'A' };
                format!("{}^{:02}^{bed}^FGH", self.ward, self.room)
            }
        };
        let visit = format!("SIMV{:07}^^^FGH^VN", self.n);
        let mut text = format!("PV1|1|{class}|{place}||||{}||||||||||||{visit}", self.doctor());
        if let Some(end) = end {
            // PV1-45, discharged at; PV1-36, sent home.
            let _ = write!(text, "{}01{}{}", "|".repeat(17), "|".repeat(9), dtm(end));
        }
        text.push('\r');
        text
    }

    fn obx(&mut self, n: usize, measure: &Measure, at: Timestamp, status: &str) -> String {
        let moved = measure.moved.iter().filter(|(shift, _)| *shift == self.ailment.shift);
        let by: f64 = moved.filter(|(shift, _)| *shift != Shift::None).map(|(_, by)| by).sum();
        let value = self.rng.normal(measure.mean + by, measure.deviation).max(0.0);
        let flag = match value {
            value if value < measure.low => "L",
            value if measure.high < value => "H",
            _ => "N",
        };
        format!(
            "OBX|{n}|NM|{}^{}^LN||{value:.*}|{}^{}^UCUM|{}-{}|{flag}|||{status}|||{}\r",
            measure.loinc,
            measure.display,
            measure.digits,
            measure.unit.replace('^', "\\S\\"),
            measure.unit.replace('^', "\\S\\"),
            measure.low,
            measure.high,
            dtm(at),
        )
    }

    fn doctor(&self) -> String {
        let npi = 9_999_910_000 + self.doctor;
        format!("{npi}^Staff^{:02}^^^Dr.^^^&2.16.840.1.113883.4.6&ISO^L^^^NPI", self.doctor)
    }

    fn next_order(&mut self, of: &str) -> String {
        self.n_orders += 1;
        format!("{of}{:07}{:02}", self.n, self.n_orders)
    }
}

fn dtm(at: Timestamp) -> String {
    TimeZone::UTC.to_datetime(at).strftime("%Y%m%d%H%M%S+0000").to_string()
}
