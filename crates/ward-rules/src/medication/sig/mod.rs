//! What prescribers type: `1 tab PO q6h prn pain x5d`.
//!
//! Reads left to right, each word once. What it does not understand it hands back: a sig with
//! words left over is for a person to look at.

mod frequency;
mod words;

use super::{
    context::{Dosing, MaxPerPeriod, Quantity, RouteGiven},
    route::Route,
    timing::{Bounds, Repeat, Timing, WhenEvent},
    units::{Unit, Writing, lint},
};
use words::Words;

/// Longest sig read, in bytes. LIMIT: the longest of a pharmacy's labels has some 300.
pub const SIG_BYTES_MAX: usize = 2_000;

/// A sig as it was understood.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Sig {
    pub dosing: Dosing,
    /// At once.
    pub is_stat: bool,
    /// Words that mean nothing here, in order.
    pub unread: Vec<String>,
    /// Ways of writing that are misread.
    pub writing: Vec<Writing>,
}

/// Reads a sig. Never fails: what is not understood is in [`Sig::unread`].
pub fn parse(text: &str) -> Sig {
    let mut sig = Sig { writing: lint(text), ..Sig::default() };
    if SIG_BYTES_MAX < text.len() {
        sig.unread.push("too long".to_owned());
        return sig;
    }
    let mut words = Words::of(text);
    let mut repeat = Repeat::default();
    let mut code = None;
    while let Some(word) = words.peek(0) {
        let taken = once(&mut words, &mut sig, &mut repeat)
            || maximum(&mut words, &mut sig)
            || as_needed(&mut words, &mut sig)
            || course(&mut words, &mut repeat)
            || frequency::read(&mut words, &mut repeat, &mut code)
            || event(&mut words, &mut repeat)
            || amount(&mut words, &mut sig)
            || route(&mut words, &mut sig);
        if !taken {
            if !is_filler(&word) {
                sig.unread.push(word);
            }
            words.skip(1);
        }
    }
    let is_said = repeat != Repeat::default();
    sig.dosing.timing = Timing { events: Vec::new(), repeat: is_said.then_some(repeat), code };
    sig.dosing.text = Some(text.trim().to_owned()).filter(|it| !it.is_empty());
    sig
}

/// A drug and its sig in one line: the drug ends where a number or a route begins.
pub fn parse_order(text: &str) -> (String, Sig) {
    let parts: Vec<&str> = text.split_whitespace().collect();
    let begins = |part: &&str| {
        part.starts_with(|c: char| c.is_ascii_digit() || c == '.') || Route::parse(part).is_some()
    };
    let at = parts.iter().skip(1).position(begins).map_or(parts.len(), |at| at + 1);
    let (drug, rest) = parts.split_at_checked(at).unwrap_or((&parts, &[]));
    (drug.join(" "), parse(&rest.join(" ")))
}

fn is_filler(word: &str) -> bool {
    matches!(
        word,
        "take"
            | "give"
            | "apply"
            | "inject"
            | "infuse"
            | "instill"
            | "inhale"
            | "use"
            | "insert"
            | "by"
            | "the"
            | "of"
            | "and"
            | "a"
            | "to"
            | "in"
            | "into"
            | "via"
            | "with"
            | "food"
            | "then"
            | "push"
            | "dose"
            | "doses"
            | "per"
            | "at"
            | "on"
            | "for"
            | "mouth"
            | "&"
            | "continuous"
            | "continuously"
            | "infusion"
            | "as"
            | "directed"
            | "place"
            | "water"
    )
}

fn once(words: &mut Words, sig: &mut Sig, repeat: &mut Repeat) -> bool {
    if words.take("stat") || words.take("now") {
        sig.is_stat = true;
        // Now and then every six hours is more than once.
        if repeat.count.is_none() && !words.has_frequency() {
            repeat.count = Some(1);
        }
        return true;
    }
    let is_daily =
        words.next_is(1, &["daily", "weekly", "monthly", "a", "per", "every", "nightly"]);
    let is_once = (words.peek_is(0, "once") && !is_daily)
        || words.starts(&["one", "time"])
        || words.starts(&["single", "dose"])
        || words.starts(&["one", "dose"])
        || words.starts(&["x", "1"]) && !words.next_is(2, &["d", "day", "wk", "week"]);
    if is_once {
        words.skip(if words.peek_is(0, "once") { 1 } else { 2 });
        words.take("dose");
        repeat.count = Some(1);
    }
    is_once
}

