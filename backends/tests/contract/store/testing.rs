//! The stores for tests are stores.

use std::sync::Arc;

use bytes::Bytes;
use flowmill_backends::store::Batch;
use flowmill_backends::testing::{Fault, FaultyStore, MemoryStore};
use flowmill_backends::{Kind, Store};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_in_memory_holds_the_contract() {
    super::hold(Arc::new(FaultyStore::new(MemoryStore::default()))).await;
}

#[tokio::test]
async fn a_faulty_store_fails_as_it_is_told_to() {
    let store = FaultyStore::new(MemoryStore::default());
    let put = |key: &str| Batch {
        puts: vec![(key.to_owned(), Bytes::new())],
        ..Batch::default()
    };
    store.next_commits([Fault::Fails(Kind::Fenced), Fault::AnswerLost]);
    assert_eq!(
        store.commit(put("p00/a")).await.unwrap_err().kind(),
        Kind::Fenced
    );
    assert_eq!(
        store.commit(put("p00/b")).await.unwrap_err().kind(),
        Kind::Unavailable
    );
    store.commit(put("p00/c")).await.unwrap();
    store.next_reads([Fault::Fails(Kind::Unavailable)]);
    assert!(store.get("p00/a").await.is_err());
    assert_eq!(store.get("p00/a").await.unwrap(), None);
    assert!(store.get("p00/b").await.unwrap().is_some());
}
