//! The commands of the binary, one file each.

mod docs;

use clap::Subcommand;

use crate::exit::Exit;

/// What flowmill can be asked to do.
#[derive(Subcommand)]
pub(crate) enum Command {
    Bench(crate::bench::Bench),
    #[command(hide = true)]
    Docs(docs::Docs),
}

impl Command {
    /// Does it.
    pub(crate) fn execute(self) -> anyhow::Result<Exit> {
        match self {
            Self::Bench(command) => command.execute(),
            Self::Docs(command) => command.execute(),
        }
    }
}
