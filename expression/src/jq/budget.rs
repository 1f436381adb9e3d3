//! What a run of a program may cost.
//!
//! jaq has no hook to stop a program, but every program that goes on and on makes, reads or compares values. Each of these
//! counts here, and fails when the budget is used up. The counters belong to the thread because the operators on values see
//! nothing else.

use std::cell::Cell;

use crate::Limits;
use crate::error::{Error, Limit};

#[derive(Clone, Copy, Debug, Default)]
struct State {
    steps_left: u64,
    calls_left: u64,
    value_depth: usize,
    text_bytes: usize,
    /// Where the stack stood when the run began.
    stack: usize,
    exceeded: Option<Exceeded>,
}

/// Which limit was exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exceeded {
    Steps,
    Calls,
    Depth,
    Text,
    Stack,
}

/// The stack a run may take, in bytes.
const STACK: usize = 512 << 10;

/// Calls of definitions with parameters that call themselves.
pub(super) const MAX_CALLS: u64 = 100_000;

thread_local! {
    static STATE: Cell<State> = const {
        Cell::new(State { steps_left: 0, calls_left: 0, value_depth: 0, text_bytes: 0, stack: 0, exceeded: None })
    };
}

/// A run in progress; the counters of an outer run come back when it is dropped.
pub(super) struct Guard {
    outer: State,
}

impl Guard {
    pub(super) fn start(steps: u64, value_depth: usize, text_bytes: usize) -> Guard {
        let state = State {
            steps_left: steps,
            calls_left: MAX_CALLS.min(steps),
            value_depth,
            text_bytes,
            stack: stack_pointer(),
            exceeded: None,
        };
        Guard {
            outer: STATE.replace(state),
        }
    }

    /// Fails if the run exceeded a limit, whatever became of the error inside the program.
    pub(super) fn check(&self, limits: &Limits) -> Result<(), Error> {
        match STATE.get().exceeded {
            None => Ok(()),
            Some(Exceeded::Steps) => {
                let message = format!(
                    "the jq program takes more than {} steps (`limits.jqSteps`)",
                    limits.jq_steps
                );
                Err(Error::limit(Limit::JqSteps, message))
            }
            Some(Exceeded::Calls) => {
                let message = format!(
                    "the jq program calls a recursive definition with parameters more often than the limit of {}",
                    MAX_CALLS.min(limits.jq_steps)
                );
                Err(Error::limit(Limit::JqSteps, message))
            }
            Some(Exceeded::Depth) => {
                let message = format!(
                    "a value nests deeper than {} (`limits.valueDepth`)",
                    limits.value_depth
                );
                Err(Error::limit(Limit::ValueDepth, message))
            }
            Some(Exceeded::Text) => Err(crate::formats::text::too_large(limits.output_bytes)),
            Some(Exceeded::Stack) => Err(Error::limit(
                Limit::Depth,
                "the jq program recurses beyond the limit of the stack",
            )),
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        STATE.set(self.outer);
    }
}

/// About where the stack stands.
#[inline(never)]
fn stack_pointer() -> usize {
    let here = 0_u8;
    std::ptr::from_ref(std::hint::black_box(&here)).addr()
}

/// Counts steps; false once a limit is exceeded.
pub(super) fn spend(steps: usize) -> bool {
    STATE.with(|cell| {
        let mut state = cell.get();
        if state.exceeded.is_some() {
            return false;
        }
        match state.steps_left.checked_sub(steps as u64) {
            Some(left) => state.steps_left = left,
            None => state.exceeded = Some(Exceeded::Steps),
        }
        if stack_pointer().abs_diff(state.stack) > STACK {
            state.exceeded = Some(Exceeded::Stack);
        }
        cell.set(state);
        state.exceeded.is_none()
    })
}

/// Counts a call of a definition with parameters that calls itself; false once a limit is exceeded.
pub(super) fn call() -> bool {
    STATE.with(|cell| {
        let mut state = cell.get();
        match state.calls_left.checked_sub(1) {
            Some(left) => state.calls_left = left,
            None if state.exceeded.is_none() => state.exceeded = Some(Exceeded::Calls),
            None => {}
        }
        cell.set(state);
    });
    spend(1)
}

/// Whether a value may nest so deep.
pub(super) fn may_nest(depth: usize) -> bool {
    allow(Exceeded::Depth, |state| depth <= state.value_depth)
}

/// Whether a text may be so long.
pub(super) fn may_write(bytes: usize) -> bool {
    allow(Exceeded::Text, |state| bytes <= state.text_bytes)
}

fn allow(kind: Exceeded, allowed: impl Fn(&State) -> bool) -> bool {
    STATE.with(|cell| {
        let mut state = cell.get();
        if !allowed(&state) && state.exceeded.is_none() {
            state.exceeded = Some(kind);
            cell.set(state);
        }
        state.exceeded.is_none()
    })
}
