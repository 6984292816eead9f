//! Search: which terms a resource has, how they are stored, and which tests a query makes.

mod bounds;
mod clause;
mod convert;
mod date;
mod decode;
mod extract;
mod fold;
mod keys;
mod number;
mod pack;
mod params;
mod program;
mod query;
mod query_here;
mod query_parse;
mod query_value;
mod sort;
mod term;
mod test;
mod value;

pub use self::{
    clause::{Clause, ClauseOp},
    date::{Interval, interval},
    decode::decode_query,
    extract::{Extracted, Problem, extract, extract_at},
    fold::fold,
    keys::{index_keys, type_key},
    number::{Decimal, decimal},
    pack::{PackError, TermsView, pack, unpack},
    params::{Component, ParamDef, ParamKind, param, param_by_id, params_of, table_digest},
    query::{
        Chain, ChainLink, Conditions, Handling, Has, Include, Part, SearchRequest, SortBy,
        SummaryMode, TotalMode,
    },
    query_here::parse_search_at,
    query_parse::{parse_pairs, parse_search},
    sort::{SortValue, sort_value},
    term::{IndexKey, ParamId, Term, TermValue},
    test::{Lookup, Prefix, SystemMatch, Test, TextMatch, UriMatch},
    value::ValueRef,
};

#[cfg(test)]
mod tests;
