use flowmill_backends::repo::logs::Origin;
use flowmill_common::Timestamp;
use flowmill_common::log::{Level, LogLine};
use serde_json::{Value, json};

use crate::harness::{Server, hello};

fn line(at: i64, level: Level, message: &str) -> LogLine {
    LogLine {
        at: Timestamp::from_micros(at),
        level,
        message: message.into(),
        task_id: Some("say".into()),
        task_run: Some("r1".into()),
        attempt: 0,
    }
}

/// An execution that has not begun, with three lines of its own.
async fn with_lines(server: &Server) -> String {
    server.flow(&hello("a")).await;
    let later = "/api/v1/executions/company.team/a?scheduleDate=2999-01-01T00:00:00Z";
    let id = server.post(later).await.expect(200)["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let origin = Origin {
        execution: id.as_str().into(),
        namespace: "company.team".into(),
        flow_id: "a".into(),
    };
    let start = 1_700_000_000_000_000;
    let lines = [
        line(start, Level::Debug, "one"),
        line(start + 1, Level::Warn, "two\nlines"),
        LogLine {
            attempt: 1,
            ..line(start + 2, Level::Error, "three")
        },
    ];
    server.logs().append(&origin, &lines).await.unwrap();
    id
}

fn messages(lines: &Value) -> Vec<&str> {
    lines
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["message"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn the_log_of_an_execution_is_read_filtered_downloaded_and_deleted() {
    let server = Server::start().await;
    let id = with_lines(&server).await;
    let path = format!("/api/v1/logs/{id}");
    let lines = server.get(&path).await.expect(200);
    assert_eq!(messages(&lines)[..3], ["one", "two\nlines", "three"]);
    let first = json!({
        "namespace": "company.team", "flowId": "a", "taskId": "say", "executionId": id, "taskRunId": "r1",
        "attemptNumber": 0, "timestamp": "2023-11-14T22:13:20.000000Z", "level": "DEBUG", "message": "one",
        "deleted": false,
    });
    assert_eq!(lines[0], first);
    for (query, wanted) in [
        ("minLevel=ERROR", vec!["three"]),
        ("attempt=1", vec!["three"]),
        ("taskRunId=r1&minLevel=WARN", vec!["two\nlines", "three"]),
        ("taskId=other", vec![]),
        ("filters[level][EQUALS]=ERROR", vec!["three"]),
    ] {
        assert_eq!(
            messages(&server.get(&format!("{path}?{query}")).await.expect(200)),
            wanted,
            "{query}"
        );
    }
    let text = server.get(&format!("{path}/download?taskId=say")).await;
    assert_eq!(
        text.text(),
        "2023-11-14T22:13:20.000Z DEBUG one\n2023-11-14T22:13:20.000Z WARN two\nlines\n2023-11-14T22:13:20.000Z ERROR three"
    );
    assert!(
        text.headers["content-disposition"]
            .to_str()
            .unwrap()
            .contains(&format!("{id}.log"))
    );
    server
        .get(&format!("{path}?minLevel=LOUD"))
        .await
        .expect(422);
    assert_eq!(
        server
            .delete(&format!("{path}?minLevel=ERROR"))
            .await
            .status,
        200
    );
    assert_eq!(
        messages(&server.get(&format!("{path}?taskId=say")).await.expect(200)),
        ["one", "two\nlines"]
    );
    server.delete(&path).await;
    assert_eq!(server.get(&path).await.expect(200), json!([]));
    assert_eq!(server.get("/api/v1/logs/none").await.expect(200), json!([]));
}

#[tokio::test]
async fn lines_of_all_executions_are_searched() {
    let server = Server::start().await;
    with_lines(&server).await;
    let found = async |query: &str| {
        let found = server
            .get(&format!(
                "/api/v1/logs/search?endDate=2024-01-01T00:00:00Z&{query}"
            ))
            .await
            .expect(200);
        let said: Vec<String> = messages(&found["results"])
            .into_iter()
            .map(str::to_owned)
            .collect();
        (said, found["total"].as_u64().unwrap())
    };
    assert_eq!(
        found("").await,
        (vec!["three".into(), "two\nlines".into(), "one".into()], 3)
    );
    assert_eq!(
        found("sort=timestamp:asc&size=1").await,
        (vec!["one".into()], 3)
    );
    assert_eq!(
        found("minLevel=WARN&page=2&size=1").await,
        (vec!["two\nlines".into()], 2)
    );
    assert_eq!(found("q=TWO").await, (vec!["two\nlines".into()], 1));
    assert_eq!(
        found("namespace=company&flowId=a&filters[taskRunId][EQUALS]=r1")
            .await
            .1,
        3
    );
    assert_eq!(found("namespace=other").await.1, 0);
    assert_eq!(found("filters[level][EQUALS]=ERROR").await.1, 1);
    server
        .get("/api/v1/logs/search?sort=level:asc")
        .await
        .expect(422);
    server
        .get("/api/v1/logs/search?filters[labels][EQUALS][a]=b")
        .await
        .expect(400);
}
