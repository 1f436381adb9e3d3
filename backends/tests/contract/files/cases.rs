//! The contract of a file storage.

use std::io;

use bytes::Bytes;
use flowmill_backends::files::ByteStream;
use flowmill_backends::{Kind, Result};
use futures::{StreamExt, TryStreamExt, stream};

use super::Context;
use crate::suite::{Case, cases};

pub(crate) const CASES: &[Case<Context>] = cases![
    what_was_put_is_read_back,
    a_file_may_be_empty,
    a_put_replaces_what_was_there,
    a_missing_file_is_not_found,
    the_length_and_the_time_of_a_file_are_known,
    a_range_is_half_open_and_cut_at_the_end,
    a_deleted_file_is_gone,
    deleting_what_is_not_there_is_no_error,
    a_listing_has_the_files_with_the_prefix_in_order,
    a_listing_is_complete_however_long,
    a_listing_of_nothing_is_empty,
    any_usual_character_may_be_in_a_path,
    deep_paths_are_fine,
    a_folder_is_not_a_file,
    paths_that_lead_elsewhere_are_invalid,
    a_stream_that_breaks_off_leaves_nothing,
    a_stream_that_breaks_off_late_leaves_nothing,
    a_put_that_is_given_up_leaves_nothing,
    a_large_file_passes_through,
    a_range_of_a_large_file_is_right,
    a_stream_may_be_left_unread,
    of_concurrent_puts_one_wins_whole,
    puts_and_deletes_in_one_folder_do_not_disturb_each_other,
];

/// More than one part of an upload.
const LARGE: usize = 20 << 20;

impl Context {
    fn path(&self, rest: &str) -> String {
        format!("{}/{rest}", self.folder)
    }

    async fn put(&self, path: &str, content: impl Into<Bytes>) {
        let content = content.into();
        let length = content.len() as u64;
        assert_eq!(
            self.files
                .put(&self.path(path), once(content))
                .await
                .unwrap(),
            length
        );
    }

    async fn get(&self, path: &str) -> Result<Vec<u8>> {
        Ok(read(self.files.get(&self.path(path), None).await?).await)
    }

    async fn range(&self, path: &str, start: u64, end: u64) -> Vec<u8> {
        read(
            self.files
                .get(&self.path(path), Some(start..end))
                .await
                .unwrap(),
        )
        .await
    }

    /// The files below the folder, without it.
    async fn list(&self, prefix: &str) -> Vec<String> {
        let found = self.files.list(&self.path(prefix)).await.unwrap();
        found
            .into_iter()
            .map(|stat| stat.path.split_once('/').unwrap().1.to_owned())
            .collect()
    }
}

fn once(content: Bytes) -> ByteStream {
    stream::once(async { Ok(content) }).boxed()
}

async fn read(stream: ByteStream) -> Vec<u8> {
    let chunks: Vec<Bytes> = stream.try_collect().await.unwrap();
    chunks.concat()
}

fn kind_of<T>(result: Result<T>) -> Kind {
    result.err().expect("an error").kind()
}

/// Content that shows when a part is missing or at the wrong place.
fn pattern(length: usize) -> Vec<u8> {
    (0..length.div_ceil(4) as u32)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
        .take(length)
        .collect()
}

fn chunked(content: Vec<u8>, size: usize) -> ByteStream {
    let content = Bytes::from(content);
    let starts = (0..content.len()).step_by(size);
    let chunks: Vec<_> = starts
        .map(|at| Ok(content.slice(at..content.len().min(at + size))))
        .collect();
    stream::iter(chunks).boxed()
}

async fn what_was_put_is_read_back(cx: Context) {
    cx.put("a.txt", "hello").await;
    assert_eq!(cx.get("a.txt").await.unwrap(), b"hello");
    let parts = ["one ", "", "two ", "three"].map(|part| Ok(Bytes::from(part)));
    assert_eq!(
        cx.files
            .put(&cx.path("b.txt"), stream::iter(parts).boxed())
            .await
            .unwrap(),
        13
    );
    assert_eq!(cx.get("b.txt").await.unwrap(), b"one two three");
}

