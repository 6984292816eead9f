//! JSON Patch over the tree.

mod pointer;

use ward_core::{Kind, limits::JSON_DEPTH_MAX};

use crate::json::{Json, Object};

use self::pointer::{Index, Pointer};

/// Most operations in one patch.
/// LIMIT: a patch is written by hand or by a diff of one resource; more is a new version.
pub const OPERATIONS_MAX: usize = 1_000;

/// Most bytes that the operations of one patch may copy.
/// LIMIT: doubling `copy` operations would otherwise grow a resource without end.
const COPIED_BYTES_MAX: usize = ward_core::limits::RESOURCE_BYTES_MAX;

/// A patch cannot be understood, or does not fit the document.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("operation {at}: {fault}")]
pub struct PatchError {
    /// Which operation, from 0.
    pub at: usize,
    pub fault: PatchFault,
}

/// What is wrong with an operation. Never shows its content.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PatchFault {
    #[error("a JSON Patch is an array of at most 1000 operations")]
    NotAPatch,
    #[error("an operation is an object with `op` and `path`")]
    NotAnOperation,
    #[error("`op` is add, remove, replace, move, copy or test")]
    UnknownOperation,
    #[error("`value` is required")]
    NoValue,
    #[error("`from` is required")]
    NoFrom,
    #[error("a JSON Pointer is empty or begins with `/`, and `~` is followed by 0 or 1")]
    Pointer,
    #[error("there is nothing at `path`")]
    NotThere,
    #[error("there is nothing at `from`")]
    FromNotThere,
    #[error("a value cannot be moved into itself")]
    IntoItself,
    #[error("the value at `path` is not the one that `test` expects")]
    TestFailed,
    #[error("the patch copies more than fits a resource")]
    TooLarge,
    #[error("the result nests deeper than 64 levels")]
    TooDeep,
}

impl PatchError {
    pub fn kind(&self) -> Kind {
        match self.fault {
            PatchFault::NotAPatch
            | PatchFault::NotAnOperation
            | PatchFault::UnknownOperation
            | PatchFault::NoValue
            | PatchFault::NoFrom
            | PatchFault::Pointer => Kind::Invalid,
            PatchFault::NotThere
            | PatchFault::FromNotThere
            | PatchFault::IntoItself
            | PatchFault::TestFailed => Kind::Unprocessable,
            PatchFault::TooLarge | PatchFault::TooDeep => Kind::TooLarge,
        }
    }
}

/// Applies every operation, or none.
///
/// - Shape: the document as it was is the caller's to keep; the result is a new one.
/// - Errors: the first operation that does not apply.
/// - Source: RFC 6902, RFC 6901.
pub fn apply<'d>(document: &Json<'d>, patch: &Json<'d>) -> Result<Json<'d>, PatchError> {
    let not_a_patch = PatchError { at: 0, fault: PatchFault::NotAPatch };
    let operations = patch.as_array().ok_or(not_a_patch)?;
    if OPERATIONS_MAX < operations.len() {
        return Err(not_a_patch);
    }
    let mut document = document.clone();
    let mut copied = 0;
    for (at, operation) in operations.iter().enumerate() {
        one(&mut document, operation, &mut copied).map_err(|fault| PatchError { at, fault })?;
    }
    Ok(document)
}

