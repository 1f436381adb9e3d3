use axum::body::Body;
use serde_json::json;

use crate::harness::{Server, form};

const FLOW: &str = "id: asks\nnamespace: company.team\ninputs:\n  - id: name\n    type: STRING\n    defaults: world\n  - id: count\n    type: INT\n    max: 10\n  - id: env\n    type: SELECT\n    expression: \"{{ ['dev', 'prod'] }}\"\n    required: false\n  - id: doc\n    type: FILE\n    required: false\n  - id: pin\n    type: SECRET\n    required: false\ntasks:\n  - id: say\n    type: io.kestra.plugin.core.debug.Return\n    format: \"{{ inputs.name }} {{ inputs.count }}\"\n";
const PATH: &str = "/api/v1/executions/company.team/asks";

#[tokio::test]
async fn inputs_come_as_forms_json_or_urlencoded() {
    let server = Server::start().await;
    server.flow(FLOW).await;
    let (kind, body) = form(&[
        ("count", None, "3"),
        ("name", None, "ada"),
        ("name", None, "bob"),
    ]);
    let path = format!("{PATH}?wait=true");
    let ended = server.call("POST", &path, &kind, body).await.expect(200);
    assert_eq!(ended["taskRunList"][0]["outputs"]["value"], "bob 3");
    let ended = server
        .json("POST", &path, json!({"count": 4}))
        .await
        .expect(200);
    assert_eq!(ended["taskRunList"][0]["outputs"]["value"], "world 4");
    let ended = server
        .call(
            "POST",
            &path,
            "application/x-www-form-urlencoded",
            "count=5&name=a+b",
        )
        .await
        .expect(200);
    assert_eq!(ended["taskRunList"][0]["outputs"]["value"], "a b 5");
    let (kind, body) = form(&[("count", None, "3"), ("pin", None, "1234")]);
    let legacy = "/api/v1/executions/trigger/company.team/asks?wait=true";
    let ended = server.call("POST", legacy, &kind, body).await.expect(200);
    assert_ne!(ended["inputs"]["pin"], "1234");
    server
        .call("POST", PATH, "application/xml", "<x/>")
        .await
        .expect(415);
    server
        .call("POST", PATH, "application/json", "{")
        .await
        .expect(422);
    server
        .call(
            "POST",
            PATH,
            "multipart/form-data; boundary=xyz",
            "--xyz\r\nbroken",
        )
        .await
        .expect(400);
}

