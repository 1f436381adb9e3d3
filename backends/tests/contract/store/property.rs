//! A store behaves like a `BTreeMap`, whatever is done to it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use flowmill_backends::store::{Batch, Entry, RangeOptions};
use flowmill_backends::{Kind, Store};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

#[derive(Clone, Debug)]
enum Step {
    Commit(Batch),
    Get(String),
    Range(String, String, usize, bool, bool),
}

type Model = BTreeMap<String, Bytes>;

/// Runs random steps against the store and the model side by side. A failure prints the shortest steps that show it.
pub(crate) async fn hold(store: Arc<dyn Store>) {
    let runtime = tokio::runtime::Handle::current();
    let run = move || {
        let config = Config {
            cases: 60,
            failure_persistence: None,
            ..Config::default()
        };
        TestRunner::new(config).run(&vec(step(), 1..30), |steps| {
            runtime.block_on(check(&*store, steps))
        })
    };
    if let Err(failure) = tokio::task::spawn_blocking(run).await.unwrap() {
        panic!("{failure}");
    }
}

async fn check(store: &dyn Store, steps: Vec<Step>) -> Result<(), TestCaseError> {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    let place = |key: &str| format!("property{run}/{key}");
    let mut model = Model::new();
    for step in steps {
        match step {
            Step::Commit(batch) => {
                let batch = moved(batch, place);
                let expected = apply(&mut model, &batch);
                let outcome = store.commit(batch).await.map_err(|error| error.kind());
                prop_assert_eq!(outcome, expected);
            }
            Step::Get(key) => {
                let key = place(&key);
                prop_assert_eq!(store.get(&key).await.unwrap(), model.get(&key).cloned());
            }
            Step::Range(from, to, limit, reverse, keys_only) => {
                let (from, to, options) = (
                    place(&from),
                    place(&to),
                    RangeOptions {
                        limit,
                        reverse,
                        keys_only,
                    },
                );
                prop_assert_eq!(
                    store.range(&from, &to, options).await.unwrap(),
                    range(&model, &from, &to, options)
                );
            }
        }
    }
    Ok(())
}

fn moved(batch: Batch, place: impl Fn(&str) -> String) -> Batch {
    Batch {
        expects: batch
            .expects
            .into_iter()
            .map(|(key, value)| (place(&key), value))
            .collect(),
        fence: batch.fence.map(|(key, value)| (place(&key), value)),
        puts: batch
            .puts
            .into_iter()
            .map(|(key, value)| (place(&key), value))
            .collect(),
        deletes: batch.deletes.iter().map(|key| place(key)).collect(),
    }
}

fn apply(model: &mut Model, batch: &Batch) -> Result<(), Kind> {
    if batch
        .fence
        .as_ref()
        .is_some_and(|(key, value)| model.get(key) != Some(value))
    {
        return Err(Kind::Fenced);
    }
    if batch
        .expects
        .iter()
        .any(|(key, value)| model.get(key) != value.as_ref())
    {
        return Err(Kind::Conflict);
    }
    model.extend(batch.puts.iter().cloned());
    for key in &batch.deletes {
        model.remove(key);
    }
    Ok(())
}

fn range(model: &Model, from: &str, to: &str, options: RangeOptions) -> Vec<Entry> {
    let mut keys: Vec<_> = model
        .keys()
        .filter(|key| from <= key.as_str() && key.as_str() < to)
        .collect();
    if options.reverse {
        keys.reverse();
    }
    let value_of = |key: &str| {
        if options.keys_only {
            Bytes::new()
        } else {
            model[key].clone()
        }
    };
    keys.into_iter()
        .take(options.limit)
        .map(|key| Entry {
            key: key.clone(),
            value: value_of(key),
        })
        .collect()
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => batch().prop_map(Step::Commit),
        1 => key().prop_map(Step::Get),
        2 => (key(), key(), prop_oneof![Just(usize::MAX), 0_usize..5], any::<bool>(), any::<bool>())
            .prop_map(|(from, to, limit, reverse, keys_only)| Step::Range(from, to, limit, reverse, keys_only)),
    ]
}

fn batch() -> impl Strategy<Value = Batch> {
    let expects = vec((key(), proptest::option::of(value())), 0..2);
    let fence = proptest::option::weighted(0.2, (key(), value()));
    (
        expects,
        fence,
        vec((key(), value()), 0..5),
        vec(key(), 0..4),
    )
        .prop_map(|(expects, fence, puts, deletes)| Batch {
            expects,
            fence,
            puts,
            deletes,
        })
}

/// Few keys and values, so that steps meet each other.
fn key() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[ab/]{0,2}", 1 => "[aé😀~ \n]{1,3}"]
}

fn value() -> impl Strategy<Value = Bytes> {
    prop_oneof!["", "x", "y"].prop_map(Bytes::from)
}
