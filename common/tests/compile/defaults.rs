//! Plugin defaults.

use flowmill_common::compile::{Compiled, Options, PluginDefault, compile};
use flowmill_common::flow::Flow;
use flowmill_common::yaml::render_all;
use serde_json::json;

use crate::catalogue::CoreTasks;

const COMMANDS: &str = "io.kestra.plugin.scripts.shell.Commands";

fn server(plugin_type: &str, forced: bool, values: serde_json::Value) -> PluginDefault {
    let values = values.as_object().expect("values are an object").clone();
    PluginDefault {
        plugin_type: plugin_type.to_owned(),
        forced,
        values,
    }
}

fn with(defaults: Vec<PluginDefault>, body: &str) -> Flow {
    let source = format!("id: f\nnamespace: n\n{body}");
    let options = Options {
        plugin_defaults: defaults,
        ..Options::default()
    };
    match compile(&source, &CoreTasks, &options) {
        Ok(Compiled { flow, .. }) => flow,
        Err(found) => panic!("{}", render_all(&found, None, &source)),
    }
}

#[test]
fn what_is_written_goes_before_defaults_and_forced_ones_before_what_is_written() {
    let flow = with(
        vec![
            server(
                "io.kestra",
                false,
                json!({"env": {"A": "server", "B": "server"}, "timeout": "PT1S"}),
            ),
            server(
                COMMANDS,
                true,
                json!({"taskRunner": {"type": "x.Runner"}, "commands": ["server"]}),
            ),
        ],
        "
pluginDefaults:
  - type: io.kestra.plugin.scripts
    values: {env: {B: flow, C: flow, D: flow}}
  - type: io.kestra.plugin.scripts.shell
    values: {env: {C: longer}}
  - type: x.Runner
    values: {pullPolicy: NEVER}
tasks:
  - id: t
    type: io.kestra.plugin.scripts.shell.Commands
    env: {D: own}
    commands: [own]
",
    );
    let properties = &flow.task("t").unwrap().properties;
    assert_eq!(
        properties["env"],
        json!({"A": "server", "B": "flow", "C": "longer", "D": "own"})
    );
    assert_eq!(properties["commands"], json!(["server"]));
    assert_eq!(
        properties["taskRunner"],
        json!({"type": "x.Runner", "pullPolicy": "NEVER"})
    );
    assert_eq!(flow.task("t").unwrap().timeout.as_deref(), Some("PT1S"));
    assert_eq!(
        flow.document["tasks"][0]["env"],
        json!({"D": "own"}),
        "the document is as written"
    );
}

#[test]
fn of_two_forced_defaults_the_flows_wins() {
    let flow = with(
        vec![server(
            "io.kestra.plugin.core.log.Log",
            true,
            json!({"level": "WARN"}),
        )],
        "
taskDefaults:
  - {type: io.kestra.plugin.core.log.Log, forced: true, values: {level: ERROR}}
tasks:
  - {id: t, type: io.kestra.plugin.core.log.Log, message: x, level: DEBUG}
",
    );
    assert_eq!(flow.task("t").unwrap().properties["level"], "ERROR");
}

#[test]
fn a_default_holds_for_a_type_under_all_its_names_and_for_flowables() {
    let flow = with(
        Vec::new(),
        "
pluginDefaults:
  - {type: io.kestra.core.tasks.log.Log, values: {message: old}}
  - {type: io.kestra.plugin.core.debug.Return, values: {format: present}}
  - {type: io.kestra.plugin.core.flow.Parallel, values: {concurrent: 3}}
tasks:
  - id: p
    type: io.kestra.plugin.core.flow.Parallel
    tasks:
      - {id: a, type: io.kestra.plugin.core.log.Log}
      - {id: b, type: io.kestra.core.tasks.debugs.Return}
",
    );
    assert_eq!(flow.task("a").unwrap().properties["message"], "old");
    assert_eq!(flow.task("b").unwrap().properties["format"], "present");
    assert_eq!(flow.task("p").unwrap().properties["concurrent"], 3);
}

#[test]
fn a_wrong_default_is_pointed_at_where_it_stands() {
    let source = "
id: f
namespace: n
pluginDefaults:
  - type: io.kestra.plugin.core
    values:
      timeout: [1]
tasks:
  - {id: a, type: io.kestra.plugin.core.log.Log, message: x}
";
    let found = compile(source, &CoreTasks, &Options::default()).unwrap_err();
    assert_eq!(
        (found[0].line, found[0].path.as_str()),
        (7, "tasks[0].timeout")
    );
}

#[test]
fn defaults_that_bring_in_one_another_without_end_are_refused() {
    let source = "
id: f
namespace: n
pluginDefaults:
  - {type: x.A, values: {one: {type: x.B}, two: {type: x.B}}}
  - {type: x.B, values: {one: {type: x.A}, two: {type: x.A}}}
tasks:
  - {id: a, type: io.kestra.plugin.scripts.shell.Commands, taskRunner: {type: x.A}}
";
    let found = compile(source, &CoreTasks, &Options::default()).unwrap_err();
    assert!(found[0].message.contains("without end"), "{found:?}");
}
