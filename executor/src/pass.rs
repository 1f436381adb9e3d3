//! A pass: events are applied in memory, one after the other, with the inline tasks that follow from them. Nothing leaves here.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use flowmill_backends::repo::metrics::Measured;
use flowmill_backends::repo::partition::Timer;
use flowmill_backends::{Error, Kind, Result};
use flowmill_common::cipher::Cipher;
use flowmill_common::event::TaskFinished;
use flowmill_common::execution::{Header, Outputs, TaskRun};
use flowmill_common::flow::{InputType, Kind as TaskKind, Place};
use flowmill_common::inline::{self, InlineDone, InlineResult};
use flowmill_common::job::Control;
use flowmill_common::log::{Level, LogLine};
use flowmill_common::secrets::MASK;
use flowmill_common::{
    Event, EventKind, Execution, ExecutionId, Flow, StateType, Task, TaskRunId, Timestamp,
};
use flowmill_expression::{Answer, Need};
use flowmill_scheduler::{Answers, Change, Command, Facts, Root, StepHost, step};
use serde_json::Value;

use crate::config::Config;
use crate::executor::Parts;
use crate::facts;
use crate::hot::{Hot, HotExecutions};
use crate::job::{self, Dispatched, ReferenceCache};
use crate::journal::Journal;

/// The group of workers that runs tasks which name none.
pub(crate) const DEFAULT_GROUP: &str = "default";
/// Who runs the tasks that need no worker, in the attempts of their task runs.
pub(crate) const EXECUTOR: &str = "executor";

/// The executions that this pass works on, and what it changes.
pub(crate) struct Pass<'o> {
    partition: u16,
    parts: &'o Parts,
    config: &'o Config,
    references: &'o ReferenceCache,
    hot: &'o mut HotExecutions,
    working: HashMap<ExecutionId, Hot>,
    pub(crate) journal: Journal,
}

impl<'o> Pass<'o> {
    pub(crate) fn new(
        partition: u16,
        parts: &'o Parts,
        config: &'o Config,
        references: &'o ReferenceCache,
        hot: &'o mut HotExecutions,
    ) -> Self {
        Self {
            partition,
            parts,
            config,
            references,
            hot,
            working: HashMap::new(),
            journal: Journal::default(),
        }
    }

    /// Applies an event and everything that follows from it without a worker. On an error nothing of this event is applied.
    /// `is_first`: it did not come before, as far as is known.
    pub(crate) async fn apply(&mut self, event: Event, is_first: bool) -> Result<()> {
        let Some(mut hot) = self.find(&event, is_first).await? else {
            return Ok(());
        };
        self.go_on(&mut hot, event).await;
        self.working.insert(hot.execution.header.id.clone(), hot);
        Ok(())
    }

    pub(crate) fn partition(&self) -> u16 {
        self.partition
    }

    /// An execution as this pass has left it.
    pub(crate) fn execution(&self, id: &ExecutionId) -> Option<&Execution> {
        self.working.get(id).map(|hot| &hot.execution)
    }

    /// The pass is committed: what is not over stays in memory.
    pub(crate) fn keep(self) -> Journal {
        for (id, hot) in self.working {
            if !self.journal.is_over(&id) {
                self.hot.put(hot.execution, hot.flow);
            }
        }
        self.journal
    }

    /// The execution of an event, from memory or from the store; none where there is nothing to do.
    async fn find(&mut self, event: &Event, is_first: bool) -> Result<Option<Hot>> {
        let id = &event.execution;
        if let Some(hot) = self.working.remove(id).or_else(|| self.hot.take(id)) {
            return Ok(Some(hot));
        }
        let stored = match &event.kind {
            // not looked for, but the commit is refused if it is there; the owner begins again then, and this delivery is a second one
            EventKind::Created(_) if is_first => {
                self.journal.expect_none(id);
                None
            }
            _ => self.parts.executions().load(id).await?,
        };
        let execution = match (stored, &event.kind) {
            (Some(execution), _) => execution,
            (None, EventKind::Created(header)) => Execution {
                header: (**header).clone(),
                runs: Arc::default(),
            },
            (None, _) => {
                tracing::debug!(execution = %id, "an event about an execution that is not there");
                return Ok(None);
            }
        };
        let header = &execution.header;
        let flow = self
            .parts
            .flows
            .get(&header.namespace, &header.flow_id, header.flow_revision)
            .await?;
        let flow = flow.ok_or_else(|| {
            let revision = header.flow_revision;
            Error::new(
                Kind::Invalid,
                format!(
                    "no flow `{}.{}` of revision {revision}",
                    header.namespace, header.flow_id
                ),
            )
        })?;
        Ok(Some(Hot::new(execution, flow)))
    }

