//! One patient's chart: visits, what was found, what was given.

use jiff::Timestamp;

use crate::{
    Depth,
    entry::{Entries, after, by_identifier, concept, hl7, loinc, period, quantity, snomed, to},
    house,
    node::{Node, list, obj},
    person::Person,
    rng::Rng,
    terms::{
        ACUTE, ALLERGENS, Ailment, CHRONIC, CVX, DIASTOLIC, Drug, HEIGHT, Measure, PANELS,
        PROCEDURES, Panel, REACTIONS, RXNORM, SINGLE, SYSTOLIC, Shift, UCUM, VACCINES, VITALS,
    },
};

const DAY: i64 = 24 * 60;

/// What is being written about whom.
struct Chart {
    rng: Rng,
    entries: Entries,
    patient: String,
    shifts: Vec<Shift>,
    doctor: String,
    age: i64,
}

/// One visit.
struct Visit {
    encounter: String,
    start: Timestamp,
    minutes: i64,
    /// Still in the house.
    is_open: bool,
}

pub fn bundle(seed: u64, now: Timestamp, depth: Depth, n: u64) -> Vec<u8> {
    let mut rng = Rng::new(seed, n);
    let patient = rng.uuid();
    let person = Person::new(&mut rng, now, n);
    let doctor = house::practitioner(rng.below(house::STAFF));
    let mut chart = Chart {
        rng,
        entries: Entries::default(),
        patient,
        shifts: Vec::new(),
        doctor,
        age: person.age,
    };
    let lasting: Vec<&Ailment> = CHRONIC
        .iter()
        .filter(|a| (a.age_min..=a.age_max).contains(&person.age) && chart.rng.chance(a.percent))
        .collect();
    chart.shifts.extend(lasting.iter().map(|a| a.shift));

    let general = by_identifier("Practitioner", &chart.doctor);
    let house = by_identifier("Organization", house::HOUSE);
    let resource = person
        .resource
        .clone()
        .with("generalPractitioner", list![general])
        .with("managingOrganization", house);
    chart.entries.post(&chart.patient, "Patient", resource);
    chart.post("Coverage", |c| person.coverage(&c.patient));
    chart.care_team(now);

    let back = chart.rng.between(20, 300);
    let visit = chart.clinic_visit(after(now, -back * DAY));
    for ailment in lasting.iter().take(if depth == Depth::Small { 1 } else { usize::MAX }) {
        let years = chart.rng.between(1, 12).min(person.age.max(1));
        let condition = chart.condition(ailment, after(now, -years * 365 * DAY), None, &visit);
        if let Some(drug) = ailment.drugs.first() {
            chart.order(drug, &condition, &visit, "outpatient");
        }
    }
    chart.vitals(visit.start, &visit);
    if depth == Depth::Small {
        return chart.entries.into_bundle();
    }
    for (at, panel) in PANELS.iter().enumerate() {
        if at < 2 || chart.shifts.contains(&Shift::Lipids) {
            chart.panel(panel, &visit);
        }
    }
    chart.singles(&visit);
    chart.body(person.is_female, &visit);
    chart.allergies(now);
    chart.vaccines(now);
    chart.stay(now);
    chart.entries.into_bundle()
}

impl Chart {
    fn post(&mut self, kind: &str, make: impl FnOnce(&mut Chart) -> Node) -> String {
        let uuid = self.rng.uuid();
        let resource = make(self);
        self.entries.post(&uuid, kind, resource);
        uuid
    }

    fn care_team(&mut self, now: Timestamp) {
        let start = after(now, -400 * DAY);
        self.post("CareTeam", |c| {
            obj! {
                "resourceType": "CareTeam",
                "status": "active",
                "subject": to(&c.patient),
                "period": period(start, None),
                "participant": list![
                    obj! { "role": list![snomed("116154003", "Patient")], "member": to(&c.patient) },
                    obj! {
                        "role": list![snomed("309343006", "Physician")],
                        "member": by_identifier("Practitioner", &c.doctor),
                    },
                ],
                "managingOrganization": list![by_identifier("Organization", house::HOUSE)],
            }
        });
    }

    fn clinic_visit(&mut self, start: Timestamp) -> Visit {
        let minutes = self.rng.between(15, 45);
        self.visit(
            "AMB",
            ("185349003", "Encounter for check up"),
            start,
            minutes,
            false,
            house::CLINIC,
        )
    }

