//! The contract of a store.

use std::collections::BTreeSet;

use bytes::Bytes;
use flowmill_backends::store::{Batch, Entry, RangeOptions, prefix_end};
use flowmill_backends::{Kind, Result};
use futures::future::join_all;

use super::Context;
use crate::suite::{Case, cases};

pub(crate) const CASES: &[Case<Context>] = cases![
    a_key_that_was_never_put_has_no_value,
    a_put_is_seen_by_get_and_range,
    the_last_of_several_puts_of_a_key_wins,
    a_put_replaces_the_value,
    deletes_come_after_puts,
    deleting_what_is_not_there_is_no_error,
    an_empty_value_is_not_a_missing_one,
    any_byte_may_be_in_a_value,
    an_empty_batch_does_nothing,
    keys_are_ordered_bytewise,
    keys_may_hold_any_character,
    a_range_is_half_open,
    a_range_whose_bounds_are_reversed_is_empty,
    a_limit_keeps_the_first_entries_of_the_direction,
    keys_only_leaves_the_values_out,
    a_prefix_range_holds_all_keys_with_the_prefix,
    a_large_range_can_be_read_in_pages_and_at_once,
    a_range_stays_in_one_space,
    an_expectation_that_holds_lets_the_batch_through,
    an_expectation_that_fails_is_a_conflict_and_writes_nothing,
    a_key_expected_to_be_missing_must_be_missing,
    an_empty_value_is_not_what_an_expected_absence_means,
    expectations_without_writes_are_checked,
    a_fence_that_holds_lets_the_batch_through,
    a_fence_that_fails_is_fenced_and_writes_nothing,
    a_failing_fence_comes_before_a_failing_expectation,
    a_batch_in_two_spaces_is_invalid,
    a_key_without_a_space_is_invalid,
    a_key_or_value_that_is_too_long_is_invalid,
    a_value_of_five_megabytes_comes_back,
    a_batch_of_ten_thousand_entries_is_applied,
    a_batch_can_be_repeated,
    spaces_do_not_mix,
    a_conflicting_batch_fails_alone_among_many,
    of_concurrent_increments_none_is_lost,
    a_batch_is_seen_whole_or_not_at_all,
];

impl Context {
    fn key(&self, rest: &str) -> String {
        format!("{}/{rest}", self.space)
    }

    async fn put(&self, entries: &[(&str, &str)]) {
        let puts = entries
            .iter()
            .map(|(key, value)| (self.key(key), bytes(value)))
            .collect();
        self.store
            .commit(Batch {
                puts,
                ..Batch::default()
            })
            .await
            .unwrap();
    }

    async fn get(&self, key: &str) -> Option<String> {
        let value = self.store.get(&self.key(key)).await.unwrap();
        value.map(|value| String::from_utf8(value.to_vec()).unwrap())
    }

    /// The keys of a range, without their space.
    async fn keys(&self, from: &str, to: &str, options: RangeOptions) -> Vec<String> {
        let entries = self
            .store
            .range(&self.key(from), &self.key(to), options)
            .await
            .unwrap();
        entries
            .into_iter()
            .map(|entry| entry.key.split_once('/').unwrap().1.to_owned())
            .collect()
    }

    async fn all(&self) -> Vec<Entry> {
        let from = self.key("");
        self.store
            .range(&from, &prefix_end(&from), RangeOptions::default())
            .await
            .unwrap()
    }
}

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn backwards() -> RangeOptions {
    RangeOptions {
        reverse: true,
        ..RangeOptions::default()
    }
}

fn kind_of<T: std::fmt::Debug>(result: Result<T>) -> Kind {
    result.unwrap_err().kind()
}

async fn a_key_that_was_never_put_has_no_value(cx: Context) {
    assert_eq!(cx.get("nothing").await, None);
    assert_eq!(cx.all().await, []);
}

