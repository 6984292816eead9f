//! Conditions of rows, as HL7's guide writes them, read tolerantly.
//!
//! `IF PID-11 LST.COUNT EQUALS 1 AND PID-11.9 IS NOT VALUED`, `IF XTN.3 NOT IN ("Internet")`,
//! `IF NOT VALUED` (the row's own value), `IF PID-33 AND PID-34 VALUED` (both).

use std::{borrow::Cow, iter::Peekable, vec::IntoIter};

use crate::{dictionary::dictionary, location::SegmentId, version::Version};

/// Whether a row runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Is(Ref, Test),
}

/// A value of the message: `PID-11.9`, `CX.5`, or the row's own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ref {
    /// The segment or data type; `None` is the value of the row itself.
    pub name: Option<Box<str>>,
    /// The segment of that name; data types have three letters too.
    pub segment: Option<SegmentId>,
    pub parts: Vec<u16>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Test {
    Valued,
    NotValued,
    In(Vec<Box<str>>),
    NotIn(Vec<Box<str>>),
    Same(Ref),
    NotSame(Ref),
    /// How often the field is repeated.
    Count(Order, usize),
    /// How many characters it has.
    Length(Order, usize),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    Less,
    LessOrEqual,
    Equal,
    Greater,
    GreaterOrEqual,
}

impl Order {
    fn holds(self, a: usize, b: usize) -> bool {
        match self {
            Order::Less => a < b,
            Order::LessOrEqual => a <= b,
            Order::Equal => a == b,
            Order::Greater => b < a,
            Order::GreaterOrEqual => b <= a,
        }
    }
}

/// The message, as a condition sees it.
pub trait Values {
    /// Plain text; `None` where there is no value.
    fn text(&self, of: &Ref) -> Option<Cow<'_, str>>;
    fn is_valued(&self, of: &Ref) -> bool;
    fn count(&self, of: &Ref) -> usize;
}

impl Ref {
    /// Reads `PID-11.9`, `HD.3`, `RXR`.
    pub fn parse(text: &str) -> Option<Ref> {
        let end = text.find(['-', '.']).unwrap_or(text.len());
        let (name, rest) = text.split_at_checked(end)?;
        let is_name = name.len() <= 3
            && name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        let numbers = rest.split(['-', '.']).skip(1);
        let parts: Option<Vec<u16>> = numbers.map(|n| n.parse().ok()).collect();
        let parts = parts?;
        is_name.then(|| Ref { name: Some(name.into()), segment: segment_named(name), parts })
    }

    /// The value of the row itself.
    const OWN: Ref = Ref { name: None, segment: None, parts: Vec::new() };
}

/// A segment of the standard or of a site.
fn segment_named(name: &str) -> Option<SegmentId> {
    let id = SegmentId::new(name.as_bytes())?;
    let known = dictionary(Version::V2_8).segment(id).is_some();
    (known || id.is_local()).then_some(id)
}

impl Condition {
    /// Reads a condition; `None` where it makes no sense.
    pub fn parse(text: &str) -> Option<Condition> {
        let tokens = tokens(text)?;
        let mut reader = Reader { tokens: tokens.into_iter().peekable(), last: None };
        let condition = reader.any()?;
        // The guide forgets to close a bracket here and there.
        reader.tokens.all(|t| t == Token::Close).then_some(condition)
    }

    pub fn holds(&self, values: &impl Values) -> bool {
        match self {
            Condition::All(all) => all.iter().all(|one| one.holds(values)),
            Condition::Any(any) => any.iter().any(|one| one.holds(values)),
            Condition::Is(of, test) => test.holds(of, values),
        }
    }
}

