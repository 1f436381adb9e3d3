use serde_json::json;

use crate::server::{Server, answer, answer_bytes};
use crate::{ask, message, world};

#[tokio::test]
async fn a_response_becomes_outputs_and_measurements() {
    let server = Server::new([answer(
        200,
        &["Content-Type: application/json", "X-A: 1", "X-A: 2"],
        "{\"x\": 1}",
    )])
    .await;
    let world = world();
    let values = ask(
        &world,
        &server.uri("/p"),
        json!({"params": {"a": "x y", "b": [1, 2]}}),
    )
    .await
    .unwrap();
    assert_eq!(values["uri"], server.uri("/p?a=x+y&b=1&b=2"));
    assert_eq!(
        (&values["code"], &values["body"]),
        (&json!(200), &json!("{\"x\": 1}")),
        "the body stays text"
    );
    assert_eq!(values["headers"]["x-a"], json!(["1", "2"]));
    let asked = &server.asked()[0];
    assert_eq!(asked.line, "GET /p?a=x+y&b=1&b=2 HTTP/1.1");
    assert_eq!(
        (asked.header("content-type"), asked.header("user-agent")),
        (Some("application/json"), Some("Kestra"))
    );
    let metrics = world.metrics();
    let bytes = metrics
        .iter()
        .find(|metric| metric.name == "response.bytes")
        .unwrap();
    assert_eq!(
        (bytes.value, &bytes.tags["response.code"]),
        (8.0, &json!("200"))
    );
}

#[tokio::test]
async fn an_empty_body_is_no_output_and_the_uri_is_as_written() {
    let server = Server::new([answer(204, &[], "")]).await;
    let values = ask(&world(), &server.address, json!({})).await.unwrap();
    assert!(values.get("body").is_none());
    assert_eq!(values["uri"], json!(server.address));
}

#[tokio::test]
async fn a_body_is_sent_with_its_content_type_and_headers_replace_ours() {
    let server = Server::new([
        answer(200, &[], ""),
        answer(200, &[], ""),
        answer(200, &[], ""),
    ])
    .await;
    let world = world();
    ask(
        &world,
        &server.address,
        json!({"method": "post", "body": "é"}),
    )
    .await
    .unwrap();
    ask(
        &world,
        &server.address,
        json!({"method": "PUT", "body": {"a": [1]}, "contentType": "text/x"}),
    )
    .await
    .unwrap();
    let headers = json!({"content-type": "text/plain", "User-Agent": "mine", "X-B": "b"});
    ask(
        &world,
        &server.address,
        json!({"method": "POST", "body": "x", "headers": headers}),
    )
    .await
    .unwrap();
    let asked = server.asked();
    assert_eq!(
        (asked[0].line.as_str(), asked[0].text().as_str()),
        ("POST / HTTP/1.1", "é")
    );
    assert_eq!(
        asked[0].header("content-type"),
        Some("application/json; charset=UTF-8")
    );
    assert_eq!(
        (asked[1].text().as_str(), asked[1].header("content-type")),
        ("{\"a\":[1]}", Some("text/x; charset=UTF-8"))
    );
    assert_eq!(
        (
            asked[2].header("content-type"),
            asked[2].header("user-agent")
        ),
        (Some("text/plain"), Some("mine"))
    );
    assert_eq!(asked[2].header("x-b"), Some("b"));
}

#[tokio::test]
async fn a_form_is_url_encoded_or_sent_in_parts_with_files_from_the_storage() {
    let server = Server::new([answer(200, &[], ""), answer(200, &[], "")]).await;
    let world = world();
    world.store("kestra:///a/data.csv", "1,2\n3,4\n");
    let form = json!({"a": "x&y", "n": 5});
    ask(
        &world,
        &server.address,
        json!({"method": "POST", "formData": form, "body": "not this"}),
    )
    .await
    .unwrap();
    let form = json!({
        "text": "hello",
        "file": "kestra:///a/data.csv",
        "named": {"name": "other.txt", "content": "kestra:///a/data.csv"},
    });
    ask(
        &world,
        &server.address,
        json!({"method": "POST", "contentType": "multipart/form-data", "formData": form}),
    )
    .await
    .unwrap();
    let asked = server.asked();
    assert_eq!(asked[0].text(), "a=x%26y&n=5");
    assert!(
        asked[0]
            .header("content-type")
            .unwrap()
            .starts_with("application/x-www-form-urlencoded")
    );
    assert!(
        asked[1]
            .header("content-type")
            .unwrap()
            .starts_with("multipart/form-data; boundary=")
    );
    let body = asked[1].text();
    assert!(body.contains("name=\"file\"; filename=\"data.csv\"\r\nContent-Type: application/octet-stream\r\n\r\n1,2\n3,4\n"), "{body}");
    assert!(
        body.contains("name=\"named\"; filename=\"other.txt\""),
        "{body}"
    );
    assert!(body.contains("name=\"text\"\r\n\r\nhello"), "{body}");
}