/// `max 8/day`, `not to exceed 4 g per 24 h`.
fn maximum(words: &mut Words, sig: &mut Sig) -> bool {
    let is_not = words.starts(&["not", "to", "exceed"]) || words.starts(&["do", "not", "exceed"]);
    let skipped = if is_not {
        3
    } else if words.peek_is(0, "max") || words.peek_is(0, "maximum") {
        1 + usize::from(words.peek_is(1, "of"))
    } else {
        return false;
    };
    let Some(value) = words.number_at(skipped) else { return false };
    // The unit, then a time: `4 g per day`, `8/day`, `3 doses/day`, `4 g/24h`.
    let mut rest = String::new();
    let mut n = skipped + 1;
    while let Some(word) = words.peek(n)
        && n < skipped + 6
    {
        if !rest.is_empty() {
            rest.push(' ');
        }
        rest.push_str(&word);
        n += 1;
        if ["day", "d", "24h", "h", "hours", "hrs", "daily", "week", "dose"]
            .iter()
            .any(|it| word == *it || word.ends_with(&format!("/{it}")))
        {
            break;
        }
    }
    let rest = rest.replace(" per ", "/").replace("per ", "/").replace(" in ", "/");
    let (unit, period) = rest.rsplit_once('/').map_or_else(
        || rest.rsplit_once(' ').unwrap_or(("", rest.as_str())),
        |(unit, period)| (unit, period),
    );
    let period = period.trim().replace(' ', "");
    if period == "dose" {
        sig.dosing.max_per_dose = Some(Quantity::new(value, unit.trim()));
        words.skip(n);
        return true;
    }
    let period_h = match period.as_str() {
        "day" | "d" | "daily" | "24h" | "24hours" | "24hrs" => 24.0,
        "week" => 168.0,
        "12h" | "12hours" => 12.0,
        "h" | "hour" => 1.0,
        _ => return false,
    };
    let unit = match unit.trim() {
        "dose" | "doses" => "dose",
        unit => unit,
    };
    let amount = Quantity::new(value, unit);
    sig.dosing.max_per_period = Some(MaxPerPeriod { amount, period_h });
    words.skip(n);
    true
}

fn as_needed(words: &mut Words, sig: &mut Sig) -> bool {
    let n = if words.peek_is(0, "prn") {
        1
    } else if ["as", "if", "when"].iter().any(|it| words.starts(&[it, "needed"])) {
        2
    } else {
        return false;
    };
    words.skip(n);
    words.take("for");
    sig.dosing.as_needed = true;
    let mut reason: Vec<String> = Vec::new();
    // The reason goes on until something that is of the sig again.
    while let Some(word) = words.peek(0) {
        let ends = word == "x"
            || matches!(word.as_str(), "max" | "maximum" | "not" | "do" | "for" | "over" | "up")
            || frequency::begins(&word)
            || words.is_break()
            || words.number_at(0).is_some();
        if ends || 6 <= reason.len() {
            break;
        }
        reason.push(word);
        words.skip(1);
    }
    sig.dosing.as_needed_for = Some(reason.join(" ")).filter(|it| !it.is_empty());
    true
}

/// `x5d`, `for 2 weeks`, `x 3 doses`, `over 30 min`.
fn course(words: &mut Words, repeat: &mut Repeat) -> bool {
    if words.peek_is(0, "over")
        && let (Some(n), Some(unit)) = (words.number_at(1), words.peek(2))
        && let Some(hours) = frequency::hours_of(&unit)
    {
        repeat.duration_h = Some(n * hours);
        words.skip(3);
        return true;
    }
    if !(words.peek_is(0, "x") || words.peek_is(0, "for")) {
        return false;
    }
    let (Some(n), Some(unit)) = (words.number_at(1), words.peek(2)) else { return false };
    match unit.as_str() {
        "dose" | "doses" => {
            let Ok(count) = format!("{n:.0}").parse() else { return false };
            repeat.count = Some(count);
        }
        "d" | "day" | "days" => repeat.bounds = Some(Bounds::Days(n)),
        "wk" | "week" | "weeks" | "wks" => repeat.bounds = Some(Bounds::Days(n * 7.0)),
        "mo" | "month" | "months" => repeat.bounds = Some(Bounds::Days(n * 30.0)),
        "h" | "hr" | "hrs" | "hour" | "hours" => {
            repeat.bounds = Some(Bounds::Hours { low: n, high: n });
        }
        _ => return false,
    }
    words.skip(3);
    true
}

