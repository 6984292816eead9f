//! Every number that limits something for the whole house, with its unit and its reason.

/// Deepest nesting of a JSON document.
/// LIMIT: the deepest R4 example nests 24 levels; a stack frame per level stays small at 64.
pub const JSON_DEPTH_MAX: usize = 64;

/// Largest single resource, in bytes of JSON.
/// LIMIT: room for a scanned document of about 12 MB in base64; larger content is a blob.
pub const RESOURCE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Largest request body, in bytes.
/// LIMIT: the largest Synthea bundle seen is 27,056 entries in about 50 MB.
pub const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Most entries in one batch or transaction.
/// LIMIT: one durable commit; the largest Synthea bundle seen has 27,056.
pub const BUNDLE_ENTRIES_MAX: usize = 50_000;

/// Most resources on one page of search results.
/// LIMIT: keeps one answer under about 10 MB.
pub const PAGE_MAX: usize = 1_000;

/// Resources on a page when the caller does not say.
/// LIMIT: a screenful; the usual default of FHIR servers.
pub const PAGE_DEFAULT: usize = 20;

/// Most keys that one chained or reversed step may carry to the next.
/// LIMIT: past this a search is refused with `too-costly`, never cut short in silence.
pub const CHAIN_KEYS_MAX: usize = 50_000;

/// Most resources brought along by `_include` and `_revinclude` with one page.
/// LIMIT: keeps one answer bounded; past this the search is refused with `too-costly`.
pub const INCLUDE_MAX: usize = 10_000;

/// Longest search query, in bytes.
/// LIMIT: a `_id` list of one thousand UUIDs fits twice.
pub const QUERY_BYTES_MAX: usize = 96 * 1024;
