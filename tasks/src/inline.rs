//! Tasks that need no worker: pure, quick, and run without waiting for anything.
//!
//! One implementation serves both callers. The executor renders at once and stops at a fact that must be fetched; a worker (inside a
//! `WorkingDirectory`) renders by its own means, remembers the texts, and begins again until all of them are there.

use std::cell::RefCell;
use std::collections::HashMap;

use async_trait::async_trait;
use flowmill_common::inline::{ExecutionUpdate, InlineDone, Scope};
use flowmill_common::log::{Level, Metric};
use flowmill_expression::Need;
use serde_json::Value;

use crate::context::RunContext;
use crate::task::{Output, Task, TaskError};

/// A task that needs no worker. May be run several times for one result: nothing but the [`Inlined`] is touched.
pub(crate) trait Inline: Send + Sync + 'static {
    /// Does it.
    fn run(&self, scope: &Inlined<'_>) -> Result<Output, Stop>;
}

/// A task that changes the execution.
pub(crate) trait Update: Send + Sync + 'static {
    /// What it changes.
    fn update(&self, scope: &Inlined<'_>) -> Result<ExecutionUpdate, Stop>;
}

/// Why a task cannot go on.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It failed.
    Failed(TaskError),
    /// A fact must be fetched first.
    Need(Need),
    /// A text must be rendered first.
    Text(Text),
}

impl Stop {
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::Failed(TaskError::failed(message))
    }
}

/// A text to render, and whether its type is kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Text {
    text: String,
    typed: bool,
}

/// What a task that needs no worker may use.
pub(crate) struct Inlined<'a> {
    renderer: Renderer<'a>,
    logs: RefCell<Vec<(Level, String)>>,
    metrics: RefCell<Vec<Metric>>,
}

enum Renderer<'a> {
    Engine(Scope<'a>),
    Remembered(&'a HashMap<Text, Result<Value, TaskError>>),
}

impl Inlined<'_> {
    /// Renders text.
    pub(crate) fn render(&self, text: &str) -> Result<String, Stop> {
        if !text.contains('{') {
            return Ok(text.to_owned());
        }
        match &self.renderer {
            Renderer::Engine(scope) => scope
                .engine
                .render(text, scope.root, scope.host)
                .map_err(stop),
            Renderer::Remembered(_) => Ok(match self.remembered(text, false)? {
                Value::String(text) => text,
                other => other.to_string(),
            }),
        }
    }

    /// Renders a template to a value that keeps its type.
    pub(crate) fn render_typed(&self, text: &str) -> Result<Value, Stop> {
        if !text.contains('{') {
            return Ok(Value::String(text.to_owned()));
        }
        match &self.renderer {
            Renderer::Engine(scope) => {
                let value = scope
                    .engine
                    .render_typed(text, scope.root, scope.host)
                    .map_err(stop)?;
                value.to_json().map_err(stop)
            }
            Renderer::Remembered(_) => self.remembered(text, true),
        }
    }

    fn remembered(&self, text: &str, typed: bool) -> Result<Value, Stop> {
        let text = Text {
            text: text.to_owned(),
            typed,
        };
        let Renderer::Remembered(known) = &self.renderer else {
            return Err(Stop::Text(text));
        };
        match known.get(&text) {
            Some(Ok(value)) => Ok(value.clone()),
            Some(Err(error)) => Err(Stop::Failed(error.clone())),
            None => Err(Stop::Text(text)),
        }
    }

    /// Writes a line to the log of the task run.
    pub(crate) fn log(&self, level: Level, message: impl Into<String>) {
        self.logs.borrow_mut().push((level, message.into()));
    }

    /// Publishes a measurement.
    pub(crate) fn metric(&self, metric: Metric) {
        self.metrics.borrow_mut().push(metric);
    }

    fn into_done(self, output: Output) -> InlineDone {
        InlineDone {
            outputs: output.values,
            state: output.state,
            logs: self.logs.into_inner(),
            metrics: self.metrics.into_inner(),
        }
    }
}

fn stop(error: flowmill_expression::Error) -> Stop {
    match error.as_need() {
        Some(need) => Stop::Need(need.clone()),
        None => Stop::failed(error.to_string()),
    }
}

