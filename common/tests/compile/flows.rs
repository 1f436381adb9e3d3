//! What flows compile to.

use flowmill_common::compile::{Compiled, Options, check_trigger, compile, compile_task};
use flowmill_common::flow::{Branch, Flowable, InputType, Kind, Place, RetryBehavior, RetryKind};
use flowmill_common::log::Level;
use flowmill_common::yaml::{Severity, render_all};
use serde_json::json;

use crate::catalogue::CoreTasks;

pub(crate) fn compiled(source: &str) -> Compiled {
    match compile(source, &CoreTasks, &Options::default()) {
        Ok(compiled) => compiled,
        Err(found) => panic!("{}", render_all(&found, None, source)),
    }
}

#[test]
fn a_flow_is_read_whole() {
    let flow = compiled(
        r#"
id: everything
namespace: company.team
revision: 7
description: |
  what it does
labels:
  team: data
  on: yes
inputs:
  - {id: who, type: STRING, defaults: 0777}
  - {id: pick, type: SELECT, values: [yes, no]}
variables:
  answer: 42
  flag: yes
tasks:
  - id: 1
    type: io.kestra.plugin.core.log.Log
    message: 0777
    runIf: yes
    timeout: PT30S
    logLevel: WARN
    allowFailure: true
    disabled: "true"
    workerGroup: {key: gpu}
    retry: {type: exponential, interval: PT1S, maxInterval: 20, maxAttempt: 3, behavior: CREATE_NEW_EXECUTION}
  - id: choose
    type: io.kestra.plugin.core.flow.Switch
    value: "{{ inputs.pick }}"
    cases:
      yes: [{id: y, type: io.kestra.plugin.core.debug.Return, format: 0777}]
      1: [{id: one, type: io.kestra.plugin.core.execution.Labels, labels: {a: b}}]
    defaults: [{id: d1, type: io.kestra.plugin.core.log.Log, message: a}, {id: d2, type: io.kestra.plugin.core.log.Log, message: b}]
errors:
  - {id: oh, type: io.kestra.plugin.core.log.Log, message: no}
finally:
  - {id: end, type: io.kestra.plugin.core.log.Log, message: bye}
afterExecution:
  - {id: after, type: io.kestra.plugin.core.log.Log, message: gone}
outputs:
  - {id: o, type: INT, value: "{{ outputs.y.value }}", required: false}
"#,
    )
    .flow;
    assert_eq!(
        (&*flow.id, &*flow.namespace, flow.revision),
        ("everything", "company.team", 7)
    );
    assert_eq!(flow.description.as_deref(), Some("what it does\n"));
    let labels: Vec<(&str, &str)> = flow
        .labels
        .iter()
        .map(|label| (label.key.as_str(), label.value.as_str()))
        .collect();
    assert_eq!(labels, [("team", "data"), ("on", "true")]);
    assert_eq!(
        flow.inputs[0].defaults,
        Some(json!("0777")),
        "text stays as written"
    );
    assert_eq!(flow.inputs[1].properties["values"], json!(["yes", "no"]));
    assert_eq!(*flow.variables, json!({"answer": 42, "flag": true}));

    let log = flow.task("1").expect("ids are text");
    assert_eq!(log.kind_name(), "Executor");
    assert_eq!(
        log.properties["message"],
        json!(511),
        "no type is known: Kestra's table"
    );
    assert_eq!(log.run_if.as_deref(), Some("yes"));
    assert_eq!(log.timeout.as_deref(), Some("PT30S"));
    assert_eq!(
        (log.log_level, log.allow_failure, log.disabled),
        (Level::Warn, true, true)
    );
    assert_eq!(log.worker_group.as_deref(), Some("gpu"));
    let retry = log.retry.as_ref().unwrap();
    assert_eq!(
        (retry.max_attempts, retry.behavior),
        (Some(3), RetryBehavior::CreateNewExecution)
    );
    assert!(
        matches!(retry.kind, RetryKind::Exponential { delay_factor, .. } if delay_factor == 2.0)
    );

    let Some(Flowable::Switch {
        cases, defaults, ..
    }) = flow.task("choose").unwrap().flowable()
    else {
        panic!("it is a switch")
    };
    assert_eq!(
        cases.keys().collect::<Vec<_>>(),
        ["yes", "1"],
        "keys are text"
    );
    assert_eq!(defaults.len(), 2);
    let place = |id: &str| {
        let position = &flow.places[id];
        (position.parent.as_deref(), position.branch, position.index)
    };
    assert_eq!(place("d2"), (Some("choose"), Branch::Tasks, 1));
    assert_eq!(place("y"), (Some("choose"), Branch::Tasks, 0));
    assert_eq!(place("oh"), (None, Branch::Errors, 0));
    assert_eq!(place("after"), (None, Branch::AfterExecution, 0));
    assert_eq!(
        flow.task("y").unwrap().properties["format"],
        json!("0777"),
        "the catalogue says it is text"
    );
    assert!(matches!(flow.task("one").unwrap().kind, Kind::Update));
    assert_eq!(
        (flow.outputs[0].output_type, flow.outputs[0].required),
        (InputType::Int, false)
    );
    assert_eq!(
        flow.document["labels"],
        json!([{"key": "team", "value": "data"}, {"key": "on", "value": "true"}])
    );
    assert_eq!(flow.document["tasks"][0]["id"], json!("1"));
}

