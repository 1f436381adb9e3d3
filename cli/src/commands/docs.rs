//! `flowmill docs`: writes the files that are generated from the code, or checks that they are as they should be.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use axum::http::Method;
use clap::Args;
use serde_json::Value;

use crate::assemble::{self, Foundation, LocalApi};
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
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let mut stale = 0;
        for file in runtime.block_on(generate())? {
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

async fn generate() -> anyhow::Result<Vec<Generated>> {
    // what the API says of tasks is what the references say; it wants a store, though nothing is kept
    let scratch = tempfile::tempdir().context("no temporary folder can be made")?;
    let config = Config::default();
    let foundation = Foundation::open(&config, scratch.path()).await?;
    let api = LocalApi::new(assemble::api(&foundation, &config, None));
    let schema = get(&api, "/api/v1/plugins/schemas/flow").await?;
    let tasks = tasks(&api, &schema).await?;
    drop(api);
    foundation.close().await;
    Ok(vec![
        Generated {
            path: "docs/configuration.md",
            content: Config::reference(),
        },
        Generated {
            path: "docs/expressions.md",
            content: flowmill_expression::reference_markdown(),
        },
        Generated {
            path: "docs/openapi.json",
            content: flowmill_api::openapi_json().to_owned(),
        },
        Generated {
            path: "docs/flow.schema.json",
            content: format!("{}\n", serde_json::to_string_pretty(&schema)?),
        },
        Generated {
            path: "docs/tasks.md",
            content: tasks,
        },
    ])
}

/// The page of all task types.
async fn tasks(api: &LocalApi, schema: &Value) -> anyhow::Result<String> {
    const TASK: &str = "/definitions/io.kestra.core.models.tasks.Task/anyOf";
    let references = schema
        .pointer(TASK)
        .and_then(Value::as_array)
        .context("the schema has no tasks")?;
    let mut page = "# Tasks\n\n<!-- Written by `make generate` from the code; edit the documentation of the types there. -->\n".to_owned();
    for reference in references {
        let reference = reference["$ref"].as_str().unwrap_or_default();
        let name = reference.rsplit('/').next().unwrap_or_default();
        let described = get(api, &format!("/api/v1/plugins/{name}")).await?;
        let markdown = described["markdown"]
            .as_str()
            .with_context(|| format!("`{name}` has no documentation"))?;
        page.push_str(&lowered(without_front_matter(markdown)));
    }
    Ok(page)
}

async fn get(api: &LocalApi, path: &str) -> anyhow::Result<Value> {
    let answer = api.call(Method::GET, path, None).await?;
    if !answer.is_success() {
        bail!("`{path}` is refused: {}", answer.messages().join("; "));
    }
    answer.json()
}

/// Markdown without the lines between `---` at its beginning.
fn without_front_matter(markdown: &str) -> &str {
    let rest = markdown
        .strip_prefix("---\n")
        .and_then(|rest| rest.split_once("\n---\n"));
    rest.map_or(markdown, |(_, rest)| rest)
}

/// Markdown with each heading one level lower; what stands in code is no heading.
fn lowered(markdown: &str) -> String {
    let mut in_code = false;
    let mut text = String::with_capacity(markdown.len() + 64);
    for line in markdown.lines() {
        in_code ^= line.trim_start().starts_with("```");
        if !in_code && line.starts_with('#') {
            text.push('#');
        }
        text.push_str(line);
        text.push('\n');
    }
    text
}

fn write(path: &Path, content: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot create `{}`", folder.display()))?;
    }
    std::fs::write(path, content).with_context(|| format!("cannot write `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_lowered_outside_of_code() {
        let page = "---\ntitle: x\n---\n# A\n```sh\n# b\n```\n## C\n";
        assert_eq!(
            lowered(without_front_matter(page)),
            "## A\n```sh\n# b\n```\n### C\n"
        );
    }
}
