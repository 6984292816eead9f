//! The elements of a structure: names, counts, kinds and values.

use crate::{
    definitions::{ElementDef, ElementKind, Found, Primitive, TypeDef, TypeKind},
    json::{Json, Object},
    outcome::IssueCode as Code,
};

use super::{Walk, format, narrative, path::Path, reference, shown};

/// Longest string, in bytes.
/// LIMIT: FHIR R4 allows one megabyte; base64 content is not bound by it.
const STRING_BYTES_MAX: usize = 1024 * 1024;

impl<'a> Walk<'a> {
    pub(super) fn object<'j: 'a>(
        &mut self,
        def: &'static TypeDef,
        object: &'a Object<'j>,
        path: &Path<'_>,
    ) {
        let is_resource = def.kind == TypeKind::Resource;
        let mut seen = 0u128;
        for (name, value) in object.iter() {
            if let Some(plain) = name.strip_prefix('_') {
                self.sibling(def, object, plain, value, path, &mut seen);
            } else if let Some(found) = def.member(name) {
                self.see(found, &mut seen, path);
                self.member(found, name, value, object, path);
            } else if !(is_resource && name == "resourceType") {
                self.unknown("", name, path);
            }
        }
        let missing = def.required() & !seen;
        if missing != 0 {
            self.missing(def, missing, path);
        }
        if object.is_empty() || (object.len() == 1 && object.contains("id") && !is_resource) {
            self.error(path, Code::Invariant, "an element without a value or children (ele-1)");
        }
    }

    fn unknown(&mut self, prefix: &str, name: &str, path: &Path<'_>) {
        let text = format!("`{prefix}{}` is not an element here", shown(name));
        self.error(path, Code::Structure, text);
    }

    fn see(&mut self, found: Found<'_>, seen: &mut u128, path: &Path<'_>) {
        let bit = 1u128.checked_shl(u32::try_from(found.at).unwrap_or(128)).unwrap_or(0);
        if *seen & bit != 0 {
            let path = path.name(found.element.name);
            self.error(&path, Code::Structure, "a choice is made twice");
        }
        *seen |= bit;
    }

    fn missing(&mut self, def: &TypeDef, missing: u128, path: &Path<'_>) {
        for (at, element) in def.elements().iter().enumerate() {
            if at < 128 && missing & (1 << at) != 0 {
                let choice = if element.is_choice { "[x]" } else { "" };
                let text = format!("`{}{choice}` is required", element.name);
                self.error(path, Code::Required, text);
            }
        }
    }

    fn member<'j: 'a>(
        &mut self,
        found: Found<'static>,
        name: &str,
        value: &'a Json<'j>,
        object: &'a Object<'j>,
        path: &Path<'_>,
    ) {
        let path = path.name(found.element.name);
        match (value, found.element.repeats()) {
            (Json::Array(items), true) => self.items(found, name, items, object, &path),
            (Json::Array(_), false) => {
                self.error(&path, Code::Structure, "an array where one value is meant");
            }
            (Json::Null, _) => self.error(&path, Code::Structure, "null is not a value here"),
            (_, true) => self.error(&path, Code::Structure, "this element is always an array"),
            (value, false) => self.value(found, value, &path),
        }
    }

