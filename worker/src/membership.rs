//! A worker among others: it shows that it is alive, and claims a job before it begins, so that no two run the same dispatch.
//!
//! A worker in one process with its queue needs none of this: a delivery is never repeated while the process lives, and with it dies.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use flowmill_backends::Result;
use flowmill_backends::repo::claims::{Claim, Claimed, Claims};
use flowmill_backends::repo::executions::Executions;
use flowmill_backends::repo::members::{Member, Members, Role};
use flowmill_common::Job;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::results::again_and_again;
use crate::running::Running;

/// The worker's place in a cluster.
pub(crate) struct Membership {
    member: Member,
    members: Members,
    claims: Claims,
    executions: Executions,
    /// How long a worker may show no sign of life before its job is given to another one.
    takeover: Duration,
}

/// What a worker may do about a job that was delivered to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Right {
    /// Begin.
    Begin,
    /// Leave it: it is done with, or somebody else is at it.
    Leave,
    /// Say that it got lost with this worker.
    Lost(String),
}

impl Membership {
    pub(crate) fn new(
        id: String,
        host: String,
        config: &Config,
        members: Members,
        claims: Claims,
        executions: Executions,
    ) -> Self {
        let member = Member {
            id,
            role: Role::Worker,
            beat: 0,
            host,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            groups: vec![config.group.clone()],
            slots: config.slots,
        };
        Self {
            member,
            members,
            claims,
            executions,
            takeover: config.takeover,
        }
    }

    /// Shows the worker for the first time: nobody who sees its claims may believe that it is gone.
    pub(crate) async fn appear(&self) -> Result<()> {
        self.members.beat(&self.member).await
    }

    /// Shows again and again that the worker is alive, until `stop`. When that fails for as long as a lease, the others have
    /// given the worker up: then it gives up its jobs, too.
    pub(crate) async fn beat(&self, config: &Config, running: &Running, stop: &CancellationToken) {
        let mut member = self.member.clone();
        let mut beats = interval(config.beat.max(Duration::from_millis(10)));
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = Instant::now();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = beats.tick() => {}
            }
            member.beat += 1;
            match tokio::time::timeout(config.lease, self.members.beat(&member)).await {
                Ok(Ok(())) if last.elapsed() < config.lease => last = Instant::now(),
                // the process stood still: the others did not see this beat in time either
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, "the worker cannot show that it is alive"),
                Err(_) => tracing::warn!(
                    "the worker cannot show that it is alive: the store does not answer"
                ),
            }
            if last.elapsed() >= config.lease {
                tracing::error!(
                    "the worker was cut off from the store for a whole lease: it gives up its jobs, others run them"
                );
                running.hand_back();
                last = Instant::now();
            }
        }
    }

    /// Claims a job. `is_repeated`: it may have been delivered before, and even be done by now. None when `give_up` came first.
    pub(crate) async fn claim(
        &self,
        job: &Job,
        is_repeated: bool,
        give_up: &CancellationToken,
    ) -> Result<Option<Right>> {
        let has_asked = AtomicBool::new(false);
        let attempt = || self.right(job, is_repeated, &has_asked);
        again_and_again("a claim waits for the store", attempt, give_up).await
    }

    /// `has_asked`: this delivery has asked for the claim before, and did not hear whether it got it.
    async fn right(&self, job: &Job, is_repeated: bool, has_asked: &AtomicBool) -> Result<Right> {
        if is_repeated {
            match self.claims.find(job.partition, &job.run).await? {
                Some(claim) if claim.dispatch == job.dispatch => {
                    if has_asked.load(Ordering::Relaxed) && claim.worker == self.member.id {
                        return Ok(Right::Begin);
                    }
                    return self.fate(job, claim).await;
                }
                Some(claim) if claim.dispatch > job.dispatch => return Ok(Right::Leave),
                // the claim goes with the result: read after it, the state has the result
                Some(_) | None if self.is_over(job).await? => return Ok(Right::Leave),
                Some(_) | None => {}
            }
        }
        has_asked.store(true, Ordering::Relaxed);
        match self.claims.claim(job, &self.member.id).await? {
            Claimed::Granted => Ok(Right::Begin),
            Claimed::Taken(claim) if is_repeated => self.fate(job, claim).await,
            // a copy; if its worker is gone, the executors will notice
            Claimed::Taken(_) => Ok(Right::Leave),
        }
    }

    /// What is to be done about a job that came again though it is claimed: whoever claimed it is at it, or gone.
    async fn fate(&self, job: &Job, claim: Claim) -> Result<Right> {
        // it is not at work here any more, so what became of it was reported
        if claim.worker == self.member.id {
            return Ok(Right::Leave);
        }
        if self.shows_life(&claim.worker).await? {
            tracing::debug!(run = %claim.run, worker = claim.worker, "the job is at work elsewhere");
            return Ok(Right::Leave);
        }
        // its result may have been taken in the meantime
        match self.claims.find(job.partition, &job.run).await? {
            Some(present) if present == claim => Ok(Right::Lost(claim.worker)),
            Some(_) | None => Ok(Right::Leave),
        }
    }

    /// Whether a worker's beat goes on.
    async fn shows_life(&self, worker: &str) -> Result<bool> {
        let Some(first) = self.members.find(Role::Worker, worker).await? else {
            return Ok(false);
        };
        let until = Instant::now() + self.takeover;
        while Instant::now() < until {
            tokio::time::sleep(self.takeover / 8).await;
            match self.members.find(Role::Worker, worker).await? {
                None => return Ok(false),
                Some(now) if now.beat != first.beat => return Ok(true),
                Some(_) => {}
            }
        }
        Ok(false)
    }

    /// Whether this dispatch of a job is past: its result is known, or a newer one was sent.
    async fn is_over(&self, job: &Job) -> Result<bool> {
        let Some(execution) = self.executions.load(&job.execution).await? else {
            return Ok(true);
        };
        let is_over = execution.header.state.is_terminal()
            || execution
                .runs
                .get(&job.run)
                .is_none_or(|run| run.state.is_terminal() || run.dispatch != job.dispatch);
        Ok(is_over)
    }

    /// Takes the worker out: whoever waits for its claims need not wait for its silence.
    pub(crate) async fn leave(&self) {
        if let Err(error) = self.members.leave(Role::Worker, &self.member.id).await {
            tracing::warn!(%error, "the others will notice only later that this worker has stopped");
        }
    }
}
