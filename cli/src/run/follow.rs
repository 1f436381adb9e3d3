//! Follows one execution to its end, in the process that runs it.

use std::time::Duration;

use anyhow::Context;
use flowmill_backends::Queue;
use flowmill_backends::queue::{Consumer, Topic};
use flowmill_backends::repo::executions::Executions;
use flowmill_backends::repo::logs::{Filter, Follower, Logs};
use flowmill_common::job::Changed;
use flowmill_common::log::Level;
use flowmill_common::{Execution, ExecutionId};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::View;
use crate::assemble::Foundation;
use crate::signals;

/// News are gathered for so long before the execution is read again; longer where reading it takes long itself.
const GATHER: Duration = Duration::from_millis(40);
/// Without news the execution is looked at after this time all the same: news may get lost.
const LOOK: Duration = Duration::from_secs(2);
/// How often what is shown of running tasks moves.
const TICK: Duration = Duration::from_millis(100);
/// How long a killed execution may take to end before it is left as it is; the next start takes it up.
const KILL_PATIENCE: Duration = Duration::from_secs(15);

/// Follows one execution.
pub(crate) struct Follow {
    id: ExecutionId,
    executions: Executions,
    logs: Follower,
    changes: Box<dyn Consumer>,
    least_level: Level,
}

/// Whether somebody asked to end it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interrupted {
    No,
    Yes,
}

/// What is to be done next.
enum Next {
    Heard { ended: bool },
    Look,
    Tick,
    Signal,
}

impl Follow {
    /// Begins to hear of changes; to be called before the execution is created, so that none is missed.
    pub(crate) async fn listen(queue: &dyn Queue) -> anyhow::Result<Box<dyn Consumer>> {
        Ok(queue.consume(&Topic::Changes, 1024).await?)
    }

    /// A follower of this execution, which hears by `changes` and shows log lines of this level or a higher one.
    pub(crate) fn new(
        foundation: &Foundation,
        id: &str,
        changes: Box<dyn Consumer>,
        least_level: Level,
    ) -> Self {
        let id = ExecutionId::from(id);
        let partitions = foundation.installation.partitions;
        let executions = Executions::new(foundation.store.clone(), partitions);
        let logs = Logs::new(foundation.store.clone(), partitions).follow(&id, Filter::default());
        Self {
            id,
            executions,
            logs,
            changes,
            least_level,
        }
    }

    /// Shows what happens until the execution is over. `kill` is called when a signal asks to end it; a second signal ends the waiting.
    pub(crate) async fn until_the_end<K: Future<Output = anyhow::Result<()>>>(
        &mut self,
        view: &mut View,
        signals: &mut signals::Ending,
        kill: impl Fn() -> K,
    ) -> anyhow::Result<Interrupted> {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let (mut interrupted, mut give_up) = (Interrupted::No, None);
        let mut over = self.show(view).await?;
        let mut look_at = Instant::now() + LOOK;
        loop {
            if over || give_up.is_some_and(|at| Instant::now() >= at) {
                return Ok(interrupted);
            }
            match self.next(view, signals, &mut ticks, look_at).await? {
                Next::Tick => view.tick(),
                Next::Signal if interrupted == Interrupted::Yes => return Ok(interrupted),
                Next::Signal => {
                    view.note("stopping: running tasks are killed (once more: at once)");
                    interrupted = Interrupted::Yes;
                    give_up = Some(Instant::now() + KILL_PATIENCE);
                    kill().await?;
                }
                Next::Heard { ended: true } => over = true,
                Next::Heard { ended: false } => look_at = look_at.min(Instant::now() + GATHER),
                Next::Look => {
                    let started = Instant::now();
                    over = self.show(view).await?;
                    // a large execution is not read more often than it takes to read it
                    look_at = Instant::now() + LOOK;
                    self.rest(started.elapsed()).await;
                }
            }
            if over {
                self.show(view).await?;
            }
        }
    }

    /// Shows the log lines that have come.
    pub(crate) async fn show_logs(&mut self, view: &mut View) -> anyhow::Result<()> {
        while let Some(lines) = self.logs.more().await? {
            view.log(lines.iter().filter(|line| line.level >= self.least_level));
        }
        Ok(())
    }

    /// The execution as it is.
    pub(crate) async fn execution(&self) -> anyhow::Result<Execution> {
        let execution = self.executions.load(&self.id).await?;
        execution.with_context(|| format!("execution `{}` is gone", self.id))
    }

    async fn next(
        &mut self,
        view: &View,
        signals: &mut signals::Ending,
        ticks: &mut tokio::time::Interval,
        look_at: Instant,
    ) -> anyhow::Result<Next> {
        tokio::select! {
            biased;
            _ = signals.recv() => Ok(Next::Signal),
            delivery = self.changes.next() => {
                let delivery = delivery.context("the queue was closed")?;
                let changes = serde_json::from_slice::<Vec<Changed>>(&delivery.message.body);
                delivery.receipt.acknowledge();
                let mut changes = changes.unwrap_or_default().into_iter();
                let own = changes.find(|changed| changed.execution == self.id);
                Ok(own.map_or(Next::Tick, |changed| Next::Heard { ended: changed.ended }))
            }
            () = sleep_until(look_at) => Ok(Next::Look),
            _ = ticks.tick(), if view.moves() => Ok(Next::Tick),
        }
    }

    /// Shows the execution and its log, and says whether it is over.
    async fn show(&mut self, view: &mut View) -> anyhow::Result<bool> {
        let live = self
            .executions
            .live(self.executions.partition(&self.id))
            .await?;
        let execution = self.execution().await?;
        view.show(&execution);
        self.show_logs(view).await?;
        Ok(!live.contains(&self.id))
    }

    async fn rest(&self, time: Duration) {
        tokio::time::sleep(time.saturating_mul(3).min(LOOK)).await;
    }
}
