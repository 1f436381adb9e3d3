//! A flow whose task leaves a mark outside of flowmill, so that it can be counted how often it ran; and a load of its executions.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::Method;

use crate::harness::Api;

/// How many executions are started at the same time.
pub(crate) const CLIENTS: usize = 8;

/// The script leaves its mark outside of flowmill.
pub(crate) fn flow(namespace: &str, marks: &Path) -> String {
    format!(
        "\
id: marked
namespace: {namespace}
tasks:
  - {{id: begin, type: io.kestra.plugin.core.debug.Return, format: x}}
  - id: mark
    type: io.kestra.plugin.scripts.shell.Commands
    taskRunner: {{type: io.kestra.plugin.core.runner.Process}}
    commands: ['echo {{{{ execution.id }}}} >> {}']
  - {{id: end, type: io.kestra.plugin.core.debug.Return, format: '{{{{ outputs.begin.value }}}}'}}
",
        marks.display()
    )
}

/// How often each execution has left its mark.
pub(crate) fn counts(marks: &Path) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in std::fs::read_to_string(marks).unwrap_or_default().lines() {
        *counts.entry(line.trim().to_owned()).or_default() += 1;
    }
    counts
}

/// Starts an execution; none when this API is not there, or does not say whether it did.
pub(crate) fn try_start(api: &Api, namespace: &str) -> Option<String> {
    post(api, namespace, "")
}

/// The same with a query: `?wait=true` answers when it has ended.
pub(crate) fn post(api: &Api, namespace: &str, query: &str) -> Option<String> {
    let body = Some(("text/plain", Vec::new()));
    let path = format!("/api/v1/executions/{namespace}/marked{query}");
    let answer = api.try_call(Method::POST, &path, body).ok()?;
    (answer.status == 200).then(|| answer.json()["id"].as_str().unwrap().to_owned())
}

/// Starts executions at a steady rate, at whichever API answers.
pub(crate) struct Load {
    pub(crate) rate: f64,
    known: Arc<Mutex<Vec<String>>>,
    is_over: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<Vec<String>>>,
}

impl Load {
    pub(crate) fn start(namespace: &str, addresses: Vec<String>, rate: f64) -> Self {
        let known = Arc::new(Mutex::new(addresses));
        let is_over = Arc::new(AtomicBool::new(false));
        let pause = Duration::from_secs_f64(CLIENTS as f64 / rate);
        let threads = (0..CLIENTS).map(|_| {
            let (known, is_over) = (known.clone(), is_over.clone());
            let namespace = namespace.to_owned();
            std::thread::spawn(move || {
                let mut accepted = Vec::new();
                let mut next = Instant::now();
                for number in 0.. {
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                    let address = {
                        let known = known.lock().unwrap();
                        known[number % known.len()].clone()
                    };
                    accepted.extend(try_start(&Api::new(&address), &namespace));
                    next = (next + pause).max(Instant::now());
                    std::thread::sleep(next - Instant::now());
                }
                accepted
            })
        });
        Self {
            rate,
            threads: threads.collect(),
            known,
            is_over,
        }
    }

    /// From now on these are the APIs.
    pub(crate) fn is_known(&self, addresses: Vec<String>) {
        *self.known.lock().unwrap() = addresses;
    }

    /// Ends it; the executions that were accepted.
    pub(crate) fn stop(self) -> Vec<String> {
        self.is_over.store(true, Ordering::Relaxed);
        let threads = self.threads.into_iter();
        threads.flat_map(|thread| thread.join().unwrap()).collect()
    }
}