trait KindName {
    fn kind_name(&self) -> &'static str;
}

impl KindName for flowmill_common::Task {
    fn kind_name(&self) -> &'static str {
        match self.kind {
            Kind::Flowable(_) => "Flowable",
            Kind::Runnable(Place::Executor) => "Executor",
            Kind::Runnable(Place::Worker) => "Worker",
            Kind::Update => "Update",
        }
    }
}

#[test]
fn every_flowable_is_read_by_all_its_names() {
    let flow = compiled(
        r#"
id: flowables
namespace: n
tasks:
  - id: sequential
    type: io.kestra.core.tasks.flows.Sequential
    tasks: [{id: a1, type: io.kestra.core.tasks.log.Log, message: x}]
    errors: [{id: a2, type: io.kestra.core.tasks.log.Log, message: x}]
  - id: parallel
    type: io.kestra.plugin.core.flow.Parallel
    concurrent: 2
    tasks: [{id: b1, type: io.kestra.plugin.core.log.Log, message: x}]
  - id: dag
    type: io.kestra.plugin.core.flow.Dag
    tasks:
      - task: {id: c1, type: io.kestra.plugin.core.log.Log, message: x}
      - task: {id: c2, type: io.kestra.plugin.core.log.Log, message: x}
        dependsOn: [c1]
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [1, {a: b}]
    concurrencyLimit: 0
    tasks: [{id: d1, type: io.kestra.plugin.core.log.Log, message: x}]
  - id: eachSequential
    type: io.kestra.core.tasks.flows.EachSequential
    value: "{{ [1, 2] }}"
    tasks: [{id: e1, type: io.kestra.plugin.core.log.Log, message: x}]
  - id: eachParallel
    type: io.kestra.core.tasks.flows.EachParallel
    value: ["a", "b"]
    tasks: [{id: f1, type: io.kestra.plugin.core.log.Log, message: x}]
  - id: loop
    type: io.kestra.plugin.core.flow.WaitFor
    condition: "{{ true }}"
    failOnMaxReached: true
    checkFrequency: {interval: PT1S, maxIterations: 4, maxDuration: PT1H}
    tasks: [{id: g1, type: io.kestra.plugin.core.log.Log, message: x}]
  - id: directory
    type: io.kestra.core.tasks.flows.Worker
    inputFiles: {a.txt: "{{ inputs.x }}"}
    tasks: [{id: h1, type: io.kestra.plugin.core.log.Log, message: x}]
  - id: allow
    type: io.kestra.plugin.core.flow.AllowFailure
    tasks: [{id: i1, type: io.kestra.plugin.core.log.Log, message: x}]
"#,
    )
    .flow;
    let flowable = |id: &str| flow.task(id).unwrap().flowable().unwrap();
    assert_eq!(
        &*flow.task("sequential").unwrap().task_type,
        "io.kestra.plugin.core.flow.Sequential"
    );
    assert_eq!(
        &*flow.task("sequential").unwrap().written_type,
        "io.kestra.core.tasks.flows.Sequential"
    );
    assert_eq!(flow.task("sequential").unwrap().errors.len(), 1);
    assert!(matches!(
        flowable("parallel"),
        Flowable::Parallel { concurrent: 2, .. }
    ));
    assert!(
        matches!(flowable("dag"), Flowable::Dag { tasks, .. } if &*tasks[1].depends_on[0] == "c1")
    );
    assert!(
        matches!(flowable("each"), Flowable::ForEach { concurrency_limit: 0, values, .. } if *values == json!([1, {"a": "b"}]))
    );
    assert!(matches!(
        flowable("eachSequential"),
        Flowable::ForEach {
            concurrency_limit: 1,
            ..
        }
    ));
    assert!(matches!(
        flowable("eachParallel"),
        Flowable::EachParallel { concurrent: 0, .. }
    ));
    assert!(matches!(
        flowable("loop"),
        Flowable::LoopUntil {
            fail_on_max_reached: true,
            max_iterations: Some(4),
            ..
        }
    ));
    let directory = flow.task("directory").unwrap();
    assert_eq!(
        directory.properties["inputFiles"],
        json!({"a.txt": "{{ inputs.x }}"})
    );
    assert!(
        !directory.properties.contains_key("tasks"),
        "its lists have the tasks"
    );
}