    fn visit(
        &mut self,
        class: &str,
        (code, display): (&str, &str),
        start: Timestamp,
        minutes: i64,
        is_open: bool,
        location: &str,
    ) -> Visit {
        let end = (!is_open).then(|| after(start, minutes));
        let encounter = self.post("Encounter", |c| {
            obj! {
                "resourceType": "Encounter",
                "status": if is_open { "in-progress" } else { "finished" },
                "class": obj! {
                    "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": class,
                },
                "type": list![snomed(code, display)],
                "subject": to(&c.patient),
                "participant": list![obj! {
                    "type": list![hl7("v3-ParticipationType", "ATND")],
                    "individual": by_identifier("Practitioner", &c.doctor),
                }],
                "period": period(start, end),
                "location": list![obj! {
                    "location": by_identifier("Location", &house::place(location)),
                    "status": if is_open { "active" } else { "completed" },
                }],
                "serviceProvider": by_identifier("Organization", house::HOUSE),
            }
        });
        Visit { encounter, start, minutes, is_open }
    }

    /// One in three came through the emergency department lately; most of those stayed.
    fn stay(&mut self, now: Timestamp) {
        let ill: Vec<&'static Ailment> =
            ACUTE.iter().filter(|a| (a.age_min..=a.age_max).contains(&self.age)).collect();
        if !self.rng.chance(35) || ill.is_empty() {
            return;
        }
        let ailment = *self.rng.pick(&ill);
        let back = self.rng.between(0, 60) * DAY + self.rng.between(DAY / 4, DAY);
        let arrival = after(now, -back);
        let emergency = self.visit(
            "EMER",
            ("50849002", "Emergency room admission"),
            arrival,
            240,
            false,
            house::EMERGENCY,
        );
        let usual = std::mem::take(&mut self.shifts);
        self.shifts.clone_from(&usual);
        self.shifts.push(ailment.shift);
        let stays = ailment.shift != Shift::None && self.rng.chance(75);
        let days = self.rng.between(1, 9);
        let start = after(arrival, 240);
        let is_open = stays && now < after(start, days * DAY);
        let resolved = (!is_open).then(|| after(start, days * DAY));
        let condition = self.condition(ailment, arrival, resolved, &emergency);
        self.vitals(arrival, &emergency);
        for panel in PANELS.iter().take(2) {
            self.panel(panel, &emergency);
        }
        self.singles(&emergency);
        if stays {
            self.admission(now, ailment, &condition, start, days, is_open);
        }
        self.shifts = usual;
    }

    fn admission(
        &mut self,
        now: Timestamp,
        ailment: &Ailment,
        condition: &str,
        start: Timestamp,
        days: i64,
        is_open: bool,
    ) {
        let (ward, _, rooms) = *self.rng.pick(house::WARDS);
        let bed = house::bed(ward, self.rng.below(rooms) + 1, self.rng.chance(50));
        let minutes = days * DAY;
        let visit =
            self.visit("IMP", ("32485007", "Hospital admission"), start, minutes, is_open, &bed);
        for drug in ailment.drugs {
            let order = self.order(drug, condition, &visit, "inpatient");
            for dose in 0..drug.daily.min(3) {
                let time = after(start, 60 + dose * DAY / drug.daily.max(1));
                if time < now {
                    self.give(drug, &order, time, &visit);
                }
            }
        }
        for round in 0..days.min(3) {
            let time = after(start, 120 + round * DAY / 2);
            if time < now {
                self.vitals(time, &visit);
            }
        }
        for (code, display, reason) in PROCEDURES {
            if *reason == ailment.snomed {
                let time = after(start, 180);
                self.procedure((code, display), condition, time, &visit);
            }
        }
    }

    fn condition(
        &mut self,
        ailment: &Ailment,
        onset: Timestamp,
        resolved: Option<Timestamp>,
        visit: &Visit,
    ) -> String {
        let status = if resolved.is_some() { "resolved" } else { "active" };
        self.post("Condition", |c| {
            obj! {
                "resourceType": "Condition",
                "clinicalStatus": hl7("condition-clinical", status),
                "verificationStatus": hl7("condition-ver-status", "confirmed"),
                "category": list![hl7("condition-category", "encounter-diagnosis")],
                "code": snomed(ailment.snomed, ailment.display),
                "subject": to(&c.patient),
                "encounter": to(&visit.encounter),
                "onsetDateTime": onset.to_string(),
                "abatementDateTime": resolved.map(|t| t.to_string()),
                "recordedDate": visit.start.to_string(),
            }
        })
    }

