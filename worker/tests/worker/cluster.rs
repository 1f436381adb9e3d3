use flowmill_backends::repo::claims::{Claimed, Claims, Holder};
use flowmill_backends::repo::members::{Member, Members, Role};
use flowmill_common::{EventKind, Job};
use flowmill_worker::Config;
use serde_json::json;

use crate::rig::{Rig, job};

const RETURN: &str = "io.kestra.plugin.core.debug.Return";
const SLEEP: &str = "io.kestra.plugin.core.flow.Sleep";

#[tokio::test]
async fn a_worker_shows_itself_before_it_claims_and_is_gone_when_it_stops() {
    let mut rig = Rig::in_cluster("w1").await;
    let mine = job(json!({"type": RETURN}));
    rig.send(&mine).await;
    assert_eq!(&*rig.finished().await.worker, "w1");
    let members = Members::new(rig.store.clone());
    let listed = members.list(Role::Worker).await.unwrap();
    assert_eq!(
        (listed[0].id.as_str(), &listed[0].groups),
        ("w1", &vec!["default".to_owned()])
    );
    let claims = Claims::new(rig.store.clone());
    let Claimed::Taken(claim) = claims.take(&mine, holder("w2")).await.unwrap() else {
        panic!("it is claimed")
    };
    assert_eq!(claim.holder.worker, "w1");
    rig.stop().await;
    assert!(members.list(Role::Worker).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_copy_of_a_job_that_was_sent_anew_is_left_and_the_newer_dispatch_is_not() {
    let mut rig = Rig::in_cluster("w1").await;
    let old = job(json!({"type": RETURN}));
    let new = Job {
        dispatch: old.dispatch + 1,
        ..old.clone()
    };
    rig.offer(&new).await;
    rig.send_copy(&old).await;
    rig.send_copy(&new).await;
    let finished = rig.finished().await;
    assert_eq!((finished.dispatch, &*finished.worker), (2, "w1"));
    rig.stop().await;
}

fn holder(worker: &str) -> Holder {
    Holder {
        worker: worker.to_owned(),
        delivery: 1,
    }
}

/// A job that another worker has taken.
async fn taken(rig: &Rig, worker: &str) -> Job {
    let taken = job(json!({"type": RETURN}));
    rig.offer(&taken).await;
    let claims = Claims::new(rig.store.clone());
    let claimed = claims.take(&taken, holder(worker)).await.unwrap();
    assert_eq!(claimed, Claimed::Granted);
    taken
}

fn member(id: &str, beat: u64) -> Member {
    Member {
        id: id.to_owned(),
        role: Role::Worker,
        beat,
        host: "h".into(),
        version: "1".into(),
        groups: vec!["default".into()],
        slots: 1,
    }
}

#[tokio::test]
async fn a_job_that_came_again_is_left_to_a_worker_that_shows_life() {
    let mut rig = Rig::in_cluster("w1").await;
    let members = Members::new(rig.store.clone());
    let taken = taken(&rig, "w2").await;
    members.beat(&member("w2", 0)).await.unwrap();
    let beats = tokio::spawn({
        let members = members.clone();
        async move {
            for beat in 1.. {
                members.beat(&member("w2", beat)).await.unwrap();
                tokio::task::yield_now().await;
            }
        }
    });
    rig.send_copy(&taken).await;
    let fresh = Job {
        run: "r2".into(),
        ..taken
    };
    rig.send(&fresh).await;
    assert_eq!(rig.finished().await.run, fresh.run);
    beats.abort();
    rig.stop().await;
}

#[tokio::test]
async fn a_job_that_came_again_is_lost_when_its_worker_shows_no_life() {
    let mut rig = Rig::in_cluster("w1").await;
    let members = Members::new(rig.store.clone());
    let taken = taken(&rig, "w2").await;
    members.beat(&member("w2", 7)).await.unwrap();
    rig.send_copy(&taken).await;
    let EventKind::TaskLost(lost) = rig.event().await.kind else {
        panic!("it is lost")
    };
    assert_eq!((lost.run, lost.dispatch), (taken.run, taken.dispatch));
    assert_eq!(lost.reason, "worker w2 is gone");
    rig.stop().await;
}

#[tokio::test]
async fn a_job_that_came_again_after_its_result_was_taken_is_not_run() {
    let mut rig = Rig::in_cluster("w1").await;
    let over = job(json!({"type": RETURN, "format": "over"}));
    rig.send_copy(&over).await;
    let mut fresh = job(json!({"type": RETURN, "format": "fresh"}));
    fresh.run = "r2".into();
    rig.send(&fresh).await;
    assert_eq!(rig.finished().await.run, fresh.run);
    rig.stop().await;
    let claims = Claims::new(rig.store.clone());
    assert_eq!(claims.find(over.partition, &over.run).await.unwrap(), None);
}

#[tokio::test]
async fn jobs_that_find_no_room_are_handed_on_while_long_ones_go_on() {
    let config = Config {
        slots: 1,
        acknowledge_after: std::time::Duration::from_millis(1),
        ..Config::default()
    };
    let mut rig = Rig::with_id(config, "w1").await;
    let mut jobs = Vec::new();
    for number in 0..3 {
        let mut sleeper = job(json!({"type": SLEEP, "duration": "PT1.5S"}));
        sleeper.run = format!("r{number}").as_str().into();
        rig.send(&sleeper).await;
        jobs.push(sleeper.run);
    }
    let mut finished = Vec::new();
    for _ in &jobs {
        finished.push(rig.finished().await.run);
    }
    finished.sort();
    assert_eq!(finished, jobs);
    rig.stop().await;
}