async fn a_put_is_seen_by_get_and_range(cx: Context) {
    cx.put(&[("a", "1"), ("b", "2")]).await;
    assert_eq!(cx.get("a").await.as_deref(), Some("1"));
    let expected = [("a", "1"), ("b", "2")].map(|(key, value)| Entry {
        key: cx.key(key),
        value: bytes(value),
    });
    assert_eq!(cx.all().await, expected);
}

async fn the_last_of_several_puts_of_a_key_wins(cx: Context) {
    cx.put(&[("a", "1"), ("b", "2"), ("a", "3")]).await;
    assert_eq!(cx.get("a").await.as_deref(), Some("3"));
    assert_eq!(cx.all().await.len(), 2);
}

async fn a_put_replaces_the_value(cx: Context) {
    cx.put(&[("a", "a long value, longer than the next")]).await;
    cx.put(&[("a", "short")]).await;
    assert_eq!(cx.get("a").await.as_deref(), Some("short"));
    assert_eq!(cx.all().await.len(), 1);
}

async fn deletes_come_after_puts(cx: Context) {
    cx.put(&[("old", "1")]).await;
    let puts = vec![(cx.key("new"), bytes("1")), (cx.key("kept"), bytes("1"))];
    let deletes = vec![cx.key("new"), cx.key("old")];
    cx.store
        .commit(Batch {
            puts,
            deletes,
            ..Batch::default()
        })
        .await
        .unwrap();
    assert_eq!(cx.get("new").await, None);
    assert_eq!(cx.get("old").await, None);
    assert_eq!(cx.all().await.len(), 1);
}

async fn deleting_what_is_not_there_is_no_error(cx: Context) {
    let deletes = vec![cx.key("nothing"), cx.key("nothing")];
    cx.store
        .commit(Batch {
            deletes,
            ..Batch::default()
        })
        .await
        .unwrap();
    assert_eq!(cx.all().await, []);
}

async fn an_empty_value_is_not_a_missing_one(cx: Context) {
    cx.put(&[("empty", "")]).await;
    assert_eq!(cx.get("empty").await.as_deref(), Some(""));
    assert_eq!(cx.all().await.len(), 1);
}

async fn any_byte_may_be_in_a_value(cx: Context) {
    let value: Bytes = (0..=255).cycle().take(1000).collect();
    let puts = vec![(cx.key("binary"), value.clone())];
    cx.store
        .commit(Batch {
            puts,
            ..Batch::default()
        })
        .await
        .unwrap();
    assert_eq!(
        cx.store.get(&cx.key("binary")).await.unwrap(),
        Some(value.clone())
    );
    assert_eq!(cx.all().await[0].value, value);
}

async fn an_empty_batch_does_nothing(cx: Context) {
    cx.store.commit(Batch::default()).await.unwrap();
}

async fn keys_are_ordered_bytewise(cx: Context) {
    let mut names = [
        "a", "B", "a/b", "a-b", "a b", "ab", "é", "日本", "😀", "\u{ffff}", "10", "9", "", "~",
        "_", "[x",
    ];
    let entries: Vec<_> = names.iter().map(|name| (*name, *name)).collect();
    cx.put(&entries).await;
    names.sort_unstable_by_key(|name| name.as_bytes());
    let end = prefix_end("");
    assert_eq!(cx.keys("", &end, RangeOptions::default()).await, names);
    names.reverse();
    assert_eq!(cx.keys("", &end, backwards()).await, names);
}

async fn keys_may_hold_any_character(cx: Context) {
    let names = [
        "line\nbreak",
        "nul\0here",
        "quote\"'`",
        "{brace}",
        "*?[a]\\",
        "%s $1 :x ;--",
        "\u{10ffff}",
    ];
    for name in names {
        cx.put(&[(name, name)]).await;
        assert_eq!(cx.get(name).await.as_deref(), Some(name));
        assert_eq!(
            cx.keys(name, &format!("{name}\0"), RangeOptions::default())
                .await,
            [name]
        );
    }
}

