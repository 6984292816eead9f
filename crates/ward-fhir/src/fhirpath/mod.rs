//! FHIRPath over the JSON tree: what patches, subscriptions and invariants need of it.
//!
//! - Source: FHIRPath N1 (2.0.0); FHIR R4, FHIRPath.

mod clock;
mod compare;
mod eval;
mod functions;
mod item;
mod lexer;
mod number;
mod parser;

use jiff::Timestamp;
use ward_core::Kind;

use self::{
    eval::{Evaluator, Frame},
    parser::{Expr, parse},
};
pub use self::{
    item::{Item, Moment, Place, Step},
    number::Number,
};
use crate::json::Json;

/// Longest expression, in bytes.
/// LIMIT: the longest invariant of R4 has about 1,500.
pub const EXPRESSION_BYTES_MAX: usize = 8 * 1024;

/// Steps of one evaluation.
/// LIMIT: `descendants()` of the largest record of our test data takes 40,000.
pub const STEPS_MAX: u32 = 1_000_000;

/// Text is not FHIRPath, or not of the part that is understood here.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{what} at character {at}")]
pub struct SyntaxError {
    /// Byte offset.
    pub at: usize,
    pub what: &'static str,
}

impl SyntaxError {
    pub fn kind(&self) -> Kind {
        Kind::Invalid
    }
}

/// An expression has no value for this input. Never holds what the input says.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EvalError {
    #[error("one item was expected and there are several")]
    Several,
    #[error("the operands of `{0}` do not fit it")]
    Operands(&'static str),
    #[error("the arguments of a function do not fit it")]
    Arguments,
    #[error("a function that is not known here")]
    Function,
    #[error("a variable that is not known here")]
    Variable,
    #[error("the evaluation takes more steps than are allowed")]
    Steps,
}

impl EvalError {
    pub fn kind(&self) -> Kind {
        match self {
            EvalError::Steps => Kind::TooLarge,
            EvalError::Function | EvalError::Variable => Kind::Invalid,
            EvalError::Several | EvalError::Operands(_) | EvalError::Arguments => {
                Kind::Unprocessable
            }
        }
    }
}

/// What an expression may refer to besides its input.
#[derive(Clone, Copy, Debug)]
pub struct Env<'t> {
    /// `%resource`, and the whole in which contained resources are looked up.
    pub resource: &'t Json<'t>,
    /// What `now()` and `today()` say.
    pub now: Timestamp,
    /// Further `%name`s.
    pub variables: &'t [(&'t str, &'t Json<'t>)],
}

/// A parsed expression.
#[derive(Clone, PartialEq, Debug)]
pub struct Expression(Expr);

impl Expression {
    /// - Errors: the first thing that is not understood, with its place.
    pub fn parse(text: &str) -> Result<Expression, SyntaxError> {
        parse(text).map(Expression)
    }

    /// The items that the expression selects from the resource.
    pub fn eval<'t>(&self, env: &Env<'t>) -> Result<Vec<Item<'t>>, EvalError> {
        self.eval_at(Item::root(env.resource), env)
    }

    /// As [`Expression::eval`], with an element of the resource as the input.
    pub fn eval_at<'t>(&self, at: Item<'t>, env: &Env<'t>) -> Result<Vec<Item<'t>>, EvalError> {
        let evaluator = Evaluator::new(*env);
        let focus = Vec::from([at]);
        let frame = Frame { this: &focus, index: None };
        evaluator.eval(&self.0, &focus, frame)
    }

    /// Whether an invariant holds: true, or nothing to say.
    pub fn holds_at<'t>(&self, at: Item<'t>, env: &Env<'t>) -> Result<bool, EvalError> {
        Ok(eval::truth(&self.eval_at(at, env)?)? != Some(false))
    }

    /// Whether a filter selects: true, and nothing else.
    pub fn is_true(&self, env: &Env<'_>) -> Result<bool, EvalError> {
        Ok(eval::truth(&self.eval(env)?)? == Some(true))
    }
}

#[cfg(test)]
mod tests;
