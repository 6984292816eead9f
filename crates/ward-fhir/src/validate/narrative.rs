//! The XHTML of a narrative: well formed, and only what FHIR lets it hold.

use std::fmt;

/// LIMIT: a narrative that nests deeper is not made for people.
const DEPTH_MAX: usize = 256;

/// What is wrong with a narrative. Never shows its content.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fault {
    NotDiv,
    Syntax,
    Unbalanced,
    Element,
    Attribute,
    Link,
    Depth,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::NotDiv => "a narrative is one `div` element",
            Fault::Syntax => "a narrative that is not well-formed XHTML",
            Fault::Unbalanced => "a narrative whose tags do not match",
            Fault::Element => "a narrative with an element that FHIR does not allow",
            Fault::Attribute => "a narrative with an attribute that FHIR does not allow",
            Fault::Link => "a narrative with a link that runs a program",
            Fault::Depth => "a narrative that nests too deep",
        })
    }
}

/// INVARIANT: sorted. Source: FHIR R4, Narrative, invariant txt-1.
#[rustfmt::skip]
static ELEMENTS: [&str; 48] = [
    "a", "abbr", "acronym", "b", "big", "blockquote", "br", "caption", "cite", "code", "col",
    "colgroup", "dd", "dfn", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr",
    "i", "img", "li", "ol", "p", "pre", "q", "samp", "small", "span", "strong", "sub", "sup",
    "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt",
    "ul", "var",
];

/// INVARIANT: sorted. Source: FHIR R4, Narrative, invariant txt-1.
#[rustfmt::skip]
static ATTRIBUTES: [&str; 50] = [
    "abbr", "accesskey", "align", "alt", "axis", "bgcolor", "border", "cellhalign", "cellpadding",
    "cellspacing", "cellvalign", "char", "charoff", "charset", "cite", "class", "colspan",
    "compact", "coords", "dir", "frame", "headers", "height", "href", "hreflang", "hspace", "id",
    "lang", "longdesc", "name", "nowrap", "rel", "rev", "rowspan", "rules", "scope", "shape",
    "span", "src", "start", "style", "summary", "tabindex", "title", "type", "valign", "value",
    "vspace", "width", "xmlns",
];

pub(super) fn check(text: &str) -> Result<(), Fault> {
    let text = text.trim();
    if !text.starts_with("<div") {
        return Err(Fault::NotDiv);
    }
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text;
    loop {
        let (before, tag) = rest.split_once('<').ok_or(Fault::Unbalanced)?;
        check_text(before)?;
        if let Some(comment) = tag.strip_prefix("!--") {
            rest = comment.split_once("-->").ok_or(Fault::Syntax)?.1;
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            let (name, after) = name.split_once('>').ok_or(Fault::Syntax)?;
            if open.pop() != Some(name.trim_end()) {
                return Err(Fault::Unbalanced);
            }
            rest = after;
        } else {
            let (name, closed, after) = start_tag(tag)?;
            if !closed {
                open.push(name);
            }
            rest = after;
        }
        if DEPTH_MAX < open.len() {
            return Err(Fault::Depth);
        }
        if open.is_empty() {
            return if rest.trim().is_empty() { Ok(()) } else { Err(Fault::NotDiv) };
        }
    }
}

/// The name, whether the tag closes itself, and what follows it.
fn start_tag(tag: &str) -> Result<(&str, bool, &str), Fault> {
    let end = tag.find(|c: char| !c.is_ascii_alphanumeric()).ok_or(Fault::Syntax)?;
    let (name, mut rest) = tag.split_at_checked(end).ok_or(Fault::Syntax)?;
    if name.is_empty() {
        return Err(Fault::Syntax);
    }
    if ELEMENTS.binary_search(&name).is_err() {
        return Err(Fault::Element);
    }
    loop {
        let inner = rest.trim_start();
        if let Some(after) = inner.strip_prefix("/>") {
            return Ok((name, true, after));
        }
        if let Some(after) = inner.strip_prefix('>') {
            return Ok((name, false, after));
        }
        let (attribute, value) = inner.split_once('=').ok_or(Fault::Syntax)?;
        let value = value.trim_start();
        let quote =
            value.chars().next().filter(|c| matches!(c, '"' | '\'')).ok_or(Fault::Syntax)?;
        let (value, after) =
            value.get(1..).and_then(|v| v.split_once(quote)).ok_or(Fault::Syntax)?;
        check_attribute(attribute.trim_end(), value)?;
        rest = after;
    }
}

fn check_attribute(name: &str, value: &str) -> Result<(), Fault> {
    let known = ATTRIBUTES.binary_search(&name).is_ok();
    if !known && name != "xml:lang" && name != "xml:space" {
        return Err(Fault::Attribute);
    }
    if value.contains('<') {
        return Err(Fault::Syntax);
    }
    check_text(value)?;
    if matches!(name, "href" | "src" | "cite" | "longdesc") && runs_a_program(value) {
        return Err(Fault::Link);
    }
    Ok(())
}

/// A scheme other than those that fetch a document, whatever it is disguised with.
fn runs_a_program(link: &str) -> bool {
    let scheme = link.split_once(':').map(|(scheme, _)| scheme);
    match scheme {
        // A colon behind one of these is part of a path; `&` hides a scheme behind an entity.
        Some(scheme) if scheme.contains(['/', '?', '#']) && !scheme.contains('&') => false,
        Some(scheme) => {
            let allowed = ["http", "https", "mailto", "tel", "urn", "cid", "ftp"];
            // An SVG image can hold a script.
            let image = link.starts_with("data:image/") && !link.starts_with("data:image/svg");
            !image && !allowed.iter().any(|a| scheme.eq_ignore_ascii_case(a))
        }
        None => link.contains("&#") || link.contains("&colon"),
    }
}

/// Text between tags: each `&` begins an entity.
fn check_text(text: &str) -> Result<(), Fault> {
    for after in text.split('&').skip(1) {
        let (entity, _) = after.split_once(';').ok_or(Fault::Syntax)?;
        let name = entity.strip_prefix('#').unwrap_or(entity);
        let good = !name.is_empty() && name.len() <= 10;
        if !good || !name.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(Fault::Syntax);
        }
    }
    Ok(())
}
