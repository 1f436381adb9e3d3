//! `io.kestra.plugin.scripts.shell.Script` and `.Commands`

use schemars::JsonSchema;
use serde::Deserialize;

use super::language::{Facts, Language, ScriptForm};

#[derive(Deserialize, JsonSchema)]
pub(super) struct Shell {}

impl Language for Shell {
    const FACTS: Facts = Facts {
        script: ScriptForm::Inline,
        examples: [SCRIPT, COMMANDS],
        ..Facts::new(
            "shell",
            [
                "io.kestra.plugin.scripts.shell.Script",
                "io.kestra.plugin.scripts.shell.Commands",
            ],
            "ubuntu",
            ".sh",
        )
    };

    fn command(&self, file: &str, _: &str) -> String {
        format!("/bin/sh {file}")
    }
}

const SCRIPT: &str = "\
id: shell_script
namespace: company.team

tasks:
  - id: count
    type: io.kestra.plugin.scripts.shell.Script
    taskRunner:
      type: io.kestra.plugin.core.runner.Process
    outputFiles:
      - files.txt
    script: |
      ls -1 / > files.txt
      echo '::{\"outputs\":{\"files\":'$(wc -l < files.txt)'}}::'

  - id: report
    type: io.kestra.plugin.core.log.Log
    message: \"{{ outputs.count.vars.files }} files, listed in {{ outputs.count.outputFiles['files.txt'] }}\"
";

const COMMANDS: &str = "\
id: shell_commands
namespace: company.team

tasks:
  - id: greet
    type: io.kestra.plugin.scripts.shell.Commands
    taskRunner:
      type: io.kestra.plugin.core.runner.Process
    inputFiles:
      name.txt: world
    env:
      GREETING: Hello
    commands:
      - cat name.txt
      - echo \"$GREETING $(cat name.txt) from $WORKING_DIR\"
";