async fn a_range_is_half_open(cx: Context) {
    cx.put(&[("a", ""), ("b", ""), ("c", ""), ("d", "")]).await;
    assert_eq!(cx.keys("b", "d", RangeOptions::default()).await, ["b", "c"]);
    assert_eq!(cx.keys("b", "d", backwards()).await, ["c", "b"]);
    assert_eq!(
        cx.keys("b\0", "d\0", RangeOptions::default()).await,
        ["c", "d"]
    );
}

async fn a_range_whose_bounds_are_reversed_is_empty(cx: Context) {
    cx.put(&[("a", ""), ("b", ""), ("c", "")]).await;
    for (from, to) in [("c", "a"), ("b", "b"), ("x", "z")] {
        assert!(cx.keys(from, to, RangeOptions::default()).await.is_empty());
        assert!(cx.keys(from, to, backwards()).await.is_empty());
    }
}

async fn a_limit_keeps_the_first_entries_of_the_direction(cx: Context) {
    cx.put(&[("a", ""), ("b", ""), ("c", ""), ("d", "")]).await;
    let first = |limit| RangeOptions {
        limit,
        ..RangeOptions::default()
    };
    let last = |limit| RangeOptions {
        limit,
        reverse: true,
        ..RangeOptions::default()
    };
    assert_eq!(cx.keys("a", "z", first(2)).await, ["a", "b"]);
    assert_eq!(cx.keys("a", "z", last(2)).await, ["d", "c"]);
    assert_eq!(cx.keys("a", "z", first(9)).await.len(), 4);
    assert_eq!(cx.keys("a", "z", first(0)).await.len(), 0);
    assert_eq!(cx.keys("a", "z", last(0)).await.len(), 0);
}

async fn keys_only_leaves_the_values_out(cx: Context) {
    cx.put(&[("a", "1"), ("b", "2")]).await;
    for reverse in [false, true] {
        let options = RangeOptions {
            keys_only: true,
            reverse,
            ..RangeOptions::default()
        };
        let entries = cx
            .store
            .range(&cx.key(""), &cx.key("z"), options)
            .await
            .unwrap();
        assert_eq!(entries.len(), 2);
        assert!(entries.iter().all(|entry| entry.value.is_empty()));
    }
}

async fn a_prefix_range_holds_all_keys_with_the_prefix(cx: Context) {
    cx.put(&[
        ("e", ""),
        ("ex", ""),
        ("ex/1", ""),
        ("ex/é", ""),
        ("ex/😀/2", ""),
        ("ey", ""),
    ])
    .await;
    let prefix = cx.key("ex/");
    let found = cx
        .store
        .range(&prefix, &prefix_end(&prefix), RangeOptions::default())
        .await
        .unwrap();
    assert_eq!(found.len(), 3);
    assert!(found.iter().all(|entry| entry.key.starts_with(&prefix)));
}

async fn a_large_range_can_be_read_in_pages_and_at_once(cx: Context) {
    let puts: Vec<_> = (0..2500)
        .map(|n| (cx.key(&format!("{n:05}")), bytes(&n.to_string())))
        .collect();
    cx.store
        .commit(Batch {
            puts: puts.clone(),
            ..Batch::default()
        })
        .await
        .unwrap();
    let expected: Vec<_> = puts
        .into_iter()
        .map(|(key, value)| Entry { key, value })
        .collect();
    assert_eq!(cx.all().await, expected);
    let (mut from, end, mut paged) = (cx.key(""), cx.key("~"), Vec::new());
    loop {
        let options = RangeOptions {
            limit: 700,
            ..RangeOptions::default()
        };
        let page = cx.store.range(&from, &end, options).await.unwrap();
        let Some(last) = page.last() else { break };
        from = format!("{}\0", last.key);
        paged.extend(page);
    }
    assert_eq!(paged, expected);
}

