//! Every process of a cluster is replaced in turn under load: nothing fails, and nothing stands still.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::Method;

use crate::harness::api::state;
use crate::harness::process::PATIENCE;
use crate::harness::{Api, Cluster};
use crate::marked::{counts, flow, try_start};

#[test]
fn a_rolling_restart_fails_nothing_and_stops_nothing() {
    let Some(cluster) = Cluster::new("rolling", "", &[]) else {
        return;
    };
    let mut cluster = cluster.start(2, 2, 2);
    let scratch = tempfile::tempdir().unwrap();
    let marks = scratch.path().join("marks");
    cluster.apis[0].api.save(&flow("rolling", &marks));
    let addresses = |cluster: &Cluster| -> Vec<String> {
        let apis = cluster.apis.iter();
        apis.map(|server| server.api.address().to_owned()).collect()
    };
    let known = Arc::new(Mutex::new(addresses(&cluster)));
    let is_over = Arc::new(AtomicBool::new(false));
    let load: Vec<_> = (0..3)
        .map(|_| {
            let (known, is_over) = (known.clone(), is_over.clone());
            std::thread::spawn(move || run_until(&is_over, &known))
        })
        .collect();
    for _ in 0..2 {
        for role in ["executor", "worker", "api"] {
            let successor = cluster.process(role);
            let servers = match role {
                "executor" => &mut cluster.executors,
                "worker" => &mut cluster.workers,
                _ => &mut cluster.apis,
            };
            servers.push(successor);
            let predecessor = servers.remove(0);
            *known.lock().unwrap() = addresses(&cluster);
            assert!(predecessor.terminate().success(), "{role}");
        }
    }
    is_over.store(true, Ordering::Relaxed);
    let mut ends: Vec<(Instant, String)> = load
        .into_iter()
        .flat_map(|thread| thread.join().unwrap())
        .collect();
    ends.sort();
    let gap = ends
        .windows(2)
        .map(|pair| pair[1].0 - pair[0].0)
        .max()
        .unwrap_or_default();
    println!(
        "rolling restart of 6 processes: {} executions, longest time without an end {gap:?}",
        ends.len()
    );
    let counts = counts(&marks);
    for (_, id) in &ends {
        assert_eq!(counts.get(id), Some(&1), "{id}");
    }
    assert!(gap < Duration::from_secs(10), "{gap:?}");
}

/// Runs one execution after the other, and says when which ended. Goes to another API when one does not answer.
fn run_until(is_over: &AtomicBool, known: &Mutex<Vec<String>>) -> Vec<(Instant, String)> {
    let mut ends = Vec::new();
    let mut number = 0;
    let mut next = || {
        let known = known.lock().unwrap();
        number += 1;
        Api::new(&known[number % known.len()])
    };
    let mut api = next();
    while !is_over.load(Ordering::Relaxed) {
        let Some(id) = try_start(&api, "rolling") else {
            api = next();
            continue;
        };
        let until = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < until, "execution {id} hangs");
            let path = format!("/api/v1/executions/{id}");
            // asked for right after its creation, it may not be stored yet
            match api.try_call(Method::GET, &path, None) {
                Ok(answer) if answer.status == 200 => {
                    let execution = answer.json();
                    match state(&execution) {
                        "SUCCESS" => break,
                        "CREATED" | "RUNNING" => {}
                        _ => panic!("{execution:#}"),
                    }
                }
                Ok(answer) if answer.status == 404 => {}
                Ok(_) | Err(_) => api = next(),
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        ends.push((Instant::now(), id));
    }
    ends
}
