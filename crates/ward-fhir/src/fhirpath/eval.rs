//! Evaluation: the tree over collections of items.

use std::{cell::Cell, rc::Rc};

use super::{
    Env, EvalError, STEPS_MAX, clock,
    compare::{equal, equivalent, is_among, order},
    functions,
    item::{Item, Moment, Node, Place, Step, choice_kind},
    number::Number,
    parser::Expr,
};
use crate::{
    definitions::{ElementKind, schema},
    json::Json,
};

/// Deepest recursion of an evaluation.
/// LIMIT: expressions of R4 need 20; a level takes a few hundred bytes of stack.
const DEPTH_MAX: u32 = 300;

pub(super) type Items<'t> = Vec<Item<'t>>;

/// `$this` and `$index`.
#[derive(Clone, Copy)]
pub(super) struct Frame<'f, 't> {
    pub(super) this: &'f [Item<'t>],
    pub(super) index: Option<usize>,
}

pub(super) struct Evaluator<'t> {
    pub(super) env: Env<'t>,
    steps: Cell<u32>,
    depth: Cell<u32>,
}

impl<'t> Evaluator<'t> {
    pub(super) fn new(env: Env<'t>) -> Evaluator<'t> {
        Evaluator { env, steps: Cell::new(0), depth: Cell::new(0) }
    }

    /// Counts work, so that no expression runs for long.
    pub(super) fn spend(&self, n: usize) -> Result<(), EvalError> {
        let n = u32::try_from(n).unwrap_or(u32::MAX);
        let steps = self.steps.get().saturating_add(n).saturating_add(1);
        self.steps.set(steps);
        if STEPS_MAX < steps { Err(EvalError::Steps) } else { Ok(()) }
    }

    pub(super) fn eval(
        &self,
        expr: &Expr,
        focus: &[Item<'t>],
        frame: Frame<'_, 't>,
    ) -> Result<Items<'t>, EvalError> {
        self.spend(focus.len())?;
        let depth = self.depth.get() + 1;
        if DEPTH_MAX < depth {
            return Err(EvalError::Steps);
        }
        self.depth.set(depth);
        let found = self.eval_inner(expr, focus, frame);
        self.depth.set(depth - 1);
        found
    }

    fn eval_inner(
        &self,
        expr: &Expr,
        focus: &[Item<'t>],
        frame: Frame<'_, 't>,
    ) -> Result<Items<'t>, EvalError> {
        let one = |item: Item<'t>| Ok(Vec::from([item]));
        match expr {
            Expr::Empty => Ok(Vec::new()),
            Expr::Bool(value) => one(Item::Bool(*value)),
            Expr::Text(text) => one(Item::Text(text.clone())),
            Expr::Number(text) => match text.parse() {
                Ok(n) if !text.contains('.') => one(Item::Integer(n)),
                _ => Ok(Number::parse(text).map(Item::Decimal).into_iter().collect()),
            },
            Expr::Moment(text) => Ok(Moment::parse(text).map(Item::Moment).into_iter().collect()),
            Expr::Quantity(number, unit) => {
                let number = Number::parse(number);
                Ok(number.map(|n| Item::Quantity(n, unit.clone())).into_iter().collect())
            }
            Expr::Variable(name) => self.variable(name, frame),
            Expr::This => Ok(frame.this.to_vec()),
            Expr::Index => {
                let index = frame.index.and_then(|index| i64::try_from(index).ok());
                Ok(index.map(Item::Integer).into_iter().collect())
            }
            Expr::Member(None, name) => Ok(self.start(focus, name)),
            Expr::Member(Some(of), name) => {
                let of = self.eval(of, focus, frame)?;
                self.spend(of.len())?;
                Ok(of.iter().flat_map(|item| members(item, name)).collect())
            }
            Expr::Call(of, name, arguments) => {
                let owned;
                let of: &[Item<'t>] = match of {
                    None => focus,
                    Some(of) => {
                        owned = self.eval(of, focus, frame)?;
                        &owned
                    }
                };
                functions::call(self, name, of, arguments, frame)
            }
            Expr::At(of, index) => {
                let of = self.eval(of, focus, frame)?;
                let index = self.eval(index, focus, frame)?;
                let index = single(&index)?.and_then(Item::as_integer);
                let index = index.and_then(|index| usize::try_from(index).ok());
                Ok(index.and_then(|index| of.get(index).cloned()).into_iter().collect())
            }
            Expr::Negative(of) => {
                let of = self.eval(of, focus, frame)?;
                match single(&of)?.map(|item| item.value()) {
                    None => Ok(Vec::new()),
                    Some(Some(Item::Integer(n))) => {
                        Ok(n.checked_neg().map(Item::Integer).into_iter().collect())
                    }
                    Some(Some(Item::Decimal(n))) => one(Item::Decimal(n.negated())),
                    Some(Some(Item::Quantity(n, unit))) => one(Item::Quantity(n.negated(), unit)),
                    Some(_) => Err(EvalError::Operands("-")),
                }
            }
            Expr::Binary(operator, left, right) => self.binary(operator, left, right, focus, frame),
            Expr::Type(operator, of, name) => {
                let of = self.eval(of, focus, frame)?;
                match (*operator, single(&of)?) {
                    (_, None) => Ok(Vec::new()),
                    ("is", Some(item)) => one(Item::Bool(item.is_a(name))),
                    (_, Some(item)) => {
                        Ok(item.is_a(name).then(|| item.clone()).into_iter().collect())
                    }
                }
            }
        }
    }

    /// A name at the start of a path: the type of the input itself, or a member of it.
    fn start(&self, focus: &[Item<'t>], name: &str) -> Items<'t> {
        let is_own_type = |item: &Item<'t>| match item {
            Item::Node(Node { kind: Some(kind), .. }) => {
                *kind == name || matches!(name, "Resource" | "DomainResource")
            }
            _ => false,
        };
        if name.starts_with(|c: char| c.is_ascii_uppercase()) && focus.iter().all(is_own_type) {
            return focus.to_vec();
        }
        focus.iter().flat_map(|item| members(item, name)).collect()
    }

    fn variable(&self, name: &str, frame: Frame<'_, 't>) -> Result<Items<'t>, EvalError> {
        let text = |text: &str| Ok(Vec::from([Item::Text(text.to_owned())]));
        match name {
            "resource" | "rootResource" => Ok(Vec::from([Item::root(self.env.resource)])),
            "context" => Ok(frame.this.to_vec()),
            "ucum" => text("http://unitsofmeasure.org"),
            "sct" => text("http://snomed.info/sct"),
            "loinc" => text("http://loinc.org"),
            _ => match self.env.variables.iter().find(|(known, _)| *known == name) {
                Some((_, json)) => Ok(Vec::from([Item::root(json)])),
                None => Err(EvalError::Variable),
            },
        }
    }

    fn binary(
        &self,
        operator: &'static str,
        left: &Expr,
        right: &Expr,
        focus: &[Item<'t>],
        frame: Frame<'_, 't>,
    ) -> Result<Items<'t>, EvalError> {
        let a = self.eval(left, focus, frame)?;
        let b = self.eval(right, focus, frame)?;
        let answer = |value: Option<bool>| Ok(value.map(Item::Bool).into_iter().collect());
        match operator {
            "and" => answer(match (truth(&a)?, truth(&b)?) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            }),
            "or" => answer(match (truth(&a)?, truth(&b)?) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            }),
            "xor" => answer(truth(&a)?.zip(truth(&b)?).map(|(a, b)| a != b)),
            "implies" => answer(match (truth(&a)?, truth(&b)?) {
                (Some(false), _) | (_, Some(true)) => Some(true),
                (Some(true), b) => b,
                (None, _) => None,
            }),
            "=" => self.spend(a.len()).and_then(|()| answer(equal(&a, &b))),
            "!=" => self.spend(a.len()).and_then(|()| answer(equal(&a, &b).map(|is| !is))),
            "~" => self.pairs(&a, &b).and_then(|()| answer(Some(equivalent(&a, &b)))),
            "!~" => self.pairs(&a, &b).and_then(|()| answer(Some(!equivalent(&a, &b)))),
            "<" | ">" | "<=" | ">=" => {
                let (Some(a), Some(b)) = (single(&a)?, single(&b)?) else { return Ok(Vec::new()) };
                let order = order(a, b).ok_or(EvalError::Operands(operator))?;
                answer(order.map(|order| match operator {
                    "<" => order.is_lt(),
                    ">" => order.is_gt(),
                    "<=" => order.is_le(),
                    _ => order.is_ge(),
                }))
            }
            "in" | "contains" => {
                let (item, among) = if operator == "in" { (&a, &b) } else { (&b, &a) };
                self.spend(among.len())?;
                answer(single(item)?.map(|item| is_among(item, among)))
            }
            "|" => {
                let mut all = a;
                all.extend(b);
                self.distinct(&all)
            }
            "&" => {
                let text = |items: &[Item<'t>]| {
                    Ok(single(items)?.and_then(Item::to_text).unwrap_or_default())
                };
                Ok(Vec::from([Item::Text(text(&a)? + &text(&b)?)]))
            }
            _ => {
                let (Some(a), Some(b)) = (single(&a)?, single(&b)?) else { return Ok(Vec::new()) };
                arithmetic(operator, a, b)
            }
        }
    }

    fn pairs(&self, a: &[Item<'t>], b: &[Item<'t>]) -> Result<(), EvalError> {
        self.spend(a.len().saturating_mul(b.len()))
    }

    pub(super) fn distinct(&self, items: &[Item<'t>]) -> Result<Items<'t>, EvalError> {
        let mut kept: Items<'t> = Vec::new();
        for item in items {
            self.spend(kept.len())?;
            if !is_among(item, &kept) {
                kept.push(item.clone());
            }
        }
        Ok(kept)
    }
}

/// The only item, if there is one.
pub(super) fn single<'i, 't>(items: &'i [Item<'t>]) -> Result<Option<&'i Item<'t>>, EvalError> {
    match items {
        [] => Ok(None),
        [item] => Ok(Some(item)),
        _ => Err(EvalError::Several),
    }
}