async fn a_range_stays_in_one_space(cx: Context) {
    let range = cx
        .store
        .range(&cx.key("a"), "~another/b", RangeOptions::default())
        .await;
    assert_eq!(kind_of(range), Kind::Invalid);
    assert_eq!(
        kind_of(
            cx.store
                .range("nospace", "nospacf", RangeOptions::default())
                .await
        ),
        Kind::Invalid
    );
}

async fn an_expectation_that_holds_lets_the_batch_through(cx: Context) {
    cx.put(&[("a", "1")]).await;
    let expects = vec![(cx.key("a"), Some(bytes("1"))), (cx.key("b"), None)];
    let puts = vec![(cx.key("a"), bytes("2")), (cx.key("b"), bytes("2"))];
    cx.store
        .commit(Batch {
            expects,
            puts,
            ..Batch::default()
        })
        .await
        .unwrap();
    assert_eq!(cx.get("a").await.as_deref(), Some("2"));
    assert_eq!(cx.get("b").await.as_deref(), Some("2"));
}

async fn an_expectation_that_fails_is_a_conflict_and_writes_nothing(cx: Context) {
    cx.put(&[("a", "1"), ("b", "1")]).await;
    for expected in [Some(bytes("2")), Some(bytes("")), None] {
        let expects = vec![(cx.key("b"), Some(bytes("1"))), (cx.key("a"), expected)];
        let puts = vec![(cx.key("c"), bytes("2")), (cx.key("a"), bytes("2"))];
        let batch = Batch {
            expects,
            puts,
            deletes: vec![cx.key("b")],
            ..Batch::default()
        };
        assert_eq!(kind_of(cx.store.commit(batch).await), Kind::Conflict);
    }
    assert_eq!(cx.all().await.len(), 2);
    assert_eq!(cx.get("a").await.as_deref(), Some("1"));
}

async fn a_key_expected_to_be_missing_must_be_missing(cx: Context) {
    let create = || Batch {
        expects: vec![(cx.key("a"), None)],
        puts: vec![(cx.key("a"), bytes("1"))],
        ..Batch::default()
    };
    cx.store.commit(create()).await.unwrap();
    assert_eq!(kind_of(cx.store.commit(create()).await), Kind::Conflict);
}

async fn an_empty_value_is_not_what_an_expected_absence_means(cx: Context) {
    cx.put(&[("empty", "")]).await;
    let expecting = |key: &str, value| Batch {
        expects: vec![(cx.key(key), value)],
        puts: vec![(cx.key("done"), bytes(""))],
        ..Batch::default()
    };
    assert_eq!(
        kind_of(cx.store.commit(expecting("empty", None)).await),
        Kind::Conflict
    );
    assert_eq!(
        kind_of(cx.store.commit(expecting("missing", Some(bytes("")))).await),
        Kind::Conflict
    );
    cx.store
        .commit(expecting("empty", Some(bytes(""))))
        .await
        .unwrap();
}

async fn expectations_without_writes_are_checked(cx: Context) {
    cx.put(&[("a", "1")]).await;
    let expecting = |value| Batch {
        expects: vec![(cx.key("a"), Some(bytes(value)))],
        ..Batch::default()
    };
    cx.store.commit(expecting("1")).await.unwrap();
    assert_eq!(
        kind_of(cx.store.commit(expecting("2")).await),
        Kind::Conflict
    );
    let fence = Some((cx.key("a"), bytes("2")));
    assert_eq!(
        kind_of(
            cx.store
                .commit(Batch {
                    fence,
                    ..Batch::default()
                })
                .await
        ),
        Kind::Fenced
    );
}

async fn a_fence_that_holds_lets_the_batch_through(cx: Context) {
    cx.put(&[("epoch", "7")]).await;
    let fence = Some((cx.key("epoch"), bytes("7")));
    cx.store
        .commit(Batch {
            fence,
            puts: vec![(cx.key("a"), bytes("1"))],
            ..Batch::default()
        })
        .await
        .unwrap();
    assert_eq!(cx.get("a").await.as_deref(), Some("1"));
}

