//! What a pass has changed and not yet committed: collected, then written as one batch, then let go.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use flowmill_backends::Result;
use flowmill_backends::repo::claims::{put_offer, remove_claim};
use flowmill_backends::repo::executions::{
    expect_none, put_header, put_run, put_values, remove_run,
};
use flowmill_backends::repo::logs::{Logs, Origin};
use flowmill_backends::repo::metrics::{Measured, Metrics};
use flowmill_backends::repo::partition::{
    Timer, put_outbox, put_timer, remove_outbox, remove_timer,
};
use flowmill_backends::store::Batch;
use flowmill_common::execution::Header;
use flowmill_common::job::{Changed, Control};
use flowmill_common::log::LogLine;
use flowmill_common::{Execution, ExecutionId, Job, TaskRun, TaskRunId};
use flowmill_scheduler::Change;
use serde_json::Value;

use crate::config::Recovery;
use crate::news::Piece;
use crate::pass::EXECUTOR;

/// The effects of a pass.
#[derive(Default)]
pub(crate) struct Journal {
    touched: HashMap<ExecutionId, Touched>,
    /// Executions that were not looked for in the store, for they should not be there.
    unseen: Vec<ExecutionId>,
    /// The order in which executions were first touched.
    order: Vec<ExecutionId>,
    pub(crate) timers_set: Vec<Timer>,
    pub(crate) timers_gone: Vec<Timer>,
    pub(crate) jobs: Vec<(String, Job)>,
    pub(crate) controls: Vec<Control>,
    pub(crate) created: Vec<Header>,
}

/// What is kept beside executions.
pub(crate) struct Kept {
    pub(crate) logs: Logs,
    pub(crate) metrics: Metrics,
}

/// What changed of one execution.
#[derive(Default)]
struct Touched {
    before: Option<Header>,
    header: bool,
    runs: BTreeSet<u64>,
    removed: Vec<u64>,
    values: Vec<(TaskRunId, Arc<Vec<Value>>)>,
    logs: Vec<LogLine>,
    measured: Vec<Measured>,
    over: bool,
}

impl Journal {
    /// Notes the state before the first change of an execution; `None` for one that is new.
    pub(crate) fn touch(&mut self, id: &ExecutionId, before: Option<&Header>) {
        if !self.touched.contains_key(id) {
            self.order.push(id.clone());
            self.touched.insert(
                id.clone(),
                Touched {
                    before: before.cloned(),
                    ..Touched::default()
                },
            );
        }
    }

    /// Notes that an execution must not be in the store yet.
    pub(crate) fn expect_none(&mut self, id: &ExecutionId) {
        self.unseen.push(id.clone());
    }

    /// Notes a change.
    pub(crate) fn change(&mut self, id: &ExecutionId, change: &Change) {
        let Some(touched) = self.touched.get_mut(id) else {
            return;
        };
        touched.header |= change.header.is_some();
        for run in &change.runs {
            touched.runs.insert(run.number);
        }
        for (_, number) in &change.removed {
            touched.runs.remove(number);
            touched.removed.push(*number);
        }
        touched.values.extend(change.values.iter().cloned());
    }

    pub(crate) fn log(&mut self, id: &ExecutionId, line: LogLine) {
        if let Some(touched) = self.touched.get_mut(id) {
            touched.logs.push(line);
        }
    }

    pub(crate) fn measured(&mut self, measured: Measured) {
        if let Some(touched) = self.touched.get_mut(&measured.execution) {
            touched.measured.push(measured);
        }
    }

    pub(crate) fn over(&mut self, id: &ExecutionId) {
        if let Some(touched) = self.touched.get_mut(id) {
            touched.over = true;
        }
    }

    /// The executions that are over with this pass.
    pub(crate) fn is_over(&self, id: &ExecutionId) -> bool {
        self.touched.get(id).is_some_and(|touched| touched.over)
    }

    /// Everything as one batch. `of` gives the executions as they are now.
    pub(crate) fn batch<'e>(
        &self,
        partition: u16,
        recovery: Recovery,
        Kept { logs, metrics }: &Kept,
        sent: &[(TaskRunId, u32)],
        of: impl Fn(&ExecutionId) -> Option<&'e Execution>,
    ) -> Result<Batch> {
        let mut batch = Batch::default();
        for id in &self.unseen {
            expect_none(&mut batch, partition, id);
        }
        for id in &self.order {
            let (Some(touched), Some(execution)) = (self.touched.get(id), of(id)) else {
                continue;
            };
            if touched.header {
                put_header(
                    &mut batch,
                    partition,
                    &execution.header,
                    touched.before.as_ref(),
                    touched.over,
                )?;
            }
            for number in &touched.runs {
                if let Some(run) = execution.runs.of_number(*number) {
                    put_run(&mut batch, partition, id, run)?;
                    if recovery == Recovery::Outbox && was_offered(run) {
                        remove_claim(&mut batch, partition, &run.id);
                    }
                }
            }
            for number in &touched.removed {
                remove_run(&mut batch, partition, id, *number);
            }
            for (run, values) in &touched.values {
                put_values(&mut batch, partition, id, run, values)?;
            }
            if !touched.logs.is_empty() {
                batch
                    .puts
                    .extend(logs.rows(&origin(execution), &touched.logs)?);
            }
        }
        for measured in self.touched.values().flat_map(|touched| &touched.measured) {
            batch.puts.extend(metrics.rows(measured)?);
        }
        for timer in &self.timers_set {
            put_timer(&mut batch, partition, timer);
        }
        for timer in &self.timers_gone {
            remove_timer(&mut batch, partition, timer);
        }
        if recovery == Recovery::Outbox {
            for (_, job) in &self.jobs {
                put_outbox(&mut batch, partition, job)?;
                put_offer(&mut batch, job)?;
            }
        }
        for (run, dispatch) in sent {
            remove_outbox(&mut batch, partition, run, *dispatch);
        }
        Ok(batch)
    }

    /// What watchers are told once the batch is committed.
    pub(crate) fn changes<'e>(
        &self,
        of: impl Fn(&ExecutionId) -> Option<&'e Execution>,
    ) -> Vec<Piece> {
        let piece = |id: &ExecutionId| {
            let touched = self.touched.get(id)?;
            let changed = Changed {
                execution: id.clone(),
                version: of(id)?.header.version,
                ended: touched.over,
                logged: !touched.logs.is_empty(),
            };
            let is_urgent = touched.over || touched.before.is_none();
            Some(Piece { changed, is_urgent })
        };
        self.order.iter().filter_map(piece).collect()
    }
}

/// Whether workers may hold, or take, a claim that nobody needs any more.
fn was_offered(run: &TaskRun) -> bool {
    let last = run.attempts.last();
    let is_inline = last.is_some_and(|attempt| attempt.worker.as_deref() == Some(EXECUTOR));
    run.state.is_terminal() && run.dispatch > 0 && !is_inline
}

fn origin(execution: &Execution) -> Origin {
    Origin {
        execution: execution.header.id.clone(),
        namespace: execution.header.namespace.clone(),
        flow_id: execution.header.flow_id.clone(),
    }
}
