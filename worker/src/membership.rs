//! A worker among others: it shows that it is alive, and claims a job before it begins, so that no two run the same dispatch.
//!
//! A worker in one process with its queue needs none of this: a delivery is never repeated while the process lives, and with it dies.

use std::time::Duration;

use flowmill_backends::Result;
use flowmill_backends::repo::claims::{Claimed, Claims};
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
                Ok(Ok(())) => last = Instant::now(),
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

    /// Claims a job. False when it is somebody else's, or this worker's already; none when `give_up` came first.
    pub(crate) async fn claim(
        &self,
        job: &Job,
        give_up: &CancellationToken,
    ) -> Result<Option<bool>> {
        let claim = || self.claims.claim(job, &self.member.id);
        let claimed = again_and_again("a claim waits for the store", claim, give_up).await?;
        Ok(claimed.map(|claimed| match claimed {
            Claimed::Granted => true,
            Claimed::Taken(other) => {
                tracing::debug!(run = %job.run, dispatch = job.dispatch, worker = other.worker, "the job is taken");
                false
            }
        }))
    }

    /// Takes the worker out: whoever waits for its claims need not wait for its silence.
    pub(crate) async fn leave(&self) {
        if let Err(error) = self.members.leave(Role::Worker, &self.member.id).await {
            tracing::warn!(%error, "the others will notice only later that this worker has stopped");
        }
    }
}
