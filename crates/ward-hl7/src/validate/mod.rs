//! Comparing a message with its version of the standard and with a site's profile.

mod field;
mod primitive;
mod rules;

use field::Checker;

use crate::{
    header::Header,
    location::Location,
    message::Message,
    problem::{Problem, ProblemKind, Problems, Severity},
    structure::{Structure, Tree},
    version::Version,
};

pub use rules::{Rules, TableRule, default_severity};

/// What validation found.
#[derive(Debug)]
pub struct Validated {
    /// The groups of the message; `None` where its structure is not known.
    pub tree: Option<Tree>,
    pub problems: Vec<Problem>,
}

/// The version of a message, for [`Rules::standard`] or a profile.
///
/// - Errors: MSH-12 says none that is known; the problem rejects the message.
pub fn version_of(header: &Header) -> Result<Version, Problem> {
    header.version().ok_or(Problem::new(
        Severity::Error,
        ProblemKind::UnsupportedVersion,
        Location::header(12).repetition(1).component(1),
    ))
}

/// Compares `message` with `rules`.
///
/// - Shape: structure first, then every segment in the order of the message. Fields and components
///   beyond a definition are mentioned, not refused: later versions add at the end.
/// - Source: HL7 v2.8, 2.6.2 Rules for the recipient; 2.12 Conformance.
pub fn validate(message: &Message<'_>, rules: &Rules) -> Validated {
    let header = Header::of(message);
    let mut report = Report { rules, problems: Problems::default() };
    let tree = match structure_of(&header, rules) {
        Ok(structure) => Some(structure.fit(message, &mut |kind, at| report.note(kind, at))),
        Err((kind, component)) => {
            let at = Location::header(9).repetition(1);
            report.note(kind, at.component(component));
            None
        }
    };
    Checker::new(message, rules, &mut report).all();
    Validated { tree, problems: report.problems.into_vec() }
}

/// The groups of a message, and nothing said about what does not fit; `None` where its structure
/// is not known.
pub fn tree(message: &Message<'_>, rules: &Rules) -> Option<Tree> {
    let structure = structure_of(&Header::of(message), rules).ok()?;
    Some(structure.fit(message, &mut |_, _| {}))
}

/// The structure of a message: MSH-9.3, or the one of its type and event.
fn structure_of<'r>(
    header: &Header,
    rules: &'r Rules,
) -> Result<&'r Structure, (ProblemKind, u32)> {
    let (code, event) = (header.message_code(), header.trigger_event());
    let said = header.message_structure();
    if let Some(structure) = rules.structure(&said) {
        return Ok(structure);
    }
    match rules.structure_of(&code, &event) {
        Some(structure) => Ok(structure),
        None if rules.has_type(&code) => Err((ProblemKind::UnknownEvent, 2)),
        None => Err((ProblemKind::UnknownStructure, 1)),
    }
}

/// Problems with the severity that the rules give them.
pub(crate) struct Report<'r> {
    rules: &'r Rules,
    problems: Problems,
}

impl Report<'_> {
    pub fn note(&mut self, kind: ProblemKind, at: Location) {
        if let Some(severity) = self.rules.severity(kind) {
            self.problems.note(severity, kind, at);
        }
    }
}
