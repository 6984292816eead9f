//! The envelopes: groups in an interchange, transactions in a group, and whether what their
//! trailers say of them is so.

use std::collections::BTreeSet;

use crate::{
    problem::{Code, Place, Problem},
    segment::Segment,
    separators::Separators,
    validate,
};

/// One interchange, from ISA to IEA.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Interchange {
    pub separators: Separators,
    pub segments: Vec<Segment>,
    pub groups: Vec<Group>,
    /// What is wrong with the interchange itself.
    pub problems: Vec<Problem>,
}

/// One functional group, from GS to GE.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    /// Place of GS in the segments, from 0.
    pub first: usize,
    /// After its last segment.
    pub end: usize,
    pub transactions: Vec<Transaction>,
    /// What is wrong with the group itself.
    pub problems: Vec<Problem>,
}

/// One transaction set, from ST to SE.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transaction {
    /// Place of ST in the segments, from 0.
    pub first: usize,
    /// After its last segment.
    pub end: usize,
    pub problems: Vec<Problem>,
}

/// Widths of the elements of ISA.
///
/// - Source: X12.5, ISA.
const ISA_WIDTHS: [usize; 16] = [2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1];

impl Interchange {
    pub(crate) fn of(segments: Vec<Segment>, separators: Separators) -> Interchange {
        let mut interchange =
            Interchange { separators, segments, groups: Vec::new(), problems: Vec::new() };
        interchange.cut();
        interchange.problems = interchange.own_problems();
        let groups = interchange.groups.clone();
        let judged = groups.into_iter().map(|group| interchange.judged(group)).collect();
        interchange.groups = judged;
        interchange
    }

    pub fn header(&self) -> Option<&Segment> {
        self.segments.first()
    }

