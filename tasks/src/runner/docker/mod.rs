//! Runs commands in containers, through the API of a Docker daemon.

mod archive;
mod config;
mod connect;
mod container;
mod error;
mod image;
mod labels;
mod options;
mod request;

use async_trait::async_trait;
use flowmill_common::log::Level;

pub use self::config::Config;
use self::container::Container;
pub use self::error::Error;
pub use self::options::{
    Cpu, Credentials, DeviceRequest, FileHandling, Memory, Options, PullPolicy,
};
use self::request::Request;
use super::{CommandSpec, Exit, LineSink, Place, Runner, RunnerError};
use crate::context::RunContext;

/// The runner `io.kestra.plugin.scripts.runner.docker.Docker`: a container for each command, removed at its end.
#[derive(Clone, Debug, Default)]
pub struct Docker {
    options: Options,
    flavour: Flavour,
}

/// Where the options were written: their defaults differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Flavour {
    /// In `taskRunner`.
    #[default]
    TaskRunner,
    /// In the older block `docker`.
    Legacy,
}

impl Docker {
    /// With the options of a `taskRunner`.
    pub fn new(options: Options) -> Self {
        Self {
            options,
            flavour: Flavour::TaskRunner,
        }
    }

    /// With the options of a `docker` block, where the image keeps its entry point.
    pub fn legacy(options: Options) -> Self {
        Self {
            options,
            flavour: Flavour::Legacy,
        }
    }

    /// Whether a daemon answers where the options or the worker's settings say.
    pub async fn answers(&self, context: &RunContext) -> bool {
        match request::optional(context, self.options.host.as_ref()).await {
            Ok(host) => connect::answers(&context.config.docker, host).await,
            // The run itself says what is wrong with it.
            Err(_) => true,
        }
    }

    /// Everything up to the container's start; dropped anywhere, it leaves no container.
    async fn start(&self, context: &RunContext, command: &CommandSpec) -> Result<Container, Error> {
        let host = request::optional(context, self.options.host.as_ref()).await?;
        let client = connect::connect(&context.config.docker, host).await?;
        let request = Request::new(context, &self.options, self.flavour, command).await?;
        if request.is_resumed
            && let Some(container) = Container::resume(&client, context, &request).await?
        {
            return Ok(container);
        }
        image::provide(
            &client,
            context,
            &request.image,
            request.pull_policy,
            request.credentials.clone(),
        )
        .await?;
        Container::start(client, context, request, command).await
    }
}

#[async_trait]
impl Runner for Docker {
    async fn run(
        &self,
        context: &RunContext,
        command: CommandSpec,
        lines: &mut dyn LineSink,
    ) -> Result<Exit, RunnerError> {
        if command.command.is_empty() {
            return Err(RunnerError::Empty);
        }
        let mut container = tokio::select! {
            started = self.start(context, &command) => started?,
            () = context.cancelled.cancelled() => return Err(RunnerError::Killed),
        };
        let shown = command.shown();
        context.log(
            Level::Debug,
            format!(
                "Starting command with container id {} [{shown}]",
                container.id()
            ),
        );
        let ended = tokio::select! {
            ended = container.follow(context, &command, lines) => ended,
            () = context.cancelled.cancelled() => {
                context.log(Level::Warn, "stopping the container");
                container.stop(context).await;
                return Err(RunnerError::Killed);
            }
        };
        container.remove(context).await;
        let exit = ended?;
        context.log(
            Level::Debug,
            format!("Command ended with exit code {}", exit.code),
        );
        Ok(exit)
    }

    async fn place(&self, _: &RunContext) -> Place {
        Place::Container
    }
}
