//! OperationOutcome: what went wrong, where, in the standard's own form.

use ward_core::Kind;

use crate::json::write::write_string;

/// One finding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Issue {
    pub severity: Severity,
    pub code: IssueCode,
    /// Where, as a FHIRPath such as `Patient.name[0].given[1]`, or a header or parameter name.
    pub expression: Option<String>,
    /// What is wrong, for people. Never content of the resource.
    pub diagnostics: String,
}

/// - Source: FHIR R4, issue-severity.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Severity {
    Fatal,
    Error,
    Warning,
    Information,
}

impl Severity {
    pub const fn as_str(self) -> &'static str {
        match self {
            Severity::Fatal => "fatal",
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Information => "information",
        }
    }
}

/// - Source: FHIR R4, issue-type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IssueCode {
    Invalid,
    Structure,
    Required,
    Value,
    Invariant,
    Security,
    Login,
    Forbidden,
    Processing,
    NotSupported,
    Duplicate,
    MultipleMatches,
    NotFound,
    Deleted,
    TooLong,
    CodeInvalid,
    Extension,
    TooCostly,
    BusinessRule,
    Conflict,
    Transient,
    NoStore,
    Exception,
    Throttled,
    Informational,
}

impl IssueCode {
    pub const fn as_str(self) -> &'static str {
        match self {
            IssueCode::Invalid => "invalid",
            IssueCode::Structure => "structure",
            IssueCode::Required => "required",
            IssueCode::Value => "value",
            IssueCode::Invariant => "invariant",
            IssueCode::Security => "security",
            IssueCode::Login => "login",
            IssueCode::Forbidden => "forbidden",
            IssueCode::Processing => "processing",
            IssueCode::NotSupported => "not-supported",
            IssueCode::Duplicate => "duplicate",
            IssueCode::MultipleMatches => "multiple-matches",
            IssueCode::NotFound => "not-found",
            IssueCode::Deleted => "deleted",
            IssueCode::TooLong => "too-long",
            IssueCode::CodeInvalid => "code-invalid",
            IssueCode::Extension => "extension",
            IssueCode::TooCostly => "too-costly",
            IssueCode::BusinessRule => "business-rule",
            IssueCode::Conflict => "conflict",
            IssueCode::Transient => "transient",
            IssueCode::NoStore => "no-store",
            IssueCode::Exception => "exception",
            IssueCode::Throttled => "throttled",
            IssueCode::Informational => "informational",
        }
    }
}

impl Issue {
    pub fn error(code: IssueCode, diagnostics: impl Into<String>) -> Issue {
        Issue { severity: Severity::Error, code, expression: None, diagnostics: diagnostics.into() }
    }

    pub fn warning(code: IssueCode, diagnostics: impl Into<String>) -> Issue {
        Issue { severity: Severity::Warning, ..Issue::error(code, diagnostics) }
    }

    #[must_use]
    pub fn at(mut self, expression: impl Into<String>) -> Issue {
        self.expression = Some(expression.into());
        self
    }
}

/// HTTP status and issue code of a kind of failure. The only place that knows both.
///
/// - Source: FHIR R4, 3.1.0 RESTful API, and issue-type.
pub const fn outcome_code(kind: Kind) -> (u16, IssueCode) {
    match kind {
        Kind::Invalid => (400, IssueCode::Invalid),
        Kind::Unauthenticated => (401, IssueCode::Login),
        Kind::Refused => (403, IssueCode::Forbidden),
        Kind::NotFound => (404, IssueCode::NotFound),
        Kind::Conflict => (409, IssueCode::Conflict),
        Kind::Gone => (410, IssueCode::Deleted),
        Kind::Precondition => (412, IssueCode::Conflict),
        Kind::TooLarge => (413, IssueCode::TooLong),
        Kind::Unprocessable => (422, IssueCode::Processing),
        Kind::Busy => (429, IssueCode::Throttled),
        Kind::Bug => (500, IssueCode::Exception),
        Kind::Unavailable => (503, IssueCode::Transient),
        Kind::Full => (507, IssueCode::NoStore),
    }
}

/// The OperationOutcome as JSON.
///
/// - Shape: at least one issue; an empty list says that all is well.
pub fn operation_outcome(issues: &[Issue]) -> Vec<u8> {
    let mut out = Vec::with_capacity(128 + 160 * issues.len());
    out.extend_from_slice(br#"{"resourceType":"OperationOutcome","issue":["#);
    let well = [Issue {
        severity: Severity::Information,
        code: IssueCode::Informational,
        expression: None,
        diagnostics: "all is well".to_owned(),
    }];
    let issues = if issues.is_empty() { &well } else { issues };
    for (at, issue) in issues.iter().enumerate() {
        if at != 0 {
            out.push(b',');
        }
        out.extend_from_slice(br#"{"severity":""#);
        out.extend_from_slice(issue.severity.as_str().as_bytes());
        out.extend_from_slice(br#"","code":""#);
        out.extend_from_slice(issue.code.as_str().as_bytes());
        out.extend_from_slice(br#"","diagnostics":"#);
        write_string(&issue.diagnostics, &mut out);
        if let Some(expression) = &issue.expression {
            out.extend_from_slice(br#","expression":["#);
            write_string(expression, &mut out);
            out.push(b']');
        }
        out.push(b'}');
    }
    out.extend_from_slice(b"]}");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_says_what_and_where() {
        let issues = [
            Issue::error(IssueCode::Required, "`status` is required").at("Observation"),
            Issue::warning(IssueCode::NotSupported, "a \"quoted\" word"),
        ];
        assert_eq!(
            String::from_utf8(operation_outcome(&issues)).unwrap(),
            r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"required","diagnostics":"`status` is required","expression":["Observation"]},{"severity":"warning","code":"not-supported","diagnostics":"a \"quoted\" word"}]}"#
        );
        assert!(String::from_utf8(operation_outcome(&[])).unwrap().contains("information"));
    }
}
