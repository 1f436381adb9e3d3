//! One attempt of one task: prepared, run with its limits, and what became of it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use flowmill_backends::repo::logs::Origin;
use flowmill_backends::repo::metrics::Measured;
use flowmill_common::execution::Outputs;
use flowmill_common::log::Level;
use flowmill_common::time::parse_duration;
use flowmill_common::{Job, StateType, Timestamp};
use flowmill_tasks::{Output, RunContext, Task, TaskError};
use futures::FutureExt;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::logs::{AttemptLog, Line};
use crate::outside::{AttemptWorld, State};
use crate::results::{self, now};
use crate::running::{Handle, StopReason};
use crate::variables::Variables;
use crate::worker::Shared;
use crate::workspace::WorkingDirectory;
use crate::{measure, storage};
use flowmill_common::secrets::Masker;

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ended {
    pub(crate) state: StateType,
    pub(crate) outputs: Outputs,
}

/// An attempt that is ready to run: its world, and the context that its task sees.
pub(crate) struct Attempt<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) handle: &'a Handle,
    pub(crate) world: Arc<AttemptWorld>,
    pub(crate) context: RunContext,
    /// The folder of the context.
    pub(crate) directory: &'a WorkingDirectory,
    /// Stops this task alone.
    stop: CancellationToken,
}

/// Why a task was stopped before it ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stopped {
    TimedOut(Duration),
    For(StopReason),
}

impl<'a> Attempt<'a> {
    /// An attempt of this job in this folder.
    pub(crate) fn new(
        shared: &'a Shared,
        job: Arc<Job>,
        variables: Variables,
        directory: &'a WorkingDirectory,
        handle: &'a Handle,
    ) -> Self {
        let masker = Arc::new(Masker::new(shared.parts.secrets.clone()));
        let (variables, secrets) = variables.decrypted(shared.parts.secrets.cipher());
        secrets.iter().for_each(|secret| masker.reveal(secret));
        let origin = Origin {
            execution: job.execution.clone(),
            namespace: job.namespace.clone(),
            flow_id: job.flow_id.clone(),
        };
        let line = Line {
            task_id: job.task_id.clone(),
            task_run: job.run.clone(),
            attempt: job.attempt,
            least: job.log_level,
        };
        let log = AttemptLog::new(
            shared.sink.clone(),
            Arc::new(origin),
            line,
            masker.clone(),
            shared.config.logs.clone(),
        );
        let world = Arc::new(AttemptWorld {
            folder: storage::run_folder(&job, &job.task_id, job.run.as_str()),
            job: job.clone(),
            variables,
            engine: shared.parts.engine.clone(),
            sources: shared.sources.clone(),
            log,
            masker,
            most_facts: shared.config.facts_per_attempt,
            state: std::sync::Mutex::new(State::default()),
        });
        let stop = handle.stop.child_token();
        let context = RunContext {
            job,
            config: shared.parts.tasks.clone(),
            working_directory: directory.path().to_owned(),
            cancelled: stop.clone(),
            outside: world.clone(),
            extra_variables: Arc::default(),
        };
        Self {
            shared,
            handle,
            world,
            context,
            directory,
            stop,
        }
    }

    /// Runs the task. None when it is handed back: another worker shall do it.
    pub(crate) async fn run(&self) -> Option<Ended> {
        let job = &self.context.job;
        tracing::debug!(execution = %job.execution, task = %job.task_id, run = %job.run, "task started");
        let began = std::time::Instant::now();
        let ended = match self.outcome().await {
            Ok(output) => Some((output.state.unwrap_or(StateType::Success), output.values)),
            Err(TaskError::Failed { message, outputs }) => {
                self.context.log(Level::Error, message);
                Some((StateType::Failed, outputs.unwrap_or_default()))
            }
            Err(TaskError::Timeout(timeout)) => {
                measure::timed_out();
                self.context.log(
                    Level::Error,
                    format!("Timeout after {}", hours_minutes_seconds(timeout)),
                );
                Some((StateType::Failed, Map::new()))
            }
            Err(TaskError::Killed) => match self.handle.reason() {
                Some(StopReason::HandedBack) => None,
                Some(StopReason::Killed) | None => Some((StateType::Killed, Map::new())),
            },
        };
        let ended = match ended {
            Some((state, values)) => Some(self.keep(state, values).await),
            None => None,
        };
        self.close(ended.as_ref().map(|ended| ended.state)).await;
        tracing::debug!(execution = %job.execution, task = %job.task_id, run = %job.run,
            state = ended.as_ref().map_or("HANDED_BACK", |ended| ended.state.name()), took = ?began.elapsed(), "task ended");
        ended
    }

