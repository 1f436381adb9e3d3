//! The life of one container.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use bollard::Docker as Client;
use bollard::container::LogOutput;
use bollard::errors::Error as ClientError;
use bollard::query_parameters::{
    AttachContainerOptions, CreateContainerOptions, DownloadFromContainerOptions,
    InspectContainerOptions, KillContainerOptions, ListContainersOptions, LogsOptions,
    RemoveContainerOptions, StartContainerOptions, StopContainerOptions, UploadToContainerOptions,
    WaitContainerOptions,
};
use flowmill_common::log::Level;
use futures::StreamExt;
use futures::stream::BoxStream;
use serde_json::Map;
use tracing::warn;

use super::archive::{self, Owner};
use super::error::{Error, words};
use super::labels;
use super::options::FileHandling;
use super::request::Request;
use crate::context::RunContext;
use crate::runner::{CommandSpec, Exit, Files, LineSink, Splitter, Stream};

/// A container that runs. Dropped before its end was seen, it is killed and removed in the background.
pub(super) struct Container {
    client: Client,
    id: String,
    /// What the container writes; none: it is not waited for.
    output: Option<BoxStream<'static, Result<LogOutput, ClientError>>>,
    /// Where the container's files come back from; none: there are none to fetch.
    files: Option<PathBuf>,
    is_deleted: bool,
    kill_grace: Duration,
    /// Nothing is left to be done when it is dropped.
    is_settled: bool,
}

impl Container {
    /// Makes the container, puts the files in, starts it.
    pub(super) async fn start(
        client: Client,
        context: &RunContext,
        request: Request,
        command: &CommandSpec,
    ) -> Result<Self, Error> {
        let user = user(&client, &request).await?;
        let copies = request.file_handling == FileHandling::Volume;
        let files =
            (copies && command.files == Files::Exchange).then(|| command.working_directory.clone());
        // By itself, to its end: a container that is made while the task is stopped is known, and removed.
        let created = tokio::spawn(Self::create(client, request, files)).await;
        let (mut container, is_awaited, warnings) = created.map_err(|error| Error::Refused {
            doing: "create the container",
            reason: error.to_string(),
        })??;
        for warning in warnings {
            context.log(Level::Warn, warning);
        }
        let begun = container
            .begin(command, Owner::of(&user), copies, is_awaited)
            .await;
        if let Err(error) = begun {
            container.remove(context).await;
            return Err(error);
        }
        Ok(container)
    }

    async fn begin(
        &mut self,
        command: &CommandSpec,
        owner: Owner,
        copies: bool,
        is_awaited: bool,
    ) -> Result<(), Error> {
        // Docker makes the folder as root's: another user gets it from here, files or not.
        if copies && (command.files == Files::Exchange || owner != Owner::Root) {
            self.upload(command, owner).await?;
        }
        if is_awaited {
            self.attach().await?;
        }
        let started = self
            .client
            .start_container(&self.id, None::<StartContainerOptions>)
            .await;
        started.map_err(Error::refused("start the container"))
    }

    async fn create(
        client: Client,
        request: Request,
        files: Option<PathBuf>,
    ) -> Result<(Self, bool, Vec<String>), Error> {
        let created = client
            .create_container(None::<CreateContainerOptions>, request.body)
            .await;
        let created = created.map_err(Error::refused("create the container"))?;
        let container = Self {
            client,
            id: created.id,
            output: None,
            files,
            is_deleted: request.is_deleted,
            kill_grace: request.kill_grace,
            is_settled: false,
        };
        Ok((container, request.is_awaited, created.warnings))
    }