async fn a_file_may_be_empty(cx: Context) {
    cx.put("empty", "").await;
    assert_eq!(
        cx.files
            .put(&cx.path("empty2"), stream::empty().boxed())
            .await
            .unwrap(),
        0
    );
    for path in ["empty", "empty2"] {
        assert_eq!(cx.get(path).await.unwrap(), b"");
        assert_eq!(cx.range(path, 0, 10).await, b"");
        assert_eq!(cx.files.stat(&cx.path(path)).await.unwrap().length, 0);
    }
}

async fn a_put_replaces_what_was_there(cx: Context) {
    cx.put("a", "a long text, longer than the next").await;
    cx.put("a", "short").await;
    assert_eq!(cx.get("a").await.unwrap(), b"short");
    assert_eq!(cx.list("").await, ["a"]);
}

async fn a_missing_file_is_not_found(cx: Context) {
    cx.put("there", "").await;
    for path in ["missing", "missing/deeper"] {
        assert_eq!(kind_of(cx.get(path).await), Kind::NotFound);
        assert_eq!(
            kind_of(cx.files.get(&cx.path(path), Some(0..1)).await),
            Kind::NotFound
        );
        let missing = cx.files.stat(&cx.path(path)).await.unwrap_err();
        assert_eq!(missing.kind(), Kind::NotFound);
        assert!(missing.to_string().contains(&cx.path(path)), "{missing}");
    }
}

async fn the_length_and_the_time_of_a_file_are_known(cx: Context) {
    let before = jiff::Timestamp::now();
    cx.put("a", "12345").await;
    let stat = cx.files.stat(&cx.path("a")).await.unwrap();
    assert_eq!((stat.path, stat.length), (cx.path("a"), 5));
    // Some storages count whole seconds, and have a clock of their own.
    assert!(
        stat.modified.duration_since(before).abs().as_secs() < 60,
        "{} is not now",
        stat.modified
    );
    let listed = cx.files.list(&cx.path("")).await.unwrap();
    assert_eq!(
        (listed[0].path.clone(), listed[0].length),
        (cx.path("a"), 5)
    );
}

async fn a_range_is_half_open_and_cut_at_the_end(cx: Context) {
    cx.put("a", "0123456789").await;
    for (start, end, expected) in [
        (0, 10, "0123456789"),
        (0, 1, "0"),
        (3, 6, "345"),
        (9, 10, "9"),
        (5, 100, "56789"),
        (0, u64::MAX, "0123456789"),
        (3, 3, ""),
        (6, 3, ""),
        (10, 20, ""),
        (50, 60, ""),
    ] {
        assert_eq!(
            cx.range("a", start, end).await,
            expected.as_bytes(),
            "{start}..{end}"
        );
    }
}

async fn a_deleted_file_is_gone(cx: Context) {
    cx.put("folder/a", "1").await;
    cx.put("folder/b", "2").await;
    cx.files.delete(&cx.path("folder/a")).await.unwrap();
    assert_eq!(kind_of(cx.get("folder/a").await), Kind::NotFound);
    assert_eq!(cx.list("").await, ["folder/b"]);
    cx.files.delete(&cx.path("folder/b")).await.unwrap();
    assert!(cx.list("").await.is_empty());
    cx.put("folder", "now a file").await;
    assert_eq!(cx.get("folder").await.unwrap(), b"now a file");
}

async fn deleting_what_is_not_there_is_no_error(cx: Context) {
    cx.put("a/b", "").await;
    for path in ["nothing", "a/nothing", "no/folder/either", "a"] {
        cx.files.delete(&cx.path(path)).await.unwrap();
    }
    assert_eq!(cx.list("").await, ["a/b"]);
}

async fn a_listing_has_the_files_with_the_prefix_in_order(cx: Context) {
    let mut paths = ["b", "a/x", "a/y/z", "a-b", "a.txt", "aa", "a/yy", "ä", "B"];
    for path in paths {
        cx.put(path, "1").await;
    }
    paths.sort_unstable();
    assert_eq!(cx.list("").await, paths);
    assert_eq!(
        cx.list("a").await,
        ["a-b", "a.txt", "a/x", "a/y/z", "a/yy", "aa"]
    );
    assert_eq!(cx.list("a/").await, ["a/x", "a/y/z", "a/yy"]);
    assert_eq!(cx.list("a/y").await, ["a/y/z", "a/yy"]);
    assert_eq!(cx.list("a/y/").await, ["a/y/z"]);
    assert_eq!(cx.list("b").await, ["b"]);
    let whole = cx.files.list(&cx.folder).await.unwrap();
    assert_eq!(whole.len(), paths.len());
}

