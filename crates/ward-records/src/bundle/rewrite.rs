//! Links between the entries of a transaction, turned into references to the records made.

use std::borrow::Cow;

use rustc_hash::FxHashMap;
use ward_core::ResourceType;
use ward_fhir::{
    Json,
    definitions::{ElementKind, Primitive, Schema, TypeDef, schema},
    json::Object,
};

/// What the entries call each other, and what they become.
pub(super) type Links = FxHashMap<String, String>;

/// Replaces every link to another entry, in place.
///
/// - Shape: Reference.reference, elements of type uri, url, oid and uuid, and `href` and `src` in
///   narrative. A relative reference is first made absolute with the root of its own entry's
///   `fullUrl`, as references inside a bundle are. Everything else stays as it was sent, an
///   Identifier's value and a canonical among it.
/// - Source: FHIR R4, 3.1.0.11.2 transaction processing rules; 2.36.4.1 references in bundles.
pub(super) fn rewrite(resource: &mut Json<'_>, full_url: Option<&str>, links: &Links) {
    if links.is_empty() {
        return;
    }
    let root = full_url.and_then(root_of);
    Rewrite { schema: schema(), root, links }.resource(resource);
}

/// `http://there/fhir/` of `http://there/fhir/Patient/1`.
fn root_of(full_url: &str) -> Option<&str> {
    let (rest, _) = full_url.rsplit_once('/')?;
    let (before, kind) = rest.rsplit_once('/')?;
    kind.parse::<ResourceType>().ok()?;
    full_url.get(..=before.len())
}

struct Rewrite<'l> {
    schema: &'static Schema,
    root: Option<&'l str>,
    links: &'l Links,
}

impl Rewrite<'_> {
    fn resource(&self, resource: &mut Json<'_>) {
        let kind = resource.get("resourceType").and_then(Json::as_str);
        let def = kind.and_then(|kind| self.schema.resource(kind));
        if let (Some(def), Some(object)) = (def, resource.as_object_mut()) {
            self.object(def, object);
        }
    }

    fn object(&self, def: &'static TypeDef, object: &mut Object<'_>) {
        let is_reference = def.name == "Reference";
        for (name, value) in object.iter_mut() {
            if is_reference && name == "reference" {
                self.link(value);
            } else if let Some(plain) = name.strip_prefix('_') {
                // Extensions of a primitive value hold references too.
                if let (Some(element), true) = (def.member(plain), is_tree(value))
                    && matches!(element.kind.kind, ElementKind::Primitive(_))
                    && let Some(extended) = self.schema.type_named("Element")
                {
                    self.items(value, &|item| self.inside(extended, item));
                }
            } else if let Some(found) = def.member(name) {
                match found.kind.kind {
                    ElementKind::Primitive(
                        Primitive::Uri | Primitive::Url | Primitive::Oid | Primitive::Uuid,
                    ) => self.items(value, &|item| self.link(item)),
                    ElementKind::Primitive(Primitive::Xhtml) => self.narrative(value),
                    ElementKind::Primitive(_) => {}
                    ElementKind::AnyResource => self.items(value, &|item| self.resource(item)),
                    ElementKind::Complex(id) => {
                        if let Some(inner) = self.schema.get(id) {
                            self.items(value, &|item| self.inside(inner, item));
                        }
                    }
                }
            }
        }
    }

    fn items(&self, value: &mut Json<'_>, each: &dyn Fn(&mut Json<'_>)) {
        match value {
            Json::Array(items) => items.iter_mut().for_each(each),
            one => each(one),
        }
    }

    fn inside(&self, def: &'static TypeDef, item: &mut Json<'_>) {
        if let Some(object) = item.as_object_mut() {
            self.object(def, object);
        }
    }

    fn link(&self, value: &mut Json<'_>) {
        if let Json::String(text) = value
            && let Some(target) = self.target_of(text)
        {
            *text = Cow::Owned(target);
        }
    }

    fn target_of(&self, text: &str) -> Option<String> {
        if text.starts_with('#') {
            return None;
        }
        // A link may be followed by a fragment.
        let (link, fragment) = match text.split_once('#') {
            Some((link, fragment)) => (link, Some(fragment)),
            None => (text, None),
        };
        let target = self.links.get(link).or_else(|| {
            let is_relative = !link.contains(':') && !link.contains('?');
            let root = self.root.filter(|_| is_relative)?;
            self.links.get(&format!("{root}{link}"))
        })?;
        Some(match fragment {
            None => target.clone(),
            Some(fragment) => format!("{target}#{fragment}"),
        })
    }

    /// Links in attributes, in either quotes.
    fn narrative(&self, value: &mut Json<'_>) {
        let Json::String(text) = value else { return };
        if !text.contains("href") && !text.contains("src") {
            return;
        }
        let mut out = String::with_capacity(text.len());
        let mut rest: &str = text;
        while let Some((at, quote)) = next_link(rest) {
            let Some((before, after)) = rest.split_at_checked(at) else { break };
            out.push_str(before);
            let end = after.find(quote).unwrap_or(after.len());
            let (link, tail) = after.split_at_checked(end).unwrap_or((after, ""));
            match self.target_of(link) {
                Some(target) => out.push_str(&target),
                None => out.push_str(link),
            }
            rest = tail;
        }
        out.push_str(rest);
        if out != **text {
            *text = Cow::Owned(out);
        }
    }
}

/// Where the value of the next `href` or `src` begins, and the quote that ends it.
fn next_link(text: &str) -> Option<(usize, char)> {
    let mut from = 0;
    loop {
        let rest = text.get(from..)?;
        let at = [rest.find("href"), rest.find("src")].into_iter().flatten().min()?;
        let name = if rest.get(at..)?.starts_with("href") { "href" } else { "src" };
        let after_name = at + name.len();
        let after = rest.get(after_name..)?;
        let value = after.trim_start().strip_prefix('=').map(str::trim_start);
        let is_attribute = rest.get(..at)?.ends_with(char::is_whitespace);
        if let Some(value) = value
            && let Some(quote) = value.chars().next().filter(|c| is_attribute && "\"'".contains(*c))
        {
            let skipped = after.len() - value.len() + quote.len_utf8();
            return Some((from + after_name + skipped, quote));
        }
        from += after_name;
    }
}

fn is_tree(value: &Json<'_>) -> bool {
    matches!(value, Json::Array(_) | Json::Object(_))
}

/// References of the form `Practitioner?identifier=…`, gathered from a resource.
pub(super) fn conditional_references(tree: &Json<'_>, found: &mut dyn FnMut(&str)) {
    match tree {
        Json::Array(items) => items.iter().for_each(|it| conditional_references(it, found)),
        Json::Object(object) => {
            for (name, value) in object.iter() {
                match value {
                    Json::String(text) if name == "reference" && is_conditional(text) => {
                        found(text);
                    }
                    Json::Array(_) | Json::Object(_) => conditional_references(value, found),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

fn is_conditional(text: &str) -> bool {
    text.split_once('?').is_some_and(|(kind, _)| kind.parse::<ResourceType>().is_ok())
}

#[cfg(test)]
mod tests;