    /// A container that another worker has started for the same attempt: its output is heard from the beginning.
    pub(super) async fn resume(
        client: &Client,
        context: &RunContext,
        request: &Request,
    ) -> Result<Option<Self>, Error> {
        let filters = HashMap::from([("label".to_owned(), labels::of_attempt(&context.job))]);
        let options = ListContainersOptions {
            all: true,
            filters: Some(filters),
            ..ListContainersOptions::default()
        };
        let found = client
            .list_containers(Some(options))
            .await
            .map_err(Error::refused("look for a container"))?;
        let Some(id) = found.into_iter().next().and_then(|found| found.id) else {
            return Ok(None);
        };
        let inspected = client
            .inspect_container(&id, None::<InspectContainerOptions>)
            .await;
        let inspected = inspected.map_err(Error::refused("look at a container"))?;
        let mut container = Self {
            client: client.clone(),
            id,
            output: None,
            files: None,
            is_deleted: true,
            kill_grace: request.kill_grace,
            is_settled: false,
        };
        let was_started = inspected
            .state
            .and_then(|state| state.started_at)
            .is_some_and(|at| !at.starts_with("0001"));
        if !was_started {
            // Its worker was lost before the start: whether its files are complete is not known.
            container.remove(context).await;
            return Ok(None);
        }
        context.log(
            Level::Info,
            format!(
                "Resuming the container {} that a lost worker has started",
                container.id
            ),
        );
        container.is_deleted = request.is_deleted;
        if request.file_handling == FileHandling::Volume {
            container.files = inspected
                .config
                .and_then(|config| config.working_dir)
                .map(PathBuf::from);
        }
        if request.is_awaited {
            let options = LogsOptions {
                follow: true,
                stdout: true,
                stderr: true,
                tail: "all".into(),
                ..LogsOptions::default()
            };
            container.output = Some(container.client.logs(&container.id, Some(options)).boxed());
        }
        Ok(Some(container))
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Hands over its lines until it ends, then fetches its files. One that is not waited for has ended with 0 at once.
    pub(super) async fn follow(
        &mut self,
        context: &RunContext,
        command: &CommandSpec,
        lines: &mut dyn LineSink,
    ) -> Result<Exit, Error> {
        let details = Map::from_iter([("containerId".to_owned(), self.id.clone().into())]);
        let Some(mut output) = self.output.take() else {
            self.is_settled = true;
            return Ok(Exit { code: 0, details });
        };
        let longest = context.config.scripts.maximum_line_bytes;
        let (mut out, mut err) = (
            Splitter::new(Stream::Out, longest),
            Splitter::new(Stream::Err, longest),
        );
        while let Some(chunk) = output.next().await {
            match chunk.map_err(Error::refused("read the output of the container"))? {
                LogOutput::StdErr { message } => err.push(&message, lines),
                LogOutput::StdOut { message } | LogOutput::Console { message } => {
                    out.push(&message, lines)
                }
                LogOutput::StdIn { .. } => {}
            }
        }
        out.finish(lines);
        err.finish(lines);
        let code = self.wait().await?;
        if code == 137 && self.was_out_of_memory().await {
            context.log(Level::Error, "the container was out of memory: Docker has killed it (`memory.memory` is its limit)");
        }
        self.fetch(command).await?;
        Ok(Exit { code, details })
    }

    /// Ends it within its grace period, and removes it.
    pub(super) async fn stop(&mut self, context: &RunContext) {
        let stopped = match self.kill_grace {
            Duration::ZERO => {
                self.client
                    .kill_container(
                        &self.id,
                        Some(KillContainerOptions {
                            signal: "SIGKILL".into(),
                        }),
                    )
                    .await
            }
            grace => {
                let seconds = i32::try_from(grace.as_secs().max(1)).unwrap_or(i32::MAX);
                let options = StopContainerOptions {
                    t: Some(seconds),
                    ..StopContainerOptions::default()
                };
                self.client.stop_container(&self.id, Some(options)).await
            }
        };
        if let Err(error) = stopped
            && !matches!(
                error,
                ClientError::DockerResponseServerError {
                    status_code: 304 | 404 | 409,
                    ..
                }
            )
        {
            context.log(
                Level::Error,
                format!(
                    "the container {} cannot be stopped: {}",
                    self.id,
                    words(&error)
                ),
            );
        }
        self.remove(context).await;
    }

    /// Removes it, unless it is to be kept.
    pub(super) async fn remove(&mut self, context: &RunContext) {
        if !self.is_settled && self.is_deleted {
            let options = RemoveContainerOptions {
                force: true,
                v: true,
                ..RemoveContainerOptions::default()
            };
            if let Err(error) = self.client.remove_container(&self.id, Some(options)).await
                && !matches!(
                    error,
                    ClientError::DockerResponseServerError {
                        status_code: 404 | 409,
                        ..
                    }
                )
            {
                context.log(
                    Level::Warn,
                    format!(
                        "the container {} cannot be removed: {}",
                        self.id,
                        words(&error)
                    ),
                );
            }
        }
        self.is_settled = true;
    }

    async fn upload(&mut self, command: &CommandSpec, owner: Owner) -> Result<(), Error> {
        let options = UploadToContainerOptions {
            path: "/".into(),
            ..UploadToContainerOptions::default()
        };
        let files = archive::pack(command.working_directory.clone(), owner);
        let uploaded = self
            .client
            .upload_to_container(&self.id, Some(options), bollard::body_try_stream(files))
            .await;
        uploaded.map_err(|error| Error::Files {
            direction: "copied into",
            reason: words(&error),
        })
    }

    async fn fetch(&mut self, command: &CommandSpec) -> Result<(), Error> {
        let Some(there) = &self.files else {
            return Ok(());
        };
        let options = DownloadFromContainerOptions {
            path: there.to_string_lossy().into_owned(),
        };
        let files = self
            .client
            .download_from_container(&self.id, Some(options))
            .boxed();
        let fetched = archive::unpack(files, command.working_directory.clone()).await;
        fetched.map_err(|error| Error::Files {
            direction: "fetched from",
            reason: error.to_string(),
        })
    }

    /// Attached before the start, so that the first line is heard whatever the daemon does with logs.
    async fn attach(&mut self) -> Result<(), Error> {
        let options = AttachContainerOptions {
            stream: true,
            stdout: true,
            stderr: true,
            ..AttachContainerOptions::default()
        };
        let attached = self.client.attach_container(&self.id, Some(options)).await;
        self.output = Some(
            attached
                .map_err(Error::refused("attach to the container"))?
                .output,
        );
        Ok(())
    }

    async fn wait(&mut self) -> Result<i32, Error> {
        let options = WaitContainerOptions {
            condition: "not-running".into(),
        };
        let code = match self
            .client
            .wait_container(&self.id, Some(options))
            .next()
            .await
        {
            Some(Ok(ended)) => ended.status_code,
            Some(Err(ClientError::DockerContainerWaitError { code, .. })) => code,
            Some(Err(error)) => return Err(Error::refused("wait for the container")(error)),
            None => {
                return Err(Error::Refused {
                    doing: "wait for the container",
                    reason: "the connection was closed".into(),
                });
            }
        };
        Ok(i32::try_from(code).unwrap_or(i32::MAX))
    }

    async fn was_out_of_memory(&mut self) -> bool {
        let inspected = self
            .client
            .inspect_container(&self.id, None::<InspectContainerOptions>)
            .await;
        inspected.is_ok_and(|found| found.state.and_then(|state| state.oom_killed) == Some(true))
    }
}

/// The user that the container runs as: the one that is asked for, else the image's own.
async fn user(client: &Client, request: &Request) -> Result<String, Error> {
    if let Some(user) = &request.body.user {
        return Ok(user.clone());
    }
    let image = client
        .inspect_image(&request.image)
        .await
        .map_err(Error::refused("look at the image"))?;
    Ok(image
        .config
        .and_then(|config| config.user)
        .unwrap_or_default())
}

impl Drop for Container {
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        if self.is_settled {
            return;
        }
        let (client, id, is_deleted) = (
            self.client.clone(),
            std::mem::take(&mut self.id),
            self.is_deleted,
        );
        runtime.spawn(async move {
            let ended = match is_deleted {
                true => {
                    let options = RemoveContainerOptions {
                        force: true,
                        v: true,
                        ..RemoveContainerOptions::default()
                    };
                    client.remove_container(&id, Some(options)).await
                }
                false => {
                    client
                        .kill_container(
                            &id,
                            Some(KillContainerOptions {
                                signal: "SIGKILL".into(),
                            }),
                        )
                        .await
                }
            };
            if let Err(error) = ended {
                warn!(
                    container = id,
                    error = words(&error),
                    "a container of a dropped task cannot be removed"
                );
            }
        });
    }
}