    /// Puts outputs where they belong; outputs that cannot be kept fail the attempt.
    pub(crate) async fn keep(&self, state: StateType, values: Map<String, Value>) -> Ended {
        let Shared {
            parts,
            config,
            give_up,
            ..
        } = self.shared;
        let dispatch = self.context.job.dispatch;
        match results::outputs(
            &*parts.files,
            config,
            &self.world.folder,
            dispatch,
            values,
            give_up,
        )
        .await
        {
            Ok(outputs) => Ended { state, outputs },
            Err(message) => {
                self.context.log(Level::Error, message);
                Ended {
                    state: StateType::Failed,
                    outputs: Outputs::None,
                }
            }
        }
    }

    /// The end of its log and of its measurements.
    pub(crate) async fn close(&self, state: Option<StateType>) {
        self.world.log.finish();
        let metrics = self.world.metrics();
        let job = &self.context.job;
        if !metrics.is_empty() && state.is_some() {
            self.shared.sink.measured(Measured {
                execution: job.execution.clone(),
                namespace: job.namespace.clone(),
                flow_id: job.flow_id.clone(),
                task_id: job.task_id.clone(),
                task_run: job.run.clone(),
                attempt: job.attempt,
                at: now(),
                metrics,
            });
        }
        if state == Some(StateType::Failed) {
            // whoever handles the failure may ask for the error lines
            self.shared
                .sink
                .flush(self.shared.config.logs.failure_wait)
                .await;
        }
    }

    async fn outcome(&self) -> Result<Output, TaskError> {
        if let Some(reason) = self.handle.reason() {
            tracing::debug!(run = %self.context.job.run, ?reason, "stopped before it began");
            return Err(TaskError::Killed);
        }
        let job = &self.context.job;
        let task = (self
            .shared
            .parts
            .catalogue
            .task(&job.task_type, &job.properties))
        .map_err(|error| TaskError::failed(error.to_string()))?;
        if task.works_in_directory() {
            self.make_directory()?;
        }
        let timeout = self.timeout().await?;
        self.limited(&*task, timeout).await
    }

    /// Makes the folder that it works in, if it is not there yet.
    pub(crate) fn make_directory(&self) -> Result<(), TaskError> {
        self.directory.make().map_err(|error| {
            TaskError::failed(format!("no working directory could be made: {error}"))
        })
    }

    /// Runs the task within its limits.
    async fn limited(
        &self,
        task: &dyn Task,
        timeout: Option<Duration>,
    ) -> Result<Output, TaskError> {
        let (result, stopped) = self.until_stopped(task, timeout).await;
        match (stopped, result) {
            (None, Some(result)) => result,
            // what was finished is not done again elsewhere
            (Some(Stopped::For(StopReason::HandedBack)), Some(Ok(output))) => Ok(output),
            (Some(Stopped::TimedOut(timeout)), _) => Err(TaskError::Timeout(timeout)),
            (Some(Stopped::For(_)) | None, _) => Err(TaskError::Killed),
        }
    }

    async fn timeout(&self) -> Result<Option<Duration>, TaskError> {
        let Some(timeout) = &self.context.job.timeout else {
            return Ok(None);
        };
        let text = self.context.render(timeout).await?;
        if text.trim().is_empty() {
            return Ok(None);
        }
        let timeout =
            parse_duration(&text).map_err(|why| TaskError::failed(format!("`timeout`: {why}")))?;
        Ok(Some(timeout))
    }

