//! Where the walk stands, as a FHIRPath that is only written down when there is something to say.

use std::fmt::Write as _;

/// One step of the way, linked to the one before.
#[derive(Clone, Copy)]
pub(super) struct Path<'p> {
    pub(super) parent: Option<&'p Path<'p>>,
    pub(super) step: Step<'p>,
}

#[derive(Clone, Copy)]
pub(super) enum Step<'p> {
    /// A type at the root, or the name of an element.
    Name(&'p str),
    Index(usize),
}

impl<'p> Path<'p> {
    pub(super) fn root(name: &'p str) -> Path<'p> {
        Path { parent: None, step: Step::Name(name) }
    }

    pub(super) fn name(&'p self, name: &'p str) -> Path<'p> {
        Path { parent: Some(self), step: Step::Name(name) }
    }

    pub(super) fn index(&'p self, at: usize) -> Path<'p> {
        Path { parent: Some(self), step: Step::Index(at) }
    }

    pub(super) fn text(&self) -> String {
        let mut out = String::with_capacity(48);
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        if let Some(parent) = self.parent {
            parent.write(out);
        }
        match self.step {
            Step::Name(name) if out.is_empty() => out.push_str(name),
            Step::Name(name) => {
                out.push('.');
                out.push_str(name);
            }
            Step::Index(at) => {
                let _ = write!(out, "[{at}]");
            }
        }
    }
}
