//! One executor on one machine.

use std::sync::atomic::Ordering;

use flowmill_backends::Queue;
use flowmill_backends::queue::Message;
use flowmill_common::{EventKind, ExecutionId, StateType};

use crate::harness::{Machine, ended, next_job, within};

const TWO_TASKS: &str =
    "id: f\nnamespace: a.b\ntasks:\n  - {id: a, type: test.Work}\n  - {id: b, type: test.Work}\n";

fn states(execution: &flowmill_common::Execution) -> Vec<(String, StateType)> {
    execution
        .runs
        .iter()
        .map(|run| (run.task_id.to_string(), run.state.current()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_runs_to_its_end_and_all_of_it_is_stored() {
    let machine = Machine::new();
    machine.save(TWO_TASKS).await;
    let _executor = machine.start_alone();
    let (mut jobs, mut changes) = (machine.jobs().await, machine.changes().await);
    let id = machine.create("one").await;
    for task in ["a", "b"] {
        let (job, delivery) = next_job(&mut *jobs).await;
        assert_eq!(&*job.task_id, task);
        machine.succeed(&job, "w").await;
        delivery.receipt.acknowledge();
    }
    ended(&mut *changes, &id).await;
    let execution = machine.execution(&id).await.unwrap();
    assert_eq!(execution.header.state.current(), StateType::Success);
    let expected = [
        ("a".to_owned(), StateType::Success),
        ("b".to_owned(), StateType::Success),
    ];
    assert_eq!(states(&execution), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_of_inline_tasks_is_one_version_of_the_execution() {
    let machine = Machine::new();
    let tasks: String = (0..50)
        .map(|number| format!("  - {{id: t{number}, type: test.Inline}}\n"))
        .collect();
    machine
        .save(&format!("id: f\nnamespace: a.b\ntasks:\n{tasks}"))
        .await;
    let _executor = machine.start_alone();
    let mut changes = machine.changes().await;
    let id = machine.create("chain").await;
    // the first thing that watchers hear of it is its end
    let delivery = within(changes.next()).await.unwrap();
    let changes: Vec<flowmill_common::job::Changed> =
        serde_json::from_slice(&delivery.message.body).unwrap();
    assert!(changes[0].ended && changes[0].execution == id);
    assert_eq!(machine.execution(&id).await.unwrap().runs.len(), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_finished_tasks_stay_finished_and_running_ones_run_again() {
    let mut machine = Machine::new();
    machine.save(TWO_TASKS).await;
    let executor = machine.start_alone();
    let mut jobs = machine.jobs().await;
    let id = machine.create("restart").await;
    let (first, delivery) = next_job(&mut *jobs).await;
    machine.succeed(&first, "w").await;
    delivery.receipt.acknowledge();
    let (second, _lost) = next_job(&mut *jobs).await;
    executor.task.abort();
    let _ = executor.task.await;

    machine.with_new_queue();
    let (mut jobs, mut changes) = (machine.jobs().await, machine.changes().await);
    let _executor = machine.start_alone();
    let (again, delivery) = next_job(&mut *jobs).await;
    assert_eq!(
        (&again.run, again.dispatch),
        (&second.run, second.dispatch + 1)
    );
    machine
        .succeed(&second, "a worker of the dead process")
        .await;
    machine.succeed(&again, "w").await;
    delivery.receipt.acknowledge();
    ended(&mut *changes, &id).await;
    let execution = machine.execution(&id).await.unwrap();
    assert_eq!(execution.header.state.current(), StateType::Success);
    let by: Vec<_> = execution
        .runs
        .iter()
        .filter_map(|run| run.attempts.last()?.worker.as_deref())
        .collect();
    assert_eq!(by, ["w", "w"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_ends_the_execution_while_its_task_is_at_work() {
    let machine = Machine::new();
    machine.save(TWO_TASKS).await;
    let _executor = machine.start_alone();
    let (mut jobs, mut changes) = (machine.jobs().await, machine.changes().await);
    let id = machine.create("killed").await;
    let (job, delivery) = next_job(&mut *jobs).await;
    machine.send(&id, EventKind::KillRequested).await;
    ended(&mut *changes, &id).await;
    machine.succeed(&job, "w").await;
    delivery.receipt.acknowledge();
    let execution = machine.execution(&id).await.unwrap();
    assert_eq!(execution.header.state.current(), StateType::Killed);
    assert_eq!(states(&execution), [("a".to_owned(), StateType::Killed)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_among_the_events_is_put_aside_and_stops_nobody() {
    let machine = Machine::new();
    machine
        .save("id: f\nnamespace: a.b\ntasks:\n  - {id: a, type: test.Inline}\n")
        .await;
    let _executor = machine.start_alone();
    let mut changes = machine.changes().await;
    let id = ExecutionId::from("garbage");
    let garbage = Message {
        id: "g".into(),
        body: vec![0xff, 0x00].into(),
    };
    machine
        .queue
        .publish(&machine.topic(&id), vec![garbage])
        .await
        .unwrap();
    let id = machine.create("garbage").await;
    ended(&mut *changes, &id).await;
    assert_eq!(machine.queue.dead_letters().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_out_of_reach_is_waited_for() {
    let machine = Machine::new();
    machine.save(TWO_TASKS).await;
    let _executor = machine.start_alone();
    let (mut jobs, mut changes) = (machine.jobs().await, machine.changes().await);
    let id = machine.create("patient").await;
    let (job, delivery) = next_job(&mut *jobs).await;
    machine.store.off.store(true, Ordering::SeqCst);
    machine.succeed(&job, "w").await;
    delivery.receipt.acknowledge();
    machine.store.off.store(false, Ordering::SeqCst);
    let (job, delivery) = next_job(&mut *jobs).await;
    machine.succeed(&job, "w").await;
    delivery.receipt.acknowledge();
    ended(&mut *changes, &id).await;
}