    fn order(&mut self, drug: &Drug, condition: &str, visit: &Visit, category: &str) -> String {
        let is_open = visit.is_open || category == "outpatient";
        let status = if is_open { "active" } else { "completed" };
        let table = "medicationrequest-category";
        self.post("MedicationRequest", |c| {
            obj! {
                "resourceType": "MedicationRequest",
                "status": status,
                "intent": "order",
                "category": list![hl7(table, category)],
                "medicationCodeableConcept": concept(RXNORM, drug.rxnorm, drug.name),
                "subject": to(&c.patient),
                "encounter": to(&visit.encounter),
                "authoredOn": visit.start.to_string(),
                "requester": by_identifier("Practitioner", &c.doctor),
                "reasonReference": list![to(condition)],
                "dosageInstruction": list![obj! {
                    "text": format!("{} {} {} times a day", drug.dose, drug.unit, drug.daily),
                    "timing": obj! { "repeat": obj! {
                        "frequency": drug.daily, "period": 1_i64, "periodUnit": "d",
                    } },
                    "route": route(drug),
                    "doseAndRate": list![obj! { "doseQuantity": dose(drug) }],
                }],
            }
        })
    }

    fn give(&mut self, drug: &Drug, order: &str, time: Timestamp, visit: &Visit) {
        self.post("MedicationAdministration", |c| {
            obj! {
                "resourceType": "MedicationAdministration",
                "status": "completed",
                "medicationCodeableConcept": concept(RXNORM, drug.rxnorm, drug.name),
                "subject": to(&c.patient),
                "context": to(&visit.encounter),
                "effectiveDateTime": time.to_string(),
                "request": to(order),
                "dosage": obj! { "route": route(drug), "dose": dose(drug) },
            }
        });
    }

    fn procedure(
        &mut self,
        (code, display): (&str, &str),
        condition: &str,
        time: Timestamp,
        visit: &Visit,
    ) {
        self.post("Procedure", |c| {
            obj! {
                "resourceType": "Procedure",
                "status": "completed",
                "code": snomed(code, display),
                "subject": to(&c.patient),
                "encounter": to(&visit.encounter),
                "performedPeriod": period(time, Some(after(time, 90))),
                "performer": list![obj! { "actor": by_identifier("Practitioner", &c.doctor) }],
                "reasonReference": list![to(condition)],
            }
        });
    }

    fn vitals(&mut self, time: Timestamp, visit: &Visit) {
        for measure in VITALS {
            self.observe(measure, "vital-signs", time, visit);
        }
        let (upper, lower) = (self.value(&SYSTOLIC), self.value(&DIASTOLIC));
        // A pressure whose lower value is above its upper one is no pressure.
        let lower = lower.min(upper - 20.0);
        let part = |m: &Measure, value: f64| {
            obj! { "code": loinc(m.loinc, m.display), "valueQuantity": quantity(value, 0, m.unit) }
        };
        let parts = list![part(&SYSTOLIC, upper), part(&DIASTOLIC, lower)];
        self.observation(
            loinc("85354-9", "Blood pressure panel with all children optional"),
            "vital-signs",
            time,
            visit,
            |node| node.with("component", parts),
        );
    }

    fn body(&mut self, is_female: bool, visit: &Visit) {
        let grown = f64::from(i32::try_from(self.age.min(17)).unwrap_or(17)) / 17.0;
        let height = self.rng.normal(if is_female { 162.0 } else { 176.0 }, 6.0);
        let height = 50.0 + (height - 50.0) * grown;
        let has_weight = self.shifts.contains(&Shift::Weight);
        let index = self.rng.normal(if has_weight { 33.0 } else { 24.0 }, 1.8).max(15.0);
        let weight = index * height * height / 10_000.0;
        let values = [
            (HEIGHT.loinc, HEIGHT.display, height, "cm"),
            ("29463-7", "Body weight", weight, "kg"),
            ("39156-5", "Body mass index (BMI) [Ratio]", index, "kg/m2"),
        ];
        for (code, display, value, unit) in values {
            let value = quantity(value, 1, unit);
            let time = visit.start;
            self.observation(loinc(code, display), "vital-signs", time, visit, |node| {
                node.with("valueQuantity", value)
            });
        }
        let (code, display) = *self.rng.pick_common(&[
            ("266919005", "Never smoked tobacco"),
            ("8517006", "Ex-smoker"),
            ("77176002", "Smoker"),
        ]);
        if 12 < self.age {
            let smoking = loinc("72166-2", "Tobacco smoking status");
            self.observation(smoking, "social-history", visit.start, visit, |node| {
                node.with("valueCodeableConcept", snomed(code, display))
            });
        }
    }

    fn panel(&mut self, panel: &Panel, visit: &Visit) {
        let time = after(visit.start, 30.min(visit.minutes));
        let results: Vec<Node> = panel
            .measures
            .iter()
            .map(|measure| self.observe(measure, "laboratory", time, visit))
            .map(|uuid| to(&uuid))
            .collect();
        self.post("DiagnosticReport", |c| {
            obj! {
                "resourceType": "DiagnosticReport",
                "status": "final",
                "category": list![hl7("v2-0074", "LAB")],
                "code": loinc(panel.loinc, panel.display),
                "subject": to(&c.patient),
                "encounter": to(&visit.encounter),
                "effectiveDateTime": time.to_string(),
                "issued": after(time, 55).to_string(),
                "performer": list![by_identifier("Organization", house::HOUSE)],
                "result": results,
            }
        });
    }