/// Runs a task with an engine at hand.
pub(crate) fn run(task: &dyn Inline, scope: &Scope<'_>) -> flowmill_common::inline::InlineResult {
    use flowmill_common::inline::InlineResult;
    let inlined = Inlined {
        renderer: Renderer::Engine(*scope),
        logs: RefCell::default(),
        metrics: RefCell::default(),
    };
    match task.run(&inlined) {
        Ok(output) => InlineResult::Done(inlined.into_done(output)),
        Err(Stop::Need(need)) => InlineResult::Need(need),
        Err(Stop::Failed(error)) => {
            let message = error.to_string();
            let values = match error {
                TaskError::Failed { outputs, .. } => outputs.unwrap_or_default(),
                TaskError::Timeout(_) | TaskError::Killed => serde_json::Map::new(),
            };
            InlineResult::Failed {
                message,
                done: inlined.into_done(Output {
                    values,
                    state: None,
                }),
            }
        }
        Err(Stop::Text(text)) => unrendered(&text, inlined),
    }
}

/// Cannot happen: the engine renders every text at once. Said as a failure, so that a bug here fails one task run only.
fn unrendered(text: &Text, inlined: Inlined<'_>) -> flowmill_common::inline::InlineResult {
    let message = format!("`{}` was not rendered", text.text);
    flowmill_common::inline::InlineResult::Failed {
        message,
        done: inlined.into_done(Output::none()),
    }
}

/// Works out a change with an engine at hand.
pub(crate) fn update(
    task: &dyn Update,
    scope: &Scope<'_>,
) -> flowmill_common::inline::UpdateResult {
    use flowmill_common::inline::UpdateResult;
    let inlined = Inlined {
        renderer: Renderer::Engine(*scope),
        logs: RefCell::default(),
        metrics: RefCell::default(),
    };
    match task.update(&inlined) {
        Ok(update) => UpdateResult::Done(update),
        Err(Stop::Need(need)) => UpdateResult::Need(need),
        Err(Stop::Failed(error)) => UpdateResult::Failed(error.to_string()),
        Err(Stop::Text(text)) => UpdateResult::Failed(format!("`{}` was not rendered", text.text)),
    }
}

/// The same task on a worker.
pub(crate) struct OnWorker<T>(pub(crate) T);

#[async_trait]
impl<T: Inline> Task for OnWorker<T> {
    async fn run(&self, context: &RunContext) -> Result<Output, TaskError> {
        let mut known = HashMap::new();
        loop {
            let text = match attempt(&self.0, &known, context) {
                Ok(result) => return result,
                Err(text) => text,
            };
            let rendered = match text.typed {
                true => context.render_typed(&text.text).await,
                false => context.render(&text.text).await.map(Value::String),
            };
            known.insert(text, rendered);
        }
    }
}

/// Runs the task with the texts that are known; another text that it needs is the error.
fn attempt(
    task: &dyn Inline,
    known: &HashMap<Text, Result<Value, TaskError>>,
    context: &RunContext,
) -> Result<Result<Output, TaskError>, Text> {
    let inlined = Inlined {
        renderer: Renderer::Remembered(known),
        logs: RefCell::default(),
        metrics: RefCell::default(),
    };
    let result = match task.run(&inlined) {
        Ok(output) => Ok(output),
        Err(Stop::Failed(error)) => Err(error),
        Err(Stop::Text(text)) => return Err(text),
        Err(Stop::Need(need)) => Err(TaskError::failed(format!(
            "`{}` is not available here",
            need.name()
        ))),
    };
    for (level, message) in inlined.logs.into_inner() {
        context.log(level, message);
    }
    for metric in inlined.metrics.into_inner() {
        context.outside.metric(metric);
    }
    Ok(result)
}

/// A task that only the executor can do, should it ever come to a worker.
pub(crate) struct OnlyInExecutor;

#[async_trait]
impl Task for OnlyInExecutor {
    async fn run(&self, _: &RunContext) -> Result<Output, TaskError> {
        Err(TaskError::failed(
            "this task changes the execution and cannot run on a worker, as in a `WorkingDirectory`",
        ))
    }
}