    /// The interchange as it came.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        for segment in &self.segments {
            segment.write_to(&self.separators, &mut out);
        }
        out
    }

    /// ISA13, as its sender counts.
    pub fn control_number(&self) -> &str {
        self.header().map_or("", |isa| isa.element(13).trim())
    }

    /// ISA05 and ISA06: who sent it.
    pub fn sender(&self) -> (&str, &str) {
        self.header().map_or(("", ""), |isa| (isa.element(5).trim(), isa.element(6).trim()))
    }

    /// ISA07 and ISA08: who it is for.
    pub fn receiver(&self) -> (&str, &str) {
        self.header().map_or(("", ""), |isa| (isa.element(7).trim(), isa.element(8).trim()))
    }

    /// ISA14: whether a TA1 is wanted in any case.
    pub fn wants_acknowledgment(&self) -> bool {
        self.header().is_some_and(|isa| isa.element(14) == "1")
    }

    /// ISA15.
    pub fn is_test(&self) -> bool {
        self.header().is_some_and(|isa| isa.element(15) == "T")
    }

    /// Acknowledgments of interchanges that this one carries.
    pub fn acknowledgments(&self) -> impl Iterator<Item = &Segment> {
        self.segments.iter().filter(|it| &*it.tag == "TA1")
    }

    pub fn all_problems(&self) -> Vec<Problem> {
        let mut all = self.problems.clone();
        for group in &self.groups {
            all.extend(group.problems.iter().cloned());
            all.extend(group.transactions.iter().flat_map(|it| it.problems.iter().cloned()));
        }
        all.sort_by(|a, b| a.place.cmp(&b.place));
        all
    }

    /// The place of a segment, or of an element of it.
    pub(crate) fn place(&self, n: usize, element: usize) -> Place {
        let segment = self.segments.get(n);
        Place {
            byte: segment.map_or(0, |it| it.byte_of(element)),
            segment: n + 1,
            in_transaction: 0,
            tag: segment.map_or(String::new(), |it| it.tag.to_string()),
            element,
            component: 0,
        }
    }

    /// Finds groups and transactions; what lies outside of them stays with the interchange.
    fn cut(&mut self) {
        let mut groups: Vec<Group> = Vec::new();
        let (mut in_group, mut in_set) = (false, false);
        for (n, segment) in self.segments.iter().enumerate() {
            match &*segment.tag {
                "GS" => {
                    groups.push(Group {
                        first: n,
                        end: n + 1,
                        transactions: Vec::new(),
                        problems: Vec::new(),
                    });
                    (in_group, in_set) = (true, false);
                    continue;
                }
                "IEA" | "ISA" => (in_group, in_set) = (false, false),
                _ => {}
            }
            let Some(group) = groups.last_mut().filter(|_| in_group) else { continue };
            group.end = n + 1;
            match &*segment.tag {
                "ST" => {
                    let set = Transaction { first: n, end: n + 1, problems: Vec::new() };
                    group.transactions.push(set);
                    in_set = true;
                }
                "GE" => (in_group, in_set) = (false, false),
                tag => {
                    if let Some(set) = group.transactions.last_mut().filter(|_| in_set) {
                        set.end = n + 1;
                        in_set = tag != "SE";
                    }
                }
            }
        }
        self.groups = groups;
    }

    fn own_problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut wrong = |n: usize, element: usize, code: &'static str, why: &'static str| {
            problems.push(Problem {
                place: self.place(n, element),
                code: Code::Interchange(code),
                why,
            });
        };
        if let Some(isa) = self.header() {
            let widths = ISA_WIDTHS.iter().zip(1..);
            for (_, n) in widths.filter(|(width, n)| isa.element(*n).chars().count() != **width) {
                wrong(0, n, isa_code(n), "this element of ISA has a fixed width");
            }
            if isa.elements.len() != ISA_WIDTHS.len() {
                wrong(0, 0, "022", "ISA has 16 elements");
            }
            let is_digits = |n: usize| isa.element(n).bytes().all(|b| b.is_ascii_digit());
            if !is_digits(9) || !is_calendar(&format!("20{}", isa.element(9))) {
                wrong(0, 9, "014", "this is no date");
            }
            if !is_clock(isa.element(10)) {
                wrong(0, 10, "015", "this is no time");
            }
            if !is_digits(13) {
                wrong(0, 13, "018", "a control number is nine digits");
            }
            if !matches!(isa.element(14), "0" | "1") {
                wrong(0, 14, "019", "`0` or `1` is said here");
            }
            if !matches!(isa.element(15), "P" | "T") {
                wrong(0, 15, "020", "`P` or `T` is said here");
            }
            if isa.element(12) != "00501" {
                wrong(0, 12, "017", "only version 00501 is understood");
            }
        }
        let s = &self.separators;
        let all = [s.element, s.repetition, s.component, s.segment];
        if all.iter().collect::<BTreeSet<_>>().len() != all.len() {
            wrong(0, 16, "027", "two separators are the same character");
        }
        let last = self.segments.len().saturating_sub(1);
        match self.segments.last() {
            Some(iea) if &*iea.tag == "IEA" => {
                if iea.element(1).parse() != Ok(self.groups.len()) {
                    wrong(last, 1, "021", "the number of groups is another one");
                }
                if iea.element(2) != self.control_number() {
                    wrong(last, 2, "001", "the control number is not that of ISA13");
                }
            }
            Some(_) => wrong(last, 0, "023", "the interchange ends without IEA"),
            None => {}
        }
        for (n, segment) in self.segments.iter().enumerate() {
            let is_outside = self.groups.iter().all(|it| n < it.first || it.end <= n);
            let is_known = matches!(&*segment.tag, "ISA" | "IEA" | "TA1");
            if is_outside && (!is_known || (&*segment.tag == "ISA" && n != 0)) {
                wrong(n, 0, "024", "this segment stands outside of every group");
            }
        }
        problems
    }

    fn judged(&self, mut group: Group) -> Group {
        let gs = self.segments.get(group.first);
        let mut problems = Vec::new();
        let mut wrong = |n: usize, element: usize, code: &'static str, why: &'static str| {
            problems.push(Problem { place: self.place(n, element), code: Code::Group(code), why });
        };
        let control = gs.map_or("", |gs| gs.element(6));
        if control.is_empty() || 9 < control.len() || !control.bytes().all(|b| b.is_ascii_digit()) {
            wrong(group.first, 6, "6", "a group's control number is one to nine digits");
        }
        let earlier = self.groups.iter().take_while(|it| it.first < group.first);
        let numbers = earlier.filter_map(|it| self.segments.get(it.first)).map(|gs| gs.element(6));
        if numbers.into_iter().any(|it| it == control) {
            wrong(group.first, 6, "19", "another group of this interchange has this number");
        }
        if let Some(gs) = gs
            && !validate::is_known_group(gs.element(1))
        {
            wrong(group.first, 1, "1", "this functional group is not understood");
        } else if let Some(gs) = gs
            && !validate::is_known_version(gs.element(1), gs.element(8))
        {
            wrong(group.first, 8, "2", "this version of the group is not understood");
        }
        let last = group.end.saturating_sub(1);
        match self.segments.get(last) {
            Some(ge) if &*ge.tag == "GE" => {
                if ge.element(1).parse() != Ok(group.transactions.len()) {
                    wrong(last, 1, "5", "the number of transactions is another one");
                }
                if ge.element(2) != control {
                    wrong(last, 2, "4", "the control number is not that of GS06");
                }
            }
            _ => wrong(last, 0, "3", "the group ends without GE"),
        }
        for n in group.first + 1..group.end {
            let is_inside = group.transactions.iter().any(|it| it.first <= n && n < it.end);
            let is_trailer = n == last && self.segments.get(n).is_some_and(|it| &*it.tag == "GE");
            if !is_inside && !is_trailer {
                let place = self.place(n, 0);
                let why = "this segment stands outside of every transaction";
                problems.push(Problem { place, code: Code::Group("5"), why });
            }
        }
        group.problems = problems;
        let version = gs.map_or("", |gs| gs.element(8));
        let functional = gs.map_or("", |gs| gs.element(1));
        let mut numbers = BTreeSet::new();
        for set in &mut group.transactions {
            set.problems = validate::transaction(self, set, (functional, version));
            let number = self.segments.get(set.first).map_or("", |st| st.element(2));
            if !numbers.insert(number) {
                let mut place = self.place(set.first, 2);
                place.in_transaction = 1;
                let why = "another transaction of this group has this number";
                set.problems.push(Problem { place, code: Code::Transaction("23"), why });
            }
        }
        group
    }
}

