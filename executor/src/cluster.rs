//! An executor among others: it shows that it is alive, owns its share of the partitions, and tells their owners which workers are
//! there.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use flowmill_backends::Result;
use flowmill_backends::repo::members::{Member, Members, Role};
use flowmill_common::liveness::{Liveness, share};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::executor::Parts;
use crate::owner::Owner;

/// What is known of the workers.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Workers {
    /// Those that are listed.
    pub(crate) listed: BTreeSet<String>,
    /// Those among them that have been silent for a whole lease.
    pub(crate) silent: BTreeSet<String>,
}

pub(crate) struct Cluster {
    parts: Parts,
    config: Config,
    member: Member,
    members: Members,
    began: Instant,
    executors: Liveness,
    workers: Liveness,
    owners: HashMap<u16, Running>,
    watched: watch::Sender<Arc<Workers>>,
}

struct Running {
    stop: CancellationToken,
    task: JoinHandle<Result<()>>,
}

impl Cluster {
    pub(crate) fn new(parts: Parts, config: Config, member: Member) -> Self {
        let members = Members::new(parts.store.clone());
        let (watched, _) = watch::channel(Arc::default());
        Self {
            parts,
            config,
            member,
            members,
            began: Instant::now(),
            executors: Liveness::default(),
            workers: Liveness::default(),
            owners: HashMap::new(),
            watched,
        }
    }

    pub(crate) async fn run(mut self, shutdown: CancellationToken) -> Result<()> {
        let mut beats =
            tokio::time::interval(Duration::from_millis(self.config.beat_milliseconds.max(10)));
        beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                _ = beats.tick() => {}
            }
            if let Err(error) = self.beat(&shutdown).await {
                // the owners wait for the store themselves; without beats others will take the partitions, and fence us off
                tracing::warn!(%error, "the cluster cannot be watched");
            }
        }
        self.resign().await;
        Ok(())
    }

    async fn beat(&mut self, shutdown: &CancellationToken) -> Result<()> {
        self.member.beat += 1;
        self.members.beat(&self.member).await?;
        let now = self.began.elapsed();
        let executors = self.members.list(Role::Executor).await?;
        self.executors.observe(
            executors
                .iter()
                .map(|member| (member.id.as_str(), member.beat)),
            now,
        );
        let workers = self.members.list(Role::Worker).await?;
        self.workers.observe(
            workers
                .iter()
                .map(|member| (member.id.as_str(), member.beat)),
            now,
        );
        self.share_workers(&workers, now);
        let lease = Duration::from_millis(self.config.executor_lease_milliseconds);
        let alive = self.executors.alive(lease, now);
        self.hold(
            &share(&self.member.id, &alive, self.parts.partitions),
            shutdown,
        )
        .await;
        self.bury(now).await
    }

    /// Owns these partitions and no others.
    async fn hold(&mut self, mine: &[u16], shutdown: &CancellationToken) {
        let lost: Vec<u16> = self
            .owners
            .keys()
            .copied()
            .filter(|partition| !mine.contains(partition))
            .collect();
        for partition in lost {
            if let Some(running) = self.owners.remove(&partition) {
                running.stop.cancel();
                settle(partition, running).await;
            }
        }
        for partition in mine {
            // an owner ends by itself when it was fenced off: it begins again while the partition is still ours
            if self
                .owners
                .get(partition)
                .is_some_and(|running| running.task.is_finished())
                && let Some(running) = self.owners.remove(partition)
            {
                settle(*partition, running).await;
            }
            if !self.owners.contains_key(partition) {
                let (stop, workers) = (shutdown.child_token(), self.watched.subscribe());
                let owner =
                    Owner::new(*partition, self.parts.clone(), self.config.clone(), workers);
                let task = tokio::spawn(owner.run(stop.clone()));
                self.owners.insert(*partition, Running { stop, task });
            }
        }
    }

    /// Tells the owners when a worker came, went or fell silent.
    fn share_workers(&self, listed: &[Member], now: Duration) {
        let lease = Duration::from_millis(self.config.worker_lease_milliseconds);
        let workers = Workers {
            listed: listed.iter().map(|member| member.id.clone()).collect(),
            silent: self.workers.dead(lease, now).into_iter().collect(),
        };
        self.watched.send_if_modified(|known| {
            let changed = **known != workers;
            if changed {
                *known = Arc::new(workers);
            }
            changed
        });
    }

    /// Takes out members that have been silent for so long that nobody waits for them any more.
    async fn bury(&self, now: Duration) -> Result<()> {
        let long = Duration::from_millis(self.config.worker_lease_milliseconds) * 6;
        for (role, liveness) in [
            (Role::Executor, &self.executors),
            (Role::Worker, &self.workers),
        ] {
            for id in liveness.dead(long, now) {
                self.members.leave(role, &id).await?;
            }
        }
        Ok(())
    }

    /// Gives everything up: the others need not wait for our silence.
    async fn resign(mut self) {
        for (partition, running) in self.owners.drain() {
            running.stop.cancel();
            settle(partition, running).await;
        }
        if let Err(error) = self.members.leave(Role::Executor, &self.member.id).await {
            tracing::warn!(%error, "the others will notice only later that this executor has stopped");
        }
    }
}

async fn settle(partition: u16, running: Running) {
    match running.task.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::error!(partition, %error, "the owner of a partition has stopped")
        }
        Err(error) => tracing::error!(partition, %error, "the owner of a partition has panicked"),
    }
}
