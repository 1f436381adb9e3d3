//! A world around the scheduler: it keeps the execution, does what is commanded, and answers in whatever order a test wants.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use flowmill_common::compile::{Catalogue, Options, Placement, PropertyProblem, TaskType, compile};
use flowmill_common::event::{TaskFinished, TaskLost, TaskStarted};
use flowmill_common::execution::{Header, Outputs, Progress};
use flowmill_common::flow::{Label, Place};
use flowmill_common::inline::{
    ExecutionUpdate, InlineDone, InlineResult, InlineTasks, Scope, UpdateResult,
};
use flowmill_common::{
    Event, EventKind, Execution, ExecutionId, Flow, State, StateType, TaskRun, TaskRunId, Timestamp,
};
use flowmill_expression::Engine;
use flowmill_scheduler::{Answers, Change, Command, Facts, Settings, invariants, step};
use serde_json::{Map, Value, json};

/// One execution and what is on its way to it.
pub(crate) struct World {
    pub(crate) flow: Arc<Flow>,
    pub(crate) execution: Execution,
    /// Dispatched task runs that have not answered.
    pub(crate) jobs: Vec<(TaskRunId, u32)>,
    pub(crate) timers: Vec<(Option<TaskRunId>, Timestamp)>,
    pub(crate) logs: Vec<String>,
    pub(crate) ended: bool,
    /// Every event that was applied, to be replayed.
    pub(crate) events: Vec<Event>,
    clock: Timestamp,
    engine: Engine,
    settings: Settings,
}

impl World {
    /// The flow of this text, with an execution that is not yet created.
    pub(crate) fn new(yaml: &str, inputs: Value) -> Self {
        let compiled = compile(yaml, &AnyTask, &Options::default());
        let flow = Arc::new(
            compiled
                .unwrap_or_else(|problems| panic!("{problems:#?}\n{yaml}"))
                .flow,
        );
        let execution = Execution {
            header: header(&flow, inputs),
            runs: Arc::default(),
        };
        Self {
            flow,
            execution,
            jobs: Vec::new(),
            timers: Vec::new(),
            logs: Vec::new(),
            ended: false,
            events: Vec::new(),
            clock: Timestamp::from_micros(1_000_000),
            engine: Engine::new(flowmill_expression::Options::default()),
            settings: Settings::default(),
        }
    }

    /// Creates the execution.
    pub(crate) fn create(&mut self) -> &mut Self {
        let header = self.execution.header.clone();
        self.apply(EventKind::Created(Box::new(header)));
        self
    }

    /// Answers every job in the order it was sent, and lets timers go off, until nothing is left.
    pub(crate) fn settle(&mut self) -> &mut Self {
        for _ in 0..10_000 {
            if !self.jobs.is_empty() {
                let (run, dispatch) = self.jobs.remove(0);
                self.finish(&run, dispatch);
            } else if !self.timers.is_empty() {
                self.fire(0);
            } else {
                return self;
            }
        }
        panic!("the execution does not come to an end");
    }

    /// The job ends as its task's type says: `Fail` fails, `FailOnce` fails at its first attempt, others succeed.
    pub(crate) fn finish(&mut self, run: &TaskRunId, dispatch: u32) {
        let Some(task_run) = self.execution.runs.get(run) else {
            return;
        };
        let task = self
            .flow
            .task(&task_run.task_id)
            .expect("a task run has a task")
            .clone();
        let fails = match &*task.task_type {
            "test.Fail" => true,
            "test.FailOnce" => task_run.attempts.len() <= usize::from(has_open_attempt(task_run)),
            _ => false,
        };
        let state = if fails {
            StateType::Failed
        } else {
            StateType::Success
        };
        let outputs = Outputs::inline(json!({"value": &*task.id}));
        let started = self.clock;
        self.apply(EventKind::TaskFinished(Box::new(TaskFinished {
            run: run.clone(),
            dispatch,
            worker: "w".into(),
            started,
            state,
            outputs,
        })));
    }

    pub(crate) fn start(&mut self, run: &TaskRunId, dispatch: u32) {
        self.apply(EventKind::TaskStarted(TaskStarted {
            run: run.clone(),
            dispatch,
            worker: "w".into(),
        }));
    }

    pub(crate) fn lose(&mut self, run: &TaskRunId, dispatch: u32) {
        let reason = "worker w is gone".to_owned();
        self.apply(EventKind::TaskLost(TaskLost {
            run: run.clone(),
            dispatch,
            reason,
        }));
    }

    pub(crate) fn kill(&mut self) {
        self.apply(EventKind::KillRequested);
    }

    pub(crate) fn fire(&mut self, place: usize) {
        let (run, wake_at) = self.timers.remove(place);
        self.clock = self.clock.max(wake_at);
        self.apply(EventKind::TimerFired { run, wake_at });
    }

    fn apply(&mut self, kind: EventKind) {
        self.clock = self.clock.plus(Duration::from_millis(1));
        let event = Event {
            execution: self.execution.header.id.clone(),
            at: self.clock,
            kind,
        };
        self.feed(&event);
    }

    /// Applies an event, and holds what always holds. Says whether it changed anything.
    pub(crate) fn feed(&mut self, event: &Event) -> bool {
        let change = self.step(event);
        if change.is_empty() {
            return false;
        }
        change.apply(&mut self.execution);
        self.events.push(event.clone());
        self.obey(&change);
        let broken = invariants::broken(&self.flow, &self.execution);
        assert!(
            broken.is_empty(),
            "{broken:#?}\nafter {event:?}\n{}",
            self.picture()
        );
        true
    }