    fn items<'j: 'a>(
        &mut self,
        found: Found<'static>,
        name: &str,
        items: &'a [Json<'j>],
        object: &'a Object<'j>,
        path: &Path<'_>,
    ) {
        let count = items.len();
        let ElementDef { min, max, .. } = found.element;
        if count == 0 {
            self.error(path, Code::Structure, "an array without items");
        } else if count < usize::from(*min) || max.is_some_and(|max| usize::from(max) < count) {
            self.error(path, Code::Structure, "too few or too many items");
        }
        for (at, item) in items.iter().enumerate() {
            let path = path.index(at);
            if *item != Json::Null {
                self.value(found, item, &path);
                continue;
            }
            let is_primitive = matches!(found.kind.kind, ElementKind::Primitive(_));
            let sibling = object.iter().find(|(n, _)| n.strip_prefix('_') == Some(name));
            let sibling = sibling.and_then(|(_, s)| s.as_array()?.get(at)?.as_object());
            if !is_primitive || sibling.is_none() {
                self.error(&path, Code::Structure, "null without an extension in its place");
            }
        }
    }

    /// `_name`: the id and the extensions of a primitive.
    fn sibling<'j: 'a>(
        &mut self,
        def: &'static TypeDef,
        object: &'a Object<'j>,
        plain: &str,
        value: &'a Json<'j>,
        path: &Path<'_>,
        seen: &mut u128,
    ) {
        let found = def.member(plain);
        let Some(found) = found.filter(|f| matches!(f.kind.kind, ElementKind::Primitive(_))) else {
            return self.unknown("_", plain, path);
        };
        let main = object.get(plain);
        if main.is_none() {
            self.see(found, seen, path);
        }
        let path = path.name(found.element.name);
        match (value, found.element.repeats()) {
            (Json::Array(items), true) => {
                let main_items = main.and_then(Json::as_array);
                if items.is_empty() || items.iter().all(|item| *item == Json::Null) {
                    self.error(&path, Code::Structure, "an array without items");
                } else if main_items.is_some_and(|main| main.len() != items.len()) {
                    let text = "values and extensions must be padded with null to one length";
                    self.error(&path, Code::Structure, text);
                }
                for (at, item) in items.iter().enumerate() {
                    if *item != Json::Null {
                        self.element_of_primitive(item, &path.index(at));
                    } else if main.is_none() {
                        let text = "null without a value in its place";
                        self.error(&path.index(at), Code::Structure, text);
                    }
                }
            }
            (other, false) => self.element_of_primitive(other, &path),
            (_, true) => self.error(&path, Code::Structure, "this element is always an array"),
        }
    }

    fn element_of_primitive<'j: 'a>(&mut self, value: &'a Json<'j>, path: &Path<'_>) {
        match (value.as_object(), self.schema.type_named("Element")) {
            (Some(object), Some(def)) => {
                // An id alone is enough beside a value.
                if object.is_empty() || !object.contains("id") {
                    self.object(def, object, path);
                } else if let Some(extension) = object.get("extension") {
                    let found = def.member("extension");
                    if let Some(found) = found {
                        self.member(found, "extension", extension, object, path);
                    }
                }
            }
            _ => {
                let text = format!("id and extensions are an object, not {}", value.kind_name());
                self.error(path, Code::Structure, text);
            }
        }
    }

    fn value<'j: 'a>(&mut self, found: Found<'static>, value: &'a Json<'j>, path: &Path<'_>) {
        match found.kind.kind {
            ElementKind::Primitive(kind) => self.primitive(kind, found.element, value, path),
            ElementKind::AnyResource if found.element.name == "contained" => {
                self.contained(value, path);
            }
            ElementKind::AnyResource => self.independent(value, path),
            ElementKind::Complex(id) => {
                let Some(def) = self.schema.get(id) else { return };
                let Some(object) = value.as_object() else {
                    let text = format!("{} is an object, not {}", def.name, value.kind_name());
                    return self.error(path, Code::Structure, text);
                };
                self.object(def, object, path);
                match def.name {
                    "Extension" => self.extension(object, path),
                    "Reference" => self.reference(found, object, path),
                    "CodeableConcept" => self.concept(found.element, object, path),
                    _ => {}
                }
            }
        }
    }

    fn primitive(
        &mut self,
        kind: Primitive,
        element: &ElementDef,
        value: &Json<'_>,
        path: &Path<'_>,
    ) {
        let fits = match (kind, value) {
            (Primitive::Boolean, Json::Bool(_)) | (Primitive::Decimal, Json::Number(_)) => true,
            (
                Primitive::Integer | Primitive::PositiveInt | Primitive::UnsignedInt,
                Json::Number(n),
            ) => format::is_integer(kind, n.as_str()),
            (
                Primitive::Boolean
                | Primitive::Decimal
                | Primitive::Integer
                | Primitive::PositiveInt
                | Primitive::UnsignedInt,
                _,
            ) => return self.wrong_kind(kind, value, path),
            (_, Json::String(text)) => return self.string(kind, element, text, path),
            _ => return self.wrong_kind(kind, value, path),
        };
        if !fits {
            self.error(path, Code::Value, format!("not a value of type {}", kind.name()));
        }
    }

    fn wrong_kind(&mut self, kind: Primitive, value: &Json<'_>, path: &Path<'_>) {
        let json = match kind {
            Primitive::Boolean => "a boolean",
            Primitive::Decimal
            | Primitive::Integer
            | Primitive::PositiveInt
            | Primitive::UnsignedInt => "a number",
            _ => "a string",
        };
        let text = format!("{} is {json} in JSON, not {}", kind.name(), value.kind_name());
        self.error(path, Code::Structure, text);
    }

    fn string(&mut self, kind: Primitive, element: &ElementDef, text: &str, path: &Path<'_>) {
        if text.is_empty() {
            return self.error(path, Code::Value, "a string without characters");
        }
        if kind == Primitive::Base64Binary {
            if !format::fits(kind, text) {
                self.error(path, Code::Value, "not a value of type base64Binary");
            }
            return;
        }
        if STRING_BYTES_MAX < text.len() {
            self.error(path, Code::TooLong, "a string of more than one megabyte");
        }
        if text.bytes().any(|b| b < 0x20 && !matches!(b, b'\t' | b'\r' | b'\n')) {
            self.error(path, Code::Value, "a string with a control character");
        }
        if kind == Primitive::Xhtml {
            if let Err(fault) = narrative::check(text) {
                self.error(path, Code::Invariant, format!("{fault} (txt-1)"));
            }
            return;
        }
        if !format::fits(kind, text) {
            return self.error(path, Code::Value, format!("not a value of type {}", kind.name()));
        }
        if kind == Primitive::Code
            && let Some(codes) = self.schema.codes_of(element)
            && !codes.contains(text)
        {
            let why = format!("a code that is not in the required value set {}", codes.url);
            self.error(path, Code::CodeInvalid, why);
        }
    }

    fn extension(&mut self, object: &Object<'_>, path: &Path<'_>) {
        let is_value = |name: &str| name.trim_start_matches('_').starts_with("value");
        let has_value = object.iter().any(|(name, _)| is_value(name));
        if has_value == object.contains("extension") {
            let text = "an extension has a value or extensions, and not both (ext-1)";
            self.error(path, Code::Invariant, text);
        }
    }

    fn reference(&mut self, found: Found<'_>, object: &Object<'_>, path: &Path<'_>) {
        let Some(text) = object.get("reference").and_then(Json::as_str) else { return };
        let allowed = &found.kind.targets;
        let kind = match reference::target(text) {
            reference::Target::Malformed => {
                let text = "not a reference: `Type/id`, a URL, `urn:uuid:` or `#id` is meant";
                return self.error(path, Code::Value, text);
            }
            reference::Target::Open | reference::Target::Contained("") => return,
            reference::Target::Typed(kind) => Some(kind),
            reference::Target::Contained(id) => {
                let of_id = |c: &&Json<'_>| c.get("id").and_then(Json::as_str) == Some(id);
                let Some(target) = self.contained.iter().find(of_id) else {
                    let text = "no contained resource has this id (ref-1)";
                    return self.error(path, Code::NotFound, text);
                };
                target.get("resourceType").and_then(|t| t.as_str()?.parse().ok())
            }
        };
        if let Some(kind) = kind
            && !allowed.is_empty()
            && !allowed.contains(&kind)
        {
            let text = format!("a reference to {kind}, which this element cannot point at");
            self.error(path, Code::Value, text);
        }
    }

    /// A concept with a required binding: one of its codings is from the value set.
    fn concept(&mut self, element: &ElementDef, object: &Object<'_>, path: &Path<'_>) {
        let Some(codes) = self.schema.codes_of(element) else { return };
        let codings = object.get("coding").and_then(Json::as_array).unwrap_or_default();
        let good = codings.iter().any(|coding| {
            let text = |name| coding.get(name).and_then(Json::as_str);
            text("code").is_some_and(|code| match text("system") {
                Some(system) => codes.contains_in(system, code),
                None => codes.contains(code),
            })
        });
        if !good {
            let why = format!("no coding is in the required value set {}", codes.url);
            self.error(path, Code::CodeInvalid, why);
        }
    }
}
