use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::server::{Server, answer};
use crate::{ask, message, run, world};

#[tokio::test]
async fn a_status_of_400_or_more_fails_unless_it_is_allowed() {
    let server = Server::new(
        (0..5)
            .map(|_| answer(404, &[], "nothing here"))
            .chain([answer(500, &[], "broken")]),
    )
    .await;
    let world = world();
    let failed = message(ask(&world, &server.address, json!({})).await);
    assert_eq!(
        failed,
        "Failed http request with response code '404' and body:\nnothing here"
    );
    for allowed in [
        json!({"options": {"allowFailed": true}}),
        json!({"allowFailed": true}),
        json!({"options": {"allowedResponseCodes": [404]}}),
        json!({"options": {"allowedResponseCodes": ["404"], "allowFailed": false}}),
    ] {
        assert_eq!(
            ask(&world, &server.address, allowed).await.unwrap()["code"],
            404
        );
    }
    let only_404 = json!({"options": {"allowedResponseCodes": [404], "allowFailed": true}});
    assert!(message(ask(&world, &server.address, only_404).await).contains("'500'"));
}

#[tokio::test]
async fn a_refused_connection_an_unknown_host_and_a_wrong_uri_say_so() {
    let free = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let world = world();
    let allowed = json!({"options": {"allowFailed": true}});
    let failed = message(ask(&world, &format!("http://{free}"), allowed).await);
    assert!(failed.contains("was refused"), "{failed}");
    let failed = message(ask(&world, "http://nowhere.invalid/x", json!({})).await);
    assert!(
        failed.contains("the host `nowhere.invalid` is not known"),
        "{failed}"
    );
    let failed = message(ask(&world, "not a uri", json!({})).await);
    assert!(failed.contains("`not%20a%20uri` is not a URI"), "{failed}");
    let failed = message(ask(&world, "ftp://h/x", json!({})).await);
    assert!(failed.contains("not `ftp`"), "{failed}");
    let failed = message(run(&world, "Download", json!({"uri": "kestra:///a/b"})).await);
    assert!(failed.contains("not `kestra`"), "{failed}");
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_and_one_that_says_nothing_fail_with_a_hint() {
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let secure = format!("https://{}", plain.local_addr().unwrap());
    let world = world();
    let answer_plainly = async {
        let (mut stream, _) = plain.accept().await.unwrap();
        stream
            .write_all(b"HTTP/1.1 400 this is not TLS\r\n\r\n")
            .await
            .unwrap();
    };
    let (result, ()) = tokio::join!(ask(&world, &secure, json!({})), answer_plainly);
    let failed = message(result);
    assert!(
        failed.contains("no secure connection to `127.0.0.1`"),
        "{failed}"
    );
    assert!(failed.contains("insecureTrustAllCertificates"), "{failed}");
    // it accepts, and never answers
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    let options = json!({"options": {"timeout": {"readIdleTimeout": "PT0.05S"}}});
    let failed = message(ask(&world, &address, options).await);
    assert!(
        failed.contains("the server sent nothing for 50ms"),
        "{failed}"
    );
    let failed = message(
        ask(
            &world,
            &address,
            json!({"options": {"readTimeout": "PT0.05S"}}),
        )
        .await,
    );
    assert!(
        failed.contains("the server sent nothing for 50ms"),
        "{failed}"
    );
}

#[tokio::test]
async fn a_body_that_is_too_long_or_no_text_is_for_download() {
    let server = Server::new([
        answer(200, &[], &"x".repeat(101)),
        answer(200, &[], "a\u{FFFF}b"),
        answer(500, &[], &"y".repeat(100)),
    ])
    .await;
    let mut world = world();
    world.config.http.maximum_body_bytes = 100;
    world.config.http.maximum_shown_bytes = 10;
    let failed = message(ask(&world, &server.address, json!({})).await);
    assert!(
        failed.contains("longer than 100 bytes: use `io.kestra.plugin.core.http.Download`"),
        "{failed}"
    );
    let failed = message(ask(&world, &server.address, json!({})).await);
    assert!(failed.contains("is not text"), "{failed}");
    let failed = message(ask(&world, &server.address, json!({})).await);
    assert!(failed.ends_with("body:\nyyyyyyyyyy…"), "{failed}");
}

#[tokio::test]
async fn a_body_that_breaks_off_fails() {
    let broken =
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\nonly this".to_vec();
    let server = Server::new([broken.clone(), broken]).await;
    let world = world();
    let failed = message(ask(&world, &server.address, json!({})).await);
    assert!(failed.contains("broke off"), "{failed}");
    let failed = message(run(&world, "Download", json!({"uri": server.address})).await);
    assert!(failed.contains("broke off"), "{failed}");
}

#[tokio::test]
async fn a_kill_stops_a_request_at_once() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    let world = world();
    let cancel = async {
        silent.accept().await.unwrap();
        world.cancelled.cancel();
    };
    let (result, ()) = tokio::join!(ask(&world, &address, json!({})), cancel);
    assert_eq!(result, Err(flowmill_tasks::TaskError::Killed));
}
