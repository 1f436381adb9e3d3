//! Findings as `flowmill validate` and the API show them.

use flowmill_common::compile::{Options, compile};
use flowmill_common::yaml::{render_all, split_documents};

use crate::catalogue::CoreTasks;

fn shown(source: &str) -> String {
    match compile(source, &CoreTasks, &Options::default()) {
        Ok(compiled) => render_all(&compiled.warnings, Some("flow.yaml"), source),
        Err(found) => render_all(&found, Some("flow.yaml"), source),
    }
}

#[test]
fn unknown_properties_and_types_name_the_nearest() {
    insta::assert_snapshot!(shown(
        r#"id: hello
namespace: company.team
descripton: typo
tasks:
  - id: log
    type: io.kestra.plugin.core.log.Log
    messge: hi
  - id: other
    type: io.kestra.plugin.core.log.Lgo
    message: hi
  - id: package
    type: io.kestra.plugin.core.Return
  - id: if
    type: io.kestra.plugin.core.flow.If
    conditon: x
    then: []
  - id: far
    type: com.acme.Teleport
  - id: retry
    type: io.kestra.plugin.core.log.Log
    message: x
    logLevel: WARNING
    retry: {type: constnt, interval: PT1S}
inputs:
  - {id: a, type: SRTING}
  - {id: b, type: INT, validator: x}
"#
    ));
}

#[test]
fn ids_and_duplicates_name_both_places() {
    insta::assert_snapshot!(shown(
        r#"id: pause
namespace: Company
namespace: again
inputs:
  - {id: same, type: STRING}
  - {id: same, type: INT}
  - {id: x, type: STRING, dependsOn: {inputs: [smae]}}
  - {id: p, type: STRING}
  - {id: p.q, type: STRING}
tasks:
  - id: a
    type: io.kestra.plugin.core.log.Log
    message: x
  - id: group
    type: io.kestra.plugin.core.flow.Sequential
    tasks:
      - {id: a, type: io.kestra.plugin.core.log.Log, message: y}
  - id: my task
    type: io.kestra.plugin.core.log.Log
    message: z
"#
    ));
}

#[test]
fn texts_that_are_no_yaml_show_the_line_and_the_mend() {
    let texts = [
        "id: x\n namespace: [",
        "id: x\nmessage: Note: this breaks\n",
        "id: x\ntasks:\n\t- id: a\n",
        "id: x\ntasks:\n  - message: {{ inputs.x }}\n",
        "id: x\ntasks:\n  - message: {{ inputs.x }} and more\n",
        "id: x\ndescription: \"never closed\n",
        "id: x\nbase: *nothing\n",
        "id: x\ntasks:\n  - id: a\n   type: b\n",
        "id: \"\\d\"\n",
        "id: @x\n",
        "",
        "id: x\n---\nid: y\n",
        "- a\n- b\n",
        "id: [unclosed\nnamespace: x\n",
    ];
    let all: Vec<String> = texts.iter().map(|text| shown(text)).collect();
    insta::assert_snapshot!(all.join("\n\n"));
}

#[test]
fn values_of_the_wrong_form_say_what_is_expected() {
    insta::assert_snapshot!(shown(
        r#"id: forms
namespace: n
disabled: maybe
labels: [a, b]
variables: text
retry: {type: exponential, interval: PT5S, maxInterval: PT1S, maxDuration: soon, maxAttempts: 0}
inputs:
  - {id: f, type: FILE, defaults: data.csv}
  - {id: a, type: ARRAY, itemType: ARRAY}
  - {id: s, type: SELECT}
  - {id: v, type: STRING, validator: "a("}
  - {id: d, type: INT, defaults: many}
  - {id: e, type: STRING, required: false, defaults: x, prefill: y}
tasks:
  - id: p
    type: io.kestra.plugin.core.flow.Parallel
    concurrent: "{{ inputs.n }}"
    tasks: nothing
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    concurrencyLimit: -1
    tasks: [{id: x, type: io.kestra.plugin.core.log.Log, message: [a]}, text, ~]
  - id: s
    type: io.kestra.plugin.core.flow.Switch
    value: x
  - id: l
    type: io.kestra.plugin.core.log.Log
    timeout: soon
  - type: io.kestra.plugin.core.log.Log
  - id: typeless
  - id: not-yet
    type: io.kestra.plugin.core.flow.Pause
"#
    ));
}

#[test]
fn rules_of_flowables_and_references_are_shown() {
    insta::assert_snapshot!(shown(
        r#"id: rules
namespace: n
labels: {system.x: y, empty: ""}
inputs:
  - {id: my-input, type: STRING}
outputs:
  - {id: o, type: STRING, value: "{{ outputs.my-task.value }}"}
triggers:
  - {id: t, type: io.kestra.plugin.core.trigger.Schedule, cron: "61 * * * *", timezone: Mars/Base}
  - {id: t, type: io.kestra.plugin.core.trigger.Webhook}
  - {id: u, type: io.kestra.plugin.core.trigger.Schedul}
tasks:
  - id: my-task
    type: io.kestra.plugin.core.log.Log
    message: |
      first line
      then {{ inputs.my-input }}
  - id: wd
    type: io.kestra.plugin.core.flow.WorkingDirectory
    tasks:
      - {id: seq, type: io.kestra.plugin.core.flow.Sequential, tasks: [{id: w1, type: io.kestra.plugin.core.log.Log, message: x}]}
      - {id: w2, type: io.kestra.plugin.core.log.Log, message: x, workerGroup: {key: a}}
"#
    ));
}

#[test]
fn lines_of_a_later_document_count_from_the_beginning_of_the_file() {
    let file = "id: a\nnamespace: n\n---\nid: b\nnamespace: N\ntasks: [{id: t, type: io.kestra.plugin.core.log.Log, message: x}]\n";
    let second = split_documents(file)[1];
    let found = compile(second.source, &CoreTasks, &Options::default()).unwrap_err();
    let shifted: Vec<_> = found
        .into_iter()
        .map(|problem| problem.shifted(second.lines_before))
        .collect();
    insta::assert_snapshot!(render_all(&shifted, Some("flow.yaml"), file));
}
