//! `io.kestra.plugin.scripts.node.Script` and `.Commands`

use schemars::JsonSchema;
use serde::Deserialize;

use super::language::{Facts, Language};

#[derive(Deserialize, JsonSchema)]
pub(super) struct Node {}

impl Language for Node {
    const FACTS: Facts = Facts {
        examples: [SCRIPT, COMMANDS],
        ..Facts::new(
            "Node.js",
            [
                "io.kestra.plugin.scripts.node.Script",
                "io.kestra.plugin.scripts.node.Commands",
            ],
            "node",
            ".js",
        )
    };

    fn command(&self, file: &str, _: &str) -> String {
        format!("node {file}")
    }
}

const SCRIPT: &str = "\
id: node_script
namespace: company.team

tasks:
  - id: sum
    type: io.kestra.plugin.scripts.node.Script
    taskRunner:
      type: io.kestra.plugin.core.runner.Process
    script: |
      const sum = [1, 2, 3].reduce((a, b) => a + b);
      console.log(`::${JSON.stringify({outputs: {sum}})}::`);
";

const COMMANDS: &str = "\
id: node_commands
namespace: company.team

tasks:
  - id: run
    type: io.kestra.plugin.scripts.node.Commands
    taskRunner:
      type: io.kestra.plugin.core.runner.Process
    inputFiles:
      main.js: |
        console.log('running on Node.js ' + process.version);
    commands:
      - node main.js
";
