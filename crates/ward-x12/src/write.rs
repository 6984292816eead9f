//! Writing interchanges.

use jiff::civil::DateTime;
use unicode_normalization::UnicodeNormalization;

use crate::separators::Separators;

/// An element to be written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Element {
    Text(String),
    /// Components.
    Parts(Vec<String>),
    Repeated(Vec<String>),
}

impl From<&str> for Element {
    fn from(text: &str) -> Element {
        Element::Text(text.to_owned())
    }
}

impl From<&String> for Element {
    fn from(text: &String) -> Element {
        Element::Text(text.clone())
    }
}

impl From<String> for Element {
    fn from(text: String) -> Element {
        Element::Text(text)
    }
}

impl From<&Option<String>> for Element {
    fn from(text: &Option<String>) -> Element {
        Element::Text(text.clone().unwrap_or_default())
    }
}

/// Components of one element.
pub fn parts(parts: &[&str]) -> Element {
    Element::Parts(parts.iter().map(|it| (*it).to_owned()).collect())
}

/// A transaction without its envelope.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Body {
    segments: Vec<(&'static str, Vec<Element>)>,
    n_levels: usize,
}

impl Body {
    pub fn put(&mut self, tag: &'static str, elements: impl IntoIterator<Item = Element>) {
        self.segments.push((tag, elements.into_iter().collect()));
    }

    /// Opens a level under another one, and answers its number.
    pub fn level(&mut self, under: Option<usize>, code: &str, has_children: bool) -> usize {
        self.n_levels += 1;
        let under = under.map_or(String::new(), |it| it.to_string());
        let children = if has_children { "1" } else { "0" };
        let number = self.n_levels.to_string();
        self.put("HL", [number.into(), under.into(), code.into(), children.into()]);
        self.n_levels
    }
}

/// A macro would hide that every element is cleaned; this only saves the `into`s.
#[macro_export]
macro_rules! put {
    ($body:expr, $tag:literal $(, $element:expr)* $(,)?) => {
        $body.put($tag, [$($crate::write::Element::from($element)),*])
    };
}

/// A transaction set with its envelope's numbers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Set {
    /// ST01, such as `270`.
    pub kind: &'static str,
    pub control: String,
    pub body: Body,
}

/// A group of transactions of one kind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupOut {
    /// GS01, such as `HS`.
    pub functional: &'static str,
    /// GS08, such as `005010X279A1`.
    pub version: &'static str,
    pub control: u32,
    pub sets: Vec<Set>,
}

/// Who writes to whom, and when.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Envelope {
    /// ISA05, ISA06.
    pub sender: (String, String),
    /// ISA07, ISA08.
    pub receiver: (String, String),
    /// GS02, GS03.
    pub group_sender: String,
    pub group_receiver: String,
    /// In the sender's own time.
    pub time: DateTime,
    /// ISA13.
    pub control: u32,
    pub is_test: bool,
    /// Whether a TA1 is wanted.
    pub wants_acknowledgment: bool,
}

/// Writes one interchange: acknowledgments of interchanges, then groups.
///
/// - Shape: the recommended separators, one segment a line. Text is made into the basic character
///   set: capitals without accents, and no separators.
pub fn interchange(envelope: &Envelope, ta1: &[Body], groups: &[GroupOut]) -> String {
    let s = Separators::RECOMMENDED;
    let mut out = String::new();
    let wide = |text: &str, n: usize| format!("{:<n$.n$}", clean(text, &s));
    let time = envelope.time;
    let (year, month, day) = (time.year(), time.month(), time.day());
    let hm = format!("{:02}{:02}", time.hour(), time.minute());
    let day6 = format!("{:02}{month:02}{day:02}", year.rem_euclid(100));
    let control = format!("{:09}", envelope.control % 1_000_000_000);
    let isa = [
        "00".to_owned(),
        wide("", 10),
        "00".to_owned(),
        wide("", 10),
        wide(&envelope.sender.0, 2),
        wide(&envelope.sender.1, 15),
        wide(&envelope.receiver.0, 2),
        wide(&envelope.receiver.1, 15),
        day6,
        hm.clone(),
        s.repetition.to_string(),
        "00501".to_owned(),
        control.clone(),
        if envelope.wants_acknowledgment { "1" } else { "0" }.to_owned(),
        if envelope.is_test { "T" } else { "P" }.to_owned(),
        s.component.to_string(),
    ];
    line(&mut out, "ISA", &isa, &s);
    for body in ta1 {
        for (tag, elements) in &body.segments {
            line(&mut out, tag, &shown(elements, &s), &s);
        }
    }
    let day8 = format!("{year:04}{month:02}{day:02}");
    for group in groups {
        let number = group.control.to_string();
        let gs = [
            group.functional.to_owned(),
            clean(&envelope.group_sender, &s),
            clean(&envelope.group_receiver, &s),
            day8.clone(),
            hm.clone(),
            number.clone(),
            "X".to_owned(),
            group.version.to_owned(),
        ];
        line(&mut out, "GS", &gs, &s);
        for set in &group.sets {
            let st = [set.kind.to_owned(), set.control.clone(), group.version.to_owned()];
            line(&mut out, "ST", &st, &s);
            for (tag, elements) in &set.body.segments {
                line(&mut out, tag, &shown(elements, &s), &s);
            }
            let n_segments = set.body.segments.len() + 2;
            line(&mut out, "SE", &[n_segments.to_string(), set.control.clone()], &s);
        }
        line(&mut out, "GE", &[group.sets.len().to_string(), number], &s);
    }
    line(&mut out, "IEA", &[groups.len().to_string(), control], &s);
    out
}

fn line(out: &mut String, tag: &str, elements: &[String], s: &Separators) {
    out.push_str(tag);
    let n = elements.iter().rposition(|it| !it.is_empty()).map_or(0, |last| last + 1);
    for element in elements.iter().take(n) {
        out.push(s.element);
        out.push_str(element);
    }
    out.push(s.segment);
    out.push('\n');
}

fn shown(elements: &[Element], s: &Separators) -> Vec<String> {
    let joined = |parts: &[String], with: char| {
        let n = parts.iter().rposition(|it| !it.is_empty()).map_or(0, |last| last + 1);
        let clean = parts.iter().take(n).map(|it| clean(it, s)).collect::<Vec<_>>();
        clean.join(&with.to_string())
    };
    let one = |element: &Element| match element {
        Element::Text(text) => clean(text, s),
        Element::Parts(parts) => joined(parts, s.component),
        Element::Repeated(parts) => joined(parts, s.repetition),
    };
    elements.iter().map(one).collect()
}

/// Text in the basic character set.
///
/// - Source: X12.6, basic character set.
fn clean(text: &str, s: &Separators) -> String {
    let basic =
        |c: char| (c.is_ascii_alphanumeric() || " !\"&'()*+,-./:;?=".contains(c)) && !s.has(c);
    let folded = text.nfkd().filter_map(|c| match c {
        c if basic(c) => Some(c.to_ascii_uppercase()),
        // What the letter before it carries.
        c if !c.is_ascii() && !c.is_alphanumeric() => None,
        _ => Some(' '),
    });
    folded.collect::<String>().trim().to_owned()
}
