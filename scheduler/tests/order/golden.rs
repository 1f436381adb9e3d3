//! Flows and what comes of them, as the specification of the semantics says it.

use flowmill_common::StateType;
use serde_json::{Value, json};

use crate::world::World;

fn run(yaml: &str) -> World {
    run_with(yaml, json!({}))
}

fn run_with(yaml: &str, inputs: Value) -> World {
    let mut world = World::new(yaml, inputs);
    world.create().settle();
    assert!(world.ended, "{}", world.picture());
    world
}

fn flow(body: &str) -> String {
    format!("id: f\nnamespace: a.b\n{body}")
}

#[test]
fn two_tasks_run_one_after_the_other() {
    let world = run(&flow(
        "tasks:\n  - {id: a, type: test.Ok}\n  - {id: b, type: test.Ok}\n",
    ));
    insta::assert_snapshot!(world.picture(), @r"
    execution: CREATED RUNNING SUCCESS
      a: CREATED SUBMITTED RUNNING SUCCESS
      b: CREATED SUBMITTED RUNNING SUCCESS
    ");
}

#[test]
fn a_failure_runs_the_innermost_errors_first_and_finally_last() {
    let world = run(&flow(
        "
tasks:
  - id: seq
    type: io.kestra.plugin.core.flow.Sequential
    tasks: [ {id: bad, type: test.Fail}, {id: never, type: test.Ok} ]
    errors: [ {id: local_err, type: test.Ok} ]
  - { id: after, type: test.Ok }
errors:  [ {id: global_err, type: test.Ok} ]
finally: [ {id: fin, type: test.Ok} ]
afterExecution: [ {id: ae, type: test.Ok} ]
",
    ));
    insta::assert_snapshot!(world.picture(), @r"
    execution: CREATED RUNNING FAILED
      seq: CREATED RUNNING FAILED
        bad: CREATED SUBMITTED RUNNING FAILED
        local_err: CREATED SUBMITTED RUNNING SUCCESS
      global_err: CREATED SUBMITTED RUNNING SUCCESS
      fin: CREATED SUBMITTED RUNNING SUCCESS
      ae: CREATED SUBMITTED RUNNING SUCCESS
    ");
}

#[test]
fn an_allowed_failure_is_a_warning_and_the_flow_goes_on() {
    let world = run(&flow(
        "
tasks:
  - id: seq
    type: io.kestra.plugin.core.flow.Sequential
    tasks: [ {id: bad, type: test.Fail, allowFailure: true}, {id: then, type: test.Ok} ]
    errors: [ {id: local_err, type: test.Ok} ]
  - { id: after, type: test.Ok }
",
    ));
    insta::assert_snapshot!(world.picture(), @r"
    execution: CREATED RUNNING WARNING
      seq: CREATED RUNNING WARNING
        bad: CREATED SUBMITTED RUNNING WARNING
        then: CREATED SUBMITTED RUNNING SUCCESS
      after: CREATED SUBMITTED RUNNING SUCCESS
    ");
}

#[test]
fn allow_failure_runs_its_errors_and_ends_in_a_warning() {
    let world = run(&flow(
        "
tasks:
  - id: allow
    type: io.kestra.plugin.core.flow.AllowFailure
    tasks: [ {id: bad, type: test.Fail}, {id: never, type: test.Ok} ]
    errors: [ {id: local_err, type: test.Ok} ]
  - { id: after, type: test.Ok }
",
    ));
    insta::assert_snapshot!(world.picture(), @r"
    execution: CREATED RUNNING WARNING
      allow: CREATED RUNNING WARNING
        bad: CREATED SUBMITTED RUNNING FAILED
        local_err: CREATED SUBMITTED RUNNING SUCCESS
      after: CREATED SUBMITTED RUNNING SUCCESS
    ");
}

#[test]
fn a_loop_with_a_limit_finishes_an_iteration_before_it_opens_the_next() {
    let world = run(&flow(
        "
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [a, b, a, c]
    concurrencyLimit: 2
    tasks: [ {id: t1, type: test.Ok}, {id: t2, type: test.Ok} ]
",
    ));
    insta::assert_snapshot!(world.picture(), @r"
    execution: CREATED RUNNING SUCCESS
      each: CREATED RUNNING SUCCESS
        t1[a]: CREATED SUBMITTED RUNNING SUCCESS
        t1[b]: CREATED SUBMITTED RUNNING SUCCESS
        t2[a]: CREATED SUBMITTED RUNNING SUCCESS
        t2[b]: CREATED SUBMITTED RUNNING SUCCESS
        t1[c]: CREATED SUBMITTED RUNNING SUCCESS
        t2[c]: CREATED SUBMITTED RUNNING SUCCESS
    ");
}

#[test]
fn a_failing_iteration_stops_the_start_of_others_and_waits_for_the_open_ones() {
    let mut world = World::new(
        &flow(
            "
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [a, b, c]
    concurrencyLimit: 2
    tasks: [ {id: t, type: \"test.Ok\"}, {id: bad, type: test.Fail}]
    errors: [ {id: err, type: test.Ok} ]
",
        ),
        json!({}),
    );
    world.create().settle();
    insta::assert_snapshot!(world.picture(), @r"
    execution: CREATED RUNNING FAILED
      each: CREATED RUNNING FAILED
        t[a]: CREATED SUBMITTED RUNNING SUCCESS
        t[b]: CREATED SUBMITTED RUNNING SUCCESS
        bad[a]: CREATED SUBMITTED RUNNING FAILED
        bad[b]: CREATED SUBMITTED RUNNING FAILED
        err: CREATED SUBMITTED RUNNING SUCCESS
    ");
}

#[test]
fn if_and_switch_choose_once_and_say_what_they_chose() {
    let yaml = flow(
        "
inputs: [ {id: kind, type: STRING} ]
tasks:
  - id: if
    type: io.kestra.plugin.core.flow.If
    condition: \"{{ inputs.kind == 'x' }}\"
    then: [ {id: yes, type: test.Ok} ]
    else: [ {id: no, type: test.Ok} ]
  - id: switch
    type: io.kestra.plugin.core.flow.Switch
    value: \"{{ inputs.kind }}\"
    cases: { x: [ {id: case_x, type: test.Ok} ] }
    defaults: [ {id: other, type: test.Ok} ]
outputs:
  - {id: chosen, type: STRING, value: \"{{ outputs.switch.value }}/{{ outputs.if.evaluationResult }}\"}
",
    );
    insta::assert_snapshot!(run_with(&yaml, json!({"kind": "x"})).picture(), @r#"
    execution: CREATED RUNNING SUCCESS
    outputs: {"chosen":"x/true"}
      if: CREATED RUNNING SUCCESS
        yes: CREATED SUBMITTED RUNNING SUCCESS
      switch: CREATED RUNNING SUCCESS
        case_x: CREATED SUBMITTED RUNNING SUCCESS
    "#);
    let other = run_with(&yaml, json!({"kind": "y"}));
    assert_eq!(other.execution.header.outputs["chosen"], "y/false");
}

#[test]
fn a_retry_tries_again_and_the_execution_shows_it() {
    let world = run(&flow(
        "
tasks:
  - id: flaky
    type: test.FailOnce
    retry: {type: constant, interval: PT2S, maxAttempts: 3}
",
    ));
    insta::assert_snapshot!(world.picture(), @r"
    execution: CREATED RUNNING RETRYING RUNNING SUCCESS
      flaky: CREATED SUBMITTED RUNNING FAILED RETRYING CREATED SUBMITTED RUNNING SUCCESS
    ");
    let attempts = &world.execution.runs.iter().next().unwrap().attempts;
    let states: Vec<_> = attempts
        .iter()
        .map(|attempt| attempt.state.current())
        .collect();
    assert_eq!(states, [StateType::Failed, StateType::Success]);
}

#[test]
fn retries_end_with_the_most_attempts_and_then_errors_run() {
    let world = run(&flow(
        "
tasks:
  - id: bad
    type: test.Fail
    retry: {type: constant, interval: PT1S, maxAttempts: 2}
errors: [ {id: err, type: test.Ok} ]
",
    ));
    insta::assert_snapshot!(world.picture(), @r"
    execution: CREATED RUNNING RETRYING RUNNING FAILED
      bad: CREATED SUBMITTED RUNNING FAILED RETRYING CREATED SUBMITTED RUNNING FAILED
      err: CREATED SUBMITTED RUNNING SUCCESS
    ");
}

#[test]
fn a_false_run_if_skips_and_a_disabled_task_leaves_nothing() {
    let world = run(&flow(
        "
tasks:
  - {id: skipped, type: test.Ok, runIf: \"{{ false }}\"}
  - {id: off, type: test.Ok, disabled: true}
  - {id: last, type: test.Ok}
",
    ));
    insta::assert_snapshot!(world.picture(), @r"
    execution: CREATED RUNNING SUCCESS
      skipped: CREATED SKIPPED
      last: CREATED SUBMITTED RUNNING SUCCESS
    ");
}

#[test]
fn a_run_if_that_cannot_be_rendered_fails_the_task() {
    let world = run(&flow(
        "tasks:\n  - {id: bad, type: test.Ok, runIf: \"{{ nope.x }}\"}\n",
    ));
    assert_eq!(world.state(), StateType::Failed);
    let line = world
        .logs
        .iter()
        .find(|line| line.starts_with("ERROR"))
        .unwrap();
    assert!(
        line.contains("Failed to evaluate the runIf condition for task bad"),
        "{line}"
    );
}

#[test]
fn a_dag_starts_each_task_when_those_before_it_have_ended() {
    let world = run(&flow(
        "
tasks:
  - id: dag
    type: io.kestra.plugin.core.flow.Dag
    tasks:
      - {task: {id: c, type: test.Ok}, dependsOn: [a, b]}
      - {task: {id: a, type: test.Ok}}
      - {task: {id: b, type: test.Ok}, dependsOn: [a]}
",
    ));
    insta::assert_snapshot!(world.picture(), @r"
    execution: CREATED RUNNING SUCCESS
      dag: CREATED RUNNING SUCCESS
        a: CREATED SUBMITTED RUNNING SUCCESS
        b: CREATED SUBMITTED RUNNING SUCCESS
        c: CREATED SUBMITTED RUNNING SUCCESS
    ");
}

#[test]
fn a_loop_until_repeats_its_tasks_until_the_condition_holds() {
    let world = run(&flow(
        "
tasks:
  - id: loop
    type: io.kestra.plugin.core.flow.LoopUntil
    condition: \"{{ outputs.loop.iterationCount == 3 }}\"
    checkFrequency: {interval: PT1S}
    tasks: [ {id: t, type: test.Ok} ]
",
    ));
    insta::assert_snapshot!(world.picture(), @r"
    execution: CREATED RUNNING PAUSED RUNNING PAUSED RUNNING SUCCESS
      loop: CREATED RUNNING PAUSED RUNNING PAUSED RUNNING SUCCESS
        t: CREATED SUBMITTED RUNNING SUCCESS
    ");
}

#[test]
fn a_kill_ends_everything_at_once_and_late_results_change_nothing() {
    let mut world = World::new(
        &flow(
            "
tasks:
  - id: par
    type: io.kestra.plugin.core.flow.Parallel
    tasks: [ {id: a, type: test.Ok}, {id: b, type: test.Ok} ]
errors: [ {id: err, type: test.Ok} ]
finally: [ {id: fin, type: test.Ok} ]
afterExecution: [ {id: ae, type: test.Ok} ]
",
        ),
        json!({}),
    );
    world.create();
    let jobs = world.jobs.clone();
    world.start(&jobs[0].0, jobs[0].1);
    world.kill();
    let before = world.picture();
    for (run, dispatch) in jobs {
        world.finish(&run, dispatch);
    }
    assert_eq!(world.picture(), before);
    world.settle();
    insta::assert_snapshot!(world.picture(), @r"
    execution: CREATED RUNNING KILLING KILLED
      par: CREATED RUNNING KILLING KILLED
        a: CREATED SUBMITTED RUNNING KILLED
        b: CREATED SUBMITTED KILLED
      ae: CREATED SUBMITTED RUNNING SUCCESS
    ");
}

#[test]
fn a_lost_task_runs_again_and_its_late_result_is_dropped() {
    let mut world = World::new(&flow("tasks: [ {id: a, type: test.Ok} ]\n"), json!({}));
    world.create();
    let (run, dispatch) = world.jobs[0].clone();
    world.start(&run, dispatch);
    world.lose(&run, dispatch);
    world.finish(&run, dispatch);
    assert_eq!(world.state(), StateType::Running);
    world.settle();
    let attempts = &world.execution.runs.get(&run).unwrap().attempts;
    let states: Vec<_> = attempts
        .iter()
        .map(|attempt| attempt.state.current())
        .collect();
    assert_eq!(states, [StateType::Resubmitted, StateType::Success]);
}

#[test]
fn exit_ends_the_execution_without_errors_or_finally() {
    let world = run(&flow(
        "
tasks:
  - {id: exit, type: test.Exit, state: WARNING}
  - {id: never, type: test.Ok}
finally: [ {id: fin, type: test.Ok} ]
afterExecution: [ {id: ae, type: test.Ok} ]
",
    ));
    insta::assert_snapshot!(world.picture(), @r"
    execution: CREATED RUNNING WARNING
      exit: CREATED RUNNING WARNING
      ae: CREATED SUBMITTED RUNNING SUCCESS
    ");
}

#[test]
fn outputs_of_a_loop_are_found_by_value_at_any_depth() {
    let world = run(&flow(
        "
tasks:
  - id: outer
    type: io.kestra.plugin.core.flow.ForEach
    values: [o1, o2]
    tasks:
      - id: inner
        type: io.kestra.plugin.core.flow.ForEach
        values: [i1]
        tasks: [ {id: t, type: test.Ok} ]
outputs:
  - {id: one, type: STRING, value: \"{{ outputs.t.o2.i1.value }}\"}
  - {id: keys, type: STRING, value: \"{{ outputs.t | keys | join(',') }}\"}
",
    ));
    assert_eq!(
        *world.execution.header.outputs,
        json!({"one": "t", "keys": "o1,o2"})
    );
}

#[test]
fn an_output_that_cannot_be_rendered_fails_the_execution_unless_it_is_optional() {
    let failing = run(&flow(
        "tasks: [ {id: a, type: test.Ok} ]\noutputs: [ {id: o, type: STRING, value: \"{{ nope }}\"} ]\n",
    ));
    insta::assert_snapshot!(failing.picture(), @r"
    execution: CREATED RUNNING SUCCESS FAILED
      a: CREATED SUBMITTED RUNNING SUCCESS
    ");
    let optional = run(&flow(
        "tasks: [ {id: a, type: test.Ok} ]\noutputs: [ {id: o, type: STRING, required: false, value: \"{{ nope }}\"} ]\n",
    ));
    assert_eq!(optional.state(), StateType::Success);
}
