//! The owner of a partition: drains events, commits them with everything that follows, then lets the effects go.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use flowmill_backends::queue::{Consumer, Delivery, Message, Topic};
use flowmill_backends::repo::partition::{self, Epoch, Timer};
use flowmill_backends::store::Batch;
use flowmill_backends::{Error, Kind, Result, breakpoint};
use flowmill_common::id::partition_of;
use flowmill_common::job::Changed;
use flowmill_common::{Event, EventKind, Job, TaskRunId, Timestamp};
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::cluster::Workers;
use crate::config::{Config, Recovery};
use crate::executor::Parts;
use crate::hot::HotExecutions;
use crate::job::ReferenceCache;
use crate::journal::Journal;
use crate::news::{News, Piece};
use crate::pass::{DEFAULT_GROUP, Pass, now};
use crate::timers::Timers;

/// One partition's owner.
pub(crate) struct Owner {
    pub(crate) partition: u16,
    pub(crate) parts: Parts,
    config: Config,
    references: ReferenceCache,
    hot: HotExecutions,
    timers: Timers,
    /// Jobs whose message has left and whose outbox row can go with the next commit.
    sent: Vec<(TaskRunId, u32)>,
    news: News,
    /// What is known of the workers; never changes where there is only one process.
    pub(crate) workers: watch::Receiver<Arc<Workers>>,
}

impl Owner {
    pub(crate) fn new(
        partition: u16,
        parts: Parts,
        config: Config,
        workers: watch::Receiver<Arc<Workers>>,
    ) -> Self {
        let hot = HotExecutions::new(config.hot_executions);
        let news = News::new(Duration::from_millis(config.news_milliseconds));
        Self {
            partition,
            parts,
            config,
            references: ReferenceCache::default(),
            hot,
            timers: Timers::default(),
            sent: Vec::new(),
            news,
            workers,
        }
    }

