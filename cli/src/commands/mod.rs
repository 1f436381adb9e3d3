//! The commands of the binary, one file each.

mod docs;
mod eval;
mod run;
mod server;
mod validate;

use std::process::ExitCode;

use clap::Subcommand;

/// What flowmill can be asked to do.
#[derive(Subcommand)]
pub(crate) enum Command {
    Run(run::Run),
    Server(server::Server),
    Validate(validate::Validate),
    Eval(eval::Eval),
    Bench(crate::bench::Bench),
    /// The process of the DuckDB tasks
    #[command(hide = true)]
    DuckdbChild,
    #[command(hide = true)]
    Docs(docs::Docs),
}

impl Command {
    /// Does it.
    pub(crate) fn execute(self) -> anyhow::Result<ExitCode> {
        let exit = match self {
            Self::Run(command) => command.execute(),
            Self::Server(command) => command.execute(),
            Self::Validate(command) => command.execute(),
            Self::Eval(command) => command.execute(),
            Self::Bench(command) => command.execute(),
            Self::DuckdbChild => return Ok(flowmill_duckdb::child_main()),
            Self::Docs(command) => command.execute(),
        };
        exit.map(ExitCode::from)
    }
}