fn one<'d>(
    document: &mut Json<'d>,
    operation: &Json<'d>,
    copied: &mut usize,
) -> Result<(), PatchFault> {
    let operation = operation.as_object().ok_or(PatchFault::NotAnOperation)?;
    let op = text(operation, "op").ok_or(PatchFault::NotAnOperation)?;
    let path = text(operation, "path").ok_or(PatchFault::NotAnOperation)?;
    let path = Pointer::parse(path).ok_or(PatchFault::Pointer)?;
    let value = || operation.get("value").cloned().ok_or(PatchFault::NoValue);
    let from = || {
        let from = text(operation, "from").ok_or(PatchFault::NoFrom)?;
        Pointer::parse(from).ok_or(PatchFault::Pointer)
    };
    match op {
        "add" => add(document, &path, value()?),
        "remove" => remove(document, &path).map(|_| ()).ok_or(PatchFault::NotThere),
        "replace" => {
            let value = value()?;
            check_depth(&path, &value)?;
            *path.find_mut(document).ok_or(PatchFault::NotThere)? = value;
            Ok(())
        }
        "move" => {
            let from = from()?;
            if from.is_above(&path) {
                return Err(PatchFault::IntoItself);
            }
            let moved = remove(document, &from).ok_or(PatchFault::FromNotThere)?;
            add(document, &path, moved)
        }
        "copy" => {
            let found = from()?.find(document).ok_or(PatchFault::FromNotThere)?;
            *copied += found.to_bytes().len();
            if COPIED_BYTES_MAX < *copied {
                return Err(PatchFault::TooLarge);
            }
            let found = found.clone();
            add(document, &path, found)
        }
        "test" => {
            let found = path.find(document).ok_or(PatchFault::NotThere)?;
            let same = equal(found, &value()?);
            same.then_some(()).ok_or(PatchFault::TestFailed)
        }
        _ => Err(PatchFault::UnknownOperation),
    }
}

fn text<'o>(operation: &'o Object<'_>, name: &str) -> Option<&'o str> {
    operation.get(name).and_then(Json::as_str)
}

fn add<'d>(document: &mut Json<'d>, path: &Pointer, value: Json<'d>) -> Result<(), PatchFault> {
    check_depth(path, &value)?;
    let Some((parent, last)) = path.split_last() else {
        *document = value;
        return Ok(());
    };
    match parent.find_mut(document).ok_or(PatchFault::NotThere)? {
        Json::Object(object) => {
            object.insert(last.to_owned(), value);
            Ok(())
        }
        Json::Array(items) => {
            let at = match Index::parse(last).ok_or(PatchFault::NotThere)? {
                Index::At(at) => at,
                Index::End => items.len(),
            };
            if items.len() < at {
                return Err(PatchFault::NotThere);
            }
            items.insert(at, value);
            Ok(())
        }
        _ => Err(PatchFault::NotThere),
    }
}

/// A few `copy` operations into themselves could nest deeper than any stack.
fn check_depth(path: &Pointer, value: &Json<'_>) -> Result<(), PatchFault> {
    if path.depth() + depth(value) <= JSON_DEPTH_MAX { Ok(()) } else { Err(PatchFault::TooDeep) }
}

fn depth(value: &Json<'_>) -> usize {
    match value {
        Json::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Json::Object(object) => 1 + object.iter().map(|(_, v)| depth(v)).max().unwrap_or(0),
        _ => 0,
    }
}

fn remove<'d>(document: &mut Json<'d>, path: &Pointer) -> Option<Json<'d>> {
    let Some((parent, last)) = path.split_last() else {
        return Some(std::mem::replace(document, Json::Null));
    };
    match parent.find_mut(document)? {
        Json::Object(object) => object.remove(last),
        Json::Array(items) => match Index::parse(last)? {
            Index::At(at) if at < items.len() => Some(items.remove(at)),
            _ => None,
        },
        _ => None,
    }
}

/// SPEC: RFC 6902 compares numbers by value; texts that differ are the same number if their
/// digits are, once zeros and the exponent are accounted for.
fn equal(a: &Json<'_>, b: &Json<'_>) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => {
            a == b || normal(a.as_str()).is_some_and(|n| Some(n) == normal(b.as_str()))
        }
        (Json::Array(a), Json::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| equal(a, b)))
        }
        _ => a == b,
    }
}

/// Sign, digits without zeros at either end, and the power of ten of the last digit.
fn normal(number: &str) -> Option<(bool, String, i64)> {
    let (sign, rest) = number.strip_prefix('-').map_or((false, number), |rest| (true, rest));
    let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let kept = digits.trim_end_matches('0');
    let dropped = i64::try_from(digits.len() - kept.len()).ok()?;
    let significant = kept.trim_start_matches('0');
    if significant.is_empty() {
        return Some((false, String::new(), 0));
    }
    let exponent: i64 = exponent.parse().ok()?;
    let shift = dropped - i64::try_from(fraction.len()).ok()?;
    Some((sign, significant.to_owned(), exponent.checked_add(shift)?))
}

#[cfg(test)]
mod tests;