    /// Owns the partition until `shutdown`, or until another owner has taken it.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) -> Result<()> {
        let topic = Topic::Events(self.partition);
        let mut consumer = self.parts.queue.consume(&topic, self.config.batch).await?;
        match self.own(&mut *consumer, &shutdown).await {
            Err(error) if error.kind() == Kind::Fenced => {
                tracing::info!(
                    partition = self.partition,
                    "another executor owns the partition now"
                );
                Ok(())
            }
            ended => ended,
        }
    }

    async fn own(
        &mut self,
        consumer: &mut dyn Consumer,
        shutdown: &CancellationToken,
    ) -> Result<()> {
        let epoch = self.take_over(shutdown).await?;
        self.sweep(shutdown).await?;
        loop {
            let first = tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                delivery = consumer.next() => match delivery {
                    Some(delivery) => Some(delivery),
                    None => break,
                },
                () = until(self.timers.next()) => None,
                () = reached(self.news.due()) => {
                    let news = self.news.take_due(Instant::now());
                    self.tell(news, shutdown).await;
                    continue;
                }
                () = changed(&mut self.workers) => {
                    self.sweep(shutdown).await?;
                    continue;
                }
            };
            let mut deliveries: Vec<Delivery> = first.into_iter().collect();
            while deliveries.len() < usize::from(self.config.batch)
                && let Some(delivery) = consumer.try_next()
            {
                deliveries.push(delivery);
            }
            self.round(&epoch, deliveries, shutdown).await?;
        }
        let rest = self.news.take(Instant::now());
        self.tell(rest, shutdown).await;
        Ok(())
    }

    /// Becomes the owner: older ones are fenced off, timers are loaded, jobs that were on their way are looked after.
    async fn take_over(&mut self, shutdown: &CancellationToken) -> Result<Epoch> {
        let store = self.parts.store.clone();
        let epoch = Epoch::take(&*store, self.partition).await?;
        self.hot.clear();
        self.timers
            .load(partition::timers(&*store, self.partition).await?);
        match self.parts.recovery {
            Recovery::Outbox => {
                let jobs = partition::outbox(&*store, self.partition).await?;
                self.sent
                    .extend(jobs.iter().map(|job| (job.run.clone(), job.dispatch)));
                for job in jobs {
                    let group = job
                        .properties
                        .get("workerGroup")
                        .and_then(|group| group.get("key")?.as_str());
                    let group = group.unwrap_or(DEFAULT_GROUP).to_owned();
                    self.publish_jobs(vec![(group, job)], shutdown).await;
                }
            }
            Recovery::Redispatch => {
                let lost = self.lost_in_restart().await?;
                if !lost.is_empty() {
                    tracing::info!(
                        partition = self.partition,
                        tasks = lost.len(),
                        "tasks that were at work run again"
                    );
                    self.events(&epoch, lost, shutdown).await?;
                }
            }
        }
        Ok(epoch)
    }

    /// One commit: these deliveries and the timers that are due.
    async fn round(
        &mut self,
        epoch: &Epoch,
        deliveries: Vec<Delivery>,
        shutdown: &CancellationToken,
    ) -> Result<()> {
        let due = self.timers.due(now(), usize::from(self.config.batch));
        let mut pass = Pass::new(
            self.partition,
            &self.parts,
            &self.config,
            &self.references,
            &mut self.hot,
        );
        let mut settled = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            let applied = match read(&delivery) {
                Ok(event) => {
                    let is_first = !delivery.redelivered;
                    apply(&mut pass, &event, is_first, &self.config, shutdown).await
                }
                Err(error) => Err(error),
            };
            match applied {
                Ok(()) => settled.push(delivery),
                Err(error) => refuse(delivery, &error),
            }
        }
        for timer in due {
            if let Err(error) =
                apply(&mut pass, &fired(&timer), false, &self.config, shutdown).await
            {
                tracing::error!(execution = %timer.execution, %error, "a timer could not be handled");
            }
            pass.journal.timers_gone.push(timer);
        }
        breakpoint("executor.before-commit");
        let committed =
            commit(&self.parts, &self.config, epoch, &self.sent, pass, shutdown).await?;
        self.sent.clear();
        breakpoint("executor.after-commit");
        self.let_go(committed, shutdown).await;
        breakpoint("executor.before-acknowledgement");
        for delivery in settled {
            delivery.receipt.acknowledge();
        }
        Ok(())
    }

    /// The same for events that came from nowhere but here.
    async fn events(
        &mut self,
        epoch: &Epoch,
        events: Vec<Event>,
        shutdown: &CancellationToken,
    ) -> Result<()> {
        let mut pass = Pass::new(
            self.partition,
            &self.parts,
            &self.config,
            &self.references,
            &mut self.hot,
        );
        for event in events {
            apply(&mut pass, &event, false, &self.config, shutdown).await?;
        }
        let committed =
            commit(&self.parts, &self.config, epoch, &self.sent, pass, shutdown).await?;
        self.sent.clear();
        self.let_go(committed, shutdown).await;
        Ok(())
    }

    /// What was committed takes effect outside. Messages that cannot be sent now are waited for: the outbox has them too.
    async fn let_go(
        &mut self,
        Committed { journal, news }: Committed,
        shutdown: &CancellationToken,
    ) {
        for timer in &journal.timers_gone {
            self.timers.cancel(timer);
        }
        for timer in journal.timers_set {
            self.timers.set(timer);
        }
        if !journal.jobs.is_empty() {
            self.publish_jobs(journal.jobs, shutdown).await;
            breakpoint("executor.after-dispatch");
        }
        let queue = &*self.parts.queue;
        for header in journal.created {
            let topic = Topic::Events(partition_of(header.id.as_str(), self.parts.partitions));
            let (execution, at) = (header.id.clone(), header.state.start());
            let event = Event {
                execution,
                at,
                kind: EventKind::Created(Box::new(header)),
            };
            let created = [message(event.execution.as_str(), &event)];
            publish(queue, &topic, created.into_iter(), shutdown).await;
        }
        if !journal.controls.is_empty() {
            let controls = journal.controls.iter();
            let controls = controls.map(|control| message("control", control));
            publish(queue, &Topic::Control, controls, shutdown).await;
        }
        self.news.add(news, Instant::now());
        let news = self.news.take_due(Instant::now());
        self.tell(news, shutdown).await;
    }

    /// Tells those who watch: one message.
    async fn tell(&self, changes: Vec<Changed>, shutdown: &CancellationToken) {
        if !changes.is_empty() {
            let messages = [message("changes", &changes)].into_iter();
            publish(&*self.parts.queue, &Topic::Changes, messages, shutdown).await;
        }
    }

    async fn publish_jobs(&mut self, mut jobs: Vec<(String, Job)>, shutdown: &CancellationToken) {
        if self.parts.recovery == Recovery::Outbox {
            self.sent
                .extend(jobs.iter().map(|(_, job)| (job.run.clone(), job.dispatch)));
        }
        while let Some((group, _)) = jobs.first() {
            let group = group.clone();
            let (mine, others): (Vec<_>, Vec<_>) =
                jobs.into_iter().partition(|(of, _)| *of == group);
            let messages = mine
                .iter()
                .map(|(_, job)| message(&format!("{}/{}", job.run, job.dispatch), job));
            publish(&*self.parts.queue, &Topic::Jobs(group), messages, shutdown).await;
            jobs = others;
        }
    }
}

/// A journal whose batch is in the store, and what watchers are told of it.
struct Committed {
    journal: Journal,
    news: Vec<Piece>,
}

