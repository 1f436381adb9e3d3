//! What an owner does about tasks whose workers are gone, or went with the process before.

use flowmill_backends::Result;
use flowmill_backends::queue::Topic;
use flowmill_backends::repo::claims::{Claim, Claims};
use flowmill_backends::repo::members::{Members, Role};
use flowmill_common::event::TaskLost;
use flowmill_common::flow::Flowable;
use flowmill_common::{Event, EventKind, Execution, Flow, StateType, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::config::Recovery;
use crate::owner::{Owner, message, publish};
use crate::pass::now;

impl Owner {
    /// Sends the tasks again whose workers are gone or silent.
    pub(crate) async fn sweep(&mut self, shutdown: &CancellationToken) -> Result<()> {
        if self.parts.recovery == Recovery::Redispatch {
            return Ok(()); // one process: its workers live as long as it does
        }
        let silent = self.workers.borrow_and_update().silent.clone();
        let claims = Claims::new(self.parts.store.clone())
            .of_partition(self.partition)
            .await?;
        if claims.is_empty() {
            return Ok(());
        }
        // asked after the claims were read: whoever claimed a task had shown itself before
        let listed = Members::new(self.parts.store.clone())
            .list(Role::Worker)
            .await?;
        let is_there =
            |id: &str| listed.iter().any(|member| member.id == id) && !silent.contains(id);
        let orphans = claims
            .into_iter()
            .filter(|claim| !is_there(&claim.holder.worker));
        let mut lost = Vec::new();
        for orphan in orphans {
            if self.is_past(&orphan).await? {
                // what was killed before it began was claimed for nothing
                let claims = Claims::new(self.parts.store.clone());
                claims.remove(self.partition, &orphan).await?;
            } else {
                lost.push(orphaned(&orphan, now()));
            }
        }
        if !lost.is_empty() {
            tracing::warn!(
                partition = self.partition,
                tasks = lost.len(),
                "tasks of lost workers run again"
            );
            // by way of the queue: a result that its worker sent before it went stands before this
            let messages = lost
                .iter()
                .map(|event| message(event.execution.as_str(), event));
            let topic = Topic::Events(self.partition);
            publish(&*self.parts.queue, &topic, messages, shutdown).await;
        }
        Ok(())
    }

    /// Whether nobody waits for the result of a claimed dispatch any more.
    async fn is_past(&self, claim: &Claim) -> Result<bool> {
        let Some(execution) = self.parts.executions().load(&claim.execution).await? else {
            return Ok(true);
        };
        let run = execution.runs.get(&claim.run);
        Ok(execution.header.state.is_terminal()
            || run.is_none_or(|run| run.state.is_terminal() || run.dispatch != claim.dispatch))
    }

    /// Events for every task run that was dispatched by a process that is gone.
    pub(crate) async fn lost_in_restart(&self) -> Result<Vec<Event>> {
        let executions = self.parts.executions();
        let mut lost = Vec::new();
        for id in executions.live(self.partition).await? {
            let Some(execution) = executions.load(&id).await? else {
                continue;
            };
            let header = &execution.header;
            let flow = self
                .parts
                .flows
                .get(&header.namespace, &header.flow_id, header.flow_revision)
                .await?;
            let Some(flow) = flow else {
                tracing::error!(execution = %id, "the flow of a running execution is gone");
                continue;
            };
            lost.extend(dispatched(&flow, &execution, now()));
        }
        Ok(lost)
    }
}

fn orphaned(claim: &Claim, at: Timestamp) -> Event {
    let reason = format!("worker {} is gone", claim.holder.worker);
    let lost = TaskLost {
        run: claim.run.clone(),
        dispatch: claim.dispatch,
        reason,
    };
    Event {
        execution: claim.execution.clone(),
        at,
        kind: EventKind::TaskLost(lost),
    }
}

/// Events that send every dispatched task run of an execution again.
fn dispatched(flow: &Flow, execution: &Execution, at: Timestamp) -> Vec<Event> {
    let is_dispatched = |run: &&flowmill_common::TaskRun| {
        let sent = match flow.task(&run.task_id).map(|task| task.flowable()) {
            Some(Some(Flowable::WorkingDirectory { .. }) | None) => run.dispatch > 0,
            Some(Some(_)) | None => false,
        };
        sent && matches!(
            run.state.current(),
            StateType::Submitted | StateType::Running
        )
    };
    let lost = |run: &flowmill_common::TaskRun| {
        let reason = "the server was restarted while the task was at work".to_owned();
        let lost = TaskLost {
            run: run.id.clone(),
            dispatch: run.dispatch,
            reason,
        };
        Event {
            execution: execution.header.id.clone(),
            at,
            kind: EventKind::TaskLost(lost),
        }
    };
    execution
        .runs
        .iter()
        .filter(is_dispatched)
        .map(lost)
        .collect()
}