    async fn go_on(&mut self, hot: &mut Hot, event: Event) {
        let mut events = VecDeque::from([event]);
        let mut steps: u32 = 0;
        while let Some(event) = events.pop_front() {
            let change = self.step(hot, &event).await;
            if change.is_empty() {
                continue;
            }
            let id = hot.execution.header.id.clone();
            self.journal.touch(
                &id,
                (hot.execution.header.version > 0).then_some(&hot.execution.header),
            );
            change.apply(&mut hot.execution);
            self.journal.change(&id, &change);
            for command in change.commands {
                if let Some(event) = self.perform(hot, command, event.at).await {
                    events.push_back(event);
                }
            }
            steps += 1;
            if steps.is_multiple_of(256) {
                // a long chain of inline tasks must not keep the other work of this thread waiting
                tokio::task::yield_now().await;
            }
        }
    }

    async fn step(&self, hot: &Hot, event: &Event) -> Change {
        let mut answers = Answers::default();
        loop {
            let need = match step(&hot.flow, &hot.execution, event, &self.facts(&answers)) {
                Ok(change) => return change,
                Err(need) => need,
            };
            self.answer(&hot.execution, need, &mut answers).await;
        }
    }

    /// Does what is done within the pass, notes what leaves after the commit; an event where an inline task has ended.
    async fn perform(&mut self, hot: &Hot, command: Command, at: Timestamp) -> Option<Event> {
        let execution = &hot.execution.header.id;
        let timer = |run: Option<TaskRunId>, at| Timer {
            at,
            execution: execution.clone(),
            run,
        };
        match command {
            Command::RunTask(id) => return self.run_task(hot, &id, at).await,
            Command::StopTask { run, dispatch } => {
                self.journal.controls.push(Control::Kill { run, dispatch })
            }
            Command::SetTimer { run, at } => self.journal.timers_set.push(timer(run, at)),
            Command::CancelTimer { run, at } => self.journal.timers_gone.push(timer(run, at)),
            Command::Log(line) => self.log(&hot.flow, &hot.execution.header, line),
            Command::CreateExecution(header) => self.journal.created.push(*header),
            Command::Ended => self.journal.over(execution),
        }
        None
    }

    async fn run_task(&mut self, hot: &Hot, id: &TaskRunId, at: Timestamp) -> Option<Event> {
        let run = hot.execution.runs.get(id)?;
        let task = hot.flow.task(&run.task_id)?.clone();
        if let TaskKind::Runnable(Place::Executor) = task.kind {
            return Some(self.run_inline(&hot.flow, &hot.execution, run, &task).await);
        }
        let group = task
            .worker_group
            .as_deref()
            .unwrap_or(DEFAULT_GROUP)
            .to_owned();
        let dispatched = Dispatched {
            flow: &hot.flow,
            execution: &hot.execution,
            run,
            task: &task,
        };
        let job = job::build(self.parts, self.references, &dispatched, at);
        self.journal.jobs.push((group, job));
        None
    }