    /// The tests that what somebody has asks for.
    fn singles(&mut self, visit: &Visit) {
        for (shift, measure) in SINGLE {
            if self.shifts.contains(shift) {
                self.observe(measure, "laboratory", visit.start, visit);
            }
        }
    }

    fn observe(
        &mut self,
        measure: &Measure,
        category: &str,
        time: Timestamp,
        visit: &Visit,
    ) -> String {
        let value = self.value(measure);
        let unit = measure.unit;
        let flag = if value < measure.low {
            "L"
        } else if measure.high < value {
            "H"
        } else {
            "N"
        };
        let bound = |edge: f64| quantity(edge, measure.digits, unit);
        let range = list![obj! { "low": bound(measure.low), "high": bound(measure.high) }];
        let reading = quantity(value, measure.digits, unit);
        let is_laboratory = category == "laboratory";
        self.observation(loinc(measure.loinc, measure.display), category, time, visit, |node| {
            let node = node.with("valueQuantity", reading);
            if !is_laboratory {
                return node;
            }
            node.with("interpretation", list![hl7("v3-ObservationInterpretation", flag)])
                .with("referenceRange", range)
        })
    }

    fn observation(
        &mut self,
        code: Node,
        category: &str,
        time: Timestamp,
        visit: &Visit,
        finish: impl FnOnce(Node) -> Node,
    ) -> String {
        self.post("Observation", |c| {
            finish(obj! {
                "resourceType": "Observation",
                "status": "final",
                "category": list![hl7("observation-category", category)],
                "code": code,
                "subject": to(&c.patient),
                "encounter": to(&visit.encounter),
                "effectiveDateTime": time.to_string(),
                "issued": after(time, 5).to_string(),
            })
        })
    }

    /// A draw that what the patient has moves away from the usual.
    fn value(&mut self, measure: &Measure) -> f64 {
        let moved: f64 = measure
            .moved
            .iter()
            .filter(|(shift, _)| self.shifts.contains(shift))
            .map(|(_, by)| by)
            .sum();
        let value = self.rng.normal(measure.mean + moved, measure.deviation);
        let value = value.max(measure.mean / 20.0);
        if measure.unit == "%" { value.min(100.0) } else { value }
    }

    fn allergies(&mut self, now: Timestamp) {
        if !self.rng.chance(25) {
            return;
        }
        let (system, code, display, category) = *self.rng.pick(ALLERGENS);
        let (reaction, reaction_display) = *self.rng.pick(REACTIONS);
        let years = self.rng.between(1, 20).min(self.age.max(1));
        self.post("AllergyIntolerance", |c| {
            obj! {
                "resourceType": "AllergyIntolerance",
                "clinicalStatus": hl7("allergyintolerance-clinical", "active"),
                "verificationStatus": hl7("allergyintolerance-verification", "confirmed"),
                "type": "allergy",
                "category": list![category],
                "criticality": if reaction == "39579001" { "high" } else { "low" },
                "code": concept(system, code, display),
                "patient": to(&c.patient),
                "recordedDate": after(now, -years * 365 * DAY).to_string(),
                "reaction": list![obj! {
                    "manifestation": list![snomed(reaction, reaction_display)],
                }],
            }
        });
    }

    fn vaccines(&mut self, now: Timestamp) {
        for (code, display, low, high) in VACCINES {
            if !(*low..=*high).contains(&self.age) || !self.rng.chance(45) {
                continue;
            }
            let time = after(now, -self.rng.between(10, 700) * DAY);
            self.post("Immunization", |c| {
                obj! {
                    "resourceType": "Immunization",
                    "status": "completed",
                    "vaccineCode": concept(CVX, code, display),
                    "patient": to(&c.patient),
                    "occurrenceDateTime": time.to_string(),
                    "primarySource": true,
                    "location": by_identifier("Location", &house::place(house::CLINIC)),
                }
            });
        }
    }
}

fn route(drug: &Drug) -> Node {
    if drug.intravenous {
        snomed("47625008", "Intravenous route")
    } else {
        snomed("26643006", "Oral route")
    }
}

fn dose(drug: &Drug) -> Node {
    obj! {
        "value": Node::Number(drug.dose.to_owned()), "unit": drug.unit, "system": UCUM,
        "code": drug.unit,
    }
}
