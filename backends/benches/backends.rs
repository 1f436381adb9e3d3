//! What the backends cost: `cargo bench -p flowmill-backends [-- store|queue|files|redis|rabbitmq|s3]`.
//!
//! Those of one machine are measured without a name as well; the others start a private server.
//!
//! `BENCH_DIR` says on which disk, `BENCH_STORE` gives the store's configuration as JSON.
//!
//! Prints latencies (p50, p99, maximum) and rates, so that a change can be compared with the state before it. The
//! store's figures stand beside the bare cost of an fsync on the same disk.

#![allow(clippy::print_stdout, reason = "a benchmark's output")]
#![allow(clippy::unwrap_used, reason = "a benchmark may stop")]

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use flowmill_backends::files::local::LocalFiles;
use flowmill_backends::queue::in_process::{self, InProcessQueue};
use flowmill_backends::queue::{Message, Topic};
use flowmill_backends::store::embedded::{self, EmbeddedStore};
use flowmill_backends::store::{Batch, RangeOptions};
use flowmill_backends::{Files, Queue, Store};
use futures::{StreamExt, TryStreamExt, stream};
use hdrhistogram::Histogram;

fn main() {
    let wanted = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'))
        .unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let directory = match std::env::var_os("BENCH_DIR") {
        Some(directory) => tempfile::tempdir_in(directory).unwrap(),
        None => tempfile::tempdir().unwrap(),
    };
    runtime.block_on(async {
        if "store".contains(&wanted) {
            disk(&directory.path().join("raw"));
            tokio::spawn(store(directory.path().join("store")))
                .await
                .unwrap();
        }
        if "queue".contains(&wanted) {
            tokio::spawn(queue()).await.unwrap();
        }
        if "files".contains(&wanted) {
            tokio::spawn(files(directory.path().join("files")))
                .await
                .unwrap();
        }
        let _ = &wanted;
        #[cfg(feature = "redis")]
        if wanted == "redis" {
            tokio::spawn(redis()).await.unwrap();
        }
        #[cfg(feature = "rabbitmq")]
        if wanted == "rabbitmq" {
            tokio::spawn(rabbitmq()).await.unwrap();
        }
        #[cfg(feature = "s3")]
        if wanted == "s3" {
            tokio::spawn(s3()).await.unwrap();
        }
    });
}

/// Durations of one operation.
struct Timings(Histogram<u64>);

impl Timings {
    fn new() -> Self {
        Self(Histogram::new(3).unwrap())
    }

    fn add(&mut self, since: Instant) {
        self.0.record(since.elapsed().as_nanos() as u64).unwrap();
    }

    fn print(&self, name: &str) {
        let micros = |nanos: u64| nanos as f64 / 1000.0;
        let [p50, p99, max] = [
            self.0.value_at_quantile(0.5),
            self.0.value_at_quantile(0.99),
            self.0.max(),
        ]
        .map(micros);
        println!("{name:<58} p50 {p50:>9.1} us   p99 {p99:>9.1} us   max {max:>9.1} us");
    }
}

fn rate(name: &str, count: usize, since: Instant, note: &str) {
    println!(
        "{name:<58} {:>12.0} /s   {note}",
        count as f64 / since.elapsed().as_secs_f64()
    );
}

/// What the disk gives: rewriting 16 KiB, and appending 16 KiB, each with fdatasync.
fn disk(path: &std::path::Path) {
    let file = File::create(path).unwrap();
    for name in ["fdatasync, file grows", "fdatasync, file keeps its length"] {
        let mut timings = Timings::new();
        for n in 0..500 {
            file.write_all_at(&[n as u8; 16 << 10], n * (16 << 10))
                .unwrap();
            let since = Instant::now();
            file.sync_data().unwrap();
            timings.add(since);
        }
        timings.print(name);
    }
}

fn put(key: String, size: usize) -> Batch {
    Batch {
        puts: vec![(key, Bytes::from(vec![b'x'; size]))],
        ..Batch::default()
    }
}

