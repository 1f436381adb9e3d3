//! Bounds that are far from what is usual: they find a cost that grew with the square, not a slow machine.

use std::time::{Duration, Instant};

use crate::harness::{Server, hello};

#[tokio::test(flavor = "multi_thread")]
async fn a_large_execution_is_written_in_time_that_grows_with_its_size_only() {
    let server = Server::start().await;
    let values: Vec<String> = (0..2000).map(|number| format!("\"v{number}\"")).collect();
    let source = format!(
        "id: loop\nnamespace: company.team\ntasks:\n  - id: each\n    type: io.kestra.plugin.core.flow.ForEach\n    concurrencyLimit: 0\n    values: [{}]\n    tasks:\n      - id: inner\n        type: io.kestra.plugin.core.debug.Return\n        format: \"{{{{ taskrun.value }}}}\"\n",
        values.join(", ")
    );
    server.flow(&source).await;
    let ended = server.run("company.team", "loop").await;
    assert_eq!(ended["taskRunList"].as_array().unwrap().len(), 2001);
    let start = Instant::now();
    let read = server
        .get(&format!(
            "/api/v1/executions/{}",
            ended["id"].as_str().unwrap()
        ))
        .await;
    assert!(read.body.len() > 1_000_000);
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn many_clients_wait_at_once() {
    let server = std::sync::Arc::new(Server::start().await);
    server.flow(&hello("a")).await;
    let runs = (0..50).map(|_| {
        let server = server.clone();
        tokio::spawn(
            async move { server.run("company.team", "a").await["state"]["current"].clone() },
        )
    });
    for run in futures::future::join_all(runs).await {
        assert_eq!(run.unwrap(), "SUCCESS");
    }
}
