//! From the bytes of a label to what it says.

use quick_xml::{
    Reader, XmlVersion,
    escape::resolve_predefined_entity,
    events::{BytesStart, Event},
};

use super::DEPTH_MAX;
use crate::knowledge::{
    intake::Intake,
    label::{Label, LabelIngredient, LabelProduct, Moiety, SECTION_BYTES_MAX, SectionKind},
    problem::said,
};

/// Code systems of SPL, by OID: NDC, UNII, controlled substances.
const NDC: &str = "2.16.840.1.113883.6.69";
const UNII: &str = "2.16.840.1.113883.4.9";

/// Schedules of the DEA, by code of the NCI thesaurus.
const SCHEDULES: [(&str, &str); 4] =
    [("C48675", "CII"), ("C48676", "CIII"), ("C48677", "CIV"), ("C48679", "CV")];

/// Reads one label.
///
/// - Shape: `None`, with a problem noted, for what is no label; parts that cannot be understood are
///   noted and left out. Entities other than those of XML are left out: nothing is fetched.
/// - Cost: one pass.
pub fn read(bytes: &[u8], file: &str, intake: &mut Intake<'_>) -> Option<Label> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else {
        intake.problems.note(file, 1, "", "the file is not UTF-8");
        return None;
    };
    let mut reader = Reader::from_str(text);
    let mut state = State::new(text, file);
    loop {
        let event = match reader.read_event() {
            Ok(event) => event,
            Err(error) => {
                let at = reader.error_position();
                intake.problems.note(file, state.line(at), "", format!("not XML: {error}"));
                return None;
            }
        };
        state.at = reader.buffer_position();
        match event {
            Event::Start(start) => {
                if DEPTH_MAX <= state.path.len() {
                    let says = format!("elements are nested deeper than {DEPTH_MAX}");
                    intake.problems.note(file, state.line(state.at), "", says);
                    return None;
                }
                state.open(&start, intake);
            }
            Event::Empty(start) => {
                state.open(&start, intake);
                state.close();
            }
            Event::End(_) => state.close(),
            Event::Text(text) => state.text(&text.xml10_content()),
            Event::CData(text) => state.text(&text.xml10_content()),
            Event::GeneralRef(entity) => {
                if let Ok(Some(c)) = entity.resolve_char_ref() {
                    state.text(c.encode_utf8(&mut [0; 4]));
                } else if let Some(text) = resolve_predefined_entity(&entity.xml10_content()) {
                    state.text(text);
                }
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            Event::Eof => break,
        }
    }
    if !state.is_label || !state.path.is_empty() {
        intake.problems.note(file, 1, "", "not an SPL document");
        return None;
    }
    Some(state.label)
}

struct State<'x> {
    whole: &'x str,
    file: &'x str,
    at: u64,
    path: Vec<String>,
    label: Label,
    is_label: bool,
    /// Sections that are open: their kind, and the text so far.
    sections: Vec<(Option<SectionKind>, String)>,
    product: Option<LabelProduct>,
    /// How deep the product began.
    product_depth: usize,
    ingredient: Option<(bool, LabelIngredient)>,
    moiety: Option<Moiety>,
    /// A summary repeats what the section says; it is not read.
    excerpt: usize,
    collected: String,
}