    /// Runs a task that needs no worker, here and now.
    async fn run_inline(
        &mut self,
        flow: &Flow,
        execution: &Execution,
        run: &TaskRun,
        task: &Task,
    ) -> Event {
        let started = now();
        let mut answers = Answers::default();
        let result = loop {
            match self.try_inline(flow, execution, run, task, started, &answers) {
                InlineResult::Need(need) => self.answer(execution, need, &mut answers).await,
                ended => break ended,
            }
        };
        let (done, state) = match result {
            InlineResult::Done(done) => {
                let state = done.state.unwrap_or(StateType::Success);
                (done, state)
            }
            InlineResult::Failed { message, mut done } => {
                done.logs.push((Level::Error, message));
                (done, StateType::Failed)
            }
            InlineResult::Need(_) => (InlineDone::default(), StateType::Failed),
        };
        for (level, message) in done.logs {
            if level >= task.log_level {
                self.log(
                    flow,
                    &execution.header,
                    LogLine {
                        at: started,
                        level,
                        message,
                        task_id: Some(task.id.clone()),
                        task_run: Some(run.id.clone()),
                        attempt: run.attempts.len() as u32,
                    },
                );
            }
        }
        if !done.metrics.is_empty() {
            self.journal.measured(Measured {
                execution: execution.header.id.clone(),
                namespace: execution.header.namespace.clone(),
                flow_id: execution.header.flow_id.clone(),
                task_id: task.id.clone(),
                task_run: run.id.clone(),
                attempt: run.attempts.len() as u32,
                at: started,
                metrics: done.metrics,
            });
        }
        let finished = TaskFinished {
            run: run.id.clone(),
            dispatch: run.dispatch,
            worker: EXECUTOR.into(),
            started,
            state,
            outputs: Outputs::inline(Value::Object(done.outputs)),
        };
        Event {
            execution: execution.header.id.clone(),
            at: now(),
            kind: EventKind::TaskFinished(Box::new(finished)),
        }
    }

    fn try_inline(
        &self,
        flow: &Flow,
        execution: &Execution,
        run: &TaskRun,
        task: &Task,
        started: Timestamp,
        answers: &Answers,
    ) -> InlineResult {
        let facts = self.facts(answers);
        let root = Root::of(
            flow,
            execution,
            Some(run),
            &self.parts.settings,
            answers.clone(),
        );
        let host = StepHost::new(&facts, started);
        let scope = inline::Scope {
            engine: &self.parts.engine,
            root: &root,
            host: &host,
        };
        self.parts
            .tasks
            .run(&task.task_type, &task.properties, &scope)
    }

    fn log(&mut self, flow: &Flow, header: &Header, line: LogLine) {
        let mut message = self.parts.secrets.mask(line.message);
        for secret in secret_inputs(flow, header, self.parts.settings.cipher.as_ref()) {
            message = message.replace(&secret, MASK);
        }
        self.journal.log(&header.id, LogLine { message, ..line });
    }

    fn facts<'f>(&'f self, answers: &Answers) -> Facts<'f> {
        Facts {
            engine: &self.parts.engine,
            tasks: &*self.parts.tasks,
            settings: &self.parts.settings,
            answers: answers.clone(),
            seed: random(),
        }
    }

    async fn answer(&self, execution: &Execution, need: Need, answers: &mut Answers) {
        let answer = if answers.len() >= self.config.facts_per_step {
            Answer::Failed(format!(
                "more than {} facts are asked for at once",
                self.config.facts_per_step
            ))
        } else {
            facts::fetch(
                self.parts,
                &execution.header.id,
                &own_files(execution),
                &need,
            )
            .await
        };
        Arc::make_mut(answers).insert(need, answer);
    }
}

/// The plain values of the SECRET inputs that are long enough not to mask innocent text.
fn secret_inputs(flow: &Flow, header: &Header, cipher: Option<&Cipher>) -> Vec<String> {
    let inputs = flow
        .inputs
        .iter()
        .filter(|input| input.input_type == InputType::Secret);
    let plain = inputs.filter_map(|input| {
        let encrypted = input
            .id
            .split('.')
            .try_fold(&*header.inputs, |value, key| value.get(key))?;
        cipher?.decrypt(encrypted.as_str()?).ok()
    });
    plain.filter(|value| value.len() >= 3).collect()
}

/// The folder in the file storage that belongs to an execution.
fn own_files(execution: &Execution) -> String {
    let header = &execution.header;
    format!(
        "{}/{}/executions/{}/",
        header.namespace.replace('.', "/"),
        slug(&header.flow_id),
        header.id
    )
}

fn slug(id: &str) -> String {
    id.chars()
        .map(|letter| {
            if letter.is_alphanumeric() {
                letter.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect()
}

pub(crate) fn now() -> Timestamp {
    jiff::Timestamp::now().into()
}

fn random() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::hash::RandomState::new().build_hasher().finish()
}