impl Test {
    fn holds(&self, of: &Ref, values: &impl Values) -> bool {
        let is_in = |list: &[Box<str>]| {
            values.text(of).is_some_and(|text| list.iter().any(|one| **one == *text))
        };
        match self {
            Test::Valued => values.is_valued(of),
            Test::NotValued => !values.is_valued(of),
            Test::In(list) => is_in(list),
            Test::NotIn(list) => !is_in(list),
            Test::Same(other) => values.text(of) == values.text(other),
            Test::NotSame(other) => values.text(of) != values.text(other),
            Test::Count(order, n) => order.holds(values.count(of), *n),
            Test::Length(order, n) => {
                order.holds(values.text(of).map_or(0, |text| text.chars().count()), *n)
            }
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Token {
    Word(String),
    Text(String),
    Open,
    Close,
    Comma,
    Sign(Order),
    NotEqual,
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let token = match c {
            c if c.is_whitespace() => continue,
            '(' => Token::Open,
            ')' => Token::Close,
            ',' => Token::Comma,
            '=' => Token::Sign(Order::Equal),
            '!' if chars.next_if_eq(&'=').is_some() => Token::NotEqual,
            '<' if chars.next_if_eq(&'>').is_some() => Token::NotEqual,
            '<' => Token::Sign(Order::Less),
            '>' => Token::Sign(Order::Greater),
            '"' | '\'' => {
                let mut quoted = String::new();
                loop {
                    match chars.next()? {
                        end if end == c => break,
                        other => quoted.push(other),
                    }
                }
                Token::Text(quoted)
            }
            c => {
                let mut word = String::from(c);
                let inside = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
                while let Some(c) = chars.next_if(inside) {
                    word.push(c);
                }
                Token::Word(word)
            }
        };
        tokens.push(token);
    }
    Some(tokens)
}

struct Reader {
    tokens: Peekable<IntoIter<Token>>,
    /// The value that the last test was about.
    last: Option<Ref>,
}

impl Reader {
    fn word(&mut self, word: &str) -> bool {
        let is =
            |token: &Token| matches!(token, Token::Word(own) if own.eq_ignore_ascii_case(word));
        self.tokens.next_if(is).is_some()
    }

    fn token(&mut self, token: &Token) -> bool {
        self.tokens.next_if_eq(token).is_some()
    }

    fn any(&mut self) -> Option<Condition> {
        let mut any = vec![self.all()?];
        while self.word("OR") {
            any.push(self.all()?);
        }
        if any.len() == 1 { any.pop() } else { Some(Condition::Any(any)) }
    }

    fn all(&mut self) -> Option<Condition> {
        let mut all = vec![self.one()?];
        while self.word("AND") {
            all.push(self.one()?);
        }
        if all.len() == 1 { all.pop() } else { Some(Condition::All(all)) }
    }

    fn one(&mut self) -> Option<Condition> {
        let _ = self.word("IF");
        if self.token(&Token::Open) {
            let inside = self.any()?;
            let _ = self.token(&Token::Close);
            return Some(inside);
        }
        // `PID-33 AND PID-34 VALUED`: one test for several values.
        let mut refs = Vec::new();
        let mut is_any = false;
        while let Some(reference) = self.reference() {
            refs.push(reference);
            let joined = match self.tokens.peek() {
                Some(Token::Word(word)) if word.eq_ignore_ascii_case("AND") => Some(false),
                Some(Token::Word(word)) if word.eq_ignore_ascii_case("OR") => Some(true),
                _ => None,
            };
            match joined {
                Some(or) => {
                    self.tokens.next();
                    is_any = or;
                    let _ = self.word("IF");
                }
                None => break,
            }
        }
        if refs.is_empty() {
            refs.push(self.last.clone().unwrap_or(Ref::OWN));
        }
        self.last = refs.last().cloned();
        let mut tests = vec![self.test()?];
        // `VALUED NOT EQUAL PID-12`: two tests of one value.
        while let Some(Token::Word(word)) = self.tokens.peek()
            && ["NOT", "IS", "EQUALS", "IN"].iter().any(|known| word.eq_ignore_ascii_case(known))
        {
            tests.push(self.test()?);
        }
        let one = |of: &Ref| {
            let mut all: Vec<_> =
                tests.iter().map(|test| Condition::Is(of.clone(), test.clone())).collect();
            if all.len() == 1 { all.pop() } else { Some(Condition::All(all)) }
        };
        if let [of] = refs.as_slice() {
            return one(of);
        }
        let each: Option<Vec<Condition>> = refs.iter().map(one).collect();
        Some(if is_any { Condition::Any(each?) } else { Condition::All(each?) })
    }

    fn reference(&mut self) -> Option<Ref> {
        const RESERVED: [&str; 8] = ["IF", "IS", "IN", "NOT", "AND", "OR", "LST", "DOE"];
        let Some(Token::Word(word)) = self.tokens.peek() else { return None };
        if RESERVED.contains(&word.as_str()) {
            return None;
        }
        let reference = Ref::parse(word)?;
        self.tokens.next();
        Some(reference)
    }

    fn test(&mut self) -> Option<Test> {
        let _ = self.word("IS");
        let _ = self.word("DOES");
        let is_not = self.word("NOT");
        if self.word("VALUED") || self.word("VALUE") || self.word("EXIST") {
            return Some(if is_not { Test::NotValued } else { Test::Valued });
        }
        if self.word("EMPTY") {
            return Some(if is_not { Test::Valued } else { Test::NotValued });
        }
        if self.word("LST.COUNT") || self.word("COUNT") {
            return Some(Test::Count(self.order()?, self.number()?));
        }
        if self.word("LENGTH") {
            return Some(Test::Length(self.order()?, self.number()?));
        }
        if self.word("IN") {
            let list = self.list()?;
            return Some(if is_not { Test::NotIn(list) } else { Test::In(list) });
        }
        let mut differs = is_not;
        if self.token(&Token::NotEqual) {
            differs = true;
        } else if !self.token(&Token::Sign(Order::Equal)) {
            let _ = self.word("EQUALS") || self.word("EQUAL");
            let _ = self.word("TO");
        }
        match self.tokens.next()? {
            Token::Text(text) => {
                let list = vec![text.into()];
                Some(if differs { Test::NotIn(list) } else { Test::In(list) })
            }
            Token::Word(word) => {
                let other = Ref::parse(&word)?;
                Some(if differs { Test::NotSame(other) } else { Test::Same(other) })
            }
            _ => None,
        }
    }

    fn order(&mut self) -> Option<Order> {
        match self.tokens.next()? {
            Token::Sign(order) => Some(order),
            Token::Word(word) if word.eq_ignore_ascii_case("EQUALS") => Some(Order::Equal),
            Token::Word(word) => {
                let is_less = word.eq_ignore_ascii_case("LESS");
                if !is_less && !word.eq_ignore_ascii_case("GREATER") {
                    return None;
                }
                let _ = self.word("THAN");
                let or_equal = self.word("OR") && (self.word("EQUALS") || self.word("EQUAL"));
                Some(match (is_less, or_equal) {
                    (true, false) => Order::Less,
                    (true, true) => Order::LessOrEqual,
                    (false, false) => Order::Greater,
                    (false, true) => Order::GreaterOrEqual,
                })
            }
            _ => None,
        }
    }

    fn number(&mut self) -> Option<usize> {
        match self.tokens.next()? {
            Token::Word(word) => word.parse().ok(),
            _ => None,
        }
    }

    fn list(&mut self) -> Option<Vec<Box<str>>> {
        if !self.token(&Token::Open) {
            return None;
        }
        let mut list = Vec::new();
        loop {
            match self.tokens.next()? {
                Token::Text(text) => list.push(text.into()),
                Token::Comma => {}
                Token::Close => return Some(list),
                _ => return None,
            }
        }
    }
}