/// Writes what a pass has changed. Waits for a store that is out of reach or full: the pass is in memory, and nothing has left.
async fn commit(
    parts: &Parts,
    config: &Config,
    epoch: &Epoch,
    sent: &[(TaskRunId, u32)],
    pass: Pass<'_>,
    shutdown: &CancellationToken,
) -> Result<Committed> {
    let kept = parts.kept();
    let mut batch = pass
        .journal
        .batch(pass.partition(), parts.recovery, &kept, sent, |id| {
            pass.execution(id)
        })?;
    let mut wait = Duration::from_millis(config.retry_milliseconds);
    if !batch.is_empty() {
        epoch.fence(&mut batch);
    }
    while !batch.is_empty() {
        match parts.store.commit(Batch::clone(&batch)).await {
            Ok(()) => break,
            Err(error) if error.is_retryable() && !shutdown.is_cancelled() => {
                tracing::warn!(partition = pass.partition(), %error, "the store does not take a commit, trying again");
                pause(&mut wait, shutdown).await;
            }
            Err(error) if error.kind() == Kind::Conflict => {
                let message = "an execution that was to be created is there already: its partition begins again, and looks first";
                return Err(Error::with_source(Kind::Conflict, message, error));
            }
            Err(error) => return Err(error),
        }
    }
    let news = pass.journal.changes(|id| pass.execution(id));
    Ok(Committed {
        journal: pass.keep(),
        news,
    })
}

/// Applies an event; waits for a store that is out of reach.
async fn apply(
    pass: &mut Pass<'_>,
    event: &Event,
    is_first: bool,
    config: &Config,
    shutdown: &CancellationToken,
) -> Result<()> {
    let mut wait = Duration::from_millis(config.retry_milliseconds);
    loop {
        match pass.apply(event.clone(), is_first).await {
            Err(error) if error.is_retryable() && !shutdown.is_cancelled() => {
                tracing::warn!(execution = %event.execution, %error, "the store does not answer, trying again");
                pause(&mut wait, shutdown).await;
            }
            settled => return settled,
        }
    }
}

/// Waits, twice as long the next time, one second at most.
async fn pause(wait: &mut Duration, shutdown: &CancellationToken) {
    tokio::select! {
        () = tokio::time::sleep(*wait) => {}
        () = shutdown.cancelled() => {}
    }
    *wait = (*wait * 2).min(Duration::from_secs(1));
}

fn read(delivery: &Delivery) -> Result<Event> {
    serde_json::from_slice(&delivery.message.body).map_err(|error| {
        Error::with_source(
            Kind::Invalid,
            "the message is not an event of this version",
            error,
        )
    })
}

/// An event that can never be handled is kept aside, one that can be handled later comes again.
fn refuse(delivery: Delivery, error: &Error) {
    if error.is_retryable() {
        delivery.receipt.requeue();
    } else {
        tracing::error!(message = %delivery.message.id, %error, "an event was put aside");
        delivery.receipt.dead_letter(&error.to_string());
    }
}

fn fired(timer: &Timer) -> Event {
    let kind = EventKind::TimerFired {
        run: timer.run.clone(),
        wake_at: timer.at,
    };
    Event {
        execution: timer.execution.clone(),
        at: now(),
        kind,
    }
}

pub(crate) fn message(id: &str, body: &impl Serialize) -> Message {
    let body = serde_json::to_vec(body).expect("messages are plain data, which JSON can hold");
    Message {
        id: id.to_owned(),
        body: Bytes::from(body),
    }
}

pub(crate) async fn publish(
    queue: &dyn flowmill_backends::Queue,
    topic: &Topic,
    messages: impl Iterator<Item = Message>,
    shutdown: &CancellationToken,
) {
    let messages: Vec<Message> = messages.collect();
    let mut wait = Duration::from_millis(20);
    while let Err(error) = queue.publish(topic, messages.clone()).await {
        if !error.is_retryable() || topic.spread() == flowmill_backends::queue::Spread::FanOut {
            tracing::error!(topic = topic.name(), %error, "messages were not published");
            return;
        }
        tracing::warn!(topic = topic.name(), %error, "the queue does not take messages, trying again");
        if shutdown.is_cancelled() {
            return; // the next owner sends them: from the outbox
        }
        pause(&mut wait, shutdown).await;
    }
}

/// Ends when something became known of the workers; never where nobody watches them.
async fn changed(workers: &mut watch::Receiver<Arc<Workers>>) {
    if workers.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Ends at this moment; never without one.
async fn reached(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Ends when the clock reaches `at`; never without one.
async fn until(at: Option<Timestamp>) {
    match at {
        Some(at) => tokio::time::sleep(at.since(now())).await,
        None => std::future::pending().await,
    }
}
