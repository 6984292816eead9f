//! `date=ge2024&date=lt2025`: each alone has no lookup, both together have one.

use super::{
    clause::{Clause, ClauseOp},
    date::Interval,
    params::param_by_id,
    query::Conditions,
    term::ParamId,
    test::{Prefix, Test},
};

/// Adds, for each date that is bounded on both sides, a clause that follows from the two and that
/// the index can look up. It takes away no match.
///
/// - Shape: only for parameters with one value at most; with several, each bound may be met by
///   another value.
pub(super) fn bound_dates(conditions: &mut Conditions) {
    let mut found: Vec<(ParamId, Interval)> = Vec::new();
    for clause in &conditions.clauses {
        let (ClauseOp::Any, [Test::Date { prefix, interval }]) = (clause.op, clause.any.as_slice())
        else {
            continue;
        };
        let Some(side) = side(*prefix, *interval) else { continue };
        match found.iter_mut().find(|(param, _)| *param == clause.param) {
            Some((_, known)) => {
                known.from_us = known.from_us.max(side.from_us);
                known.to_us = known.to_us.min(side.to_us);
            }
            None => found.push((clause.param, side)),
        }
    }
    for (param, interval) in found {
        let is_bounded =
            interval.from_us != Interval::OPEN_FROM && interval.to_us != Interval::OPEN_TO;
        if is_bounded && param_by_id(param).is_some_and(|def| def.is_single()) {
            let any = Vec::from([Test::Within(interval)]);
            conditions.clauses.insert(0, Clause { param, op: ClauseOp::Any, any });
        }
    }
    for link in conditions.chains.iter_mut().flat_map(|chain| &mut chain.any) {
        bound_dates(&mut link.then);
    }
    for has in &mut conditions.has {
        bound_dates(&mut has.then);
    }
}

/// What a value that passes must overlap.
fn side(prefix: Prefix, interval: Interval) -> Option<Interval> {
    let from = |from_us| Some(Interval { from_us, to_us: Interval::OPEN_TO });
    let to = |to_us| Some(Interval { from_us: Interval::OPEN_FROM, to_us });
    match prefix {
        Prefix::Ge => from(interval.from_us),
        Prefix::Gt | Prefix::Sa => from(interval.to_us),
        Prefix::Le => to(interval.to_us),
        Prefix::Lt | Prefix::Eb => to(interval.from_us),
        Prefix::Eq | Prefix::Ne | Prefix::Ap => None,
    }
}
