use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use crate::harness::{Server, hello};

#[tokio::test]
async fn the_server_tells_of_itself() {
    let server = Server::start().await;
    let configs = server.get("/api/v1/main/configs").await.expect(200);
    assert_eq!(
        (&configs["edition"], &configs["uuid"]),
        (&json!("OSS"), &json!("test"))
    );
    assert_eq!(configs["preview"], json!({"initial": 100, "max": 5000}));
    for path in [
        "/health",
        "/health/live",
        "/health/ready",
        "/health/liveness",
        "/health/readiness",
    ] {
        assert_eq!(server.get(path).await.expect(200)["status"], "UP", "{path}");
    }
    assert_eq!(server.get("/prometheus").await.text(), "flowmill_up 1\n");
    assert_eq!(server.get("/ping").await.text(), "pong");
    assert_eq!(
        server.get("/api/v1/tenants/search").await.expect(200)["total"],
        1
    );
}

#[tokio::test]
async fn namespaces_are_those_of_flows_and_those_above() {
    let server = Server::start().await;
    server.flow(&hello("a")).await;
    let found = server
        .get("/api/v1/namespaces/search?sort=id:asc")
        .await
        .expect(200);
    let ids: Vec<_> = found["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].clone())
        .collect();
    assert_eq!(ids, ["company", "company.team", "system"]);
    let existing = server
        .get("/api/v1/namespaces/search?existing=true&q=comp")
        .await
        .expect(200);
    assert_eq!(existing["total"], 1);
    assert_eq!(
        server.get("/api/v1/namespaces/any.name").await.expect(200)["id"],
        "any.name"
    );
    let names = server
        .json(
            "POST",
            "/api/v1/namespaces/autocomplete",
            json!({"q": "team"}),
        )
        .await
        .expect(200);
    assert_eq!(names, json!(["company.team"]));
    assert_eq!(
        server
            .get("/api/v1/namespaces/company.team/dependencies")
            .await
            .expect(200)["edges"],
        json!([])
    );
}

#[tokio::test]
async fn task_types_are_listed_and_documented() {
    let server = Server::start().await;
    let list = server.get("/api/v1/plugins").await;
    assert_eq!(list.headers["cache-control"], "public, max-age=3600");
    let list = list.expect(200);
    let tasks = list[0]["tasks"].as_array().unwrap();
    assert!(
        tasks.contains(&json!("io.kestra.plugin.core.log.Log")),
        "{tasks:?}"
    );
    assert_eq!(
        server
            .get("/api/v1/plugins?page=1&size=1")
            .await
            .expect(200)["results"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let log = server
        .get("/api/v1/plugins/io.kestra.core.tasks.log.Log")
        .await
        .expect(200);
    assert!(
        log["markdown"].as_str().unwrap().contains("### `message`"),
        "{log}"
    );
    assert!(
        log["schema"]["properties"]["properties"]
            .get("id")
            .is_none()
    );
    let all = server
        .get("/api/v1/plugins/io.kestra.plugin.core.log.Log?all=true")
        .await
        .expect(200);
    assert!(all["schema"]["properties"]["properties"]["id"].is_object());
    let unknown = server
        .get("/api/v1/plugins/io.kestra.plugin.core.log.Lgo")
        .await
        .expect(404);
    assert!(
        unknown["message"]
            .as_str()
            .unwrap()
            .contains("did you mean `io.kestra.plugin.core.log.Log`?"),
        "{unknown}"
    );
    let schema = server.get("/api/v1/plugins/schemas/FLOW").await.expect(200);
    assert_eq!(
        schema["$ref"],
        "#/definitions/io.kestra.core.models.flows.Flow"
    );
    let definition = &schema["definitions"]["io.kestra.plugin.core.log.Log"];
    assert_eq!(
        definition["properties"]["type"],
        json!({"const": "io.kestra.plugin.core.log.Log"})
    );
    assert!(
        definition["required"]
            .as_array()
            .unwrap()
            .contains(&json!("id"))
    );
    server.get("/api/v1/plugins/schemas/nope").await.expect(422);
    let if_task = server
        .get("/api/v1/plugins/io.kestra.plugin.core.flow.If")
        .await
        .expect(200);
    assert!(
        if_task["markdown"]
            .as_str()
            .unwrap()
            .contains("### `condition`")
    );
    assert_eq!(
        server.get("/api/v1/plugins/inputs").await.expect(200)[0]["type"],
        "STRING"
    );
    assert!(
        server
            .get("/api/v1/plugins/inputs/select")
            .await
            .expect(200)["markdown"]
            .is_string()
    );
}

#[tokio::test]
async fn every_reference_of_the_schema_leads_somewhere() {
    let server = Server::start().await;
    let schema = server.get("/api/v1/plugins/schemas/flow").await.expect(200);
    let text = schema.to_string();
    let definitions = schema["definitions"].as_object().unwrap();
    for reference in text.split("\"$ref\":\"").skip(1) {
        let reference = reference.split('"').next().unwrap();
        let name = reference
            .strip_prefix("#/definitions/")
            .unwrap_or_else(|| panic!("`{reference}` leads out"));
        assert!(definitions.contains_key(name), "`{name}` is not defined");
    }
}

#[tokio::test]
async fn large_answers_are_compressed_for_who_can_read_it() {
    let server = Server::start().await;
    let request = Request::builder()
        .uri("/api/v1/plugins/schemas/flow")
        .header("accept-encoding", "gzip");
    let answer = server.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.headers["content-encoding"], "gzip");
    assert!(
        !server
            .get("/api/v1/plugins/schemas/flow")
            .await
            .headers
            .contains_key("content-encoding")
    );
}