async fn a_listing_is_complete_however_long(cx: Context) {
    let puts = (0..1100).map(|n| {
        let (files, path) = (cx.files.clone(), cx.path(&format!("{:02}/{n:04}", n % 10)));
        async move {
            files
                .put(&path, once(Bytes::from_static(b"x")))
                .await
                .unwrap()
        }
    });
    stream::iter(puts)
        .buffer_unordered(20)
        .collect::<Vec<_>>()
        .await;
    let listed = cx.list("").await;
    assert_eq!(listed.len(), 1100);
    assert!(listed.is_sorted());
}

async fn a_listing_of_nothing_is_empty(cx: Context) {
    cx.put("a", "").await;
    for prefix in ["nothing", "nothing/", "a/", "a/b/c"] {
        assert!(cx.list(prefix).await.is_empty(), "{prefix}");
    }
}

async fn any_usual_character_may_be_in_a_path(cx: Context) {
    let names = [
        "b c+é.txt",
        "100%",
        "a&b=c?d#e",
        "日本😀",
        "q\"uote's",
        "back\\slash",
        "a:b",
        "..a",
        "b..",
        "~",
        "%2F",
    ];
    for name in names {
        let path = format!("{name}/{name}");
        cx.put(&path, name).await;
        assert_eq!(cx.get(&path).await.unwrap(), name.as_bytes());
        assert_eq!(
            cx.list(&format!("{name}/")).await,
            std::slice::from_ref(&path)
        );
        assert_eq!(
            cx.files.stat(&cx.path(&path)).await.unwrap().length,
            name.len() as u64
        );
        cx.files.delete(&cx.path(&path)).await.unwrap();
        assert_eq!(kind_of(cx.get(&path).await), Kind::NotFound);
    }
}

async fn deep_paths_are_fine(cx: Context) {
    let path = ["folder"; 60].join("/");
    cx.put(&path, "deep").await;
    assert_eq!(cx.get(&path).await.unwrap(), b"deep");
    cx.files.delete(&cx.path(&path)).await.unwrap();
    assert!(cx.list("").await.is_empty());
}

async fn a_folder_is_not_a_file(cx: Context) {
    cx.put("folder/a", "1").await;
    assert_eq!(kind_of(cx.get("folder").await), Kind::NotFound);
    assert_eq!(
        kind_of(cx.files.stat(&cx.path("folder")).await),
        Kind::NotFound
    );
}

async fn paths_that_lead_elsewhere_are_invalid(cx: Context) {
    cx.put("a", "1").await;
    for path in [
        "",
        "/etc/passwd",
        "../x",
        "a/../../x",
        "a/..",
        "./a",
        "a//b",
        "a/",
        "nul\0",
        "line\nbreak",
    ] {
        assert_eq!(
            kind_of(cx.files.put(path, once(Bytes::new())).await),
            Kind::Invalid,
            "put {path:?}"
        );
        assert_eq!(
            kind_of(cx.files.get(path, None).await),
            Kind::Invalid,
            "get {path:?}"
        );
        assert_eq!(
            kind_of(cx.files.stat(path).await),
            Kind::Invalid,
            "stat {path:?}"
        );
        assert_eq!(
            kind_of(cx.files.delete(path).await),
            Kind::Invalid,
            "delete {path:?}"
        );
    }
    for prefix in ["/", "../", "a/../", "a//"] {
        assert_eq!(
            kind_of(cx.files.list(prefix).await),
            Kind::Invalid,
            "list {prefix:?}"
        );
    }
}

fn breaking_off(after: usize) -> ByteStream {
    let broken = stream::once(async { Err(io::Error::other("the sender went away")) });
    chunked(pattern(after), 300_000).chain(broken).boxed()
}

