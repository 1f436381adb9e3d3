//! Only what a text names is touched.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use flowmill_expression::{Engine, Error, FixedHost, Object, Options, Value};

const TASK_RUNS: usize = 10_000;

/// An execution with many task runs, whose outputs are made when they are asked for, and counted.
#[derive(Debug, Default)]
struct Execution {
    made: Arc<AtomicUsize>,
    listed: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct Outputs {
    made: Arc<AtomicUsize>,
    listed: Arc<AtomicUsize>,
}

impl Object for Execution {
    fn get(&self, key: &str) -> Result<Option<Value>, Error> {
        let outputs = || {
            Value::object(Outputs {
                made: Arc::clone(&self.made),
                listed: Arc::clone(&self.listed),
            })
        };
        Ok((key == "outputs").then(outputs))
    }

    fn keys(&self) -> Vec<Arc<str>> {
        vec!["outputs".into()]
    }
}

impl Object for Outputs {
    fn get(&self, key: &str) -> Result<Option<Value>, Error> {
        let number = key
            .strip_prefix('t')
            .and_then(|number| number.parse::<usize>().ok());
        Ok(number.filter(|number| *number < TASK_RUNS).map(|number| {
            self.made.fetch_add(1, Ordering::Relaxed);
            Value::from(serde_json::json!({"b": number}))
        }))
    }

    fn keys(&self) -> Vec<Arc<str>> {
        self.listed.fetch_add(1, Ordering::Relaxed);
        (0..TASK_RUNS)
            .map(|number| format!("t{number}").into())
            .collect()
    }

    fn len(&self) -> usize {
        TASK_RUNS
    }
}

/// How many outputs were made and how often they were listed when a text was rendered.
fn touched(text: &str, result: &str) -> (usize, usize) {
    let execution = Execution::default();
    let engine = Engine::new(Options::default());
    let outcome = engine.render(text, &execution, &FixedHost::default());
    assert_eq!(outcome.as_deref().unwrap_or("failed"), result);
    let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
    (count(&execution.made), count(&execution.listed))
}

#[test]
fn a_path_touches_one_of_ten_thousand_task_runs() {
    assert_eq!(touched("{{ outputs.t17.b }}", "17"), (1, 0));
    assert_eq!(touched("{{ outputs['t17']['b'] + 1 }}", "18"), (1, 0));
    assert_eq!(
        touched(
            "{{ (outputs.t1.b == 1) ? outputs.t2.b : outputs.t3.b }}",
            "2"
        ),
        (2, 0)
    );
    assert_eq!(touched("{{ outputs.t5 | jq('.b') | first }}", "5"), (1, 0));
}

#[test]
fn what_is_missing_touches_nothing() {
    assert_eq!(touched("{{ outputs.nope.b ?? 'none' }}", "none"), (0, 0));
    assert_eq!(touched("{{ outputs.nope is defined }}", "false"), (0, 0));
    assert_eq!(touched("{{ outputs.nope | default('x') }}", "x"), (0, 0));
}

#[test]
fn sizes_and_keys_make_no_outputs() {
    assert_eq!(touched("{{ outputs | length }}", "10000").0, 0);
    assert_eq!(touched("{{ outputs | keys | first }}", "t0").0, 0);
    assert_eq!(touched("{{ outputs is empty }}", "false").0, 0);
}

#[test]
fn a_jq_path_into_the_whole_touches_one() {
    assert_eq!(touched("{{ outputs | jq('.t5.b') | first }}", "5"), (1, 0));
}
