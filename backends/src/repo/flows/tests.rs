use std::borrow::Cow;

use flowmill_common::compile::{self, Catalogue, Placement, PropertyProblem, TaskType};
use flowmill_common::flow::Place;
use serde_json::{Map, Value};

use super::*;
use crate::store::embedded::{Config, EmbeddedStore};

fn flows() -> (tempfile::TempDir, Flows) {
    let directory = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(directory.path(), &Config::default()).unwrap();
    (directory, Flows::new(Arc::new(store)))
}

fn draft<'a>(namespace: &'a str, id: &'a str, source: &'a str) -> Draft<'a> {
    Draft {
        namespace,
        id,
        source,
        disabled: false,
        description: None,
        labels: &[],
    }
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

#[tokio::test]
async fn only_another_text_makes_a_revision() {
    let (_directory, flows) = flows();
    let first = flows
        .save(&draft("a.b", "f", "x: 1\n"), Expect::Any, at(5))
        .await
        .unwrap();
    assert_eq!((first.head.revision, first.changed), (1, true));
    let same = flows
        .save(&draft("a.b", "f", "x: 1\n"), Expect::Any, at(6))
        .await
        .unwrap();
    assert_eq!(
        same,
        Saved {
            head: first.head,
            changed: false
        }
    );
    let numbered = flows
        .save(
            &draft("a.b", "f", "revision: 7\nx: 1\n"),
            Expect::Any,
            at(7),
        )
        .await
        .unwrap();
    assert!(!numbered.changed);
    let commented = flows
        .save(&draft("a.b", "f", "x: 1 # why\n"), Expect::Present, at(8))
        .await
        .unwrap();
    assert_eq!(commented.head.revision, 2);
    assert_eq!(
        flows
            .revision("a.b", "f", 1)
            .await
            .unwrap()
            .unwrap()
            .source
            .as_ref(),
        "x: 1\n"
    );
}

#[tokio::test]
async fn a_flow_that_is_deleted_and_created_again_goes_on_counting() {
    let (_directory, flows) = flows();
    flows
        .save(&draft("a.b", "f", "x: 1\n"), Expect::Absent, at(5))
        .await
        .unwrap();
    let deleted = flows.delete("a.b", "f", at(5)).await.unwrap();
    assert_eq!(
        (deleted.revision, deleted.deleted, deleted.updated),
        (2, true, at(6))
    );
    assert_eq!(
        flows.delete("a.b", "f", at(7)).await.unwrap_err().kind(),
        Kind::NotFound
    );
    let again = flows
        .save(&draft("a.b", "f", "x: 1\n"), Expect::Absent, at(8))
        .await
        .unwrap();
    assert_eq!((again.head.revision, again.head.deleted), (3, false));
    let deleted: Vec<_> = flows
        .revisions("a.b", "f")
        .await
        .unwrap()
        .iter()
        .map(|one| one.deleted)
        .collect();
    assert_eq!(deleted, [false, true, false]);
}

