//! References: their shape, and the type they point at.

use ward_core::ResourceType;

/// What a reference points at, as far as its text tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Target<'a> {
    /// A resource inside this one.
    Contained(&'a str),
    /// A resource of a known type.
    Typed(ResourceType),
    /// Anything: `urn:uuid:`, a logical address, the start of a search by identifier.
    Open,
    /// Not a reference.
    Malformed,
}

/// - Source: FHIR R4, References to Resources.
pub(super) fn target(text: &str) -> Target<'_> {
    if let Some(id) = text.strip_prefix('#') {
        return Target::Contained(id);
    }
    if text.bytes().any(|b| b.is_ascii_whitespace()) {
        return Target::Malformed;
    }
    // A transaction may name its target by a search, `Practitioner?identifier=...`.
    if let Some((name, _)) = text.split_once('?')
        && !name.contains([':', '/'])
    {
        return name.parse().map_or(Target::Malformed, Target::Typed);
    }
    let is_absolute = has_scheme(text);
    let path = text.split_once("/_history/").map_or(text, |(path, _)| path);
    let mut parts = path.rsplit('/');
    let (id, name) = (parts.next(), parts.next());
    match (id, name.and_then(|name| name.parse().ok())) {
        (Some(id), Some(kind)) if super::format::is_id(id.as_bytes()) => {
            if is_absolute || parts.next().is_none() {
                Target::Typed(kind)
            } else {
                Target::Malformed
            }
        }
        _ if is_absolute => Target::Open,
        _ => Target::Malformed,
    }
}

fn has_scheme(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, rest)| {
        !rest.is_empty()
            && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    })
}
