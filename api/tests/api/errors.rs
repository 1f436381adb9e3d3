use axum::body::Body;
use axum::http::Request;
use flowmill_api::{BasicAuth, Config};
use flowmill_backends::config::Secret;

use crate::harness::{Executors, Server};

#[tokio::test]
async fn what_is_not_there_is_said_in_json_and_never_as_a_page() {
    let server = Server::start().await;
    for path in [
        "/api/v1/nope",
        "/api/v1/users",
        "/api/v1/main/main/flows",
        "/scim/v2/Users",
        "/nope",
    ] {
        let answer = server.get(path).await.expect(404);
        assert_eq!(
            (&answer["status"], &answer["title"]),
            (&404.into(), &"Not Found".into()),
            "{path}"
        );
        assert_eq!(answer["_links"]["self"]["href"], path);
    }
    let tenant = server.get("/api/v1/other/flows/search").await.expect(404);
    assert_eq!(
        tenant["message"],
        "Not Found: Unable to find tenant 'other'"
    );
}

#[tokio::test]
async fn what_this_version_has_not_is_named() {
    let server = Server::start().await;
    for (path, words) in [
        ("/api/v1/triggers/search", "triggers"),
        ("/api/v1/main/namespaces/a/kv", "key-value store"),
        ("/api/v1/namespaces/a/files?path=x", "namespace files"),
        ("/api/v1/dashboards", "dashboards"),
        ("/api/v1/plugins/schemas/dashboard", "dashboard"),
    ] {
        let answer = server.get(path).await.expect(501);
        assert!(
            answer["message"].as_str().unwrap().contains(words),
            "{answer}"
        );
    }
    let restart = server
        .post("/api/v1/executions/restart/by-ids")
        .await
        .expect(501);
    assert!(
        restart["message"].as_str().unwrap().contains("`restart`"),
        "{restart}"
    );
}

#[tokio::test]
async fn a_wrong_method_says_which_are_right() {
    let server = Server::start().await;
    let request = Request::builder()
        .method("PATCH")
        .uri("/api/v1/flows/search")
        .body(Body::empty())
        .unwrap();
    let answer = server.send(request).await.expect(405);
    let message = answer["message"].as_str().unwrap();
    assert!(
        message.starts_with(
            "Method Not Allowed: Method [PATCH] not allowed for URI [/api/v1/flows/search]"
        ),
        "{message}"
    );
}

#[tokio::test]
async fn broken_paths_are_the_clients_fault() {
    let server = Server::start().await;
    server.get("/api/v1/executions/%ff").await.expect(400);
}

#[tokio::test]
async fn with_an_account_only_open_paths_are_answered_without_it() {
    let account = BasicAuth {
        username: "me@here.org".into(),
        password: Secret::new("Passw0rd"),
        open_paths: vec![],
    };
    let server = Server::with(
        Config {
            basic_auth: Some(account),
            ..Config::default()
        },
        Executors::None,
    )
    .await;
    let refused = server.get("/api/v1/main/flows/search").await;
    assert_eq!((refused.status.as_u16(), refused.body.len()), (401, 0));
    assert_eq!(refused.headers["www-authenticate"], "Basic realm=flowmill");
    assert!(!refused.headers.contains_key("content-type"));
    let by_script = Request::builder()
        .uri("/api/v1/flows/search")
        .header("x-requested-with", "XMLHttpRequest");
    let by_script = server.send(by_script.body(Body::empty()).unwrap()).await;
    assert!(!by_script.headers.contains_key("www-authenticate"));
    for open in ["/api/v1/main/configs", "/health", "/ping"] {
        assert_eq!(server.get(open).await.status, 200, "{open}");
    }
    let request = Request::builder()
        .uri("/api/v1/flows/search")
        .header("authorization", "Basic bWVAaGVyZS5vcmc6UGFzc3cwcmQ=");
    assert_eq!(
        server
            .send(request.body(Body::empty()).unwrap())
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_page_of_another_origin_cannot_act() {
    let server = Server::with(Config::default(), Executors::None).await;
    let flow = crate::harness::hello("a");
    let post = async |origin: &str| {
        let request = Request::builder()
            .method("POST")
            .uri("/api/v1/flows")
            .header("host", "localhost:8080")
            .header("content-type", "text/plain")
            .header("origin", origin);
        server
            .send(request.body(Body::from(flow.clone())).unwrap())
            .await
    };
    let refused = post("https://evil.example.org").await.expect(403);
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .contains("`api.corsOrigins`"),
        "{refused}"
    );
    post("http://localhost:8080").await.expect(200);
}

#[tokio::test]
async fn pages_of_named_origins_may_call() {
    let config = Config {
        cors_origins: vec!["https://tools.example.org".into()],
        ..Config::default()
    };
    let server = Server::with(config, Executors::None).await;
    let ask = async |origin: &str| {
        let request = Request::builder()
            .method("OPTIONS")
            .uri("/api/v1/flows/search")
            .header("origin", origin)
            .header("access-control-request-method", "GET");
        server.send(request.body(Body::empty()).unwrap()).await
    };
    let allowed = ask("https://tools.example.org").await;
    assert_eq!(
        allowed.headers["access-control-allow-origin"],
        "https://tools.example.org"
    );
    assert!(
        !ask("https://evil.example.org")
            .await
            .headers
            .contains_key("access-control-allow-origin")
    );
}
