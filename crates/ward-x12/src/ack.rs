//! Acknowledgments: TA1 for an interchange, 999 for each of its groups.

use crate::{
    envelope::{Group, Interchange, Transaction},
    problem::{Code, Problem},
    put,
    segment::Segment,
    write::{Body, Element, Set},
};

/// Version of the 999 that is written.
pub const VERSION: &str = "005010X231A1";

/// Most codes of one AK9 or IK5.
/// LIMIT: as many as the segment has room for.
const CODES_MAX: usize = 5;

/// What an interchange is answered with, besides what its transactions ask.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Acknowledgments {
    /// When the interchange is wrong, or asks for one.
    pub ta1: Option<Body>,
    /// A 999 for each group that is none itself.
    pub groups: Vec<Body>,
}

/// What became of a group, or of what it acknowledges.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Accepted {
    All,
    /// Some transactions, and not others.
    Some,
    None,
}

impl Accepted {
    const fn code(self) -> &'static str {
        match self {
            Accepted::All => "A",
            Accepted::Some => "P",
            Accepted::None => "R",
        }
    }
}

/// Another interchange of this sender had this number.
pub const DUPLICATE: &str = "025";

/// What has to be said about an interchange.
///
/// - Shape: `note` is a TA105 that the reader cannot know, such as [`DUPLICATE`].
/// - Source: X12.5 TA1; 999 as 005010X231A1.
pub fn acknowledge(of: &Interchange, note: Option<&'static str>) -> Acknowledgments {
    let first = note.or_else(|| of.problems.first().map(|it| it.code.number()));
    let ta1 = (first.is_some() || of.wants_acknowledgment()).then(|| ta1(of, first));
    if first.is_some() {
        // What is in an interchange that is refused was not looked at.
        return Acknowledgments { ta1, groups: Vec::new() };
    }
    let is_999 = |group: &&Group| group.header(of).is_some_and(|gs| gs.element(1) == "FA");
    let groups = of.groups.iter().filter(|group| !is_999(group)).map(|group| of_group(of, group));
    Acknowledgments { ta1, groups: groups.collect() }
}

/// What became of a group here.
pub fn accepted(of: &Interchange, group: &Group) -> Accepted {
    let n_good = group.transactions.iter().filter(|it| it.is_accepted()).count();
    match n_good {
        _ if !of.problems.is_empty() || !group.problems.is_empty() => Accepted::None,
        0 => Accepted::None,
        n if n == group.transactions.len() => Accepted::All,
        _ => Accepted::Some,
    }
}

fn ta1(of: &Interchange, note: Option<&'static str>) -> Body {
    let isa = of.header();
    let element = |n: usize| isa.map_or("", |it| it.element(n));
    let digits = |text: &str, n: usize| {
        let text: String = text.chars().filter(char::is_ascii_digit).take(n).collect();
        format!("{text:0>n$}")
    };
    let mut body = Body::default();
    let code = if note.is_some() { "R" } else { "A" };
    put!(
        body,
        "TA1",
        digits(element(13), 9),
        digits(element(9), 6),
        digits(element(10), 4),
        code,
        note.unwrap_or("000"),
    );
    body
}

fn of_group(of: &Interchange, group: &Group) -> Body {
    let gs = group.header(of);
    let element = |n: usize| gs.map_or("", |it| it.element(n));
    let mut body = Body::default();
    let number = fitting(element(6), (1, 9), char::is_ascii_digit, '0');
    put!(body, "AK1", fit(element(1), 2, 2), number, fit(element(8), 0, 12));
    let whole = accepted(of, group);
    let is_refused = !group.problems.is_empty();
    for set in &group.transactions {
        of_transaction(&mut body, of, set, is_refused);
    }
    let n_in = group.transactions.len();
    let n_good = if is_refused {
        0
    } else {
        group.transactions.iter().filter(|it| it.is_accepted()).count()
    };
    // What the trailer says, where there is one.
    let ge = of.segments.get(group.end.saturating_sub(1)).filter(|it| &*it.tag == "GE");
    let n_said = ge.and_then(|ge| ge.element(1).parse::<usize>().ok()).unwrap_or(n_in);
    let mut ak9: Vec<Element> = vec![
        whole.code().into(),
        n_said.min(999_999).to_string().into(),
        n_in.to_string().into(),
        n_good.to_string().into(),
    ];
    ak9.extend(codes(&group.problems));
    body.put("AK9", ak9);
    body
}

