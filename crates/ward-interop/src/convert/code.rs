//! Codes: through the maps of codes, and names of code systems to URIs.

use ward_fhir::Json;
use ward_hl7::{
    ProblemKind, Severity,
    map::{Coded, RowId},
};

use super::{
    run::Engine,
    value::Value,
    write::{At, Cursor},
};

impl<'m> Engine<'_, 'm> {
    /// Writes the code that a map of codes has for `value`; `false` where it has none and the
    /// element takes any.
    pub fn coded(&mut self, codes: &str, value: Value<'m>, cursor: &Cursor, row: &RowId) -> bool {
        let Some(map) = self.maps().codes(codes) else { return false };
        let find = |value: Value<'_>| {
            let text = value.text()?;
            map.rows.get(&*text).or_else(|| map.rows.get(text.to_ascii_uppercase().as_str()))
        };
        // A field that should be a code may come as CWE, with the code in its second triplet.
        let found = find(value.part(1)).or_else(|| find(value.part(4)));
        match cursor.kind {
            At::Primitive(..) => {
                match found {
                    Some(coded) => self.put_text(cursor, &coded.code, row),
                    // A code of FHIR itself is taken as it is, if the element knows it.
                    None => match value.part(1).text() {
                        Some(text) => self.put_text(cursor, &text, row),
                        None => self.note(Severity::Warning, ProblemKind::TableValue),
                    },
                }
                true
            }
            At::Complex(def) => {
                let Some(coded) = found else { return false };
                match def.name {
                    "CodeableConcept" => self.concept(coded, value, cursor, row),
                    "Coding" => self.coding(coded, value, cursor, row),
                    _ => return false,
                }
                // The other triplets may have a code in the map too.
                for (first, label) in [(4, 104), (10, 110)] {
                    let other = find(value.part(first));
                    if let (Some(other), "CodeableConcept") = (other, def.name)
                        && other != coded
                        && *other.code != *value.part(first).text().unwrap_or_default()
                        && let Some(item) = self.inner(cursor, "coding")
                    {
                        self.coding(other, Value::Nothing, &relabel(&item, label), row);
                    }
                }
                // What else the value has, such as text, goes on by its own map.
                false
            }
        }
    }

    fn concept(&mut self, coded: &Coded, value: Value<'m>, cursor: &Cursor, row: &RowId) {
        let Some(item) = self.inner(cursor, "coding") else { return };
        let own = value.part(1).text().unwrap_or_default();
        let is_own = *own == *coded.code;
        // The code as it was sent stays beside what it became.
        if !is_own && let Some(map) = self.maps().part("CWE[Coding]") {
            let (item, beside) = (relabel(&item, 0), relabel(&item, 1));
            self.coding(coded, value, &item, row);
            self.value(map, value, &beside, row);
            return;
        }
        self.coding(coded, value, &item, row);
    }

    fn coding(&mut self, coded: &Coded, value: Value<'m>, cursor: &Cursor, row: &RowId) {
        let own = value.part(1).text().unwrap_or_default();
        let sent = value.part(2).text().filter(|_| *own == *coded.code);
        let display = sent.as_deref().unwrap_or(&coded.display).to_owned();
        for (name, text) in
            [("system", &*coded.system), ("code", &*coded.code), ("display", display.as_str())]
        {
            if !text.is_empty()
                && let Some(inner) = self.inner(cursor, name)
            {
                self.put(&inner, Json::string(text.to_owned()), row);
            }
        }
    }

    /// The URI of a code system or, in an identifier, of an assigning authority.
    pub fn system(&self, cursor: &Cursor, text: &str) -> String {
        let parent = cursor.path.iter().rev().nth(1).map(|hop| hop.name.plain);
        let text = text.trim();
        if parent.is_some_and(|name| name.contains("dentifier")) {
            return self.authority(text);
        }
        if let Some(uri) = self.maps().system(text) {
            return uri.to_owned();
        }
        if let Some(uri) = as_uri(text) {
            return uri;
        }
        // `HL70001`: a table of the standard.
        if let Some(table) = text.strip_prefix("HL7")
            && (3..=4).contains(&table.len())
            && table.bytes().all(|b| b.is_ascii_digit())
        {
            return format!("http://terminology.hl7.org/CodeSystem/v2-{table:0>4}");
        }
        format!("{}codes:{}", self.converter.settings.local_base, plain(text))
    }

    /// The URI of an assigning authority by its name.
    pub fn authority(&self, name: &str) -> String {
        if let Some(uri) = self.maps().authority(name) {
            return uri.to_owned();
        }
        as_uri(name).unwrap_or_else(|| {
            format!("{}authority:{}", self.converter.settings.local_base, plain(name))
        })
    }
}

/// The item beside, in the same list.
fn relabel(item: &Cursor, label: u16) -> Cursor {
    let mut item = item.clone();
    if let Some(key) = item.path.last_mut().and_then(|hop| hop.key.as_mut()) {
        key.label = label;
    }
    item
}

/// Text that already is a URI or an OID.
fn as_uri(text: &str) -> Option<String> {
    let has_white = text.contains(char::is_whitespace);
    if !has_white && (text.contains("://") || text.starts_with("urn:")) {
        return Some(text.to_owned());
    }
    is_oid(text).then(|| format!("urn:oid:{text}"))
}

pub(crate) fn is_oid(text: &str) -> bool {
    text.contains('.')
        && text.starts_with(['0', '1', '2'])
        && text.split('.').all(|arc| !arc.is_empty() && arc.bytes().all(|b| b.is_ascii_digit()))
}

/// A name as part of a URI.
fn plain(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:@/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
