use futures::StreamExt;
use serde_json::Value;

use crate::harness::{Server, hello};

/// The frames of a stream: id and data.
fn frames(text: &str) -> Vec<(String, Value)> {
    let frame = |frame: &str| {
        let line = |name: &str| {
            frame
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .unwrap_or_default()
                .trim()
                .to_owned()
        };
        (line("id:"), serde_json::from_str(&line("data:")).unwrap())
    };
    text.split("\n\n")
        .filter(|text| text.contains("data:"))
        .map(frame)
        .collect()
}

#[tokio::test]
async fn an_execution_that_has_ended_gives_its_end() {
    let server = Server::start().await;
    server.flow(&hello("a")).await;
    let ended = server.run("company.team", "a").await;
    let answer = server
        .get(&format!(
            "/api/v1/executions/{}/follow",
            ended["id"].as_str().unwrap()
        ))
        .await;
    assert_eq!(answer.headers["content-type"], "text/event-stream");
    assert_eq!(
        (
            &answer.headers["cache-control"],
            &answer.headers["x-accel-buffering"]
        ),
        (&"no-cache".parse().unwrap(), &"no".parse().unwrap())
    );
    let frames = frames(&answer.text());
    let ids: Vec<_> = frames.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["start", "end"]);
    assert_eq!(frames[0].1, serde_json::json!({"id": ended["id"]}));
    assert_eq!(frames[1].1["state"], ended["state"]);
}

#[tokio::test]
async fn changes_come_as_they_happen_and_the_end_is_never_lost() {
    let server = Server::start().await;
    server.flow(&hello("a")).await;
    let created = server
        .post("/api/v1/executions/company.team/a?scheduleDate=2999-01-01T00:00:00Z")
        .await
        .expect(200);
    let path = format!("/api/v1/executions/{}", created["id"].as_str().unwrap());
    let mut body = server
        .open(&format!("{path}/follow"))
        .await
        .into_body()
        .into_data_stream();
    let mut text = String::new();
    while !text.contains("progress") {
        text.push_str(std::str::from_utf8(&body.next().await.unwrap().unwrap()).unwrap());
    }
    server.delete(&format!("{path}/kill")).await.expect(202);
    while let Some(chunk) = body.next().await {
        text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
    }
    let frames = frames(&text);
    assert_eq!(frames[1].1["state"]["current"], "CREATED");
    let (id, last) = frames.last().unwrap();
    assert_eq!(
        (id.as_str(), &last["state"]["current"]),
        ("end", &Value::from("KILLED"))
    );
}

#[tokio::test]
async fn an_unknown_execution_is_waited_for_and_then_not_found() {
    let config = flowmill_api::Config {
        visible_within: std::time::Duration::from_millis(50),
        ..Default::default()
    };
    let server = Server::with(config, crate::harness::Executors::One).await;
    let answer = server
        .get("/api/v1/executions/none/follow")
        .await
        .expect(404);
    assert!(
        answer["message"]
            .as_str()
            .unwrap()
            .contains("Unable to find the execution none"),
        "{answer}"
    );
}

#[tokio::test]
async fn log_lines_come_as_they_are_written_until_the_execution_ends() {
    use flowmill_backends::repo::logs::Origin;
    use flowmill_common::log::{Level, LogLine};

    let server = Server::start().await;
    server.flow(&hello("a")).await;
    let created = server
        .post("/api/v1/executions/company.team/a?scheduleDate=2999-01-01T00:00:00Z")
        .await
        .expect(200);
    let id = created["id"].as_str().unwrap();
    let origin = Origin {
        execution: id.into(),
        namespace: "company.team".into(),
        flow_id: "a".into(),
    };
    let line = |message: &str| LogLine {
        at: jiff::Timestamp::now().into(),
        level: Level::Info,
        message: message.into(),
        task_id: Some("say".into()),
        task_run: Some("r".into()),
        attempt: 0,
    };
    server
        .logs()
        .append(&origin, &[line("first"), line("second")])
        .await
        .unwrap();
    let mut body = server
        .open(&format!("/api/v1/logs/{id}/follow"))
        .await
        .into_body()
        .into_data_stream();
    let mut text = String::new();
    while !text.contains("second") {
        text.push_str(std::str::from_utf8(&body.next().await.unwrap().unwrap()).unwrap());
    }
    server
        .logs()
        .append(&origin, &[line("third")])
        .await
        .unwrap();
    server
        .delete(&format!("/api/v1/executions/{id}/kill"))
        .await
        .expect(202);
    while let Some(chunk) = body.next().await {
        text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
    }
    let frames = frames(&text);
    assert_eq!(frames[0], ("start".to_owned(), serde_json::json!({})));
    let said: Vec<_> = frames
        .iter()
        .filter(|(_, data)| data["taskId"] == "say")
        .collect();
    let said: Vec<_> = said
        .iter()
        .map(|(id, data)| (id.as_str(), data["message"].as_str().unwrap()))
        .collect();
    assert_eq!(
        said,
        [
            ("progress", "first"),
            ("progress", "second"),
            ("progress", "third")
        ]
    );
}
