//! `io.kestra.core.tasks.scripts.Python`

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Dialect;
use super::model::Steps;
use crate::context::RunContext;
use crate::property::Property;
use crate::task::TaskError;

/// Run a Python script, in the form of Kestra's first years.
///
/// The script is `main.py` in `inputFiles`; it runs in a virtual environment of its own.
/// Deprecated: use `io.kestra.plugin.scripts.python.Script`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Python {
    /// Whether a virtual environment is made. True by default.
    #[serde(default)]
    virtual_env: Option<Property<bool>>,
    /// The program that makes the environment, or runs the script without one.
    #[serde(default)]
    python_path: Option<Property<String>>,
    /// Packages to install into the environment.
    #[serde(default)]
    requirements: Option<Property<Vec<String>>>,
    /// The arguments of the script.
    #[serde(default)]
    args: Option<Property<Vec<String>>>,
    /// The commands, where they are not `./bin/python main.py`.
    #[serde(default)]
    commands: Option<Property<Vec<String>>>,
}

#[async_trait]
impl Dialect for Python {
    const TYPE: &'static str = "io.kestra.core.tasks.scripts.Python";
    const EXAMPLE: &'static str = "\
id: legacy_python
namespace: company.team

tasks:
  - id: python
    type: io.kestra.core.tasks.scripts.Python
    inputFiles:
      main.py: |
        from kestra import Kestra
        Kestra.outputs({'answer': 42})
";

    async fn steps(&self, context: &RunContext) -> Result<Steps, TaskError> {
        let python = Property::render_optional(self.python_path.as_ref(), context).await?;
        let python = python.unwrap_or_else(|| "python".to_owned());
        let is_virtual = Property::render_optional(self.virtual_env.as_ref(), context)
            .await?
            .unwrap_or(true);
        let mut commands = Vec::new();
        if is_virtual {
            commands.push(format!(
                "{python} -m venv --system-site-packages . > /dev/null"
            ));
        }
        let wanted = Property::render_optional(self.requirements.as_ref(), context)
            .await?
            .unwrap_or_default();
        if !wanted.is_empty() {
            let pip = if is_virtual { "./bin/python" } else { &python };
            let wanted = wanted
                .iter()
                .map(|one| quoted(one))
                .collect::<Vec<_>>()
                .join(" ");
            commands.push(format!(
                "{pip} -m pip install --quiet --disable-pip-version-check {wanted}"
            ));
        }
        let arguments = Property::render_optional(self.args.as_ref(), context)
            .await?
            .unwrap_or_default();
        let arguments: String = arguments.iter().map(|one| format!(" {one}")).collect();
        let own = Property::render_optional(self.commands.as_ref(), context).await?;
        let program = if is_virtual { "./bin/python" } else { &python };
        commands.extend(
            own.unwrap_or_else(|| vec![format!("{program} main.py")])
                .iter()
                .map(|one| format!("{one}{arguments}")),
        );
        Ok(Steps {
            files: vec![("kestra.py", HELPER)],
            required: Some("main.py"),
            commands,
        })
    }
}

/// One word of a shell, whatever it holds: `requests>=2` is no redirection.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// What scripts of that time import to put out variables and metrics.
const HELPER: &str = r#"import json
import time


class Kestra:
    @staticmethod
    def _send(message):
        print("::" + json.dumps(message) + "::", flush=True)

    @staticmethod
    def outputs(values):
        Kestra._send({"outputs": values})

    @staticmethod
    def counter(name, value, tags=None):
        Kestra._metric(name, "counter", value, tags)

    @staticmethod
    def timer(name, duration, tags=None):
        if callable(duration):
            started = time.time()
            duration()
            duration = time.time() - started
        Kestra._metric(name, "timer", duration, tags)

    @staticmethod
    def _metric(name, kind, value, tags):
        Kestra._send({"metrics": [{"name": name, "type": kind, "value": value, "tags": tags or {}}]})
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requirement_is_one_word_of_the_shell() {
        assert_eq!(quoted("requests>=2; it's"), r"'requests>=2; it'\''s'");
    }
}
