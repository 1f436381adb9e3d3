use axum::body::Body;
use axum::http::Request;
use futures::StreamExt;
use serde_json::{Value, json};

use crate::harness::{Server, hello};

/// A finished execution with files, and the path of its folder.
async fn with_files(server: &Server, files: &[(&str, &[u8])]) -> (String, String) {
    server.flow(&hello("a")).await;
    let id = server.run("company.team", "a").await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let folder = format!("company/team/a/executions/{id}/tasks/say/r");
    for (name, content) in files {
        let content = bytes::Bytes::copy_from_slice(content);
        let stream = futures::stream::once(async { Ok(content) }).boxed();
        server
            .files
            .put(&format!("{folder}/{name}"), stream)
            .await
            .unwrap();
    }
    (id, folder)
}

#[tokio::test]
async fn a_file_is_downloaded_whole_or_in_part() {
    let server = Server::start().await;
    let (id, folder) = with_files(&server, &[("ä.csv", b"0123456789")]).await;
    let path = format!("/api/v1/main/executions/{id}/file?path=kestra:///{folder}/%C3%A4.csv");
    let whole = server.get(&path).await;
    assert_eq!(whole.text(), "0123456789");
    assert_eq!(whole.headers["content-length"], "10");
    assert_eq!(whole.headers["content-type"], "application/octet-stream");
    assert_eq!(
        whole.headers["content-disposition"],
        "attachment; filename=\"_.csv\"; filename*=utf-8''%C3%A4.csv"
    );
    let ranged = async |range: &str| {
        server
            .send(
                Request::builder()
                    .uri(&path)
                    .header("range", range)
                    .body(Body::empty())
                    .unwrap(),
            )
            .await
    };
    let part = ranged("bytes=2-4").await;
    assert_eq!((part.status.as_u16(), part.text().as_str()), (206, "234"));
    assert_eq!(part.headers["content-range"], "bytes 2-4/10");
    assert_eq!(ranged("bytes=-2").await.text(), "89");
    let beyond = ranged("bytes=10-").await;
    assert_eq!(
        (beyond.status.as_u16(), &beyond.headers["content-range"]),
        (416, &"bytes */10".parse().unwrap())
    );
    let head = Request::builder()
        .method("HEAD")
        .uri(&path)
        .body(Body::empty())
        .unwrap();
    let head = server.send(head).await;
    assert_eq!(
        (
            head.status.as_u16(),
            head.body.len(),
            &head.headers["content-length"]
        ),
        (200, 0, &"10".parse().unwrap())
    );
    let metas = path.replace("/file?", "/file/metas?");
    assert_eq!(server.get(&metas).await.expect(200), json!({"size": 10}));
}

#[tokio::test]
async fn only_files_of_executions_are_given() {
    let server = Server::start().await;
    let (id, folder) = with_files(&server, &[("f", b"x")]).await;
    let file = async |path: &str| {
        server
            .get(&format!("/api/v1/executions/{id}/file?path={path}"))
            .await
    };
    file(&format!("kestra:///{folder}/none")).await.expect(404);
    for wrong in [
        "file:///etc/passwd".to_owned(),
        "/etc/passwd".to_owned(),
        format!("kestra:///{folder}/../../../../other"),
        format!("kestra:///{folder}/%2E%2E/f"),
        "kestra:///company/team/_files/f".to_owned(),
    ] {
        file(&wrong).await.expect(422);
    }
    let other = file("kestra:///company/team/a/executions/other/tasks/f").await;
    assert_eq!(other.status, 307);
    let location = other.headers["location"].to_str().unwrap();
    assert_eq!(
        location,
        "/api/v1/executions/other/file?path=kestra%3A%2F%2F%2Fcompany%2Fteam%2Fa%2Fexecutions%2Fother%2Ftasks%2Ff"
    );
    server
        .get(&format!("/api/v1/executions/{id}/file"))
        .await
        .expect(400);
    server
        .get("/api/v1/executions/none/file?path=kestra:///a")
        .await
        .expect(404);
}

#[tokio::test]
async fn rows_are_previewed_and_given_as_json_lines() {
    let server = Server::start().await;
    let ion = b"{id:1,price:10.50}\n{id:2,price:20.}\n";
    let (id, folder) = with_files(&server, &[("rows.ion", ion), ("t.txt", b"one\ntwo\n")]).await;
    let path = |route: &str, name: &str| {
        format!("/api/v1/executions/{id}/{route}?path=kestra:///{folder}/{name}")
    };
    let rows = server
        .get(&path("file/preview", "rows.ion"))
        .await
        .expect(200);
    assert_eq!(
        (&rows["type"], &rows["extension"], &rows["truncated"]),
        (&json!("LIST"), &json!("ion"), &json!(false))
    );
    assert_eq!(rows["content"][0]["id"], 1);
    let one = server
        .get(&format!("{}&maxRows=1", path("file/preview", "rows.ion")))
        .await
        .expect(200);
    assert_eq!(
        (one["content"].as_array().map(Vec::len), &one["truncated"]),
        (Some(1), &json!(true))
    );
    let text = server.get(&path("file/preview", "t.txt")).await.expect(200);
    let wanted = json!({"extension": "txt", "type": "TEXT", "content": "one\ntwo", "maxLine": 100, "truncated": false});
    assert_eq!(text, wanted);
    server
        .get(&format!("{}&encoding=foo", path("file/preview", "t.txt")))
        .await
        .expect(422);
    let lines = server
        .get(&format!("{}&format=JSONL", path("file", "rows.ion")))
        .await;
    assert_eq!(lines.headers["content-type"], "application/x-ndjson");
    let parsed: Vec<Value> = lines
        .text()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(parsed[1]["id"], 2);
    server
        .get(&format!("{}&format=JSONL", path("file", "t.txt")))
        .await
        .expect(400);
}