impl Transaction {
    /// Its segments, from ST to SE.
    pub fn segments<'i>(&self, of: &'i Interchange) -> &'i [Segment] {
        of.segments.get(self.first..self.end).unwrap_or_default()
    }

    /// ST01, such as `270`.
    pub fn kind<'i>(&self, of: &'i Interchange) -> &'i str {
        of.segments.get(self.first).map_or("", |st| st.element(1))
    }

    /// ST02.
    pub fn control_number<'i>(&self, of: &'i Interchange) -> &'i str {
        of.segments.get(self.first).map_or("", |st| st.element(2))
    }

    /// Whether it can be worked on.
    pub fn is_accepted(&self) -> bool {
        self.problems.is_empty()
    }
}

impl Group {
    pub fn header<'i>(&self, of: &'i Interchange) -> Option<&'i Segment> {
        of.segments.get(self.first)
    }
}

/// The code of TA105 for an element of ISA.
const fn isa_code(n: usize) -> &'static str {
    match n {
        1 => "010",
        2 => "011",
        3 => "012",
        4 => "013",
        5 => "005",
        6 => "006",
        7 => "007",
        8 => "008",
        9 => "014",
        10 => "015",
        11 => "026",
        12 => "017",
        13 => "018",
        14 => "019",
        15 => "020",
        _ => "027",
    }
}

/// Whether eight digits are a day.
pub(crate) fn is_calendar(text: &str) -> bool {
    let part = |from: usize, to: usize| {
        text.get(from..to).filter(|it| it.bytes().all(|b| b.is_ascii_digit()))
    };
    let (Some(year), Some(month), Some(day)) = (part(0, 4), part(4, 6), part(6, 8)) else {
        return false;
    };
    match (year.parse(), month.parse(), day.parse()) {
        (Ok(year), Ok(month), Ok(day)) if text.len() == 8 => {
            jiff::civil::Date::new(year, month, day).is_ok()
        }
        _ => false,
    }
}

/// Whether four to eight digits are a time of day.
pub(crate) fn is_clock(text: &str) -> bool {
    let below = |from: usize, to: usize, max: u8| match text.get(from..to) {
        None => true,
        Some(part) => part.parse::<u8>().is_ok_and(|n| n < max),
    };
    (4..=8).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_digit())
        && below(0, 2, 24)
        && below(2, 4, 60)
        && below(4, 6, 60)
}
