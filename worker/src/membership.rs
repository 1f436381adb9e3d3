//! A worker among others: it shows that it is alive, and claims a job before it begins, so that no two run the same dispatch.
//!
//! A worker in one process with its queue needs none of this: a delivery is never repeated while the process lives, and with it dies.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use flowmill_backends::Result;
use flowmill_backends::repo::claims::{Claim, Claimed, Claims, Holder};
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
    /// The number of the next delivery.
    deliveries: AtomicU64,
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
            deliveries: AtomicU64::new(1),
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

    /// Claims a job that was delivered. None when `give_up` came first.
    pub(crate) async fn claim(
        &self,
        job: &Job,
        give_up: &CancellationToken,
    ) -> Result<Option<Right>> {
        let holder = Holder {
            worker: self.member.id.clone(),
            delivery: self.deliveries.fetch_add(1, Ordering::Relaxed),
        };
        let attempt = || self.right(job, &holder);
        again_and_again("a claim waits for the store", attempt, give_up).await
    }

    async fn right(&self, job: &Job, holder: &Holder) -> Result<Right> {
        match self.claims.take(job, holder.clone()).await? {
            Claimed::Granted => Ok(Right::Begin),
            Claimed::Past => Ok(Right::Leave),
            Claimed::Taken(claim) => self.fate(job, claim).await,
        }
    }

    /// What is to be done about a job that is claimed already: whoever claimed it is at it, or gone.
    async fn fate(&self, job: &Job, claim: Claim) -> Result<Right> {
        let worker = &claim.holder.worker;
        // by an earlier delivery: it is not at work here any more, so what became of it was reported
        if *worker == self.member.id {
            return Ok(Right::Leave);
        }
        if self.shows_life(worker).await? {
            tracing::debug!(run = %claim.run, worker, "the job is at work elsewhere");
            return Ok(Right::Leave);
        }
        // its result may have been taken in the meantime
        match self.claims.find(job.partition, &job.run).await? {
            Some(present) if present == claim => Ok(Right::Lost(worker.clone())),
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

    /// Takes the worker out: whoever waits for its claims need not wait for its silence.
    pub(crate) async fn leave(&self) {
        if let Err(error) = self.members.leave(Role::Worker, &self.member.id).await {
            tracing::warn!(%error, "the others will notice only later that this worker has stopped");
        }
    }
}
