//! What a workflow does next. A definition is a list of steps; an instance is where each stands.
//!
//! - Shape: steps run in their order. A step that waits holds up those after it, unless its
//!   definition says otherwise. A step that fails has those before it undone, in reverse, unless
//!   its definition says that the workflow goes on without it.

use serde::{Deserialize, Serialize};

/// One version of a workflow. An instance ends on the version that it began with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Definition {
    pub name: &'static str,
    pub version: u32,
    /// For people.
    pub title: &'static str,
    pub steps: &'static [StepDefinition],
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StepDefinition {
    pub name: &'static str,
    pub title: &'static str,
    /// Whether the steps after it wait with it.
    pub holds_up: bool,
    /// Whether its failure undoes the workflow.
    pub must_succeed: bool,
}

/// Where a step stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    Pending,
    /// It has begun, and somebody else has to do something.
    Waiting,
    Done,
    /// There was nothing to do.
    Skipped,
    Failed,
    Undone,
}

impl StepState {
    pub const fn is_settled(self) -> bool {
        !matches!(self, StepState::Pending | StepState::Waiting)
    }
}

/// Where an instance stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    Running,
    /// Steps are being undone.
    Undoing,
    Completed,
    /// Everything was undone.
    Cancelled,
    /// A step could not be undone: a person has to.
    NeedsOperator,
}

impl State {
    pub const fn is_over(self) -> bool {
        matches!(self, State::Completed | State::Cancelled)
    }
}

/// What is to be done now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// Run the step with this place in the list.
    Run(usize),
    Undo(usize),
    /// Nothing before somebody else did something, or a time has come.
    Wait,
    End(State),
}

/// Decides what an instance does next; `is_due` says of a waiting step that it is to be looked at.
pub fn next(
    definition: &Definition,
    state: State,
    steps: &[StepState],
    is_due: impl Fn(usize) -> bool,
) -> Next {
    let at = |n: usize| steps.get(n).copied().unwrap_or(StepState::Pending);
    match state {
        State::Completed | State::Cancelled => Next::End(state),
        State::NeedsOperator => Next::Wait,
        State::Undoing => {
            let has_effect = |n: &usize| matches!(at(*n), StepState::Done | StepState::Waiting);
            match (0..definition.steps.len()).rev().find(has_effect) {
                Some(n) => Next::Undo(n),
                None => Next::End(State::Cancelled),
            }
        }
        State::Running => {
            let mut waits = false;
            for (n, step) in definition.steps.iter().enumerate() {
                match at(n) {
                    StepState::Pending => return Next::Run(n),
                    StepState::Waiting if is_due(n) => return Next::Run(n),
                    StepState::Waiting if step.holds_up => return Next::Wait,
                    StepState::Waiting => waits = true,
                    StepState::Done
                    | StepState::Skipped
                    | StepState::Failed
                    | StepState::Undone => {}
                }
            }
            if waits { Next::Wait } else { Next::End(State::Completed) }
        }
    }
}

/// The instance's state once the step at `n` came to `step`.
pub fn state_after(definition: &Definition, state: State, n: usize, step: StepState) -> State {
    let must = definition.steps.get(n).is_none_or(|it| it.must_succeed);
    match (state, step) {
        (State::Running, StepState::Failed) if must => State::Undoing,
        (State::Undoing, StepState::Failed) => State::NeedsOperator,
        _ => state,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn step(name: &'static str, holds_up: bool, must_succeed: bool) -> StepDefinition {
        StepDefinition { name, title: name, holds_up, must_succeed }
    }

    const FLOW: Definition = Definition {
        name: "flow",
        version: 1,
        title: "Flow",
        steps: &[
            step("a", true, true),
            step("b", true, true),
            step("c", false, false),
            step("d", true, false),
        ],
    };

    use StepState as S;

    #[test]
    fn steps_run_in_order_and_some_wait_alone() {
        let at = |steps: &[S]| next(&FLOW, State::Running, steps, |_| false);
        assert_eq!(at(&[]), Next::Run(0));
        assert_eq!(at(&[S::Done, S::Waiting]), Next::Wait);
        assert_eq!(at(&[S::Done, S::Done, S::Waiting]), Next::Run(3));
        assert_eq!(at(&[S::Done, S::Done, S::Waiting, S::Done]), Next::Wait);
        let due = next(&FLOW, State::Running, &[S::Done, S::Done, S::Waiting, S::Done], |_| true);
        assert_eq!(due, Next::Run(2));
        let done = [S::Done, S::Skipped, S::Failed, S::Done];
        assert_eq!(at(&done), Next::End(State::Completed));
    }

    #[test]
    fn what_was_done_is_undone_backwards() {
        let mut steps = [S::Done, S::Waiting, S::Skipped, S::Pending];
        let mut undone = Vec::new();
        loop {
            match next(&FLOW, State::Undoing, &steps, |_| false) {
                Next::Undo(n) => {
                    undone.push(n);
                    steps[n] = S::Undone;
                }
                end => {
                    assert_eq!(end, Next::End(State::Cancelled));
                    break;
                }
            }
        }
        assert_eq!(undone, [1, 0]);
        assert_eq!(state_after(&FLOW, State::Running, 1, S::Failed), State::Undoing);
        assert_eq!(state_after(&FLOW, State::Running, 2, S::Failed), State::Running);
        assert_eq!(state_after(&FLOW, State::Undoing, 0, S::Failed), State::NeedsOperator);
    }

    proptest! {
        /// Whatever steps come to, an instance ends, or waits for something that is waiting.
        #[test]
        fn every_instance_comes_to_an_end(outcomes in prop::collection::vec(0u8..5, 0..40)) {
            let (mut state, mut steps) = (State::Running, [S::Pending; 4]);
            let mut outcomes = outcomes.into_iter().chain(std::iter::repeat(0));
            for _ in 0..60 {
                let to = match outcomes.next().unwrap() {
                    1 => S::Skipped,
                    2 => S::Failed,
                    3 => S::Waiting,
                    _ => S::Done,
                };
                match next(&FLOW, state, &steps, |_| true) {
                    Next::Run(n) => {
                        steps[n] = to;
                        state = state_after(&FLOW, state, n, to);
                    }
                    Next::Undo(n) => {
                        prop_assert!(matches!(steps[n], S::Done | S::Waiting));
                        steps[n] = if to == S::Failed { S::Failed } else { S::Undone };
                        state = state_after(&FLOW, state, n, steps[n]);
                    }
                    Next::Wait => {
                        prop_assert!(state == State::NeedsOperator);
                        return Ok(());
                    }
                    Next::End(end) => {
                        prop_assert!(end.is_over());
                        let has_effect = steps.iter().any(|it| matches!(it, S::Done | S::Waiting));
                        prop_assert!(end == State::Completed || !has_effect);
                        return Ok(());
                    }
                }
            }
            prop_assert!(false, "it goes on for ever");
        }
    }
}
