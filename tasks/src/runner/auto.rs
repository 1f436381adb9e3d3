//! A container where there is a daemon, a process where there is none.

use async_trait::async_trait;
use flowmill_common::log::Level;
use tokio::sync::OnceCell;

use super::{CommandSpec, Docker, Exit, LineSink, Place, Process, Runner, RunnerError};
use crate::context::RunContext;

/// Decides once for each task run.
#[derive(Debug)]
pub struct Auto {
    docker: Docker,
    place: OnceCell<Place>,
}

impl Auto {
    /// With what is used if a daemon answers.
    pub fn new(docker: Docker) -> Self {
        Self {
            docker,
            place: OnceCell::new(),
        }
    }

    async fn decide(&self, context: &RunContext) -> Place {
        if self.docker.answers(context).await {
            return Place::Container;
        }
        let warning = "no Docker daemon answers: the task runs as a process of the worker, its `containerImage` is ignored \
                       (`taskRunner` says it for one task, `tasks.runner.default: process` for all)";
        context.log(Level::Warn, warning);
        Place::Here
    }
}

#[async_trait]
impl Runner for Auto {
    async fn run(
        &self,
        context: &RunContext,
        command: CommandSpec,
        lines: &mut dyn LineSink,
    ) -> Result<Exit, RunnerError> {
        match self.place(context).await {
            Place::Container => self.docker.run(context, command, lines).await,
            Place::Here => Process.run(context, command, lines).await,
        }
    }

    async fn place(&self, context: &RunContext) -> Place {
        *self.place.get_or_init(|| self.decide(context)).await
    }
}