impl<'x> State<'x> {
    fn new(whole: &'x str, file: &'x str) -> State<'x> {
        State {
            whole,
            file,
            at: 0,
            path: Vec::new(),
            label: Label::default(),
            is_label: false,
            sections: Vec::new(),
            product: None,
            product_depth: 0,
            ingredient: None,
            moiety: None,
            excerpt: 0,
            collected: String::new(),
        }
    }

    fn line(&self, at: u64) -> u64 {
        line_of(self.whole, at)
    }

    /// The name of the element `n` above the one that is open.
    fn above(&self, n: usize) -> &str {
        let at = self.path.len().checked_sub(n + 1);
        at.and_then(|at| self.path.get(at)).map_or("", String::as_str)
    }

    fn open(&mut self, start: &BytesStart<'_>, intake: &mut Intake<'_>) {
        let name = start.local_name().as_ref().to_owned();
        let parent = self.above(0).to_owned();
        let value = |name: &str| -> String {
            let found = start.try_get_attribute(name).ok().flatten();
            let value = found.and_then(|it| {
                it.normalized_value(XmlVersion::Explicit1_0).map(|v| v.into_owned()).ok()
            });
            value.unwrap_or_default()
        };
        if self.path.is_empty() && name == "document" {
            self.is_label = true;
        }
        match name.as_str() {
            "suffix" => self.collected.push(' '),
            it if is_inline(it) => {}
            _ => self.collected.clear(),
        }
        match (parent.as_str(), name.as_str()) {
            ("document", "setId") => self.label.set_id = value("root"),
            ("document", "versionNumber") => self.label.version = value("value"),
            ("document", "effectiveTime") => self.label.effective = value("value"),
            (_, "section") => self.sections.push((None, String::new())),
            (_, "excerpt") => self.excerpt += 1,
            ("section", "code") => {
                if let Some((kind, _)) = self.sections.last_mut() {
                    *kind = SectionKind::of_loinc(&value("code"));
                }
            }
            ("manufacturedProduct", "manufacturedProduct" | "manufacturedMedicine")
            | ("part", "partProduct" | "partMedicine")
                if self.product.is_none() && !self.sections.is_empty() =>
            {
                self.product =
                    Some(LabelProduct { inactive: Some(Vec::new()), ..LabelProduct::default() });
                self.product_depth = self.path.len();
            }
            _ => {}
        }
        if self.product.is_some() {
            self.open_in_product(&parent, &name, &value, intake);
        } else if let Some(product) = self.label.products.last_mut() {
            // Route and schedule stand beside the product, not in it.
            match (parent.as_str(), name.as_str()) {
                (_, "routeCode") => {
                    let route = value("displayName").to_lowercase();
                    if !route.is_empty() && !product.routes.contains(&route) {
                        product.routes.push(route);
                    }
                }
                ("policy", "code") => {
                    let code = value("code");
                    if let Some((_, it)) = SCHEDULES.iter().find(|(of, _)| *of == code) {
                        product.schedule = (*it).to_owned();
                    }
                }
                _ => {}
            }
        }
        self.path.push(name);
    }

    fn open_in_product(
        &mut self,
        parent: &str,
        name: &str,
        value: &dyn Fn(&str) -> String,
        intake: &mut Intake<'_>,
    ) {
        let (whole, at, file) = (self.whole, self.at, self.file);
        let mut wrong = |place: &str, says: String| {
            intake.problems.note(file, line_of(whole, at), place, says);
        };
        match (parent, name) {
            (_, "ingredient" | "activeIngredient" | "inactiveIngredient") => {
                let class = value("classCode");
                let is_active = name == "activeIngredient"
                    || (name == "ingredient" && class.starts_with("ACT"));
                self.ingredient = Some((is_active, LabelIngredient::default()));
                return;
            }
            ("activeMoiety", "activeMoiety") => {
                self.moiety = Some(Moiety::default());
                return;
            }
            _ => {}
        }
        if let Some((_, ingredient)) = &mut self.ingredient {
            match (parent, name) {
                ("quantity", "numerator") => {
                    let strength = ingredient.strength.get_or_insert_default();
                    match number(&value("value")) {
                        Some(n) => strength.value = n,
                        None => ingredient.strength = None,
                    }
                    if let Some(strength) = &mut ingredient.strength {
                        strength.unit = value("unit");
                    }
                }
                ("quantity", "denominator") => {
                    if let Some(strength) = &mut ingredient.strength {
                        strength.per_value = number(&value("value")).unwrap_or(1.0);
                        let unit = value("unit");
                        strength.per_unit = if unit.is_empty() { "1".to_owned() } else { unit };
                    }
                }
                (_, "code") if value("codeSystem") == UNII => match value("code").parse() {
                    Ok(unii) => match &mut self.moiety {
                        Some(moiety) => moiety.unii = Some(unii),
                        None => ingredient.unii = Some(unii),
                    },
                    Err(error) => wrong("ingredient", format!("{}: {error}", said(&value("code")))),
                },
                _ => {}
            }
            return;
        }
        let Some(product) = &mut self.product else { return };
        match (parent, name) {
            ("manufacturedProduct" | "manufacturedMedicine" | "partProduct", "code")
                if value("codeSystem") == NDC && product.code.is_empty() =>
            {
                product.code = value("code");
            }
            ("manufacturedProduct" | "manufacturedMedicine" | "partProduct", "formCode")
                if product.form.is_empty() =>
            {
                product.form = value("displayName").to_lowercase();
            }
            ("containerPackagedProduct" | "containerPackagedMedicine", "code")
                if value("codeSystem") == NDC =>
            {
                let code = value("code");
                // An inner container may have no number of its own.
                if !code.is_empty() {
                    match code.parse() {
                        Ok(ndc) if !product.packages.contains(&ndc) => product.packages.push(ndc),
                        Ok(_) => {}
                        Err(error) => wrong("package", format!("{}: {error}", said(&code))),
                    }
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if self.collected.len() < SECTION_BYTES_MAX {
            self.collected.push_str(text);
        }
        if 0 < self.excerpt {
            return;
        }
        let is_said = self.path.iter().any(|it| it == "text");
        if is_said {
            for (_, collected) in self.sections.iter_mut().filter(|(kind, _)| kind.is_some()) {
                // One byte more than is kept, so that it is known to be cut.
                if collected.len() <= 2 * SECTION_BYTES_MAX {
                    collected.push_str(text);
                }
            }
        }
    }

    fn close(&mut self) {
        let Some(name) = self.path.pop() else { return };
        if is_inline(&name) {
            if name == "br" {
                self.text(" ");
            }
            return;
        }
        let parent = self.above(0).to_owned();
        let said = self.collected.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        match (parent.as_str(), name.as_str()) {
            ("document", "title") => self.label.title = said,
            ("representedOrganization", "name") if self.label.labeler.is_empty() => {
                self.label.labeler = said;
            }
            (_, "excerpt") => self.excerpt = self.excerpt.saturating_sub(1),
            (_, "section") => {
                if let Some((Some(kind), text)) = self.sections.pop() {
                    self.label.put(kind, &text);
                }
            }
            ("ingredientSubstance", "name") => {
                if let Some((_, ingredient)) = &mut self.ingredient {
                    ingredient.name = said;
                }
            }
            ("activeMoiety", "name") => {
                if let Some(moiety) = &mut self.moiety {
                    moiety.name = said;
                }
            }
            ("activeMoiety", "activeMoiety") => {
                if let (Some((_, ingredient)), Some(moiety)) =
                    (&mut self.ingredient, self.moiety.take())
                {
                    ingredient.moieties.push(moiety);
                }
            }
            (_, "ingredient" | "activeIngredient" | "inactiveIngredient") => {
                if let (Some((is_active, it)), Some(product)) =
                    (self.ingredient.take(), &mut self.product)
                {
                    if is_active {
                        product.active.push(it);
                    } else {
                        product.inactive.get_or_insert_default().push(it);
                    }
                }
            }
            ("genericMedicine", "name") => {
                if let Some(product) = self.product.as_mut().filter(|it| it.generic.is_empty()) {
                    product.generic = said;
                }
            }
            ("manufacturedProduct" | "manufacturedMedicine" | "partProduct", "name") => {
                if let Some(product) = self.product.as_mut().filter(|it| it.name.is_empty()) {
                    product.name = said;
                }
            }
            // What is said of the package may hold the end of a paragraph.
            (_, "paragraph" | "item" | "td" | "th" | "title") => self.text(" "),
            _ => {}
        }
        if self.product.is_some() && self.path.len() == self.product_depth {
            self.label.products.extend(self.product.take());
        }
        self.collected.clear();
    }
}

/// Elements inside a title or a name that do not end it: `<title>A<br/>B</title>`,
/// `<name>Lipitor<suffix>XR</suffix></name>`.
fn is_inline(name: &str) -> bool {
    matches!(name, "br" | "content" | "footnote" | "sub" | "suffix" | "sup")
}

/// The line in which a byte stands.
fn line_of(whole: &str, at: u64) -> u64 {
    let at = usize::try_from(at).unwrap_or(usize::MAX).min(whole.len());
    let before = whole.as_bytes().get(..at).unwrap_or_default();
    let n = before.iter().filter(|b| **b == b'\n').count();
    u64::try_from(n).unwrap_or(u64::MAX).saturating_add(1)
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|n: &f64| n.is_finite() && 0.0 < *n)
}