#[tokio::test]
async fn wrong_inputs_are_refused_each_with_its_reason() {
    let server = Server::start().await;
    server.flow(FLOW).await;
    let (kind, body) = form(&[("count", None, "12"), ("env", None, "test")]);
    let refused = server.call("POST", PATH, &kind, body).await.expect(422);
    let errors = refused["_embedded"]["errors"].as_array().unwrap();
    assert!(
        errors.iter().any(|error| error["path"] == "count"),
        "{refused}"
    );
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .contains("input `count`"),
        "{refused}"
    );
    let refused = server.post(PATH).await.expect(422);
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .contains("Missing required input:count"),
        "{refused}"
    );
    let refused = server
        .call("POST", PATH, "multipart/form-data", Body::empty())
        .await
        .expect(422);
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .contains("Missing required input:count"),
        "{refused}"
    );
    // what a client makes of a form without parts
    for form in ["", "--xyz--\r\n"] {
        let refused = server
            .call(
                "POST",
                PATH,
                "multipart/form-data; boundary=xyz",
                Body::from(form),
            )
            .await
            .expect(422);
        assert!(
            refused["message"]
                .as_str()
                .unwrap()
                .contains("Missing required input:count"),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn what_is_not_declared_is_left_out_and_said_in_the_log() {
    let server = Server::start().await;
    server.flow(FLOW).await;
    let ended = server
        .json(
            "POST",
            &format!("{PATH}?wait=true"),
            json!({"count": 1, "nmae": "x"}),
        )
        .await
        .expect(200);
    assert_eq!(ended["inputs"].get("nmae"), None);
    let lines = server
        .get(&format!(
            "/api/v1/logs/{}?minLevel=WARN",
            ended["id"].as_str().unwrap()
        ))
        .await
        .expect(200);
    let message = lines[0]["message"].as_str().unwrap();
    assert!(
        message.starts_with("Input nmae was provided") && message.contains("did you mean `name`?"),
        "{message}"
    );
}

#[tokio::test]
async fn files_come_under_their_own_name_or_as_older_clients_send_them() {
    let server = Server::start().await;
    server.flow(FLOW).await;
    let upload = async |name: &str, file: &str| {
        let (kind, body) = form(&[(name, Some(file), "one\ntwo\n"), ("count", None, "1")]);
        server
            .call("POST", &format!("{PATH}?wait=true"), &kind, body)
            .await
            .expect(200)
    };
    let named = upload("doc", "../data set.csv").await;
    let id = named["id"].as_str().unwrap();
    let uri = named["inputs"]["doc"].as_str().unwrap();
    assert_eq!(
        uri,
        format!("kestra:///company/team/asks/executions/{id}/inputs/doc/data_set.csv")
    );
    let content = server
        .get(&format!("/api/v1/executions/{id}/file?path={uri}"))
        .await;
    assert_eq!(
        (content.status.as_u16(), content.text().as_str()),
        (200, "one\ntwo\n")
    );
    let legacy = upload("files", "doc").await;
    let uri = legacy["inputs"]["doc"].as_str().unwrap();
    assert!(
        uri.contains("/inputs/doc/doc_") && uri.ends_with(".upl"),
        "{uri}"
    );
}

#[tokio::test]
async fn files_of_a_refused_execution_do_not_stay() {
    let server = Server::start().await;
    server.flow(FLOW).await;
    let (kind, body) = form(&[("doc", Some("a.csv"), "x"), ("count", None, "many")]);
    server.call("POST", PATH, &kind, body).await.expect(422);
    let (kind, body) = form(&[("doc", Some("a.csv"), "x"), ("count", None, "1")]);
    let cut = body[..body.len() - 20].to_owned();
    server.call("POST", PATH, &kind, cut).await.expect(400);
    assert_eq!(server.files.list("").await.unwrap(), []);
}

#[tokio::test]
async fn too_large_bodies_are_refused() {
    let config = flowmill_api::Config {
        body_limit: flowmill_backends::config::ByteSize::bytes(1000),
        upload_limit: flowmill_backends::config::ByteSize::bytes(4000),
        ..Default::default()
    };
    let server = Server::with(config, crate::harness::Executors::One).await;
    server.flow(FLOW).await;
    let (kind, body) = form(&[("count", None, "1"), ("doc", Some("a"), &"x".repeat(2000))]);
    server.call("POST", PATH, &kind, body).await.expect(200);
    for parts in [
        [("count", None, "1"), ("doc", Some("a"), "")],
        [("count", None, "1"), ("name", None, "")],
    ] {
        let long = "x".repeat(5000);
        let parts = parts.map(|(name, file, text)| {
            (
                name,
                file,
                if text.is_empty() { long.as_str() } else { text },
            )
        });
        let (kind, body) = form(&parts);
        let refused = server.call("POST", PATH, &kind, body).await.expect(413);
        assert!(
            refused["message"]
                .as_str()
                .unwrap()
                .starts_with("Request Entity Too Large"),
            "{refused}"
        );
    }
    server
        .call(
            "POST",
            "/api/v1/flows",
            "application/x-yaml",
            "x".repeat(2000),
        )
        .await
        .expect(413);
    assert_eq!(server.files.list("").await.unwrap().len(), 1);
}

#[tokio::test]
async fn inputs_are_checked_without_creating_anything() {
    let server = Server::start().await;
    server.flow(FLOW).await;
    let (kind, body) = form(&[("count", None, "abc"), ("doc", Some("a.csv"), "x")]);
    let checked = server
        .call("POST", &format!("{PATH}/validate"), &kind, body)
        .await
        .expect(200);
    let inputs = checked["inputs"].as_array().unwrap();
    let of = |id: &str| {
        inputs
            .iter()
            .find(|input| input["input"]["id"] == id)
            .unwrap()
    };
    assert_eq!(
        (&of("name")["value"], &of("name")["isDefault"]),
        (&json!("world"), &json!(true))
    );
    assert_eq!(of("count")["value"], "abc");
    assert!(
        of("count")["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("count")
    );
    assert_eq!(of("env")["input"]["values"], json!(["dev", "prod"]));
    assert_eq!(of("doc")["errors"], json!([]));
    assert_eq!(
        server.get("/api/v1/executions/search").await.expect(200)["total"],
        0
    );
    assert_eq!(server.files.list("").await.unwrap(), []);
}