#[test]
fn older_names_are_said_and_taken() {
    let found = compiled(
        "id: f\nnamespace: n\ntasks:\n  - {id: a, type: io.kestra.core.tasks.debugs.Return, format: x}\n",
    );
    let info = &found.warnings[0];
    assert_eq!(info.severity, Severity::Info);
    assert_eq!(
        info.message,
        "io.kestra.core.tasks.debugs.Return is replaced by io.kestra.plugin.core.debug.Return"
    );
    assert_eq!(
        found.flow.document["tasks"][0]["type"],
        "io.kestra.core.tasks.debugs.Return"
    );
}

#[test]
fn the_children_of_a_form_go_by_their_full_ids() {
    let flow = compiled(
        "
id: f
namespace: n
inputs:
  - {id: on, type: BOOL, required: false}
  - id: db
    type: FORM
    dependsOn: {inputs: [on], condition: \"{{ inputs.on }}\"}
    inputs:
      - {id: host, type: STRING}
      - {id: port, type: INT, defaults: 5432, dependsOn: {inputs: [db.host]}}
tasks:
  - {id: a, type: io.kestra.plugin.core.log.Log, message: x}
",
    )
    .flow;
    let ids: Vec<&str> = flow.inputs.iter().map(|input| &*input.id).collect();
    assert_eq!(ids, ["on", "db", "db.host", "db.port"]);
    assert_eq!(
        flow.inputs[3].depends_on.as_ref().unwrap().inputs,
        ["db", "db.host"]
    );
}

#[test]
fn what_is_not_done_yet_is_taken_with_a_word() {
    let found = compiled(
        "
id: f
namespace: n
concurrency: {limit: 1}
triggers:
  - {id: t, type: io.kestra.plugin.core.trigger.Schedule, cron: '@daily'}
  - {id: u, type: io.kestra.plugin.aws.s3.Trigger, bucket: b}
tasks:
  - {id: a, type: io.kestra.plugin.core.log.Log, message: x, taskCache: {enabled: true}}
",
    );
    let messages: Vec<&str> = found
        .warnings
        .iter()
        .map(|warning| warning.message.as_str())
        .collect();
    assert_eq!(messages.len(), 3, "{messages:?}");
    assert!(
        messages[0].contains("`concurrency`")
            && messages[1].contains("`triggers`")
            && messages[2].contains("cached")
    );
    assert_eq!(found.flow.document["triggers"][0]["cron"], "@daily");
}

#[test]
fn one_task_and_one_trigger_are_checked_on_their_own() {
    let options = Options::default();
    let (task, _) = compile_task(
        "id: t\ntype: io.kestra.plugin.core.debug.Return\nformat: x\n",
        &CoreTasks,
        &options,
    )
    .unwrap();
    assert_eq!(&*task.id, "t");
    let refused = compile_task(
        "id: t\ntype: io.kestra.plugin.core.debug.Return\nformatt: x\n",
        &CoreTasks,
        &options,
    )
    .unwrap_err();
    assert!(
        refused[0].constraint().starts_with(
            "Unrecognized field \"formatt\" (class io.kestra.plugin.core.debug.Return), not marked as ignorable ("
        ),
        "{}",
        refused[0].constraint()
    );
    let found = check_trigger(
        "id: s\ntype: io.kestra.plugin.core.trigger.Schedule\n",
        &CoreTasks,
        &options,
    );
    assert_eq!(found[0].constraint(), "cron: must not be null");
}

#[test]
fn an_interval_must_be_less_than_what_bounds_it() {
    let flow = |retry: &str| {
        format!(
            "id: f\nnamespace: n\ntasks:\n  - {{id: a, type: io.kestra.plugin.core.log.Log, message: x, retry: {{{retry}}}}}\n"
        )
    };
    let refused = |retry: &str| match compile(&flow(retry), &CoreTasks, &Options::default()) {
        Ok(_) => String::new(),
        Err(found) => found[0].message.clone(),
    };
    let table = [
        ("type: constant, interval: PT1S, maxDuration: PT2S", ""),
        (
            "type: constant, interval: PT2S, maxDuration: PT2S",
            "'interval' must be less than 'maxDuration'",
        ),
        (
            "type: exponential, interval: PT2S, maxInterval: PT2S",
            "'interval' must be less than 'maxInterval'",
        ),
        (
            "type: exponential, interval: PT1S, maxInterval: PT9S, maxDuration: PT5S",
            "",
        ),
        (
            "type: random, minInterval: PT1S, maxInterval: PT9S, maxDuration: PT5S",
            "'maxInterval' must be less than 'maxDuration'",
        ),
    ];
    for (retry, message) in table {
        assert_eq!(refused(retry), message, "{retry}");
    }
}