async fn a_stream_that_breaks_off_leaves_nothing(cx: Context) {
    let broken = cx
        .files
        .put(&cx.path("new"), breaking_off(1000))
        .await
        .unwrap_err();
    assert_eq!(broken.kind(), Kind::Unavailable);
    assert!(
        broken.to_string().contains("the sender went away"),
        "{broken}"
    );
    assert!(cx.list("").await.is_empty());
}

async fn a_stream_that_breaks_off_late_leaves_nothing(cx: Context) {
    cx.put("old", "still here").await;
    for path in ["new", "old"] {
        assert_eq!(
            kind_of(cx.files.put(&cx.path(path), breaking_off(LARGE)).await),
            Kind::Unavailable
        );
    }
    assert_eq!(cx.list("").await, ["old"]);
    assert_eq!(cx.get("old").await.unwrap(), b"still here");
}

async fn a_put_that_is_given_up_leaves_nothing(cx: Context) {
    for length in [10, LARGE] {
        let endless = chunked(pattern(length), 300_000)
            .chain(stream::pending())
            .boxed();
        let path = cx.path("new");
        let put = cx.files.put(&path, endless);
        assert!(
            tokio::time::timeout(std::time::Duration::from_millis(500), put)
                .await
                .is_err()
        );
        assert!(cx.list("").await.is_empty());
    }
}

async fn a_large_file_passes_through(cx: Context) {
    let content = pattern(LARGE + 12_345);
    let length = cx
        .files
        .put(&cx.path("large"), chunked(content.clone(), 77_777))
        .await
        .unwrap();
    assert_eq!(length, content.len() as u64);
    assert!(cx.get("large").await.unwrap() == content);
    let mut chunks = cx.files.get(&cx.path("large"), None).await.unwrap();
    while let Some(chunk) = chunks.next().await {
        assert!(
            chunk.unwrap().len() <= 8 << 20,
            "it must not be read as a whole"
        );
    }
}

async fn a_range_of_a_large_file_is_right(cx: Context) {
    let content = pattern(LARGE);
    cx.files
        .put(&cx.path("large"), once(content.clone().into()))
        .await
        .unwrap();
    for (start, end) in [
        (0, 1),
        (7 << 20, 9 << 20),
        (LARGE - 5, LARGE),
        (1, LARGE),
        (262_143, 262_145),
    ] {
        assert!(
            cx.range("large", start as u64, end as u64).await == content[start..end],
            "{start}..{end}"
        );
    }
}

async fn a_stream_may_be_left_unread(cx: Context) {
    cx.put("a", pattern(LARGE)).await;
    let mut unread = cx.files.get(&cx.path("a"), None).await.unwrap();
    unread.next().await.unwrap().unwrap();
    drop(unread);
    drop(cx.files.get(&cx.path("a"), None).await.unwrap());
    assert_eq!(cx.range("a", 0, 4).await.len(), 4);
}

async fn of_concurrent_puts_one_wins_whole(cx: Context) {
    let puts = (0..8_u8).map(|n| {
        let content = chunked(vec![n; 2 << 20], 100_000);
        let (files, path) = (cx.files.clone(), cx.path("contested"));
        async move { files.put(&path, content).await.unwrap() }
    });
    futures::future::join_all(puts).await;
    let content = cx.get("contested").await.unwrap();
    assert_eq!(content.len(), 2 << 20);
    assert!(content.iter().all(|byte| *byte == content[0]));
    assert_eq!(cx.list("").await, ["contested"]);
}

async fn puts_and_deletes_in_one_folder_do_not_disturb_each_other(cx: Context) {
    let turns = (0..8).map(|n| {
        let (files, path) = (cx.files.clone(), cx.path(&format!("deep/folder/{n}")));
        async move {
            for _ in 0..10 {
                files
                    .put(&path, once(Bytes::from_static(b"x")))
                    .await
                    .unwrap();
                files.delete(&path).await.unwrap();
            }
            files
                .put(&path, once(Bytes::from_static(b"last")))
                .await
                .unwrap();
        }
    });
    futures::future::join_all(turns).await;
    assert_eq!(cx.list("").await.len(), 8);
}
