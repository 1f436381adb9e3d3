//! `flowmill docs`: writes the files that are generated from the code, or checks that they are as they should be.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use crate::config::Config;
use crate::console;
use crate::exit::Exit;

/// Write the files that are generated from the code: references, schemas, the OpenAPI document.
#[derive(Args)]
pub(crate) struct Docs {
    /// Write nothing; fail if a file is not as it would be written.
    #[arg(long)]
    check: bool,
    /// The root of the repository.
    #[arg(long, default_value = ".")]
    root: PathBuf,
}

/// A generated file.
struct Generated {
    /// Below the root of the repository.
    path: &'static str,
    content: String,
}

impl Docs {
    pub(crate) fn execute(self) -> anyhow::Result<Exit> {
        let mut stale = 0;
        for file in generate()? {
            let path = self.root.join(file.path);
            if std::fs::read_to_string(&path).is_ok_and(|present| present == file.content) {
                continue;
            }
            stale += 1;
            if self.check {
                console::note(format!(
                    "{} is not as the code says: run `make generate`",
                    file.path
                ));
            } else {
                write(&path, &file.content)?;
                console::line(format!("wrote {}", file.path));
            }
        }
        Ok(if self.check && stale > 0 {
            Exit::Failed
        } else {
            Exit::Success
        })
    }
}

fn generate() -> anyhow::Result<Vec<Generated>> {
    Ok(vec![Generated {
        path: "docs/configuration.md",
        content: Config::reference(),
    }])
}

fn write(path: &Path, content: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot create `{}`", folder.display()))?;
    }
    std::fs::write(path, content).with_context(|| format!("cannot write `{}`", path.display()))
}
