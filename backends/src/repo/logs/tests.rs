use std::sync::Mutex;

use flowmill_common::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::store::embedded::{Config, EmbeddedStore};

fn logs() -> (tempfile::TempDir, Logs) {
    let directory = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(directory.path(), &Config::default()).unwrap();
    (directory, Logs::new(Arc::new(store), 16))
}

fn origin(execution: &str) -> Origin {
    Origin {
        execution: execution.into(),
        namespace: "company.team".into(),
        flow_id: "hello".into(),
    }
}

fn line(at: i64, level: Level, message: &str) -> LogLine {
    let (at, message) = (Timestamp::from_micros(at), message.to_owned());
    LogLine {
        at,
        level,
        message,
        task_id: Some("t".into()),
        task_run: Some("r".into()),
        attempt: 0,
    }
}

fn messages(lines: &[LogLine]) -> Vec<&str> {
    lines.iter().map(|line| line.message.as_str()).collect()
}

fn everything<'a>(order: Order) -> Query<'a> {
    Query {
        order,
        from: None,
        to: None,
        min_level: Level::Trace,
        keep_origin: &|_| true,
        keep_line: None,
        skip: 0,
        limit: 10,
        most_chunks: 1000,
    }
}

#[tokio::test]
async fn lines_of_several_writers_are_read_by_time() {
    let (_directory, logs) = logs();
    let other = Logs {
        writer: Arc::new(Writer {
            id: 7,
            next: AtomicU64::new(0),
        }),
        ..logs.clone()
    };
    logs.append(
        &origin("x"),
        &[line(10, Level::Info, "a"), line(40, Level::Info, "d")],
    )
    .await
    .unwrap();
    other
        .append(
            &origin("x"),
            &[line(20, Level::Info, "b"), line(30, Level::Info, "c")],
        )
        .await
        .unwrap();
    logs.append(&origin("y"), &[line(15, Level::Info, "not mine")])
        .await
        .unwrap();
    let lines = logs
        .read(&"x".into(), Filter::default())
        .all()
        .await
        .unwrap();
    assert_eq!(messages(&lines), ["a", "b", "c", "d"]);
}

#[tokio::test]
async fn the_filter_keeps_level_task_run_and_attempt() {
    let (_directory, logs) = logs();
    let mut second = line(2, Level::Error, "second");
    second.attempt = 1;
    let mut other = line(3, Level::Info, "other");
    (other.task_id, other.task_run) = (Some("u".into()), Some("s".into()));
    logs.append(
        &origin("x"),
        &[line(1, Level::Debug, "first"), second, other],
    )
    .await
    .unwrap();
    for (filter, wanted) in [
        (
            Filter {
                min_level: Some(Level::Warn),
                ..Filter::default()
            },
            vec!["second"],
        ),
        (
            Filter {
                attempt: Some(0),
                ..Filter::default()
            },
            vec!["first", "other"],
        ),
        (
            Filter {
                task: Some("u".into()),
                ..Filter::default()
            },
            vec!["other"],
        ),
        (
            Filter {
                run: Some("r".into()),
                ..Filter::default()
            },
            vec!["first", "second"],
        ),
    ] {
        let lines = logs.read(&"x".into(), filter.clone()).all().await.unwrap();
        assert_eq!(messages(&lines), wanted, "{filter:?}");
    }
}

#[tokio::test]
async fn a_large_log_comes_back_whole_in_several_parts() {
    let (_directory, logs) = logs();
    let text = "x".repeat(10_000);
    let lines: Vec<_> = (0..1000)
        .map(|number| line(number, Level::Info, &text))
        .collect();
    assert_eq!(logs.rows(&origin("x"), &lines).unwrap().len(), 20);
    for _ in 0..3 {
        logs.append(&origin("x"), &lines).await.unwrap();
    }
    let (mut reader, mut parts, mut count) = (logs.read(&"x".into(), Filter::default()), 0, 0);
    let mut last = Timestamp::default();
    while let Some(lines) = reader.next().await.unwrap() {
        assert!(lines.is_sorted_by_key(|line| line.at) && lines[0].at >= last);
        last = lines.last().unwrap().at;
        parts += 1;
        count += lines.len();
    }
    assert!(parts > 1, "all of it was held at once");
    assert_eq!(count, 3000);
}

#[tokio::test]
async fn a_follower_gets_each_line_once_also_those_that_come_late() {
    let (_directory, logs) = logs();
    logs.append(&origin("x"), &[line(1_000_000, Level::Info, "a")])
        .await
        .unwrap();
    let mut follower = logs.follow(&"x".into(), Filter::default());
    assert_eq!(messages(&follower.more().await.unwrap().unwrap()), ["a"]);
    assert_eq!(follower.more().await.unwrap(), None);
    logs.append(&origin("x"), &[line(900_000, Level::Info, "late")])
        .await
        .unwrap();
    logs.append(&origin("x"), &[line(2_000_000, Level::Info, "b")])
        .await
        .unwrap();
    assert_eq!(
        messages(&follower.more().await.unwrap().unwrap()),
        ["late", "b"]
    );
    assert_eq!(follower.more().await.unwrap(), None);
}