#[tokio::test]
async fn creating_what_is_there_and_updating_what_is_not_are_refused() {
    let (_directory, flows) = flows();
    let draft = draft("a.b", "f", "x: 1\n");
    assert_eq!(
        flows
            .save(&draft, Expect::Present, at(1))
            .await
            .unwrap_err()
            .kind(),
        Kind::NotFound
    );
    flows.save(&draft, Expect::Absent, at(1)).await.unwrap();
    assert_eq!(
        flows
            .save(&draft, Expect::Absent, at(1))
            .await
            .unwrap_err()
            .kind(),
        Kind::Conflict
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_saves_at_once_gets_revisions_one_after_the_other() {
    let (_directory, flows) = flows();
    let saves = (0..8).map(|number| {
        let flows = flows.clone();
        tokio::spawn(async move {
            let source = format!("x: {number}\n");
            flows
                .save(&draft("a.b", "f", &source), Expect::Any, at(1))
                .await
                .unwrap()
                .head
                .revision
        })
    });
    let mut revisions: Vec<_> = futures::future::join_all(saves)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    revisions.sort_unstable();
    assert_eq!(revisions, (1..=8).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_list_is_of_one_namespace_exactly_or_of_all() {
    let (_directory, flows) = flows();
    for (namespace, id) in [("a", "z"), ("a.b", "y"), ("a", "x"), ("ab", "w")] {
        flows
            .save(&draft(namespace, id, "x: 1\n"), Expect::Any, at(1))
            .await
            .unwrap();
    }
    let ids = |heads: Vec<Head>| {
        heads
            .iter()
            .map(|head| head.id.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        ids(flows.list(Some("a"), |_| true).await.unwrap()),
        ["x", "z"]
    );
    assert_eq!(
        ids(flows.list(None, |head| &*head.id != "z").await.unwrap()),
        ["y", "x", "w"]
    );
}

#[tokio::test]
async fn old_revisions_can_be_forgotten_but_not_the_newest() {
    let (_directory, flows) = flows();
    for number in 0..3 {
        flows
            .save(
                &draft("a.b", "f", &format!("x: {number}\n")),
                Expect::Any,
                at(1),
            )
            .await
            .unwrap();
    }
    assert_eq!(
        flows.forget("a.b", "f", &[3]).await.unwrap_err().kind(),
        Kind::Invalid
    );
    assert_eq!(
        flows.forget("a.b", "f", &[9]).await.unwrap_err().kind(),
        Kind::NotFound
    );
    flows.forget("a.b", "f", &[1]).await.unwrap();
    let left: Vec<_> = flows
        .revisions("a.b", "f")
        .await
        .unwrap()
        .iter()
        .map(|one| one.revision)
        .collect();
    assert_eq!(left, [2, 3]);
}

#[test]
fn only_a_top_level_revision_line_is_cut() {
    assert_eq!(
        without_revision("id: a\nrevision: 3\ntasks:\n  revision: 4\n"),
        "id: a\ntasks:\n  revision: 4\n"
    );
    assert_eq!(without_revision("revision: latest\n"), "revision: latest\n");
    assert_eq!(written_revision("id: a\nrevision: 3\n"), Some(3));
}

/// Knows one task type.
struct OneType;

impl Catalogue for OneType {
    fn resolve(&self, written: &str) -> Option<TaskType> {
        let placement = Placement::Runnable(Place::Worker);
        (written == "some.Task").then_some(TaskType {
            name: Cow::Borrowed("some.Task"),
            placement,
        })
    }

    fn property_names(&self, _: &str) -> Option<Vec<Cow<'static, str>>> {
        None
    }

    fn check(&self, _: &str, _: &Map<String, Value>) -> Vec<PropertyProblem> {
        Vec::new()
    }

    fn type_names(&self) -> Vec<Cow<'static, str>> {
        vec![Cow::Borrowed("some.Task")]
    }
}

fn text(id: &str, task_type: &str) -> String {
    format!("id: {id}\nnamespace: a.b\ntasks:\n  - id: t\n    type: {task_type}\n")
}

#[tokio::test]
async fn a_revision_is_compiled_once_and_a_broken_one_says_why() {
    let (_directory, flows) = flows();
    flows
        .save(
            &draft("a.b", "f", &text("f", "some.Task")),
            Expect::Any,
            at(1),
        )
        .await
        .unwrap();
    let cache = FlowCache::new(
        flows.clone(),
        Arc::new(OneType),
        compile::Options::default(),
    );
    let first = cache.get("a.b", "f", 1).await.unwrap().unwrap();
    assert_eq!((&*first.id, first.revision), ("f", 1));
    assert!(Arc::ptr_eq(
        &first,
        &cache.get("a.b", "f", 1).await.unwrap().unwrap()
    ));
    assert!(cache.get("a.b", "f", 2).await.unwrap().is_none());

    flows
        .save(
            &draft("a.b", "f", &text("f", "gone.Task")),
            Expect::Any,
            at(2),
        )
        .await
        .unwrap();
    let error = cache.get("a.b", "f", 2).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Invalid);
    assert!(error.to_string().contains("gone.Task"), "{error}");
    let latest = cache.latest("a.b", "f").await.unwrap().unwrap();
    assert_eq!(latest.revision.revision, 2);
    assert!(latest.flow.is_err());
    flows.delete("a.b", "f", at(3)).await.unwrap();
    assert!(cache.latest("a.b", "f").await.unwrap().is_none());
}

#[tokio::test]
async fn a_full_cache_drops_what_was_not_used_for_the_longest_time() {
    let (_directory, flows) = flows();
    for id in ["a", "b", "c", "d"] {
        flows
            .save(
                &draft("a.b", id, &text(id, "some.Task")),
                Expect::Any,
                at(1),
            )
            .await
            .unwrap();
    }
    let cache =
        FlowCache::new(flows, Arc::new(OneType), compile::Options::default()).with_capacity(3);
    let get = async |id: &str| cache.get("a.b", id, 1).await.unwrap().unwrap();
    let (a, b) = (get("a").await, get("b").await);
    get("c").await;
    assert!(Arc::ptr_eq(&a, &get("a").await));
    get("d").await;
    assert!(Arc::ptr_eq(&a, &get("a").await));
    assert!(!Arc::ptr_eq(&b, &get("b").await));
}
