//! `io.kestra.core.tasks.scripts.Node`

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Dialect;
use super::model::Steps;
use crate::context::RunContext;
use crate::property::Property;
use crate::task::TaskError;

/// Run a Node.js script, in the form of Kestra's first years.
///
/// The script is `main.js` in `inputFiles`; the packages of a `package.json` beside it are installed before.
/// Deprecated: use `io.kestra.plugin.scripts.node.Script`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Node {
    /// The program that runs the script.
    #[serde(default)]
    node_path: Option<Property<String>>,
    /// The program that installs packages.
    #[serde(default)]
    npm_path: Option<Property<String>>,
    /// The arguments of the script.
    #[serde(default)]
    args: Option<Property<Vec<String>>>,
}

#[async_trait]
impl Dialect for Node {
    const TYPE: &'static str = "io.kestra.core.tasks.scripts.Node";
    const EXAMPLE: &'static str = "\
id: legacy_node
namespace: company.team

tasks:
  - id: node
    type: io.kestra.core.tasks.scripts.Node
    inputFiles:
      main.js: |
        const Kestra = require('./kestra');
        Kestra.outputs({answer: 42});
";

    async fn steps(&self, context: &RunContext) -> Result<Steps, TaskError> {
        let node = Property::render_optional(self.node_path.as_ref(), context).await?;
        let npm = Property::render_optional(self.npm_path.as_ref(), context).await?;
        let arguments = Property::render_optional(self.args.as_ref(), context)
            .await?
            .unwrap_or_default();
        let arguments: String = arguments.iter().map(|one| format!(" {one}")).collect();
        let mut commands = Vec::new();
        if context.working_directory.join("package.json").is_file() {
            commands.push(format!(
                "{} install --silent",
                npm.as_deref().unwrap_or("npm")
            ));
        }
        commands.push(format!(
            "{} main.js{arguments}",
            node.as_deref().unwrap_or("node")
        ));
        Ok(Steps {
            files: vec![("kestra.js", HELPER)],
            required: Some("main.js"),
            commands,
        })
    }
}

/// What scripts of that time require to put out variables and metrics.
const HELPER: &str = r#"function send(message) {
    process.stdout.write('::' + JSON.stringify(message) + '::\n');
}

function metric(name, type, value, tags) {
    send({metrics: [{name, type, value, tags: tags || {}}]});
}

module.exports = {
    outputs: (values) => send({outputs: values}),
    counter: (name, value, tags) => metric(name, 'counter', value, tags),
    timer: (name, duration, tags) => {
        if (typeof duration !== 'function') {
            return metric(name, 'timer', duration, tags);
        }
        const started = Date.now();
        duration(() => metric(name, 'timer', (Date.now() - started) / 1000, tags));
    },
};
"#;
