//! Running a plan: which resource fills which slot, and which segments come of it.

use std::{collections::BTreeMap, sync::Arc};

use ward_fhir::Json;
use ward_hl7::{
    SegmentId,
    map::{Had, Maps, MessageMap, Pick, PlanStep, Related, RowId, Slot},
};

use super::{
    fill::Filler,
    line::{Line, Place},
    own,
    source::{Source, elements, kind},
};

/// A message while it is written.
pub(super) struct Writer<'s, 'j> {
    pub maps: &'s Maps,
    pub local_base: &'s str,
    pub source: &'s Source<'j>,
    pub map: Arc<MessageMap>,
    pub lines: Vec<Line>,
    /// Resources that a line was written for already.
    done: Vec<&'j Json<'j>>,
    /// How many of each segment are written.
    counts: BTreeMap<SegmentId, u16>,
}

/// Which resource stands for which slot.
type Slots<'j> = BTreeMap<Slot, &'j Json<'j>>;

/// Segments that count themselves in their first field.
const NUMBERED: [&str; 18] = [
    "PID", "NK1", "PV1", "AL1", "DG1", "PR1", "GT1", "IN1", "OBR", "OBX", "SPM", "NTE", "FT1",
    "TQ1", "AIS", "AIG", "AIL", "AIP",
];

/// Most lines of one message.
/// LIMIT: a report of a thousand results is a batch.
const LINES_MAX: usize = 10_000;

impl<'s, 'j> Writer<'s, 'j> {
    pub fn new(
        maps: &'s Maps,
        local_base: &'s str,
        source: &'s Source<'j>,
        map: Arc<MessageMap>,
    ) -> Writer<'s, 'j> {
        let (lines, done, counts) = (Vec::new(), Vec::new(), BTreeMap::new());
        Writer { maps, local_base, source, map, lines, done, counts }
    }

    pub fn run(&mut self, steps: &[PlanStep], patient: Option<&'j Json<'j>>) {
        let mut slots = Slots::new();
        let slot = |kind: &str, label| Slot { kind: kind.into(), label };
        if let Some(patient) = patient {
            slots.insert(slot("Patient", 1), patient);
        }
        if let Some(header) = self.source.of_kind("MessageHeader").next() {
            slots.insert(slot("MessageHeader", 1), header);
        }
        // What recorded the message, and what recorded its event.
        let provenances = || self.source.of_kind("Provenance");
        let says = |it: &Json<'_>, name: &str| it.get(name).is_some();
        // Of an order or a stay it tells who took part.
        let is_of_message = |it: &&'j Json<'j>| {
            let targets = self.source.referred(it, "target");
            targets.is_empty() || targets.iter().any(|it| kind(it) == "MessageHeader")
        };
        let of_event = provenances()
            .filter(is_of_message)
            .find(|it| !says(it, "activity") && !says(it, "entity"));
        let of_message = provenances().find(|it| says(it, "activity") || says(it, "entity"));
        if let Some(source) = of_message {
            slots.insert(slot("Provenance", 1), source);
        }
        if let Some(event) = of_event {
            slots.insert(slot("Provenance", 3), event);
        }
        self.steps(steps, &mut slots);
    }

    fn steps(&mut self, steps: &[PlanStep], slots: &mut Slots<'j>) {
        for step in steps {
            match step {
                PlanStep::Segment(id, None) => self.segment(*id, slots),
                PlanStep::Segment(id, Some(pick)) => {
                    // What the items of a list are written from is not in every segment.
                    let of_items = |slot: &Slot| {
                        steps.iter().any(|step| {
                            matches!(step, PlanStep::Items(other, of, _) if other == id && of == slot)
                        })
                    };
                    let mut around = slots.clone();
                    around.retain(|slot, _| !of_items(slot) && slot.kind != pick.slot.kind);
                    // Who takes part is said of everything, and each segment is about one of them.
                    if id.as_str() == "PRT" {
                        around.clear();
                    }
                    for resource in self.fresh(pick, slots) {
                        let mut inner = around.clone();
                        inner.insert(pick.slot.clone(), resource);
                        self.segment(*id, &inner);
                        self.provider(*id, pick);
                    }
                }
                PlanStep::Bind(pick) => {
                    if let Some(first) = self.pick(pick, slots).into_iter().next() {
                        slots.insert(pick.slot.clone(), first);
                    }
                }
                PlanStep::Each(pick, steps) => {
                    for resource in self.fresh(pick, slots) {
                        let mut inner = slots.clone();
                        inner.insert(pick.slot.clone(), resource);
                        // Numbers of results begin anew under each order, those of notes under each
                        // result.
                        let names: &[&str] = match &*pick.slot.kind {
                            "Observation" => &["NTE"],
                            _ => &["OBX", "NTE", "SPM", "TQ1"],
                        };
                        for name in names {
                            if let Some(id) = SegmentId::new(name.as_bytes()) {
                                self.counts.remove(&id);
                            }
                        }
                        self.steps(steps, &mut inner);
                    }
                }
                PlanStep::Items(id, slot, path) => self.items(*id, slot, path, slots),
            }
        }
    }

