//! Where a value goes in FHIR: `identifier[2].type`, `participant[1].individual(Practitioner.name)`.

use std::fmt;

/// A path into a resource, as the guide writes it.
///
/// - Shape: no steps is the element itself, which the guide writes `$this` or `$value`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Target {
    /// Which neighbor of the element itself is meant: `[2].use` in a map of a data type.
    pub sibling: Option<u16>,
    pub steps: Vec<Step>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    pub name: Box<str>,
    /// Which of several: a name for an item of a list, not its place.
    pub label: u16,
    /// Whether the item is the same for all segments that write to it: `dosageInstruction[=1]`.
    pub is_shared: bool,
    /// Whether the repetitions of the field become items of this list: `telecom[1*]`.
    pub repeats: bool,
    /// The resource that a reference leads into: `individual(Practitioner)`.
    pub into: Option<Box<str>>,
}

impl Target {
    /// Reads a target; `None` where it is none.
    pub fn parse(text: &str) -> Option<Target> {
        let mut reader = Reader { rest: text.trim() };
        let mut target = Target::default();
        if matches!(reader.rest, "$this" | "$value") {
            return Some(target);
        }
        if reader.rest.starts_with('[') {
            let (label, ..) = reader.label()?;
            target.sibling = Some(label);
            if !reader.skip('.') {
                return reader.rest.is_empty().then_some(target);
            }
        }
        reader.steps(&mut target.steps, 0)?;
        reader.rest.is_empty().then_some(target)
    }
}

struct Reader<'t> {
    rest: &'t str,
}

/// Most resources that one target leads through.
/// LIMIT: the guide has three.
const DEPTH_MAX: usize = 8;

impl<'t> Reader<'t> {
    fn skip(&mut self, c: char) -> bool {
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn name(&mut self) -> Option<&'t str> {
        let inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = self.rest.find(|c| !inside(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        (!name.is_empty()).then_some(name)
    }

    /// The label, whether it is shared, whether it repeats.
    fn label(&mut self) -> Option<(u16, bool, bool)> {
        if !self.skip('[') {
            return Some((1, false, false));
        }
        let is_shared = self.skip('=');
        let number = self.name()?;
        let repeats = self.skip('*');
        let label = number.parse().ok()?;
        self.skip(']').then_some((label, is_shared, repeats))
    }

    fn steps(&mut self, steps: &mut Vec<Step>, depth: usize) -> Option<()> {
        if DEPTH_MAX < depth {
            return None;
        }
        loop {
            let name = self.name()?.into();
            let (label, is_shared, repeats) = self.label()?;
            let mut step = Step { name, label, is_shared, repeats, into: None };
            if self.skip('(') {
                step.into = Some(self.name()?.into());
                // The guide labels resources too: `Organization[1]`.
                self.label()?;
                let leads_on = self.skip('.');
                steps.push(step);
                if leads_on {
                    self.steps(steps, depth + 1)?;
                }
                if !self.skip(')') {
                    return None;
                }
            } else {
                steps.push(step);
            }
            if !self.skip('.') {
                return Some(());
            }
        }
    }
}

/// The target again, with each resource closed at the end.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut open = 0;
        if let Some(sibling) = self.sibling {
            write!(f, "[{sibling}]")?;
        }
        for (at, step) in self.steps.iter().enumerate() {
            if at != 0 || self.sibling.is_some() {
                f.write_str(".")?;
            }
            f.write_str(&step.name)?;
            if step.label != 1 || step.is_shared || step.repeats {
                let shared = if step.is_shared { "=" } else { "" };
                let repeats = if step.repeats { "*" } else { "" };
                write!(f, "[{shared}{}{repeats}]", step.label)?;
            }
            if let Some(into) = &step.into {
                write!(f, "({into}")?;
                open += 1;
            }
        }
        for _ in 0..open {
            f.write_str(")")?;
        }
        if self.steps.is_empty() && self.sibling.is_none() {
            f.write_str("$this")?;
        }
        Ok(())
    }
}