/// What one step of an execution writes: a header, two task runs, an index entry moved, a fence.
fn step(partition: &str, n: usize) -> Batch {
    Batch {
        fence: Some((format!("{partition}/epoch"), Bytes::from_static(b"1"))),
        puts: vec![
            (
                format!("{partition}/execution/{n:08}"),
                Bytes::from(vec![b'h'; 900]),
            ),
            (
                format!("{partition}/run/{n:08}/1"),
                Bytes::from(vec![b'r'; 500]),
            ),
            (
                format!("{partition}/run/{n:08}/2"),
                Bytes::from(vec![b'r'; 500]),
            ),
            (format!("{partition}/state/RUNNING/{n:08}"), Bytes::new()),
        ],
        deletes: vec![
            format!("{partition}/state/CREATED/{n:08}"),
            format!("{partition}/outbox/{n:08}"),
        ],
        ..Batch::default()
    }
}

async fn store(directory: std::path::PathBuf) {
    let config: embedded::Config =
        serde_json::from_str(&std::env::var("BENCH_STORE").unwrap_or("{}".into())).unwrap();
    let since = Instant::now();
    let store = Arc::new(EmbeddedStore::open(&directory, &config).unwrap());
    println!(
        "{:<58} {:>13.1} ms",
        "store: open a new directory",
        since.elapsed().as_secs_f64() * 1e3
    );
    store.commit(put("p00/epoch".into(), 1)).await.unwrap();
    store
        .commit(Batch {
            puts: vec![("p00/epoch".into(), Bytes::from_static(b"1"))],
            ..Batch::default()
        })
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;

    for (name, batch) in [
        (
            "store: commit one after the other, 1 put of 200 bytes",
            (|n| put(format!("p00/x/{n:08}"), 200)) as fn(usize) -> Batch,
        ),
        (
            "store: commit one after the other, a step of an execution",
            |n| step("p00", n),
        ),
    ] {
        let (mut timings, before) = (Timings::new(), store.fsyncs());
        let since = Instant::now();
        for n in 0..3000 {
            let batch = batch(n);
            let since = Instant::now();
            store.commit(batch).await.unwrap();
            timings.add(since);
        }
        timings.print(name);
        rate(
            "",
            3000,
            since,
            &format!("{} fsyncs", store.fsyncs() - before),
        );
    }
    for (committers, per) in [(4, 2000), (16, 1500), (64, 1000), (256, 300)] {
        for (kind, small) in [("small", true), ("step", false)] {
            let before = store.fsyncs();
            let since = Instant::now();
            let tasks = (0..committers).map(|committer| {
                let store = store.clone();
                tokio::spawn(async move {
                    for n in 0..per {
                        let n = committer * per + n;
                        let batch = if small {
                            put(format!("p00/y/{n:08}"), 200)
                        } else {
                            step("p00", n)
                        };
                        store.commit(batch).await.unwrap();
                    }
                })
            });
            futures::future::join_all(tasks)
                .await
                .into_iter()
                .for_each(|task| task.unwrap());
            let fsyncs = store.fsyncs() - before;
            rate(
                &format!("store: {committers} committers, {kind} batches"),
                committers * per,
                since,
                &format!("{fsyncs} fsyncs"),
            );
        }
    }
    reads(&store).await;
    let since = Instant::now();
    store.close().await;
    println!(
        "{:<58} {:>13.1} ms",
        "store: close",
        since.elapsed().as_secs_f64() * 1e3
    );
    drop(store);
    let since = Instant::now();
    EmbeddedStore::open(&directory, &config).unwrap();
    println!(
        "{:<58} {:>13.1} ms",
        "store: open again",
        since.elapsed().as_secs_f64() * 1e3
    );
}

