//! `io.kestra.plugin.scripts.python.Script` and `.Commands`

use async_trait::async_trait;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::Value;

use super::language::{Facts, Language, ScriptForm, Setup};
use super::python_dependencies as dependencies;
use crate::context::RunContext;
use crate::property::{Coerce, Property, by_name};
use crate::runner::{Place, process};
use crate::task::TaskError;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Python {
    /// Packages that the script needs, as in a requirements file: `polars`, `requests>=2.32`. They are installed before it runs and
    /// kept for the next run with the same list.
    #[serde(default)]
    dependencies: Option<Property<Vec<String>>>,
    /// The version of Python that a process uses: `3.12`. A container has the one of its image.
    #[serde(default)]
    python_version: Option<Property<String>>,
    /// Whether installed dependencies are kept for the next run. True by default.
    #[serde(default)]
    dependency_cache_enabled: Option<Property<bool>>,
    /// What installs the dependencies: `UV` where there is one, else pip.
    #[serde(default)]
    package_manager: Option<Property<PackageManager>>,
    /// Ignored: uv is used where it is installed.
    #[serde(default)]
    #[schemars(with = "Option<bool>")]
    #[allow(dead_code, reason = "read so that it is a known property")]
    uv_auto_install_enabled: Option<Value>,
    /// Ignored: uv is used where it is installed.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    #[allow(dead_code, reason = "read so that it is a known property")]
    uv_installer_version: Option<Value>,
    /// Ignored: uv is used where it is installed.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    #[allow(dead_code, reason = "read so that it is a known property")]
    uv_installer_sha256: Option<Value>,
}

/// What installs packages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum PackageManager {
    /// uv, or pip where there is no uv.
    #[default]
    Uv,
    /// pip.
    Pip,
}

impl Coerce for PackageManager {
    fn coerce(value: Value) -> Result<Self, String> {
        by_name(value)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        Self::json_schema(generator)
    }
}

/// Rendered JSON can be pasted into a script: its words are Python's then. Tracebacks count these lines, as in Kestra.
const PRELUDE: &str = "true = True\nfalse = False\nnull = None\n";

#[async_trait]
impl Language for Python {
    const FACTS: Facts = Facts {
        environment: &[
            ("PYTHONUNBUFFERED", "true"),
            ("PIP_ROOT_USER_ACTION", "ignore"),
            ("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
        ],
        script: ScriptForm::File {
            ending: ".py",
            prelude: PRELUDE,
        },
        examples: [SCRIPT, COMMANDS],
        ..Facts::new(
            "Python",
            [
                "io.kestra.plugin.scripts.python.Script",
                "io.kestra.plugin.scripts.python.Commands",
            ],
            "python:3.13-slim",
            ".py",
        )
    };

    /// A bare name: a virtual environment that `beforeCommands` activate comes first in `PATH`.
    fn command(&self, file: &str, program: &str) -> String {
        format!("{program} {file}")
    }

    async fn prepare(&self, setup: &mut Setup<'_>) -> Result<(), TaskError> {
        *setup.program = match setup.place {
            Place::Container => "python".to_owned(),
            Place::Here => self.program(setup).await?,
        };
        let wanted = Property::render_optional(self.dependencies.as_ref(), setup.context)
            .await?
            .unwrap_or_default();
        if wanted.is_empty() {
            return Ok(());
        }
        let manager = Property::render_optional(self.package_manager.as_ref(), setup.context)
            .await?
            .unwrap_or_default();
        let is_kept = self.keeps(setup.context).await?;
        dependencies::provide(setup, &wanted, manager, is_kept).await
    }

    async fn succeeded(&self, context: &RunContext, place: Place, image: &str) {
        if place == Place::Here {
            return;
        }
        let wanted = Property::render_optional(self.dependencies.as_ref(), context).await;
        if let (Ok(Some(wanted)), Ok(true)) = (wanted, self.keeps(context).await) {
            dependencies::keep_from_container(context, image, &wanted).await;
        }
    }
}

impl Python {
    /// `python3.12` where that version is asked for, then `python3`, then `python`: the first that there is.
    async fn program(&self, setup: &Setup<'_>) -> Result<String, TaskError> {
        let version =
            Property::render_optional(self.python_version.as_ref(), setup.context).await?;
        let exact = version
            .as_deref()
            .map(|version| format!("python{}", two_parts(version)));
        let names = exact
            .into_iter()
            .chain(["python3".to_owned(), "python".to_owned()]);
        let found = names
            .into_iter()
            .find(|name| process::has_program(setup.context, setup.environment, name));
        // Without any, the shell's own message says what is missing.
        Ok(found.unwrap_or_else(|| "python3".to_owned()))
    }

    async fn keeps(&self, context: &RunContext) -> Result<bool, TaskError> {
        Ok(
            Property::render_optional(self.dependency_cache_enabled.as_ref(), context)
                .await?
                .unwrap_or(true),
        )
    }
}

/// Programs are named by the first two parts: `python3.12` for `3.12.4`.
fn two_parts(version: &str) -> String {
    version
        .trim()
        .split('.')
        .take(2)
        .collect::<Vec<_>>()
        .join(".")
}

const SCRIPT: &str = "\
id: python_script
namespace: company.team

tasks:
  - id: average
    type: io.kestra.plugin.scripts.python.Script
    taskRunner:
      type: io.kestra.plugin.core.runner.Process
    outputFiles:
      - result.csv
    script: |
      import csv, json
      prices = [9.5, 12.25, 3.0]
      average = sum(prices) / len(prices)
      with open('result.csv', 'w', newline='') as file:
          csv.writer(file).writerows([['average'], [average]])
      print('::' + json.dumps({'outputs': {'average': average}}) + '::')

  - id: report
    type: io.kestra.plugin.core.log.Log
    message: \"The average is {{ outputs.average.vars.average }}\"
";

const COMMANDS: &str = "\
id: python_commands
namespace: company.team

tasks:
  - id: run
    type: io.kestra.plugin.scripts.python.Commands
    taskRunner:
      type: io.kestra.plugin.core.runner.Process
    inputFiles:
      main.py: |
        import platform
        print('running on Python ' + platform.python_version())
    commands:
      - python3 main.py
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_named_by_the_first_two_parts_of_a_version() {
        assert_eq!(
            [two_parts("3.12.4"), two_parts(" 3.12 "), two_parts("3")],
            ["3.12", "3.12", "3"]
        );
    }
}