    fn step(&self, event: &Event) -> Change {
        let facts = Facts {
            engine: &self.engine,
            tasks: &NoInlineTasks,
            settings: &self.settings,
            answers: Answers::default(),
            seed: 7,
        };
        step(&self.flow, &self.execution, event, &facts).expect("no test flow asks for facts")
    }

    fn obey(&mut self, change: &Change) {
        for command in &change.commands {
            match command {
                Command::RunTask(id) => {
                    assert!(
                        !self.ended || is_after(&self.execution, id),
                        "a task starts after the end"
                    );
                    let run = self.execution.runs.get(id).expect("what runs is there");
                    self.jobs.push((id.clone(), run.dispatch));
                }
                Command::StopTask { run, .. } => self.jobs.retain(|(id, _)| id != run),
                Command::SetTimer { run, at } => self.timers.push((run.clone(), *at)),
                Command::CancelTimer { run, at } => {
                    self.timers.retain(|timer| *timer != (run.clone(), *at));
                }
                Command::Log(line) => {
                    self.logs
                        .push(format!("{} {}", line.level.name(), line.message))
                }
                Command::CreateExecution(_) => {}
                Command::Ended => {
                    assert!(!self.ended, "an execution ends once");
                    self.ended = true;
                }
            }
        }
    }

    /// The state of the execution.
    pub(crate) fn state(&self) -> StateType {
        self.execution.header.state.current()
    }

    /// One line for each task run, indented by depth: `each > a[1] SUCCESS`.
    pub(crate) fn picture(&self) -> String {
        let header = &self.execution.header;
        let mut lines = vec![format!("execution: {}", history(&header.state))];
        if header
            .outputs
            .as_object()
            .is_some_and(|outputs| !outputs.is_empty())
        {
            lines.push(format!("outputs: {}", header.outputs));
        }
        for run in self.execution.runs.iter() {
            let value = run
                .value
                .as_ref()
                .map(|value| format!("[{value}]"))
                .unwrap_or_default();
            let indent = "  ".repeat(depth(&self.execution, run));
            lines.push(format!(
                "{indent}{}{value}: {}",
                run.task_id,
                history(&run.state)
            ));
        }
        lines.join("\n")
    }
}

fn history(state: &State) -> String {
    let states: Vec<&str> = state
        .histories()
        .iter()
        .map(|(state, _)| state.name())
        .collect();
    states.join(" ")
}

fn depth(execution: &Execution, run: &TaskRun) -> usize {
    let parent = run
        .parent
        .as_ref()
        .and_then(|parent| execution.runs.get(parent));
    1 + parent.map_or(0, |parent| depth(execution, parent))
}

fn is_after(execution: &Execution, id: &TaskRunId) -> bool {
    let mut run = execution.runs.get(id);
    while let Some(parent) = run.and_then(|run| execution.runs.get(run.parent.as_ref()?)) {
        run = Some(parent);
    }
    run.is_some_and(|run| run.branch == flowmill_common::flow::Branch::AfterExecution)
}

fn has_open_attempt(run: &TaskRun) -> bool {
    run.attempts
        .last()
        .is_some_and(|attempt| !attempt.state.is_terminal())
}

fn header(flow: &Flow, inputs: Value) -> Header {
    let id = ExecutionId::from("execution");
    let at = Timestamp::from_micros(1_000_000);
    Header {
        id: id.clone(),
        namespace: flow.namespace.clone(),
        flow_id: flow.id.clone(),
        flow_revision: flow.revision,
        state: State::created(at),
        inputs: Arc::new(inputs),
        outputs: flowmill_common::execution::empty_object(),
        labels: Arc::new(vec![Label {
            key: "system.correlationId".into(),
            value: id.to_string(),
        }]),
        variables: flowmill_common::execution::empty_object(),
        trigger: None,
        parent_id: None,
        original_id: id,
        schedule_date: None,
        attempt_number: 1,
        original_created: at,
        progress: Progress::default(),
        error: None,
        created_runs: 0,
        retrying_runs: 0,
        version: 0,
    }
}

/// Every type is a worker's, but `test.Update.*`.
struct AnyTask;

impl Catalogue for AnyTask {
    fn resolve(&self, written: &str) -> Option<TaskType> {
        let update = written.starts_with("test.Labels") || written.starts_with("test.Exit");
        let placement = if update {
            Placement::Update
        } else {
            Placement::Runnable(Place::Worker)
        };
        Some(TaskType {
            name: Cow::Owned(written.to_owned()),
            placement,
        })
    }

    fn property_names(&self, _task_type: &str) -> Option<Vec<Cow<'static, str>>> {
        None
    }

    fn check(&self, _task_type: &str, _properties: &Map<String, Value>) -> Vec<PropertyProblem> {
        Vec::new()
    }

    fn type_names(&self) -> Vec<Cow<'static, str>> {
        Vec::new()
    }
}

/// `test.Exit` ends the execution in its property `state`, `test.Labels` adds a label.
struct NoInlineTasks;

impl InlineTasks for NoInlineTasks {
    fn run(&self, _: &str, _: &Arc<Map<String, Value>>, _: &Scope<'_>) -> InlineResult {
        InlineResult::Done(InlineDone::default())
    }

    fn update(
        &self,
        task_type: &str,
        properties: &Arc<Map<String, Value>>,
        _: &Scope<'_>,
    ) -> UpdateResult {
        if task_type == "test.Labels" {
            let label = Label {
                key: "added".into(),
                value: "yes".into(),
            };
            return UpdateResult::Done(ExecutionUpdate::Labels(vec![label]));
        }
        let state = properties
            .get("state")
            .and_then(Value::as_str)
            .and_then(StateType::from_name);
        UpdateResult::Done(ExecutionUpdate::Exit(state.unwrap_or(StateType::Success)))
    }
}