    /// The resources for a slot that have no line yet.
    fn fresh(&mut self, pick: &Pick, slots: &Slots<'j>) -> Vec<&'j Json<'j>> {
        let mut found = self.pick(pick, slots);
        found.retain(|it| {
            let is = |other: &&Json<'j>| std::ptr::eq(*other, *it);
            // Somebody without a name who stands in another field is nobody to call.
            let is_elsewhere = it.get("name").is_none()
                && kind(it) == "RelatedPerson"
                && slots.iter().any(|(slot, other)| *slot != pick.slot && is(other));
            !self.done.iter().any(is) && !is_elsewhere
        });
        self.done.extend(&found);
        found
    }

    fn pick(&self, pick: &Pick, slots: &Slots<'j>) -> Vec<&'j Json<'j>> {
        let mut found = self.related(pick, slots);
        if let Some(having) = &pick.having {
            found.retain(|it| {
                let values = elements(it, &having.path);
                let has = |value: &str| values.iter().any(|it| it.as_str() == Some(value));
                match &having.what {
                    Had::Anything => !values.is_empty(),
                    Had::Is(value) => has(value),
                    Had::IsNot(value) => !has(value),
                }
            });
        }
        found
    }

    fn related(&self, pick: &Pick, slots: &Slots<'j>) -> Vec<&'j Json<'j>> {
        let all = || self.source.of_kind(&pick.slot.kind);
        match &pick.how {
            Related::All => all().collect(),
            Related::Of(other, path) => {
                let Some(other) = slots.get(other) else { return Vec::new() };
                let found = self.source.referred(other, path);
                found.into_iter().filter(|it| kind(it) == &*pick.slot.kind).collect()
            }
            Related::By(path, other) => {
                let name = &*other.kind;
                let other = slots.get(other);
                // Where there is one patient, what names none is his; of an order or a specimen is
                // only what says so.
                let is_only = name == "Patient" && self.source.of_kind(name).nth(1).is_none();
                let refers = |it: &&'j Json<'j>| {
                    let named = elements(it, path);
                    (named.is_empty() && is_only)
                        || named.iter().any(|reference| {
                            let meant = self.source.resolve(reference, it);
                            matches!((meant, other), (Some(a), Some(b)) if std::ptr::eq(a, *b))
                        })
                };
                all().filter(refers).collect()
            }
        }
    }

    fn segment(&mut self, id: SegmentId, slots: &Slots<'j>) {
        let stay = self.stay(id, slots);
        let mut own: Slots<'_> = Slots::new();
        let slots = match &stay {
            Some((slot, stay)) => {
                own.extend(slots.iter().map(|(slot, resource)| (slot.clone(), *resource)));
                own.insert(slot.clone(), stay);
                &own
            }
            None => slots,
        };
        let mut filler = Filler::new(self.maps, self.local_base, self.source, &self.lines, id);
        let rows: Vec<_> = self.map.rows.iter().filter(|row| row.segment == id).collect();
        let mut ran: Vec<(&str, &Slot)> = Vec::new();
        for row in rows.iter().filter(|row| !row.is_asleep) {
            let (Some(by), Some(resource)) = (row.by.as_deref(), slots.get(&row.slot)) else {
                continue;
            };
            // The same map for the same resource, under another condition.
            if ran.contains(&(by, &row.slot)) {
                continue;
            }
            ran.push((by, &row.slot));
            if by.starts_with("OBX[Observation")
                && let Some(kind) = own::value_type(resource)
            {
                let is_many = resource.get("component").is_some();
                if is_many != by.contains("Component") {
                    continue;
                }
                filler.line.put(&Place::field(2), kind);
            } else if by == "OBX[Observation-Component]" {
                continue;
            }
            if let Some(map) = self.maps.part_back(by) {
                filler.resource(map, resource);
            }
        }
        // Rows that are only for writing.
        for (slot, resource) in slots {
            let by = format!("{id}[{}]", slot.kind);
            let is_own = !ran.iter().any(|(_, other)| *other == slot);
            if let Some(map) = self.maps.part_only_back(&by).filter(|_| is_own) {
                filler.resource(map, resource);
            }
        }
        let (mut line, mut rows) = (filler.line, filler.rows);
        if !ran.is_empty() && rows.is_empty() {
            rows.push(RowId::new(ran.first().map(|(by, _)| *by).unwrap_or_default()));
        }
        if id.as_str() == "ORC" {
            let order = slots.values().find_map(|it| own::order_control(it, &self.map.name));
            if let Some(control) = order.filter(|_| !line.is_empty()) {
                line.put(&Place::field(1), control);
            }
        }
        self.take(line, rows);
    }

