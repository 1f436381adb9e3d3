use flowmill_backends::repo::claims::{Claimed, Claims};
use flowmill_backends::repo::members::{Members, Role};
use serde_json::json;

use crate::rig::{Rig, job};

const RETURN: &str = "io.kestra.plugin.core.debug.Return";

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
