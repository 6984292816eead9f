//! How much of what others make of the same messages the converter says too.
//!
//! Both sides become facts: resource type, path without places, value. Ids, what references are
//! called, `meta`, narrative, Provenance and extensions of one engine are left out, and so is text
//! that stands nowhere in the message. What is left out on purpose for other reasons is in
//! `reviewed.txt`, one reason a line.
//!
//! `WARD_SCORE_TYPE=ADT_A01` looks at one message type, `WARD_SCORE_MISSES=1` lists what is missing.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::as_conversions,
    reason = "tests may"
)]

mod back;
mod facts;
mod golden;
mod pairs;
mod reviewed;

use std::collections::{BTreeMap, BTreeSet};

use facts::{Facts, contradictions, facts};
use pairs::Pair;
use ward_fhir::Json;
use ward_hl7::{Message, ReadSettings};
use ward_interop::convert::{Converter, bundle};

/// Least share of the expected facts, in percent, of each corpus.
const FLOORS: &[(&str, f64)] = &[("cdc", 94.0), ("microsoft", 91.0)];

#[derive(Default)]
struct Tally {
    n_pairs: usize,
    expected: usize,
    found: usize,
    contradictions: usize,
}

/// No message of the corpus makes the converter panic or write what is not FHIR.
#[test]
fn every_message_of_the_corpus_makes_valid_resources() {
    let converter = Converter::standard();
    let mut files = Vec::new();
    pairs::messages(&pairs::folder(), &mut files);
    if files.is_empty() {
        eprintln!("!! SKIPPED: no HL7 v2 corpus; set WARD_SHARED_DATA to convert it");
        return;
    }
    let mut wrong: BTreeMap<String, usize> = BTreeMap::new();
    for path in &files {
        let bytes = std::fs::read(path).unwrap();
        let (Some(message), _) = Message::read(&bytes, &ReadSettings::default()) else { continue };
        let converted = converter.to_fhir(&message, jiff::Timestamp::UNIX_EPOCH);
        let names: BTreeSet<&str> = converted.resources.iter().map(|it| &*it.slot).collect();
        let text = String::from_utf8(bundle(&converted).to_bytes()).unwrap();
        for named in text.split("\"reference\":\"urn:uuid:").skip(1) {
            let named = format!("urn:uuid:{}", named.split('"').next().unwrap());
            if !names.contains(&*named) {
                let key = format!("refers to nothing [{}]", path.display());
                *wrong.entry(key).or_default() += 1;
            }
        }
        for drafted in &converted.resources {
            for issue in ward_fhir::validate::validate(&drafted.resource, None) {
                let at = issue.expression.unwrap_or_default();
                let key = format!("{at} {} [{}]", issue.diagnostics, path.display());
                *wrong.entry(key).or_default() += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} files: {wrong:#?}", wrong.len(), files.len());
}

#[test]
fn facts_of_others_are_found() {
    let Some(pairs) = pairs::all() else { return };
    let reviewed = reviewed::Reviewed::read(include_str!("reviewed.txt"));
    let only = std::env::var("WARD_SCORE_TYPE").ok();
    let mut tallies: BTreeMap<(String, String), Tally> = BTreeMap::new();
    let mut misses: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    let mut against: Vec<String> = Vec::new();
    let mut left_out: BTreeMap<String, usize> = BTreeMap::new();
    for pair in &pairs {
        let Some((kind, ours, theirs)) = both(pair) else { continue };
        if only.as_ref().is_some_and(|only| *only != kind) {
            continue;
        }
        let tally = tallies.entry((pair.corpus.to_owned(), kind.clone())).or_default();
        tally.n_pairs += 1;
        for (path, value) in &theirs.all {
            if let Some(reason) = reviewed.reason(pair.corpus, path, value) {
                *left_out.entry(reason.to_owned()).or_default() += 1;
                continue;
            }
            tally.expected += 1;
            if ours.has(path, value) {
                tally.found += 1;
            } else {
                let sample = format!("{value}  [{}]", pair.name());
                misses.entry((pair.corpus.to_owned(), path.clone())).or_default().insert(sample);
            }
        }
        for (path, a, b) in contradictions(&ours, &theirs) {
            if reviewed.reason(pair.corpus, &path, &b).is_none() {
                tally.contradictions += 1;
                against.push(format!("{path}: ours {a}, theirs {b}  [{}]", pair.name()));
            }
        }
    }
    if std::env::var_os("WARD_SCORE_MISSES").is_some() {
        let mut by_count: Vec<_> = misses.iter().collect();
        by_count.sort_by_key(|(_, samples)| std::cmp::Reverse(samples.len()));
        for ((corpus, path), samples) in by_count.into_iter().take(150) {
            let few: Vec<&str> = samples.iter().take(3).map(String::as_str).collect();
            println!("{:4} {corpus} {path}: {}", samples.len(), few.join(" | "));
        }
        for line in against.iter().take(120) {
            println!("AGAINST {line}");
        }
    }
    let mut sums: BTreeMap<&str, Tally> = BTreeMap::new();
    for ((corpus, kind), tally) in &tallies {
        let share = percent(tally.found, tally.expected);
        println!(
            "{corpus:10} {kind:10} pairs {:4}  facts {:6}  found {share:5.1} %  against {}",
            tally.n_pairs, tally.expected, tally.contradictions
        );
        let sum = sums.entry(corpus).or_default();
        sum.n_pairs += tally.n_pairs;
        sum.expected += tally.expected;
        sum.found += tally.found;
        sum.contradictions += tally.contradictions;
    }
    for (reason, n) in &left_out {
        println!("left out {n:6}: {reason}");
    }
    for (corpus, sum) in &sums {
        let share = percent(sum.found, sum.expected);
        println!(
            "{corpus}: {} pairs, {} facts, {share:.1} % found, {} against",
            sum.n_pairs, sum.expected, sum.contradictions
        );
    }
    if only.is_none() {
        assert!(against.is_empty(), "says something else:\n{}", against.join("\n"));
        for (corpus, floor) in FLOORS {
            let share = sums.get(corpus).map_or(100.0, |sum| percent(sum.found, sum.expected));
            assert!(*floor <= share, "{corpus}: {share:.1} % of the facts, {floor} % before");
        }
    }
}

fn percent(part: usize, whole: usize) -> f64 {
    if whole == 0 { 100.0 } else { 100.0 * part as f64 / whole as f64 }
}

/// The structure of the message, our facts, their facts.
fn both(pair: &Pair) -> Option<(String, Facts, Facts)> {
    let (message, _) = Message::read(&pair.message, &ReadSettings::default());
    let message = message?;
    let converted = Converter::standard().to_fhir(&message, jiff::Timestamp::UNIX_EPOCH);
    let ours = bundle(&converted);
    let theirs = Json::parse(&pair.expected).ok()?;
    let event = converted.event.as_ref();
    let kind = event.map(|e| format!("{}_{}", e.code, e.event)).unwrap_or_default();
    // Segments that neither the guide nor Ward's overlay maps: what is only in them is not scored.
    let unmapped = [
        "ACC", "PDA", "CON", "ARV", "NPU", "UB1", "UB2", "AUT", "DRG", "UAC", "OH1", "OH2", "CTD",
        "CTI", "BLG", "LCH", "INV", "TCD", "SID", "NDS", "RXV", "CDO",
    ];
    let kept =
        message.segments().filter(|s| s.id().is_none_or(|id| !unmapped.contains(&id.as_str())));
    let text = kept.map(|s| s.raw()).collect::<Vec<_>>().join("\r").to_lowercase();
    Some((kind, facts(&ours, None), facts(&theirs, Some(&text))))
}
