//! Expressions that will fail, found when the flow is saved.

use flowmill_common::compile::{Options, compile};
use flowmill_common::yaml::{render, render_all};
use flowmill_expression::Engine;

use crate::catalogue::CoreTasks;

fn warnings(source: &str) -> String {
    let engine = Engine::new(flowmill_expression::Options::default());
    let options = Options {
        engine: Some(engine),
        ..Options::default()
    };
    match compile(source, &CoreTasks, &options) {
        Ok(found) => {
            let shown: Vec<String> = found
                .warnings
                .iter()
                .map(|warning| render(warning, Some("flow.yaml"), source))
                .collect();
            shown.join("\n\n")
        }
        Err(found) => panic!("{}", render_all(&found, None, source)),
    }
}

#[test]
fn references_to_what_is_not_there_are_shown_with_their_place() {
    insta::assert_snapshot!(warnings(
        r#"id: references
namespace: company.team
inputs:
  - {id: name, type: STRING}
  - {id: db.host, type: STRING}
variables:
  bucket: b
tasks:
  - id: first
    type: io.kestra.plugin.core.log.Log
    message: |
      Hello {{ inputs.nmae }},
      from {{ inputs.db.prot }} and {{ vars.buckt }}
        {{ outputs.second.value }}
  - id: second
    type: io.kestra.plugin.core.debug.Return
    format: "it's {{ outputs.frist.value }} {{ inputs.name }}"
  - id: third
    type: io.kestra.plugin.core.debug.Return
    format: >
      folded text
      {{ inputs.name | uper }}
  - id: fourth
    type: io.kestra.plugin.core.debug.Return
    format: '{{ broken | }} {{ fine ?? "x" }}'
"#
    ));
}

#[test]
fn what_may_be_there_is_not_warned_about() {
    assert_eq!(
        warnings(
            r#"id: fine
namespace: company.team
inputs:
  - {id: data, type: JSON}
variables: {a: {b: c}}
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [1, 2]
    tasks:
      - {id: a, type: io.kestra.plugin.core.debug.Return, format: "{{ outputs.b[taskrun.value].value ?? '' }}"}
      - {id: b, type: io.kestra.plugin.core.debug.Return, format: "{{ inputs.data.any.thing }} {{ vars.a.b }}"}
  - id: script
    type: io.kestra.plugin.scripts.shell.Commands
    commands: ["cat {{ workingDir }}/x", "{% for i in 1..3 %}{{ i }}{% endfor %}"]
errors:
  - {id: oh, type: io.kestra.plugin.core.log.Log, message: "{{ outputs.script.exitCode }} {{ execution.id }}"}
outputs:
  - {id: o, type: STRING, value: "{{ outputs.script.vars.x }}"}
"#
        ),
        ""
    );
}

#[test]
fn calls_that_cannot_work_are_shown_with_their_place_behind_escapes_too() {
    let shown = warnings(
        r#"id: calls
namespace: company.team
tasks:
  - id: first
    type: io.kestra.plugin.core.debug.Return
    format: "a\tb \"quoted\" \u00e9 {{ 'x' | slice(1, 2, 3) }}"
  - id: second
    type: io.kestra.plugin.core.debug.Return
    format: 'it''s {{ 2 is evne }}'
  - id: third
    type: io.kestra.plugin.core.debug.Return
    format: |
      one
        {{ rnage(1, 2) }} {{ 'x' | abbreviate(size=1) }}
"#,
    );
    for expected in [
        "flow.yaml:6:46: warning: The argument at position 3 is not allowed. Only 2",
        "flow.yaml:9:28: warning: test `evne` does not exist (did you mean `even`?)",
        "flow.yaml:14:12: warning: function or macro `rnage` does not exist (did you mean `range`?)",
        "flow.yaml:14:36: warning: The following named argument does not exist: size",
    ] {
        assert!(shown.contains(expected), "{expected}\nis not in\n{shown}");
    }
}
