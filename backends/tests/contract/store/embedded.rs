//! What is special to the embedded store.

use std::sync::Arc;

use bytes::Bytes;
use flowmill_backends::store::embedded::{Config, EmbeddedStore};
use flowmill_backends::store::{Batch, RangeOptions};
use flowmill_backends::{Kind, Store};
use futures::future::join_all;

fn put(key: &str, value: impl Into<Bytes>) -> Batch {
    Batch {
        puts: vec![(key.to_owned(), value.into())],
        ..Batch::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_store_holds_the_contract() {
    let directory = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(directory.path(), &Config::default()).unwrap();
    super::hold(Arc::new(store)).await;
}

#[tokio::test]
async fn what_was_committed_is_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    for run in 0..3 {
        let store = EmbeddedStore::open(directory.path(), &Config::default()).unwrap();
        for earlier in 0..run {
            assert!(
                store
                    .get(&format!("global/{earlier}"))
                    .await
                    .unwrap()
                    .is_some()
            );
        }
        store
            .commit(put(&format!("global/{run}"), "1"))
            .await
            .unwrap();
        store.close().await;
    }
}

#[tokio::test]
async fn what_was_committed_is_there_after_a_crash() {
    let (running, found) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = EmbeddedStore::open(running.path(), &Config::default()).unwrap();
    for n in 0..300 {
        store
            .commit(put(&format!("global/{n}"), vec![b'x'; 100]))
            .await
            .unwrap();
        if n % 60 == 0 {
            // What a crash at this instant would leave: the files as they are, with nothing finished or closed.
            for file in ["flowmill.db", "flowmill.db-wal"] {
                std::fs::copy(running.path().join(file), found.path().join(file)).unwrap();
            }
            let after = EmbeddedStore::open(found.path(), &Config::default()).unwrap();
            let entries = after
                .range("global/", "global0", RangeOptions::default())
                .await
                .unwrap();
            assert_eq!(entries.len(), n + 1);
            after.commit(put("global/after", "1")).await.unwrap();
            drop(after);
        }
    }
}

#[tokio::test]
async fn a_directory_is_for_one_store_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let first = EmbeddedStore::open(directory.path(), &Config::default()).unwrap();
    let refused = EmbeddedStore::open(directory.path(), &Config::default())
        .err()
        .unwrap();
    assert_eq!(refused.kind(), Kind::Invalid);
    assert!(
        refused.to_string().contains("is in use by process"),
        "{refused}"
    );
    drop(first);
    EmbeddedStore::open(directory.path(), &Config::default()).unwrap();
}

#[tokio::test]
async fn another_programs_database_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(
        directory.path().join("flowmill.db"),
        "no database at all, but rather long text".repeat(100),
    )
    .unwrap();
    let refused = EmbeddedStore::open(directory.path(), &Config::default())
        .err()
        .unwrap();
    assert!(refused.to_string().contains("is damaged"), "{refused}");
}

#[tokio::test]
async fn a_closed_store_is_unavailable() {
    let directory = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(directory.path(), &Config::default()).unwrap();
    store.close().await;
    store.close().await;
    assert_eq!(
        store.commit(put("global/a", "1")).await.unwrap_err().kind(),
        Kind::Unavailable
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_that_wait_together_share_a_transaction() {
    let directory = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(directory.path(), &Config::default()).unwrap();
    let before = store.fsyncs();
    let commits = (0..500).map(|n| store.commit(put(&format!("p00/{n}"), "1")));
    join_all(commits)
        .await
        .into_iter()
        .for_each(|outcome| outcome.unwrap());
    let transactions = store.fsyncs() - before;
    assert!(
        transactions < 100,
        "500 commits took {transactions} transactions"
    );
    store
        .commit(Batch {
            expects: vec![("p00/1".into(), None)],
            ..put("p00/1", "2")
        })
        .await
        .unwrap_err();
    assert_eq!(
        store.fsyncs() - before,
        transactions,
        "what writes nothing costs no fsync"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_is_moved_into_the_main_file_while_commits_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let config = Config {
        wal_size: flowmill_backends::config::ByteSize::mebibytes(1),
        ..Config::default()
    };
    let store = EmbeddedStore::open(directory.path(), &config).unwrap();
    for round in 0..400 {
        let puts = (0..20)
            .map(|n| (format!("p00/{n:02}/{round}"), Bytes::from(vec![b'x'; 500])))
            .collect();
        store
            .commit(Batch {
                puts,
                ..Batch::default()
            })
            .await
            .unwrap();
    }
    let log = std::fs::metadata(directory.path().join("flowmill.db-wal"))
        .unwrap()
        .len();
    assert!(log <= 5 << 20, "the log has {log} bytes");
    assert_eq!(
        store
            .range("p00/", "p000", RangeOptions::default())
            .await
            .unwrap()
            .len(),
        8000
    );
}
