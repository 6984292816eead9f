//! From words to a tree, by precedence climbing.

use super::{
    SyntaxError,
    lexer::{Token, tokens},
};

/// Deepest nesting of an expression.
/// LIMIT: the deepest invariant of R4 nests eight; a level costs a few stack frames.
const DEPTH_MAX: usize = 64;

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Expr {
    Empty,
    Bool(bool),
    Text(String),
    Number(String),
    Moment(String),
    /// Number and unit.
    Quantity(String, String),
    Variable(String),
    This,
    Index,
    /// Of the input when there is no first.
    Member(Option<Box<Expr>>, String),
    Call(Option<Box<Expr>>, String, Vec<Expr>),
    At(Box<Expr>, Box<Expr>),
    Negative(Box<Expr>),
    Binary(&'static str, Box<Expr>, Box<Expr>),
    /// `is` or `as` with a type.
    Type(&'static str, Box<Expr>, String),
}

pub(super) fn parse(text: &str) -> Result<Expr, SyntaxError> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, at: 0, end: text.len(), depth: 0 };
    let expr = parser.expression(0)?;
    match parser.peek() {
        None => Ok(expr),
        Some(_) => parser.fail("something after the end of the expression"),
    }
}

struct Parser<'t> {
    tokens: &'t [(usize, Token)],
    at: usize,
    end: usize,
    depth: usize,
}

/// Every binary operator with how tightly it binds.
const OPERATORS: [(&str, u8); 24] = [
    ("implies", 1),
    ("or", 2),
    ("xor", 2),
    ("and", 3),
    ("in", 4),
    ("contains", 4),
    ("=", 5),
    ("~", 5),
    ("!=", 5),
    ("!~", 5),
    ("<", 6),
    (">", 6),
    ("<=", 6),
    (">=", 6),
    ("|", 7),
    ("is", 8),
    ("as", 8),
    ("+", 9),
    ("-", 9),
    ("&", 9),
    ("*", 10),
    ("/", 10),
    ("div", 10),
    ("mod", 10),
];

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    fn fail<T>(&self, what: &'static str) -> Result<T, SyntaxError> {
        let at = self.tokens.get(self.at).map_or(self.end, |(at, _)| *at);
        Err(SyntaxError { at, what })
    }

    fn sign(&mut self, wanted: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(sign)) if *sign == wanted);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, wanted: &str, what: &'static str) -> Result<(), SyntaxError> {
        if self.sign(wanted) { Ok(()) } else { self.fail(what) }
    }

    fn operator(&self) -> Option<(&'static str, u8)> {
        let word = match self.peek()? {
            Token::Sign(sign) => sign,
            Token::Name(name) => name.as_str(),
            _ => return None,
        };
        OPERATORS.iter().find(|(name, _)| *name == word).copied()
    }

    fn expression(&mut self, loosest: u8) -> Result<Expr, SyntaxError> {
        if DEPTH_MAX <= self.depth {
            return self.fail("an expression that nests too deeply");
        }
        self.depth += 1;
        let mut left = self.unary()?;
        let mut n_terms = 0;
        while let Some((name, tightness)) = self.operator()
            && loosest < tightness
        {
            // A long chain is a deep tree, and is walked by recursion.
            n_terms += 1;
            if DEPTH_MAX <= n_terms {
                return self.fail("a chain of too many operators");
            }
            self.at += 1;
            left = if matches!(name, "is" | "as") {
                Expr::Type(name, Box::new(left), self.type_name()?)
            } else {
                let right = self.expression(tightness)?;
                Expr::Binary(name, Box::new(left), Box::new(right))
            };
        }
        self.depth -= 1;
        Ok(left)
    }

    fn type_name(&mut self) -> Result<String, SyntaxError> {
        let mut name = self.name()?;
        if self.sign(".") {
            name = format!("{name}.{}", self.name()?);
        }
        Ok(name)
    }

    fn name(&mut self) -> Result<String, SyntaxError> {
        match self.peek() {
            Some(Token::Name(name) | Token::Quoted(name)) => {
                let name = name.clone();
                self.at += 1;
                Ok(name)
            }
            _ => self.fail("a name was expected"),
        }
    }

    fn unary(&mut self) -> Result<Expr, SyntaxError> {
        if self.sign("-") {
            return Ok(Expr::Negative(Box::new(self.path()?)));
        }
        self.sign("+");
        self.path()
    }

    fn path(&mut self) -> Result<Expr, SyntaxError> {
        let mut expr = self.term()?;
        let mut n_steps = 0;
        loop {
            n_steps += 1;
            if DEPTH_MAX <= n_steps {
                return self.fail("a path of too many steps");
            }
            if self.sign(".") {
                expr = self.step(Some(Box::new(expr)))?;
            } else if self.sign("[") {
                let index = self.expression(0)?;
                self.expect("]", "a closing bracket was expected")?;
                expr = Expr::At(Box::new(expr), Box::new(index));
            } else {
                return Ok(expr);
            }
        }
    }

    fn step(&mut self, of: Option<Box<Expr>>) -> Result<Expr, SyntaxError> {
        let name = self.name()?;
        if !self.sign("(") {
            return Ok(Expr::Member(of, name));
        }
        let mut arguments = Vec::new();
        if self.sign(")") {
            return Ok(Expr::Call(of, name, arguments));
        }
        loop {
            arguments.push(self.expression(0)?);
            if self.sign(")") {
                return Ok(Expr::Call(of, name, arguments));
            }
            self.expect(",", "a comma or a closing parenthesis was expected")?;
        }
    }

    fn term(&mut self) -> Result<Expr, SyntaxError> {
        let Some(token) = self.peek() else { return self.fail("a value was expected") };
        let expr = match token {
            Token::Text(text) => Expr::Text(text.clone()),
            Token::Moment(text) => Expr::Moment(text.clone()),
            Token::Variable(name) => Expr::Variable(name.clone()),
            Token::Number(number) => {
                let number = number.clone();
                self.at += 1;
                return Ok(self.number(number));
            }
            Token::Sign("$this") => Expr::This,
            Token::Sign("$index") => Expr::Index,
            Token::Sign("(") => {
                self.at += 1;
                let inner = self.expression(0)?;
                self.expect(")", "a closing parenthesis was expected")?;
                return Ok(inner);
            }
            Token::Sign("{") => {
                self.at += 1;
                self.expect("}", "a closing brace was expected")?;
                return Ok(Expr::Empty);
            }
            Token::Name(name) if name == "true" => Expr::Bool(true),
            Token::Name(name) if name == "false" => Expr::Bool(false),
            Token::Name(_) | Token::Quoted(_) => return self.step(None),
            Token::Sign(_) => return self.fail("a value was expected"),
        };
        self.at += 1;
        Ok(expr)
    }

    /// A number, with its unit if one follows: `4 'mg'`, `4 days`.
    fn number(&mut self, number: String) -> Expr {
        const UNITS: [&str; 8] =
            ["year", "month", "week", "day", "hour", "minute", "second", "millisecond"];
        let unit = match self.peek() {
            Some(Token::Text(unit)) => unit.clone(),
            Some(Token::Name(name)) if UNITS.contains(&name.trim_end_matches('s')) => {
                name.trim_end_matches('s').to_owned()
            }
            _ => return Expr::Number(number),
        };
        self.at += 1;
        Expr::Quantity(number, unit)
    }
}