async fn a_fence_that_fails_is_fenced_and_writes_nothing(cx: Context) {
    cx.put(&[("epoch", "8")]).await;
    for key in ["epoch", "no epoch yet"] {
        let fence = Some((cx.key(key), bytes("7")));
        let batch = Batch {
            fence,
            puts: vec![(cx.key("a"), bytes("1"))],
            ..Batch::default()
        };
        assert_eq!(kind_of(cx.store.commit(batch).await), Kind::Fenced);
    }
    assert_eq!(cx.get("a").await, None);
}

async fn a_failing_fence_comes_before_a_failing_expectation(cx: Context) {
    let batch = Batch {
        fence: Some((cx.key("epoch"), bytes("7"))),
        expects: vec![(cx.key("a"), Some(bytes("1")))],
        puts: vec![(cx.key("a"), bytes("2"))],
        ..Batch::default()
    };
    assert_eq!(kind_of(cx.store.commit(batch).await), Kind::Fenced);
}

async fn a_batch_in_two_spaces_is_invalid(cx: Context) {
    let here = cx.key("a");
    let there = "elsewhere/a".to_owned();
    let batches = [
        Batch {
            puts: vec![(here.clone(), bytes("")), (there.clone(), bytes(""))],
            ..Batch::default()
        },
        Batch {
            puts: vec![(here.clone(), bytes(""))],
            deletes: vec![there.clone()],
            ..Batch::default()
        },
        Batch {
            deletes: vec![here.clone()],
            expects: vec![(there.clone(), None)],
            ..Batch::default()
        },
        Batch {
            deletes: vec![here],
            fence: Some((there, bytes(""))),
            ..Batch::default()
        },
    ];
    for batch in batches {
        assert_eq!(kind_of(cx.store.commit(batch).await), Kind::Invalid);
    }
    assert_eq!(cx.all().await, []);
}

async fn a_key_without_a_space_is_invalid(cx: Context) {
    for key in ["", "nospace", "/a"] {
        let batch = Batch {
            puts: vec![(key.to_owned(), bytes(""))],
            ..Batch::default()
        };
        assert_eq!(
            kind_of(cx.store.commit(batch).await),
            Kind::Invalid,
            "{key:?}"
        );
    }
}

async fn a_key_or_value_that_is_too_long_is_invalid(cx: Context) {
    let long_key = Batch {
        deletes: vec![cx.key(&"x".repeat(5000))],
        ..Batch::default()
    };
    assert_eq!(kind_of(cx.store.commit(long_key).await), Kind::Invalid);
    let value = Bytes::from(vec![0; flowmill_backends::store::VALUE_LIMIT + 1]);
    let long_value = Batch {
        puts: vec![(cx.key("a"), value)],
        ..Batch::default()
    };
    assert_eq!(kind_of(cx.store.commit(long_value).await), Kind::Invalid);
}

