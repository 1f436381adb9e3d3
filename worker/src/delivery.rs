//! One job: claimed, run, reported, acknowledged.

use std::sync::Arc;
use std::time::Duration;

use flowmill_backends::breakpoint;
use flowmill_backends::queue::{Delivery, Message, Receipt, Topic};
use flowmill_common::event::{TaskFinished, TaskLost, TaskStarted};
use flowmill_common::{EventKind, Job};
use tokio::sync::SemaphorePermit;

use crate::attempt::{self, Attempt, Ended};
use crate::membership::Right;
use crate::results::{now, report};
use crate::running::Handle;
use crate::variables::Variables;
use crate::worker::Shared;
use crate::{group, measure};

/// How long a job waits for room here before another worker may have it.
const HOLD: Duration = Duration::from_secs(1);

/// One job, from its delivery to its acknowledgement.
pub(crate) async fn handle(shared: Arc<Shared>, delivery: Delivery) {
    let Delivery {
        message, receipt, ..
    } = delivery;
    let Some(_slot) = slot(&shared).await else {
        return hand_on(&shared, message, receipt).await;
    };
    let job: Arc<Job> = match serde_json::from_slice(&message.body) {
        Ok(job) => Arc::new(job),
        Err(error) => return receipt.dead_letter(&format!("the job cannot be read: {error}")),
    };
    drop(message);
    let Some(handle) = shared.running.begin(&job) else {
        tracing::debug!(run = %job.run, dispatch = job.dispatch, "the job is at work here already");
        return receipt.acknowledge();
    };
    let mut receipt = Some(receipt);
    breakpoint("worker.before-claim");
    let done = match claim(&shared, &job).await {
        None => {
            breakpoint("worker.after-claim");
            let work = Box::pin(work(&shared, &job, &handle));
            acknowledged_in_time(&shared, &mut receipt, work).await
        }
        Some(done) => done,
    };
    shared.running.end(&job.run, &handle);
    let done = match done {
        Done::NotDone if shared.membership.is_some() => {
            lost(&shared, &job, "the worker gave it up".to_owned()).await
        }
        done => done,
    };
    match (done, receipt) {
        (Done::Reported, Some(receipt)) => receipt.acknowledge(),
        (Done::NotDone, Some(receipt)) => receipt.requeue(),
        // acknowledged before; the executors look after what belonged to a worker that has left
        (Done::Reported | Done::NotDone, None) => {}
    }
}

/// Whether a delivery is done with.
enum Done {
    /// The executor knows what became of the job, or will hear it from whom it belongs to.
    Reported,
    /// Somebody shall do it.
    NotDone,
}

/// Room for a job. The queue gives no more jobs than there is room for, but for those that were acknowledged while they run: none
/// when there was no room for a while.
async fn slot(shared: &Shared) -> Option<SemaphorePermit<'_>> {
    let slot = tokio::time::timeout(HOLD, shared.slots.acquire()).await;
    slot.ok()?.ok()
}

/// Gives a job to whoever has room: back into the queue as if it were new, since RabbitMQ counts what is merely given back.
async fn hand_on(shared: &Shared, message: Message, receipt: Box<dyn Receipt>) {
    let topic = Topic::Jobs(shared.config.group.clone());
    match shared.parts.queue.publish(&topic, vec![message]).await {
        Ok(()) => receipt.acknowledge(),
        Err(error) => {
            tracing::warn!(%error, "a job waits for a worker that has room");
            receipt.requeue();
        }
    }
}

/// Works, and acknowledges the delivery when that takes long.
async fn acknowledged_in_time(
    shared: &Shared,
    receipt: &mut Option<Box<dyn Receipt>>,
    work: impl Future<Output = Done>,
) -> Done {
    let mut work = std::pin::pin!(work);
    if shared.membership.is_some() {
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(shared.config.acknowledge_after) => {
                if let Some(receipt) = receipt.take() {
                    receipt.acknowledge();
                }
            }
        }
    }
    work.await
}

/// Claims the job in a cluster. None when it may begin.
async fn claim(shared: &Shared, job: &Job) -> Option<Done> {
    let membership = shared.membership.as_ref()?;
    match membership.claim(job, &shared.give_up).await {
        Ok(Some(Right::Begin)) => None,
        Ok(Some(Right::Leave)) => Some(Done::Reported),
        Ok(Some(Right::Lost(worker))) => {
            tracing::warn!(run = %job.run, dispatch = job.dispatch, worker, "a worker is gone, its task runs again");
            Some(lost(shared, job, format!("worker {worker} is gone")).await)
        }
        Ok(None) => Some(Done::NotDone),
        Err(error) => {
            tracing::error!(run = %job.run, %error, "a job cannot be claimed");
            Some(Done::NotDone)
        }
    }
}

/// Tells the executor that a dispatch came to nothing: it sends the task again.
async fn lost(shared: &Shared, job: &Job, reason: String) -> Done {
    let kind = EventKind::TaskLost(TaskLost {
        run: job.run.clone(),
        dispatch: job.dispatch,
        reason,
    });
    match report(&*shared.parts.queue, job, now(), kind, &shared.give_up).await {
        true => Done::Reported,
        false => Done::NotDone,
    }
}

async fn work(shared: &Shared, job: &Arc<Job>, handle: &Handle) -> Done {
    let started = now();
    measure::started(&job.task_type, started.since(job.at));
    let ended = {
        let run = Box::pin(ended(shared, job, handle, started));
        // most tasks are over before anybody could see that they began; for others it is said while they run
        let say_started = async {
            tokio::time::sleep(shared.config.report_start_after).await;
            let kind = EventKind::TaskStarted(TaskStarted {
                run: job.run.clone(),
                dispatch: job.dispatch,
                worker: shared.name.clone(),
            });
            report(&*shared.parts.queue, job, started, kind, &shared.give_up).await;
            std::future::pending::<std::convert::Infallible>().await
        };
        tokio::select! {
            ended = run => ended,
            never = say_started => match never {},
        }
    };
    measure::ended(
        &job.task_type,
        ended.as_ref().map(|ended| ended.state),
        now().since(started),
    );
    let Some(Ended { state, outputs }) = ended else {
        return Done::NotDone;
    };
    let finished = TaskFinished {
        run: job.run.clone(),
        dispatch: job.dispatch,
        worker: shared.name.clone(),
        started,
        state,
        outputs,
    };
    let kind = EventKind::TaskFinished(Box::new(finished));
    breakpoint("worker.before-result");
    let done = match report(&*shared.parts.queue, job, now(), kind, &shared.give_up).await {
        true => Done::Reported,
        false => Done::NotDone,
    };
    breakpoint("worker.after-result");
    done
}

async fn ended(
    shared: &Shared,
    job: &Arc<Job>,
    handle: &Handle,
    started: flowmill_common::Timestamp,
) -> Option<Ended> {
    let variables = match attempt::resolved(shared, Variables::new(job.variables.clone())).await {
        Ok(variables) => variables,
        Err(message) => return Some(attempt::hopeless(started, shared, job, message)),
    };
    let directory = shared.workspace.directory();
    let attempt = Attempt::new(shared, job.clone(), variables, &directory, handle);
    if job.children.is_empty() {
        attempt.run().await
    } else {
        group::run(&attempt).await
    }
}
