use flowmill_backends::repo::claims::{Claimed, Claims};
use flowmill_backends::repo::members::{Member, Members, Role};
use flowmill_common::EventKind;
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
    let Claimed::Taken(claim) = claims.claim(&mine, "w2").await.unwrap() else {
        panic!("it is claimed")
    };
    assert_eq!(claim.worker, "w1");
    rig.stop().await;
    assert!(members.list(Role::Worker).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_job_that_another_worker_has_claimed_is_left_to_it_and_a_newer_dispatch_is_not() {
    let mut rig = Rig::in_cluster("w1").await;
    let mut taken = job(json!({"type": RETURN}));
    let claims = Claims::new(rig.store.clone());
    assert_eq!(claims.claim(&taken, "w2").await.unwrap(), Claimed::Granted);
    rig.send(&taken).await;
    taken.dispatch += 1;
    rig.send(&taken).await;
    let finished = rig.finished().await;
    assert_eq!((finished.dispatch, &*finished.worker), (2, "w1"));
    rig.stop().await;
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
    let claims = Claims::new(rig.store.clone());
    let members = Members::new(rig.store.clone());
    let mut taken = job(json!({"type": RETURN}));
    assert_eq!(claims.claim(&taken, "w2").await.unwrap(), Claimed::Granted);
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
    rig.send_again(&taken).await;
    taken.dispatch += 1;
    rig.send(&taken).await;
    assert_eq!(rig.finished().await.dispatch, 2);
    beats.abort();
    rig.stop().await;
}

#[tokio::test]
async fn a_job_that_came_again_is_lost_when_its_worker_shows_no_life() {
    let mut rig = Rig::in_cluster("w1").await;
    let claims = Claims::new(rig.store.clone());
    let members = Members::new(rig.store.clone());
    let taken = job(json!({"type": RETURN}));
    assert_eq!(claims.claim(&taken, "w2").await.unwrap(), Claimed::Granted);
    members.beat(&member("w2", 7)).await.unwrap();
    rig.send_again(&taken).await;
    let EventKind::TaskLost(lost) = rig.event().await.kind else {
        panic!("it is lost")
    };
    assert_eq!((lost.run, lost.dispatch), (taken.run, taken.dispatch));
    assert_eq!(lost.reason, "worker w2 is gone");
    rig.stop().await;
}

#[tokio::test]
async fn a_job_that_came_again_after_its_execution_is_not_run() {
    let mut rig = Rig::in_cluster("w1").await;
    let over = job(json!({"type": RETURN, "format": "over"}));
    rig.send_again(&over).await;
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