/// A collection where a truth is expected: a single item that is no boolean counts as true.
pub(super) fn truth(items: &[Item<'_>]) -> Result<Option<bool>, EvalError> {
    Ok(single(items)?.map(|item| item.as_bool().unwrap_or(true)))
}

fn arithmetic<'t>(
    operator: &'static str,
    a: &Item<'t>,
    b: &Item<'t>,
) -> Result<Items<'t>, EvalError> {
    let one = |item: Option<Item<'t>>| Ok(item.into_iter().collect());
    let wrong = EvalError::Operands(operator);
    if let (Some(a), Some(b)) = (a.as_integer(), b.as_integer()) {
        let whole = match operator {
            "+" => a.checked_add(b),
            "-" => a.checked_sub(b),
            "*" => a.checked_mul(b),
            "div" => a.checked_div(b),
            "mod" => a.checked_rem(b),
            _ => {
                let (a, b) = (Number::from_integer(a), Number::from_integer(b));
                return one(a.over(b).map(Item::Decimal));
            }
        };
        return one(whole.map(Item::Integer));
    }
    if let (Some(a), Some(b)) = (a.as_number(), b.as_number()) {
        return one(match operator {
            "+" => a.plus(b),
            "-" => a.minus(b),
            "*" => a.times(b),
            "/" => a.over(b),
            "div" => return one(a.whole_div(b).and_then(Number::to_integer).map(Item::Integer)),
            "mod" => a.modulo(b),
            _ => return Err(wrong),
        }
        .map(Item::Decimal));
    }
    if let (Some(moment), Some(Item::Quantity(number, unit))) = (a.as_moment(), b.value()) {
        let number = match operator {
            "+" => number,
            "-" => number.negated(),
            _ => return Err(wrong),
        };
        return one(clock::moved(&moment, number, &unit).map(Item::Moment));
    }
    match (a.value(), b.value()) {
        (Some(Item::Text(a)), Some(Item::Text(b))) if operator == "+" => {
            one(Some(Item::Text(a + &b)))
        }
        (Some(Item::Quantity(a, unit)), Some(Item::Quantity(b, other))) if unit == other => {
            let number = match operator {
                "+" => a.plus(b),
                "-" => a.minus(b),
                _ => return Err(wrong),
            };
            one(number.map(|number| Item::Quantity(number, unit)))
        }
        _ => Err(wrong),
    }
}

