//! One condition of a query: a parameter, and the tests one of its values must pass.

use super::{
    pack::{PackError, TermsView},
    term::{ParamId, Term},
    test::Test,
};

/// A parameter with the alternatives of its value.
#[derive(Clone, PartialEq, Debug)]
pub struct Clause {
    pub param: ParamId,
    pub op: ClauseOp,
    /// The alternatives; empty for `Missing` and `Present`.
    pub any: Vec<Test>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClauseOp {
    /// Some value of the parameter passes some test.
    Any,
    /// `:not`: no value of the parameter passes any test.
    None,
    /// `:missing=true`: the parameter has no value.
    Missing,
    /// `:missing=false`.
    Present,
}

impl Clause {
    pub fn matches(&self, terms: &[Term]) -> bool {
        let mut own = terms.iter().filter(|term| term.param == self.param);
        let passes = |term: &Term| {
            let value = term.value.as_value();
            self.any.iter().any(|test| test.matches_value(&value))
        };
        match self.op {
            ClauseOp::Any => own.any(passes),
            ClauseOp::None => !own.any(passes),
            ClauseOp::Missing => own.next().is_none(),
            ClauseOp::Present => own.next().is_some(),
        }
    }

    /// As [`Clause::matches`], on packed terms.
    ///
    /// - Errors: damaged bytes, even when they come after the answer is known.
    pub fn matches_view(&self, terms: &TermsView<'_>) -> Result<bool, PackError> {
        let mut has_value = false;
        let mut passes = false;
        for term in terms.clone() {
            let (param, value) = term?;
            if param == self.param {
                has_value = true;
                passes = passes || self.any.iter().any(|test| test.matches_value(&value));
            }
        }
        Ok(match self.op {
            ClauseOp::Any => passes,
            ClauseOp::None => !passes,
            ClauseOp::Missing => !has_value,
            ClauseOp::Present => has_value,
        })
    }
}