async fn reads(store: &Arc<EmbeddedStore>) {
    let (mut direct, mut spawned) = (Timings::new(), Timings::new());
    for n in 0..20_000_usize {
        let key = format!("p00/execution/{:08}", n.wrapping_mul(7919) % 16_000);
        let since = Instant::now();
        store.get(&key).await.unwrap();
        direct.add(since);
        let store = store.clone();
        let since = Instant::now();
        tokio::task::spawn_blocking(move || {
            tokio::runtime::Handle::current().block_on(store.get(&key))
        })
        .await
        .unwrap()
        .unwrap();
        spawned.add(since);
    }
    direct.print("store: get");
    spawned.print("store: get, if it were handed to a blocking thread");

    let mut range = Timings::new();
    for n in 0..5000_usize {
        let from = format!("p00/execution/{:08}", n.wrapping_mul(7919) % 16_000);
        let since = Instant::now();
        store
            .range(
                &from,
                "p00/f",
                RangeOptions {
                    limit: 25,
                    ..RangeOptions::default()
                },
            )
            .await
            .unwrap();
        range.add(since);
    }
    range.print("store: range of 25 entries of 900 bytes");

    let stop = tokio_util::sync::CancellationToken::new();
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let (store, stop) = (store.clone(), stop.clone());
            tokio::spawn(async move {
                let mut n = writer;
                while !stop.is_cancelled() {
                    store.commit(step("p00", n)).await.unwrap();
                    n = (n + 8) % 16_000;
                }
            })
        })
        .collect();
    let readers = (0..4).map(|reader| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut timings = Timings::new();
            for n in 0..10_000_usize {
                let key = format!(
                    "p00/execution/{:08}",
                    (n * 4 + reader).wrapping_mul(7919) % 16_000
                );
                let since = Instant::now();
                store.get(&key).await.unwrap();
                timings.add(since);
                if n.is_multiple_of(16) {
                    tokio::task::yield_now().await;
                }
            }
            timings
        })
    });
    let mut loaded = Timings::new();
    for timings in futures::future::join_all(readers).await {
        loaded.0.add(timings.unwrap().0).unwrap();
    }
    stop.cancel();
    futures::future::join_all(writers).await;
    loaded.print("store: get by 4 readers while 8 committers write");
}

fn message(n: usize) -> Message {
    Message {
        id: n.to_string(),
        body: Bytes::from(vec![b'm'; 400]),
    }
}

async fn queue() {
    let queue = Arc::new(InProcessQueue::new(in_process::Config::default()));
    for topic in [Topic::Jobs("default".into()), Topic::Events(0)] {
        let back = Topic::Jobs("back".into());
        let mut there = queue.consume(&topic, 100).await.unwrap();
        let mut here = queue.consume(&back, 100).await.unwrap();
        let (echo, returned) = (queue.clone(), back.clone());
        let echo = tokio::spawn(async move {
            while let Some(delivery) = there.next().await {
                echo.publish(&returned, vec![delivery.message])
                    .await
                    .unwrap();
                delivery.receipt.acknowledge();
            }
        });
        let mut timings = Timings::new();
        for n in 0..50_000 {
            let message = message(n);
            let since = Instant::now();
            queue.publish(&topic, vec![message]).await.unwrap();
            here.next().await.unwrap().receipt.acknowledge();
            timings.add(since);
        }
        timings.print(&format!(
            "queue: {} there and back between two tasks (two hops)",
            topic.name()
        ));
        echo.abort();
        let _ = echo.await;

        let mut consumer = queue.consume(&topic, 1000).await.unwrap();
        let (to, publisher) = (topic.clone(), queue.clone());
        let since = Instant::now();
        let publisher = tokio::spawn(async move {
            for n in 0..500_000 {
                publisher.publish(&to, vec![message(n)]).await.unwrap();
            }
        });
        for _ in 0..500_000 {
            consumer.next().await.unwrap().receipt.acknowledge();
        }
        publisher.await.unwrap();
        rate(
            &format!("queue: {} one way, one message each", topic.name()),
            500_000,
            since,
            "",
        );
    }
}