/// Meals and bedtime beside a frequency.
fn event(words: &mut Words, repeat: &mut Repeat) -> bool {
    const EVENTS: &[(&[&str], WhenEvent)] = &[
        (&["before", "meals"], WhenEvent::BeforeMeals),
        (&["after", "meals"], WhenEvent::AfterMeals),
        (&["with", "meals"], WhenEvent::Meals),
        (&["before", "breakfast"], WhenEvent::BeforeBreakfast),
        (&["after", "breakfast"], WhenEvent::AfterBreakfast),
        (&["with", "breakfast"], WhenEvent::Breakfast),
        (&["before", "lunch"], WhenEvent::BeforeLunch),
        (&["with", "lunch"], WhenEvent::Lunch),
        (&["before", "dinner"], WhenEvent::BeforeDinner),
        (&["with", "dinner"], WhenEvent::Dinner),
        (&["at", "noon"], WhenEvent::Noon),
        (&["ac"], WhenEvent::BeforeMeals),
        (&["pc"], WhenEvent::AfterMeals),
    ];
    for (phrase, event) in EVENTS {
        if words.starts(phrase) {
            words.skip(phrase.len());
            repeat.when.push(*event);
            return true;
        }
    }
    false
}

fn amount(words: &mut Words, sig: &mut Sig) -> bool {
    let Some((low, high, used)) = words.range_at(0) else { return false };
    for n in (1..=4).rev() {
        let Some(unit) = words.joined(used, n) else { continue };
        let Ok(read) = Unit::parse(&unit) else { continue };
        // Alone, a number of hours or a bare `1` is no dose.
        if matches!(read.count, super::units::Count::Time) || unit == "1" {
            return false;
        }
        let value = high.unwrap_or(low);
        let quantity = Quantity::new(value, unit);
        if read.per.time {
            if sig.dosing.rate.is_some() {
                return false;
            }
            sig.dosing.rate = Some(quantity);
        } else if sig.dosing.dose.is_some() {
            return false;
        } else {
            sig.dosing.dose_low = high.map(|_| Quantity::new(low, quantity.unit.clone()));
            sig.dosing.dose = Some(quantity);
        }
        words.skip(used + n);
        return true;
    }
    false
}