    /// The stay with the diagnosis alone that a DG1 is about: its rank and kind are not those of
    /// another.
    fn stay(&self, id: SegmentId, slots: &Slots<'j>) -> Option<(Slot, Json<'j>)> {
        if id.as_str() != "DG1" {
            return None;
        }
        let of_kind = |name: &str| slots.iter().find(|(slot, _)| &*slot.kind == name);
        let (_, condition) = of_kind("Condition")?;
        let (slot, stay) = of_kind("Encounter")?;
        let all = stay.get("diagnosis").map(Json::items).unwrap_or_default();
        let is_own = |item: &&'j Json<'j>| {
            let meant = item.get("condition").and_then(|it| self.source.resolve(it, stay));
            meant.is_some_and(|meant| std::ptr::eq(meant, *condition))
        };
        let own: Vec<Json<'j>> = all.iter().filter(is_own).cloned().collect();
        let mut alone = stay.as_object()?.clone();
        alone.insert("diagnosis", Json::Array(own));
        Some((slot.clone(), Json::Object(alone)))
    }

    /// One segment for each item of a list of the resource in `slot`.
    fn items(&mut self, id: SegmentId, slot: &Slot, name: &str, slots: &Slots<'j>) {
        let Some(resource) = slots.get(slot) else { return };
        let Some(object) = resource.as_object() else { return };
        let row = self.map.rows.iter().find(|row| row.segment == id && row.slot == *slot);
        let by = row.and_then(|row| row.by.clone());
        let by = by.unwrap_or_else(|| format!("{id}[{}]", slot.kind).into());
        let Some(map) = self.maps.part_back(&by).cloned() else { return };
        for item in resource.get(name).map(Json::items).unwrap_or_default() {
            if matches!(id.as_str(), "ROL" | "PRT") && !self.is_role(id, item, resource) {
                continue;
            }
            // The resource with that item alone.
            let mut alone = object.clone();
            alone.insert(name.to_owned(), Json::Array(vec![item.clone()]));
            let alone = Json::Object(alone);
            let source = self.source.clone();
            let mut filler = Filler::new(self.maps, self.local_base, &source, &self.lines, id);
            filler.resource(&map, &alone);
            let (line, rows) = (filler.line, filler.rows);
            // Of the participants, those that the segment is for.
            let is_resource = matches!(id.as_str(), "AIG" | "AIL" | "AIP");
            let is_contact = id.as_str() == "AIP" && own::is_contact(item);
            if is_resource && (is_contact || !line.is_valued(&Place::field(3))) {
                continue;
            }
            match self.twin(&line) {
                // A relative who is a resource and a contact of the patient too.
                Some(twin) => twin.fill_up(line),
                None => self.take(line, rows),
            }
        }
    }

    /// PRD-1 of somebody without a role: whoever asks refers, and whoever is asked is referred to.
    ///
    /// - Source: HL7 table 0286.
    fn provider(&mut self, id: SegmentId, pick: &Pick) {
        let Some(line) = self.lines.last_mut().filter(|line| line.id == id) else { return };
        let role = Place::field(1);
        if id.as_str() != "PRD" || line.is_valued(&role) {
            return;
        }
        let code = match &pick.how {
            Related::Of(_, path) if &**path == "requester" => "RP",
            _ => "RT",
        };
        line.put(&role.part(&[1]), code);
        line.put(&role.part(&[3]), "HL70286");
    }

    /// Whether an item is about somebody in a role, who has a segment of its own; people whom it
    /// refers to stand in fields. Devices take part in PRT alone.
    fn is_role(&self, id: SegmentId, item: &'j Json<'j>, owner: &'j Json<'j>) -> bool {
        let named = ["individual", "member", "actor"].iter().find_map(|name| item.get(name));
        let meant = self.source.resolve(named.unwrap_or(item), owner);
        meant.is_some_and(|it| match kind(it) {
            "PractitionerRole" => it.get("code").is_some(),
            "Device" => id.as_str() == "PRT",
            _ => false,
        })
    }

    /// The segment that says who a line is about already.
    fn twin(&mut self, line: &Line) -> Option<&mut Line> {
        let name = Place::field(2).part(&[1]);
        let given = Place::field(2).part(&[2]);
        let is_same = |other: &Line| {
            other.id == line.id
                && other.text(&name).is_some()
                && other.text(&name) == line.text(&name)
                && other.text(&given) == line.text(&given)
        };
        match line.id.as_str() {
            "NK1" => self.lines.iter_mut().find(|other| is_same(other)),
            _ => None,
        }
    }

    fn take(&mut self, mut line: Line, rows: Vec<RowId>) {
        let is_due = matches!(line.id.as_str(), "PID" | "OBR") && !rows.is_empty();
        if (line.is_empty() && !is_due) || LINES_MAX <= self.lines.len() {
            return;
        }
        if NUMBERED.contains(&line.id.as_str()) {
            let count = self.counts.entry(line.id).or_default();
            *count = count.saturating_add(1);
            line.put(&Place::field(1), &count.to_string());
        }
        // Both have to say what is done with them: who takes part is told anew.
        // Source: HL7 v2.5.1, 15.4.7.2 ROL-2; v2.8, 7.3.4.2 PRT-2; table 0287.
        if matches!(line.id.as_str(), "ROL" | "PRT") {
            line.put(&Place::field(2), "AD");
        }
        line.rows = rows;
        self.lines.push(line);
    }
}
