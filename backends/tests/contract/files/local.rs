//! What is special to local files.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use flowmill_backends::files::local::LocalFiles;
use flowmill_backends::{Files, Kind};
use futures::{StreamExt, stream};

fn entries(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn local_files_hold_the_contract() {
    let directory = tempfile::tempdir().unwrap();
    super::hold(Arc::new(LocalFiles::open(directory.path()).unwrap())).await;
    assert!(
        entries(&directory.path().join(".incoming")).is_empty(),
        "no put left anything behind"
    );
}

#[tokio::test]
async fn deleting_the_last_file_of_a_folder_removes_the_folder() {
    let directory = tempfile::tempdir().unwrap();
    let files = LocalFiles::open(directory.path()).unwrap();
    for path in ["a/b/c/one", "a/two"] {
        files.put(path, stream::empty().boxed()).await.unwrap();
    }
    files.delete("a/b/c/one").await.unwrap();
    assert_eq!(entries(&directory.path().join("a")), ["two"]);
    files.delete("a/two").await.unwrap();
    assert_eq!(entries(directory.path()), [".incoming"]);
}

#[tokio::test]
async fn files_being_written_are_out_of_reach() {
    let directory = tempfile::tempdir().unwrap();
    let files = LocalFiles::open(directory.path()).unwrap();
    std::fs::write(directory.path().join(".incoming/other"), "half").unwrap();
    assert!(files.list("").await.unwrap().is_empty());
    for path in [".incoming", ".incoming/other"] {
        assert_eq!(files.stat(path).await.unwrap_err().kind(), Kind::Invalid);
    }
    files
        .put(
            ".incoming.txt",
            stream::once(async { Ok(Bytes::new()) }).boxed(),
        )
        .await
        .unwrap();
    assert_eq!(files.list("").await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_file_where_a_folder_is_needed_is_an_error_that_names_the_path() {
    let directory = tempfile::tempdir().unwrap();
    let files = LocalFiles::open(directory.path()).unwrap();
    files.put("a", stream::empty().boxed()).await.unwrap();
    let refused = files.put("a/b", stream::empty().boxed()).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Invalid);
    assert!(refused.to_string().contains("`a/b`"), "{refused}");
    assert!(files.probe().outage().is_none());
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_is_refused_with_its_name() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("file"), "").unwrap();
    let refused = LocalFiles::open(directory.path().join("file"))
        .err()
        .unwrap();
    assert_eq!(refused.kind(), Kind::Invalid);
    assert!(
        refused.to_string().contains("/file` is not writable"),
        "{refused}"
    );
}
