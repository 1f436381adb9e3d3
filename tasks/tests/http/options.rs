use serde_json::json;

use crate::server::{Server, answer};
use crate::{ask, message, world};
use flowmill_common::log::Level;

#[tokio::test]
async fn older_names_of_credentials_mean_the_same() {
    let server = Server::new(std::iter::repeat_n(answer(200, &[], ""), 2)).await;
    let world = world();
    let auth = json!({"auth": {"type": "BASIC", "username": "u", "password": "p"}});
    ask(&world, &server.address, json!({"options": auth}))
        .await
        .unwrap();
    let older = json!({"basicAuthUser": "u", "basicAuthPassword": "p"});
    ask(&world, &server.address, json!({"options": older}))
        .await
        .unwrap();
    let asked = server.asked();
    assert_eq!(asked[0].header("authorization"), Some("Basic dTpw"));
    assert_eq!(asked[1].header("authorization"), Some("Basic dTpw"));
}

#[tokio::test]
async fn a_digest_is_answered_once() {
    let challenge = answer(
        401,
        &["WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\""],
        "who?",
    );
    let server = Server::new([
        challenge.clone(),
        answer(200, &[], "in"),
        challenge.clone(),
        challenge,
    ])
    .await;
    let world = world();
    let options =
        json!({"options": {"auth": {"type": "DIGEST", "username": "u", "password": "p"}}});
    assert_eq!(
        ask(&world, &server.uri("/x?y=1"), options.clone())
            .await
            .unwrap()["body"],
        "in"
    );
    let header = server.asked()[1]
        .header("authorization")
        .unwrap()
        .to_owned();
    assert!(
        header.starts_with("Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"/x?y=1\""),
        "{header}"
    );
    assert!(message(ask(&world, &server.address, options).await).contains("'401'"));
}

#[tokio::test]
async fn a_busy_server_is_asked_once_more() {
    let busy = || answer(503, &["Retry-After: 0"], "busy");
    let server = Server::new([busy(), answer(200, &[], "now"), busy(), busy()]).await;
    let world = world();
    assert_eq!(
        ask(&world, &server.address, json!({})).await.unwrap()["body"],
        "now"
    );
    assert_eq!(server.asked().len(), 2);
    assert!(
        message(ask(&world, &server.address, json!({})).await).contains("'503' and body:\nbusy")
    );
    assert_eq!(server.asked().len(), 4);
}

#[tokio::test]
async fn a_server_that_wants_us_to_wait_too_long_is_not_asked_again() {
    let server = Server::new([answer(429, &["Retry-After: 86400"], "later")]).await;
    assert!(message(ask(&world(), &server.address, json!({})).await).contains("'429'"));
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_broken_connection_is_tried_again_for_a_get_but_not_for_a_post() {
    let server = Server::new([Vec::new(), answer(200, &[], "ok"), Vec::new()]).await;
    let world = world();
    assert_eq!(
        ask(&world, &server.address, json!({})).await.unwrap()["body"],
        "ok"
    );
    let failed = message(
        ask(
            &world,
            &server.address,
            json!({"method": "POST", "body": "x"}),
        )
        .await,
    );
    assert!(
        failed.starts_with(&format!("POST {} failed: ", server.address)),
        "{failed}"
    );
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn what_is_logged_hides_credentials() {
    let server = Server::new([answer(200, &["X-A: b"], "body")]).await;
    let world = world();
    let options = json!({
        "auth": {"type": "BEARER", "token": "hidden"},
        "logs": ["REQUEST_HEADERS", "REQUEST_BODY", "RESPONSE_HEADERS", "RESPONSE_BODY"],
    });
    ask(
        &world,
        &server.address,
        json!({"method": "POST", "body": "sent", "options": options}),
    )
    .await
    .unwrap();
    let lines = world.logged(Level::Debug).join("\n");
    for text in [
        "authorization: ******",
        "request body:\nsent",
        "x-a: b",
        "response body:\nbody",
    ] {
        assert!(lines.contains(text), "{text} is not in:\n{lines}");
    }
    assert!(!lines.contains("hidden"));
}

#[tokio::test]
async fn a_proxy_is_asked_in_place_of_the_server() {
    let proxy = Server::new([answer(200, &[], "by proxy")]).await;
    let port = proxy.address.rsplit(':').next().unwrap().to_owned();
    let options = json!({"proxy": {"type": "HTTP", "address": "127.0.0.1", "port": port, "username": "u", "password": "p"}});
    let values = ask(
        &world(),
        "http://nowhere.invalid/x",
        json!({"options": options}),
    )
    .await
    .unwrap();
    assert_eq!(values["body"], "by proxy");
    let asked = &proxy.asked()[0];
    assert_eq!(asked.line, "GET http://nowhere.invalid/x HTTP/1.1");
    assert_eq!(asked.header("proxy-authorization"), Some("Basic dTpw"));
}