async fn a_value_of_five_megabytes_comes_back(cx: Context) {
    let value: Bytes = (0..5 << 20)
        .map(|n: u32| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let puts = vec![
        (cx.key("big"), value.clone()),
        (cx.key("small"), bytes("1")),
    ];
    cx.store
        .commit(Batch {
            puts,
            ..Batch::default()
        })
        .await
        .unwrap();
    assert!(cx.store.get(&cx.key("big")).await.unwrap() == Some(value.clone()));
    let expects = vec![(cx.key("big"), Some(value))];
    cx.store
        .commit(Batch {
            expects,
            deletes: vec![cx.key("big")],
            ..Batch::default()
        })
        .await
        .unwrap();
    assert_eq!(cx.all().await.len(), 1);
}

async fn a_batch_of_ten_thousand_entries_is_applied(cx: Context) {
    let puts = (0..10_000)
        .map(|n| (cx.key(&format!("{n}")), bytes("x")))
        .collect();
    cx.store
        .commit(Batch {
            puts,
            ..Batch::default()
        })
        .await
        .unwrap();
    assert_eq!(cx.all().await.len(), 10_000);
    let deletes = (1..10_000).map(|n| cx.key(&format!("{n}"))).collect();
    cx.store
        .commit(Batch {
            deletes,
            ..Batch::default()
        })
        .await
        .unwrap();
    assert_eq!(cx.all().await.len(), 1);
}

async fn a_batch_can_be_repeated(cx: Context) {
    cx.put(&[("old", "1")]).await;
    for _ in 0..3 {
        let batch = Batch {
            puts: vec![(cx.key("a"), bytes("1"))],
            deletes: vec![cx.key("old")],
            ..Batch::default()
        };
        cx.store.commit(batch).await.unwrap();
    }
    assert_eq!(
        cx.all().await,
        [Entry {
            key: cx.key("a"),
            value: bytes("1")
        }]
    );
}

async fn spaces_do_not_mix(cx: Context) {
    let other = Context {
        store: cx.store.clone(),
        space: format!("{}2", cx.space),
    };
    cx.put(&[("a", "here")]).await;
    other.put(&[("a", "there"), ("b", "there")]).await;
    assert_eq!(cx.get("a").await.as_deref(), Some("here"));
    assert_eq!(cx.all().await.len(), 1);
    assert_eq!(other.all().await.len(), 2);
}

async fn a_conflicting_batch_fails_alone_among_many(cx: Context) {
    cx.put(&[("taken", "1")]).await;
    let commits = (0..50).map(|n| {
        let expects = if n % 5 == 0 {
            vec![(cx.key("taken"), None)]
        } else {
            Vec::new()
        };
        let batch = Batch {
            expects,
            puts: vec![(cx.key(&format!("n{n}")), bytes("1"))],
            ..Batch::default()
        };
        cx.store.commit(batch)
    });
    let results = join_all(commits).await;
    for (n, result) in results.into_iter().enumerate() {
        match n % 5 {
            0 => assert_eq!(kind_of(result), Kind::Conflict),
            _ => result.unwrap(),
        }
    }
    assert_eq!(cx.all().await.len(), 41);
}

async fn of_concurrent_increments_none_is_lost(cx: Context) {
    cx.put(&[("count", "0")]).await;
    let increments = (0..16).map(|_| async {
        for _ in 0..10 {
            loop {
                let seen = cx.store.get(&cx.key("count")).await.unwrap().unwrap();
                let count: u32 = std::str::from_utf8(&seen).unwrap().parse().unwrap();
                let batch = Batch {
                    expects: vec![(cx.key("count"), Some(seen))],
                    puts: vec![(cx.key("count"), bytes(&(count + 1).to_string()))],
                    ..Batch::default()
                };
                match cx.store.commit(batch).await {
                    Ok(()) => break,
                    Err(error) => assert_eq!(error.kind(), Kind::Conflict),
                }
            }
        }
    });
    join_all(increments).await;
    assert_eq!(cx.get("count").await.as_deref(), Some("160"));
}

async fn a_batch_is_seen_whole_or_not_at_all(cx: Context) {
    let (store, first, second) = (cx.store.clone(), cx.key("first"), cx.key("second"));
    cx.put(&[("first", "0"), ("second", "0")]).await;
    let writer = tokio::spawn(async move {
        for n in 1..200 {
            let value = bytes(&n.to_string());
            let puts = vec![(first.clone(), value.clone()), (second.clone(), value)];
            store
                .commit(Batch {
                    puts,
                    ..Batch::default()
                })
                .await
                .unwrap();
        }
    });
    let mut seen = BTreeSet::new();
    while !writer.is_finished() {
        let values: Vec<_> = cx
            .all()
            .await
            .into_iter()
            .map(|entry| entry.value)
            .collect();
        assert_eq!(values[0], values[1]);
        seen.insert(values[0].clone());
    }
    writer.await.unwrap();
    assert_eq!(cx.get("first").await.as_deref(), Some("199"));
}