#[tokio::test]
async fn compressed_bodies_are_unpacked_and_character_sets_respected() {
    // `echo -n hello | gzip`
    let packed = [
        0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 7, 0, 0x86, 0xa6, 0x10,
        0x36, 5, 0, 0, 0,
    ];
    let latin = answer_bytes(
        200,
        &["Content-Type: text/plain; charset=ISO-8859-1"],
        b"\xe9t\xe9",
    );
    let server = Server::new([
        answer_bytes(200, &["Content-Encoding: gzip"], &packed),
        latin,
    ])
    .await;
    let world = world();
    let values = ask(&world, &server.address, json!({})).await.unwrap();
    assert_eq!(values["body"], "hello");
    assert!(values["headers"].get("content-encoding").is_none());
    assert_eq!(
        ask(&world, &server.address, json!({})).await.unwrap()["body"],
        "été"
    );
}

#[tokio::test]
async fn redirects_are_followed_as_browsers_do() {
    let to = |status, location: &str| answer(status, &[&format!("Location: {location}")], "");
    let server = Server::new([
        to(302, "/two"),
        answer(200, &[], "a"),
        to(307, "three"),
        answer(200, &[], "b"),
    ])
    .await;
    let world = world();
    let post = json!({"method": "POST", "body": "sent"});
    assert_eq!(
        ask(&world, &server.uri("/one"), post.clone())
            .await
            .unwrap()["body"],
        "a"
    );
    let values = ask(&world, &server.uri("/x/two"), post).await.unwrap();
    assert_eq!(
        (&values["body"], &values["uri"]),
        (&json!("b"), &json!(server.uri("/x/two")))
    );
    let lines: Vec<_> = server
        .asked()
        .iter()
        .map(|asked| format!("{} {}", asked.line, asked.text()))
        .collect();
    assert_eq!(
        lines,
        [
            "POST /one HTTP/1.1 sent",
            "GET /two HTTP/1.1 ",
            "POST /x/two HTTP/1.1 sent",
            "POST /x/three HTTP/1.1 sent"
        ]
    );
}

#[tokio::test]
async fn a_redirect_is_a_response_when_it_is_not_followed_and_a_circle_fails() {
    let to = |location: &str| answer(302, &[&format!("Location: {location}")], "");
    let server = Server::new([to("/a"), to("/b"), to("/a"), to("/b")]).await;
    let world = world();
    let values = ask(
        &world,
        &server.uri("/x"),
        json!({"options": {"followRedirects": false}}),
    )
    .await
    .unwrap();
    assert_eq!(values["code"], 302);
    assert!(
        message(ask(&world, &server.uri("/a"), json!({})).await).contains("Circular redirect to")
    );
}

#[tokio::test]
async fn credentials_do_not_go_to_another_host() {
    let other = Server::new([answer(200, &[], "there")]).await;
    let server = Server::new([answer(
        302,
        &[&format!("Location: {}/x", other.address)],
        "",
    )])
    .await;
    let options = json!({"auth": {"type": "BEARER", "token": "t"}});
    assert_eq!(
        ask(&world(), &server.address, json!({"options": options}))
            .await
            .unwrap()["body"],
        "there"
    );
    assert_eq!(server.asked()[0].header("authorization"), Some("Bearer t"));
    assert_eq!(other.asked()[0].header("authorization"), None);
}

#[tokio::test]
async fn without_a_key_nothing_is_encrypted_and_the_task_says_so() {
    let server = Server::new([answer(200, &[], "secret")]).await;
    assert!(
        message(ask(&world(), &server.address, json!({"encryptBody": true})).await)
            .contains("no encryption key")
    );
}