fn route(words: &mut Words, sig: &mut Sig) -> bool {
    if sig.dosing.route != RouteGiven::Absent {
        return false;
    }
    const PHRASES: &[(&[&str], Route)] = &[
        (&["both", "eyes"], Route::Ophthalmic),
        (&["each", "eye"], Route::Ophthalmic),
        (&["right", "eye"], Route::Ophthalmic),
        (&["left", "eye"], Route::Ophthalmic),
        (&["both", "ears"], Route::Otic),
        (&["right", "ear"], Route::Otic),
        (&["left", "ear"], Route::Otic),
        (&["each", "nostril"], Route::Nasal),
        (&["to", "affected", "area"], Route::Topical),
    ];
    for (phrase, route) in PHRASES {
        if words.starts(phrase) {
            words.skip(phrase.len());
            sig.dosing.route = RouteGiven::Known(*route);
            return true;
        }
    }
    for n in (1..=4).rev() {
        let Some(phrase) = words.joined(0, n) else { continue };
        // Words that are words before they are routes.
        if matches!(phrase.as_str(), "in" | "as" | "ad" | "it" | "id" | "od" | "op" | "ir" | "au") {
            continue;
        }
        if let Some(route) = Route::parse(&phrase) {
            words.skip(n);
            sig.dosing.route = RouteGiven::Known(route);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{parse, parse_order};
    use crate::medication::{context::RouteGiven, route::Route, timing::pace};

    /// Dose, route, doses a day, as needed for, days, what is left.
    fn shown(text: &str) -> String {
        let sig = parse(text);
        let it = &sig.dosing;
        let amount = |of: &Option<crate::medication::context::Quantity>| {
            of.as_ref().map_or("-".to_owned(), |it| format!("{} {}", it.value, it.unit))
        };
        let route = match &it.route {
            RouteGiven::Known(route) => route.name(),
            _ => "-",
        };
        let pace = pace(&it.timing);
        let number = |of: Option<f64>| of.map_or("-".to_owned(), |it| it.to_string());
        format!(
            "{} | {} | {route} | {} | {} | {} | {}",
            amount(&it.dose),
            amount(&it.rate),
            number(pace.map(|it| it.per_day)),
            if it.as_needed { it.as_needed_for.as_deref().unwrap_or("?") } else { "-" },
            number(pace.and_then(|it| it.days)),
            sig.unread.join(" "),
        )
    }

    #[test]
    fn sigs_are_read() {
        for (text, expected) in [
            ("1 tab PO q6h prn pain x5d", "1 tab | - | oral | 4 | pain | 5 | "),
            ("BID x7d", "- | - | - | 2 | - | 7 | "),
            (
                "Take 1-2 tablets by mouth every 4 to 6 hours as needed for pain, max 8/day",
                "2 tablets | - | oral | 6 | pain | - | ",
            ),
            ("500mg IV q8h over 30 min", "500 mg | - | intravenous | 3 | - | - | "),
            ("1 g IV once", "1 g | - | intravenous | 1 | - | 1 | "),
            ("25 mcg/h TD q72h", "- | 25 mcg/h | transdermal | 1 | - | - | "),
            ("5,000 units subcut TID", "5000 units | - | subcutaneous | 3 | - | - | "),
            ("10 mg PO daily on Mon, Wed, Fri", "10 mg | - | oral | 1 | - | - | "),
            ("5 mL PO QID for 10 days", "5 ml | - | oral | 4 | - | 10 | "),
            ("1 drop both eyes BID", "1 drop | - | ophthalmic | 2 | - | - | "),
            ("0.5 tab PO QHS", "0.5 tab | - | oral | 1 | - | - | "),
            ("1/2 tab PO qAM", "0.5 tab | - | oral | 1 | - | - | "),
            ("2 puffs inhaled q4h prn wheezing", "2 puffs | - | inhaled | 6 | wheezing | - | "),
            ("15 mg/kg IV q12h", "15 mg/kg | - | intravenous | 2 | - | - | "),
            ("0.1 mcg/kg/min IV continuous", "- | 0.1 mcg/kg/min | intravenous | - | - | - | "),
            ("2.4 million units IM once", "2.4 million units | - | intramuscular | 1 | - | 1 | "),
            ("20 mEq PO twice daily", "20 meq | - | oral | 2 | - | - | "),
            (
                "4 mg IV q8h prn nausea or vomiting",
                "4 mg | - | intravenous | 3 | nausea or vomiting | - | ",
            ),
            ("15 mg PO once weekly", "15 mg | - | oral | 1 | - | - | "),
            ("1 tab PO TID with meals", "1 tab | - | oral | 3 | - | - | "),
            ("1 tab PO BID with meals", "1 tab | - | oral | 2 | - | - | "),
            ("one tablet three times a day", "1 tablet | - | - | 3 | - | - | "),
            ("650 mg rectally q4h prn", "650 mg | - | rectal | 6 | ? | - | "),
            ("1 tab PO BID frobnicate", "1 tab | - | oral | 2 | - | - | frobnicate"),
            ("2 g IV STAT then q8h", "2 g | - | intravenous | 3 | - | - | "),
            ("40 mg IV STAT", "40 mg | - | intravenous | 1 | - | 1 | "),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn a_maximum_is_kept() {
        let of = |text: &str| parse(text).dosing.max_per_period.unwrap();
        assert_eq!(of("1 g PO q4h prn pain max 4 g/day").amount.value, 4.0);
        assert_eq!(of("1 g PO q4h prn pain max 4 g/day").amount.unit, "g");
        assert_eq!(of("1 tab q4h prn, not to exceed 3 doses per 24 h").amount.unit, "dose");
        assert_eq!(of("1 tab q4h prn max 8/day").amount.value, 8.0);
    }

    #[test]
    fn a_drug_comes_first() {
        let (drug, sig) = parse_order("potassium chloride 20 mEq PO BID");
        assert_eq!(drug, "potassium chloride");
        assert_eq!(sig.dosing.dose.unwrap().value, 20.0);
        let (drug, sig) = parse_order("insulin glargine PO");
        assert_eq!(drug, "insulin glargine");
        assert_eq!(sig.dosing.route, RouteGiven::Known(Route::Oral));
    }

    proptest! {
        #[test]
        fn nothing_breaks_it(text in "[ -~µé]{0,80}") {
            let _ = parse(&text);
            let _ = parse_order(&text);
        }

        #[test]
        fn words_of_sigs_do_not_break_it(
            words in proptest::collection::vec(
                prop::sample::select(vec![
                    "1", "2-3", "tab", "mg", "PO", "q6h", "q", "h", "every", "to", "prn", "for", "x", "d",
                    "max", "day", "/", "on", "Mon", "at", "08:00", "times", "a", "once", "over", "as",
                    "needed", "0", ".", "1e9", "-", "BID", "999999999999",
                ]),
                0..12,
            ),
        ) {
            let sig = parse(&words.join(" "));
            let _ = pace(&sig.dosing.timing);
        }
    }
}