#[tokio::test]
async fn what_is_deleted_is_gone_from_the_log_and_from_the_search() {
    let (_directory, logs) = logs();
    let lines = [
        line(1, Level::Info, "a"),
        line(2, Level::Error, "b"),
        line(3, Level::Info, "c"),
    ];
    logs.append(&origin("x"), &lines).await.unwrap();
    logs.append(&origin("y"), &[line(4, Level::Info, "d")])
        .await
        .unwrap();
    logs.delete(
        &"x".into(),
        &Filter {
            min_level: Some(Level::Error),
            ..Filter::default()
        },
    )
    .await
    .unwrap();
    let left = logs
        .read(&"x".into(), Filter::default())
        .all()
        .await
        .unwrap();
    assert_eq!(messages(&left), ["a", "c"]);
    logs.delete(&"x".into(), &Filter::default()).await.unwrap();
    let found = logs.search(&everything(Order::NewestFirst)).await.unwrap();
    assert_eq!(
        (found.total, found.entries[0].line.message.as_str()),
        (1, "d")
    );
    let space = logs.space(&"x".into());
    let rows = logs
        .store
        .range(
            &format!("{space}/"),
            &format!("{space}0"),
            RangeOptions::default(),
        )
        .await
        .unwrap();
    assert_eq!(rows, []);
}

#[tokio::test]
async fn a_search_that_is_cut_says_so() {
    let (_directory, logs) = logs();
    for number in 0..5 {
        logs.append(
            &origin(&format!("x{number}")),
            &[line(number, Level::Info, "a")],
        )
        .await
        .unwrap();
    }
    let found = logs
        .search(&Query {
            most_chunks: 3,
            ..everything(Order::NewestFirst)
        })
        .await
        .unwrap();
    assert!(found.cut);
    assert_eq!(found.total, 3);
}

#[tokio::test]
async fn a_search_that_only_counts_reads_no_lines() {
    let (_directory, logs) = logs();
    for number in 0..20 {
        let lines = [
            line(number * 2, Level::Info, "a"),
            line(number * 2 + 1, Level::Debug, "b"),
        ];
        logs.append(&origin(&format!("x{number}")), &lines)
            .await
            .unwrap();
    }
    let looked_at = Mutex::new(0);
    let keep = |_: &Origin, _: &LogLine| {
        *looked_at.lock().unwrap() += 1;
        true
    };
    let query = Query {
        limit: 2,
        min_level: Level::Info,
        ..everything(Order::NewestFirst)
    };
    assert_eq!(logs.search(&query).await.unwrap().total, 20);
    let found = logs
        .search(&Query {
            keep_line: Some(&keep),
            ..query
        })
        .await
        .unwrap();
    assert_eq!(
        (found.total, found.entries.len(), *looked_at.lock().unwrap()),
        (20, 2, 20)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whatever the chunks look like, a search gives the page that sorting all lines gives.
    #[test]
    fn a_search_gives_what_sorting_all_lines_gives(
        chunks in prop::collection::vec((0..4_usize, prop::collection::vec(0..200_i64, 1..6)), 1..12),
        skip in 0..10_usize,
        limit in 1..10_usize,
        from in 0..200_i64,
        span in 1..200_i64,
        oldest_first in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (_directory, logs) = logs();
            let mut all = Vec::new();
            let second = 1_000_000;
            for (number, (execution, times)) in chunks.iter().enumerate() {
                let lines: Vec<_> = times.iter().enumerate()
                    .map(|(place, at)| line(at * second, Level::Info, &format!("{number}.{place}"))).collect();
                logs.append(&origin(&format!("x{execution}")), &lines).await.unwrap();
                all.extend(lines.into_iter().map(|line| line.at.as_micros() / second));
            }
            let order = if oldest_first { Order::OldestFirst } else { Order::NewestFirst };
            let (from, to) = (from, from + span);
            let query = Query {
                from: Some(Timestamp::from_micros(from * second)),
                to: Some(Timestamp::from_micros(to * second)),
                skip,
                limit,
                ..everything(order)
            };
            let found = logs.search(&query).await.unwrap();
            all.retain(|at| (from..to).contains(at));
            all.sort();
            if order == Order::NewestFirst {
                all.reverse();
            }
            let page: Vec<_> = all.iter().copied().skip(skip).take(limit).collect();
            let times: Vec<_> = found.entries.iter().map(|entry| entry.line.at.as_micros() / second).collect();
            assert_eq!(times, page);
            assert_eq!(found.total, all.len() as u64);
        });
    }
}