async fn files(directory: std::path::PathBuf) {
    let files = LocalFiles::open(directory).unwrap();
    let (mut puts, mut gets) = (Timings::new(), Timings::new());
    for n in 0..500 {
        let content = stream::once(async { Ok(Bytes::from(vec![b'f'; 10 << 10])) }).boxed();
        let path = format!("company/team/flow/executions/{n}/out.csv");
        let since = Instant::now();
        files.put(&path, content).await.unwrap();
        puts.add(since);
        let since = Instant::now();
        let _: Vec<_> = files
            .get(&path, None)
            .await
            .unwrap()
            .try_collect()
            .await
            .unwrap();
        gets.add(since);
    }
    puts.print("files: put 10 KiB into a new folder");
    gets.print("files: get 10 KiB");
    let chunk = Bytes::from(vec![b'f'; 64 << 10]);
    let content = stream::iter((0..4096).map(move |_| Ok(chunk.clone()))).boxed();
    let since = Instant::now();
    files.put("large", content).await.unwrap();
    rate("files: put 256 MiB (MiB)", 256, since, "");
    let since = Instant::now();
    files
        .get("large", None)
        .await
        .unwrap()
        .try_fold(0, |sum, chunk| async move { Ok(sum + chunk.len()) })
        .await
        .unwrap();
    rate("files: get 256 MiB (MiB)", 256, since, "");
}

#[cfg(feature = "redis")]
async fn redis() {
    use flowmill_backends::config::Address;
    use flowmill_backends::store::redis::{Config, RedisStore};

    let server = flowmill_test_servers::Redis::start().unwrap();
    let config = Config {
        urls: vec![Address::new(server.url())],
        ..Config::default()
    };
    let store = Arc::new(RedisStore::open(&config).await.unwrap());
    store
        .commit(Batch {
            puts: vec![("p00/epoch".into(), Bytes::from_static(b"1"))],
            ..Batch::default()
        })
        .await
        .unwrap();
    let (mut commits, mut gets, mut ranges) = (Timings::new(), Timings::new(), Timings::new());
    for n in 0..10_000 {
        let since = Instant::now();
        store.commit(step("p00", n)).await.unwrap();
        commits.add(since);
        let since = Instant::now();
        store.get(&format!("p00/execution/{n:08}")).await.unwrap();
        gets.add(since);
        let since = Instant::now();
        let options = RangeOptions {
            limit: 25,
            reverse: true,
            ..RangeOptions::default()
        };
        store
            .range("p00/execution/", "p00/execution0", options)
            .await
            .unwrap();
        ranges.add(since);
    }
    commits.print("redis: commit one after the other, a step of an execution");
    gets.print("redis: get");
    ranges.print("redis: range of 25 entries of 900 bytes");
    for committers in [16, 64] {
        let since = Instant::now();
        let tasks = (0..committers).map(|committer| {
            let store = store.clone();
            tokio::spawn(async move {
                for n in 0..1000 {
                    store
                        .commit(step("p00", committer * 1000 + n))
                        .await
                        .unwrap();
                }
            })
        });
        futures::future::join_all(tasks)
            .await
            .into_iter()
            .for_each(|task| task.unwrap());
        rate(
            &format!("redis: {committers} committers, step batches"),
            committers * 1000,
            since,
            "",
        );
    }
}