    /// Runs the task until it ends, or is told to stop and had time to.
    async fn until_stopped(
        &self,
        task: &dyn Task,
        timeout: Option<Duration>,
    ) -> (Option<Result<Output, TaskError>>, Option<Stopped>) {
        let run = AssertUnwindSafe(task.run(&self.context)).catch_unwind();
        let mut run = std::pin::pin!(run);
        let expired = async {
            match timeout {
                Some(timeout) => {
                    tokio::time::sleep(timeout).await;
                    timeout
                }
                None => std::future::pending().await,
            }
        };
        let stopped = tokio::select! {
            result = &mut run => return (Some(result.unwrap_or_else(|panic| Err(panicked(&*panic)))), None),
            timeout = expired => Stopped::TimedOut(timeout),
            () = self.handle.stop.cancelled() => Stopped::For(self.handle.reason().unwrap_or(StopReason::Killed)),
        };
        self.stop.cancel();
        let grace = self.shared.config.stop_grace;
        let late = tokio::time::timeout(grace, run).await;
        if late.is_err() {
            self.context.log(
                Level::Warn,
                format!("the task did not stop within {grace:?} and was abandoned"),
            );
        }
        (
            late.ok()
                .map(|late| late.unwrap_or_else(|panic| Err(panicked(&*panic)))),
            Some(stopped),
        )
    }
}

/// The variables with outputs from files in their places.
pub(crate) async fn resolved(shared: &Shared, variables: Variables) -> Result<Variables, String> {
    let stored = variables.stored();
    if stored.is_empty() {
        return Ok(variables);
    }
    let mut contents = Map::new();
    for path in stored {
        let value = shared.sources.stored_json(&path).await?;
        contents.insert(path, value);
    }
    Ok(variables.resolved(&contents))
}

/// An attempt that could not even begin.
pub(crate) fn hopeless(started: Timestamp, shared: &Shared, job: &Job, message: String) -> Ended {
    tracing::error!(execution = %job.execution, task = %job.task_id, %message, at = %started, "a task could not be prepared");
    let origin = Origin {
        execution: job.execution.clone(),
        namespace: job.namespace.clone(),
        flow_id: job.flow_id.clone(),
    };
    let line = flowmill_common::log::LogLine {
        at: started,
        level: Level::Error,
        message,
        task_id: Some(job.task_id.clone()),
        task_run: Some(job.run.clone()),
        attempt: job.attempt,
    };
    shared.sink.push(&Arc::new(origin), line);
    Ended {
        state: StateType::Failed,
        outputs: Outputs::None,
    }
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> TaskError {
    let message = (panic.downcast_ref::<&str>().copied())
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    tracing::error!(%message, "a task panicked");
    TaskError::failed(format!("the task ended by a defect of flowmill: {message}"))
}

/// `00:01:03.500`, as Kestra writes a timeout.
fn hours_minutes_seconds(duration: Duration) -> String {
    let (seconds, milliseconds) = (duration.as_secs(), duration.subsec_millis());
    format!(
        "{:02}:{:02}:{:02}.{milliseconds:03}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::testing::{job, shared};

    struct Panics;

    #[async_trait]
    impl Task for Panics {
        async fn run(&self, _: &RunContext) -> Result<Output, TaskError> {
            panic!("oh no");
        }
    }

    /// Takes no notice of being told to stop.
    struct Stubborn;

    #[async_trait]
    impl Task for Stubborn {
        async fn run(&self, _: &RunContext) -> Result<Output, TaskError> {
            std::future::pending().await
        }
    }

    async fn run(task: &dyn Task, timeout: Option<Duration>) -> Result<Output, TaskError> {
        let directory = tempfile::tempdir().unwrap();
        let shared = shared(directory.path());
        let job = Arc::new(job(serde_json::json!({})));
        let handle = shared.running.begin(&job).unwrap();
        let variables = Variables::new(Arc::default());
        let folder = shared.workspace.directory();
        let attempt = Attempt::new(&shared, job, variables, &folder, &handle);
        attempt.limited(task, timeout).await
    }

    #[tokio::test]
    async fn a_panic_fails_the_task_and_nothing_else() {
        let failed = run(&Panics, None).await.unwrap_err();
        assert_eq!(
            failed.to_string(),
            "the task ended by a defect of flowmill: oh no"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_does_not_stop_is_abandoned_after_the_grace() {
        let timeout = Duration::from_secs(60);
        let start = tokio::time::Instant::now();
        assert_eq!(
            run(&Stubborn, Some(timeout)).await,
            Err(TaskError::Timeout(timeout))
        );
        assert_eq!(
            start.elapsed(),
            timeout + crate::Config::default().stop_grace
        );
    }

    #[test]
    fn a_timeout_is_written_as_kestra_writes_it() {
        assert_eq!(
            hours_minutes_seconds(Duration::from_millis(3_723_045)),
            "01:02:03.045"
        );
    }
}
