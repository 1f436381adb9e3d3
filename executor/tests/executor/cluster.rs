//! Several executors over one store and one queue.

use flowmill_backends::repo::claims::{Claimed, Claims, Holder};
use flowmill_common::StateType;
use flowmill_executor::Recovery;

use crate::harness::{Machine, ended, member, next_job, within};

const ONE_TASK: &str = "id: f\nnamespace: a.b\ntasks:\n  - {id: a, type: test.Work}\n";

#[tokio::test(flavor = "multi_thread")]
async fn executions_go_on_when_one_of_two_executors_dies() {
    let machine = Machine::new();
    machine.save(ONE_TASK).await;
    let (mut jobs, mut changes) = (machine.jobs().await, machine.changes().await);
    let first = machine.start(member("first"), Recovery::Outbox);
    let _second = machine.start(member("second"), Recovery::Outbox);
    for number in 0..40 {
        if number == 20 {
            first.task.abort();
        }
        let id = machine.create(&format!("execution-{number}")).await;
        let (job, delivery) = next_job(&mut *jobs).await;
        assert_eq!(job.execution, id);
        machine.succeed(&job, "w").await;
        delivery.receipt.acknowledge();
        ended(&mut *changes, &id).await;
        let execution = machine.execution(&id).await.unwrap();
        assert_eq!(execution.header.state.current(), StateType::Success);
        assert_eq!(execution.runs.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_executor_that_stops_on_purpose_hands_over_at_once() {
    let machine = Machine::new();
    machine.save(ONE_TASK).await;
    let (mut jobs, mut changes) = (machine.jobs().await, machine.changes().await);
    let first = machine.start(member("first"), Recovery::Outbox);
    let id = machine.create("handed-over").await;
    let (job, delivery) = next_job(&mut *jobs).await;
    let _second = machine.start(member("second"), Recovery::Outbox);
    first.shutdown.cancel();
    within(first.task).await.unwrap().unwrap();
    machine.succeed(&job, "w").await;
    delivery.receipt.acknowledge();
    ended(&mut *changes, &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_task_of_a_silent_worker_runs_again_and_its_late_result_is_refused() {
    let machine = Machine::new();
    machine.save(ONE_TASK).await;
    let (mut jobs, mut changes) = (machine.jobs().await, machine.changes().await);
    let _executor = machine.start(member("only"), Recovery::Outbox);
    machine.beat("silent", 1).await;
    let id = machine.create("silent-worker").await;
    let (job, delivery) = next_job(&mut *jobs).await;
    let claims = Claims::new(machine.store.clone());
    let silent = Holder {
        worker: "silent".into(),
        delivery: 1,
    };
    let claimed = claims.take(&job, silent.clone()).await.unwrap();
    assert_eq!(claimed, Claimed::Granted);
    delivery.receipt.acknowledge();

    let (again, delivery) = next_job(&mut *jobs).await;
    assert_eq!((&again.run, again.dispatch), (&job.run, job.dispatch + 1));
    assert_eq!(
        claims.take(&job, silent.clone()).await.unwrap(),
        Claimed::Past
    );
    machine.succeed(&job, "silent").await;
    machine.succeed(&again, "lively").await;
    delivery.receipt.acknowledge();
    ended(&mut *changes, &id).await;
    let execution = machine.execution(&id).await.unwrap();
    let run = execution.runs.iter().next().unwrap();
    assert_eq!(
        run.attempts.last().unwrap().worker.as_deref(),
        Some("lively")
    );
    assert_eq!(claims.find(job.partition, &job.run).await.unwrap(), None);
    assert_eq!(claims.take(&again, silent).await.unwrap(), Claimed::Past);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_that_is_created_twice_runs_once_and_its_partition_goes_on() {
    let machine = Machine::new();
    machine
        .save("id: f\nnamespace: a.b\ntasks:\n  - {id: a, type: test.Inline}\n")
        .await;
    let mut changes = machine.changes().await;
    let _executor = machine.start(member("only"), Recovery::Outbox);
    let id = machine.create("twice").await;
    ended(&mut *changes, &id).await;
    let before = machine.execution(&id).await.unwrap();
    machine.create("twice").await;
    // in the same partition, so after it
    let next = (0..)
        .map(|number| format!("next-{number}"))
        .find(|next| machine.topic(&next.as_str().into()) == machine.topic(&id))
        .unwrap();
    let next = machine.create(&next).await;
    ended(&mut *changes, &next).await;
    let after = machine.execution(&id).await.unwrap();
    assert_eq!(format!("{after:?}"), format!("{before:?}"));
}