#[cfg(feature = "rabbitmq")]
async fn rabbitmq() {
    use flowmill_backends::config::Address;
    use flowmill_backends::queue::rabbitmq::{Config, QueueType, RabbitQueue};

    let server = flowmill_test_servers::RabbitMq::start().unwrap();
    for queue_type in [QueueType::Classic, QueueType::Quorum] {
        let prefix = format!("{queue_type:?}");
        let config = Config {
            url: Address::new(server.url()),
            queue_type,
            prefix: prefix.clone(),
            ..Config::default()
        };
        let queue = Arc::new(RabbitQueue::open(&config).await.unwrap());
        let topic = Topic::Jobs("default".into());
        let mut consumer = queue.consume(&topic, 200).await.unwrap();
        let (mut confirms, mut deliveries) = (Timings::new(), Timings::new());
        for n in 0..2000 {
            let message = message(n);
            let since = Instant::now();
            let publish = queue.publish(&topic, vec![message]);
            let ((), ()) = tokio::join!(
                async {
                    publish.await.unwrap();
                    confirms.add(since);
                },
                async {
                    consumer.next().await.unwrap().receipt.acknowledge();
                    deliveries.add(since);
                }
            );
        }
        confirms.print(&format!("rabbitmq {prefix}: publish until confirmed"));
        deliveries.print(&format!("rabbitmq {prefix}: publish until delivered"));

        for (publishers, batch) in [(1, 256), (64, 1)] {
            let total = 40_000;
            let since = Instant::now();
            let tasks: Vec<_> = (0..publishers)
                .map(|_| {
                    let (queue, topic) = (queue.clone(), topic.clone());
                    tokio::spawn(async move {
                        for _ in 0..total / publishers / batch {
                            queue
                                .publish(&topic, (0..batch).map(message).collect())
                                .await
                                .unwrap();
                        }
                    })
                })
                .collect();
            for _ in 0..total / publishers / batch * publishers * batch {
                consumer.next().await.unwrap().receipt.acknowledge();
            }
            futures::future::join_all(tasks)
                .await
                .into_iter()
                .for_each(|task| task.unwrap());
            let name =
                format!("rabbitmq {prefix}: {publishers} publishers of {batch}, one consumer");
            rate(
                &name,
                total / publishers / batch * publishers * batch,
                since,
                "",
            );
        }
    }
}

#[cfg(feature = "s3")]
async fn s3() {
    use flowmill_backends::config::Secret;
    use flowmill_backends::files::s3::{Config, S3Files};
    use flowmill_test_servers::Minio;

    let server = Minio::start("bench").unwrap();
    let config = Config {
        bucket: "bench".into(),
        endpoint: Some(server.url()),
        access_key: Some(Minio::USER.into()),
        secret_key: Some(Secret::new(Minio::PASSWORD)),
        ..Config::default()
    };
    let files = S3Files::open(&config).await.unwrap();
    let (mut puts, mut gets) = (Timings::new(), Timings::new());
    for n in 0..200 {
        let content = stream::once(async { Ok(Bytes::from(vec![b'f'; 10 << 10])) }).boxed();
        let since = Instant::now();
        files.put(&format!("small/{n}"), content).await.unwrap();
        puts.add(since);
        let since = Instant::now();
        let _: Vec<_> = files
            .get(&format!("small/{n}"), None)
            .await
            .unwrap()
            .try_collect()
            .await
            .unwrap();
        gets.add(since);
    }
    puts.print("s3: put 10 KiB");
    gets.print("s3: get 10 KiB");
    println!(
        "s3: memory of this process before a large file: {} MiB",
        peak_memory()
    );
    let chunk = Bytes::from(vec![b'f'; 64 << 10]);
    let content = stream::iter((0..16 << 10).map(move |_| Ok(chunk.clone()))).boxed();
    let since = Instant::now();
    files.put("large", content).await.unwrap();
    rate("s3: put 1 GiB (MiB)", 1024, since, "");
    let since = Instant::now();
    let content = files.get("large", None).await.unwrap();
    let length = content
        .try_fold(0, |sum, chunk| async move { Ok(sum + chunk.len()) })
        .await
        .unwrap();
    assert_eq!(length, 1 << 30);
    rate("s3: get 1 GiB (MiB)", 1024, since, "");
    println!(
        "s3: memory of this process at its peak: {} MiB",
        peak_memory()
    );
}

/// The most memory that this process has had, in MiB.
#[cfg(feature = "s3")]
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        / 1024
}