/// The members of that name; of a choice, the one that is there.
pub(super) fn members<'t>(item: &Item<'t>, name: &str) -> Items<'t> {
    let Item::Node(node) = item else { return Vec::new() };
    // What stands beside a primitive is its own: `birthDate.extension`.
    let Some(object) = node.json.as_object().or(node.beside.and_then(Json::as_object)) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (key, value) in object.iter() {
        let kind = match key.strip_prefix(name) {
            Some("") => None,
            Some(suffix) => match choice_kind(suffix) {
                Some(kind) => Some(kind),
                None => continue,
            },
            None => continue,
        };
        // A choice is there under one name only; the exact name wins.
        if kind.is_some() && object.contains(name) {
            continue;
        }
        nodes(node, key, value, kind, &mut found);
    }
    found
}

/// Appends the items of one member.
pub(super) fn nodes<'t>(
    parent: &Node<'t>,
    key: &'t str,
    value: &'t Json<'t>,
    kind: Option<&'t str>,
    found: &mut Items<'t>,
) {
    let place = Rc::new(Place { parent: parent.place.clone(), step: Step::Member(key) });
    let beside = match value.items().first() {
        None | Some(Json::Object(_) | Json::Array(_)) => None,
        Some(_) => parent.json.get(&format!("_{key}")),
    };
    let kind = kind.or_else(|| defined_kind(parent, key));
    let kind_of = |json: &'t Json<'t>| kind.or_else(|| json.get("resourceType")?.as_str());
    match value {
        Json::Array(items) => {
            for (index, json) in items.iter().enumerate() {
                if *json != Json::Null {
                    let beside = beside.and_then(|all| all.as_array()?.get(index));
                    let step = Step::Index(index);
                    let place = Some(Rc::new(Place { parent: Some(place.clone()), step }));
                    found.push(Item::Node(Node { json, place, kind: kind_of(json), beside }));
                }
            }
        }
        Json::Null => {}
        json => {
            let kind = kind_of(json);
            found.push(Item::Node(Node { json, place: Some(place), kind, beside }));
        }
    }
}

/// The type that the definitions give a member.
fn defined_kind(parent: &Node<'_>, key: &str) -> Option<&'static str> {
    let found = schema().type_named(parent.kind?)?.member(key)?;
    match found.kind.kind {
        ElementKind::Primitive(_) => Some(found.kind.name),
        ElementKind::Complex(id) => schema().get(id).map(|def| def.name),
        ElementKind::AnyResource => None,
    }
}
