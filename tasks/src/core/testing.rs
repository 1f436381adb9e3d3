//! Running a task of this family in a test.

use flowmill_common::inline::{ExecutionUpdate, InlineDone, InlineResult, Scope, UpdateResult};
use flowmill_expression::{Engine, FixedHost, Options};
use serde_json::Value;

use crate::describe::TaskProperties;
use crate::inline::{self, Inline, Update};
use crate::properties;

pub(crate) fn run<T: TaskProperties + Inline>(written: Value) -> InlineResult {
    let task: T = properties::read(written.as_object().expect("a map")).expect("right properties");
    with_scope(|scope| inline::run(&task, scope))
}

pub(crate) fn done<T: TaskProperties + Inline>(written: Value) -> InlineDone {
    match run::<T>(written) {
        InlineResult::Done(done) => done,
        other => panic!("it did not succeed: {other:?}"),
    }
}

pub(crate) fn failed<T: TaskProperties + Inline>(written: Value) -> String {
    match run::<T>(written) {
        InlineResult::Failed { message, .. } => message,
        other => panic!("it did not fail: {other:?}"),
    }
}

pub(crate) fn update<T: TaskProperties + Update>(
    written: Value,
) -> Result<ExecutionUpdate, String> {
    let task: T = properties::read(written.as_object().expect("a map")).expect("right properties");
    match with_scope(|scope| inline::update(&task, scope)) {
        UpdateResult::Done(update) => Ok(update),
        UpdateResult::Failed(message) => Err(message),
        UpdateResult::Need(need) => panic!("it needs {need:?}"),
    }
}

fn with_scope<T>(work: impl FnOnce(&Scope<'_>) -> T) -> T {
    let engine = Engine::new(Options::default());
    work(&Scope {
        engine: &engine,
        root: &(),
        host: &FixedHost::default(),
    })
}
