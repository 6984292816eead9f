//! Whether a resource is what FHIR R4 says it is.
//!
//! One walk of the tree beside the definition tables. Nothing is allocated while all is well.

mod element;
pub mod format;
mod narrative;
mod path;
mod reference;
mod resource;

use ward_core::ResourceType;

use crate::{
    definitions::{Schema, schema},
    json::Json,
    outcome::{Issue, IssueCode, Severity},
};

use self::path::Path;

/// Most findings about one resource.
/// LIMIT: a person reads a screenful; hostile input has millions.
pub const ISSUES_MAX: usize = 100;

/// Everything in a resource that breaks a rule of the base standard, in document order.
///
/// - Shape: empty when all is well; `expected` is the type the caller was promised.
/// - Cost: linear in the size of the resource.
/// - Source: FHIR R4, Resource Definitions, JSON Representation, and the base invariants ele-1,
///   ext-1, dom-2, dom-4, dom-5, ref-1, txt-1. Profiles and other invariants are not looked at.
pub fn validate(resource: &Json<'_>, expected: Option<ResourceType>) -> Vec<Issue> {
    let mut walk = Walk { schema: schema(), issues: Vec::new(), contained: &[] };
    walk.root(resource, expected);
    walk.issues
}

/// Whether any finding stands in the way of keeping the resource.
pub fn has_errors(issues: &[Issue]) -> bool {
    issues.iter().any(|issue| issue.severity <= Severity::Error)
}

struct Walk<'a> {
    schema: &'static Schema,
    issues: Vec<Issue>,
    /// What `#id` may point at: the resources inside the one that is walked.
    contained: &'a [Json<'a>],
}

impl Walk<'_> {
    fn error(&mut self, path: &Path<'_>, code: IssueCode, diagnostics: impl Into<String>) {
        if self.issues.len() < ISSUES_MAX {
            self.issues.push(Issue::error(code, diagnostics).at(path.text()));
        }
    }
}

/// A member name, if it looks like one. Anything else could be content in the wrong place.
fn shown(name: &str) -> &str {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    if !name.is_empty() && name.len() <= 40 && name.bytes().all(plain) { name } else { "?" }
}

#[cfg(test)]
mod tests;