fn of_transaction(body: &mut Body, of: &Interchange, set: &Transaction, is_refused: bool) {
    let version = of.segments.get(set.first).map_or("", |st| st.element(3));
    let control = set.control_number(of);
    put!(body, "AK2", fit(set.kind(of), 3, 3), fit(control, 4, 9), fit(version, 0, 35));
    let problems = set.problems.iter().filter(|it| !matches!(it.code, Code::Transaction(_)));
    let mut last = None;
    let mut has_errors = false;
    for problem in problems {
        has_errors = true;
        let place = &problem.place;
        if last != Some((place.in_transaction, &place.tag))
            || matches!(problem.code, Code::Segment(_))
        {
            let code = match problem.code {
                Code::Segment(code) => code,
                _ => "8",
            };
            put!(body, "IK3", fit(&place.tag, 2, 3), place.in_transaction.to_string(), "", code);
            last = Some((place.in_transaction, &place.tag));
        }
        if let Code::Element(code, number) = problem.code {
            let mut at = vec![place.element.to_string()];
            if place.component != 0 {
                at.push(place.component.to_string());
            }
            body.put("IK4", [Element::Parts(at), number.into(), code.into()]);
        }
    }
    let mut own: Vec<Problem> =
        set.problems.iter().filter(|it| matches!(it.code, Code::Transaction(_))).cloned().collect();
    if has_errors {
        let why = "segments are in error";
        let place = of.place(set.first, 0);
        own.push(Problem { place, code: Code::Transaction("5"), why });
    }
    let is_good = own.is_empty() && !is_refused;
    let mut ik5: Vec<Element> = vec![if is_good { "A" } else { "R" }.into()];
    ik5.extend(codes(&own));
    body.put("IK5", ik5);
}

/// What was sent, as far as it can be repeated where it was wrong itself.
fn fit(text: &str, len_min: usize, len_max: usize) -> String {
    fitting(text, (len_min, len_max), char::is_ascii_alphanumeric, 'X')
}

fn fitting(
    text: &str,
    (min, max): (usize, usize),
    is_kept: fn(&char) -> bool,
    pad: char,
) -> String {
    let mut kept: String = text.chars().filter(is_kept).take(max).collect();
    while kept.len() < min {
        kept.push(pad);
    }
    kept
}

fn codes(problems: &[Problem]) -> impl Iterator<Item = Element> {
    let mut numbers: Vec<&'static str> = problems.iter().map(|it| it.code.number()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers.into_iter().take(CODES_MAX).map(Element::from)
}

impl Acknowledgments {
    /// The transaction sets of the 999s, numbered from `0001`.
    pub fn sets(&self) -> Vec<Set> {
        let numbered = self.groups.iter().zip(1..);
        let set = |(body, n): (&Body, u32)| Set {
            kind: "999",
            control: format!("{n:04}"),
            body: body.clone(),
        };
        numbered.map(set).collect()
    }
}

/// What a 999 says of one transaction that was sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Acknowledged {
    /// AK101 and AK102: which group of ours.
    pub group: (String, String),
    /// AK201 and AK202: which transaction of it; none when the group as a whole is meant.
    pub set: Option<(String, String)>,
    pub is_accepted: bool,
    /// Places that were complained about: segment, element, code.
    pub places: Vec<(String, String, String)>,
}

/// What the 999s of an interchange say.
pub fn acknowledged(segments: &[Segment]) -> Vec<Acknowledged> {
    let mut told: Vec<Acknowledged> = Vec::new();
    let mut group = (String::new(), String::new());
    let mut open: Option<Acknowledged> = None;
    let mut place = (String::new(), String::new());
    for segment in segments {
        match &*segment.tag {
            "AK1" => group = (segment.element(1).to_owned(), segment.element(2).to_owned()),
            "AK2" => {
                open = Some(Acknowledged {
                    group: group.clone(),
                    set: Some((segment.element(1).to_owned(), segment.element(2).to_owned())),
                    is_accepted: false,
                    places: Vec::new(),
                });
            }
            "IK3" => {
                place = (segment.element(1).to_owned(), segment.element(2).to_owned());
                if let Some(open) = &mut open {
                    let at = format!("{} at segment {}", place.0, place.1);
                    open.places.push((at, String::new(), segment.element(4).to_owned()));
                }
            }
            "IK4" => {
                if let Some(open) = &mut open {
                    let at = format!("{} at segment {}", place.0, place.1);
                    let element = segment.element(1).to_owned();
                    open.places.push((at, element, segment.element(3).to_owned()));
                }
            }
            "IK5" => {
                if let Some(mut one) = open.take() {
                    one.is_accepted = matches!(segment.element(1), "A" | "E");
                    told.push(one);
                }
            }
            "AK9" => {
                let is_accepted = matches!(segment.element(1), "A" | "E" | "P");
                told.push(Acknowledged {
                    group: group.clone(),
                    set: None,
                    is_accepted,
                    places: Vec::new(),
                });
            }
            _ => {}
        }
    }
    told
}
