use std::path::Path;

use crate::harness::Server;

/// `UPDATE_OPENAPI=1 cargo test -p flowmill-api` writes the file.
#[test]
fn the_description_in_the_repository_is_that_of_the_program() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&path, flowmill_api::openapi_json()).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == flowmill_api::openapi_json(),
        "docs/openapi.json is old: run `UPDATE_OPENAPI=1 cargo test -p flowmill-api`"
    );
}

#[tokio::test]
async fn every_operation_is_described_once_and_served() {
    let server = Server::start().await;
    let document = server.get("/openapi.json").await.expect(200);
    assert_eq!(
        server.get("/api/v1/main/openapi").await.expect(200),
        document
    );
    let mut ids = std::collections::BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "`{id}` twice");
            assert!(
                operation["summary"].is_string(),
                "{method} {path} has no summary"
            );
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let name = parameter["name"].as_str().unwrap();
                let in_path = parameter["in"] == "path";
                assert_eq!(
                    in_path,
                    path.contains(&format!("{{{name}}}")),
                    "`{name}` of {method} {path}"
                );
            }
        }
    }
    assert!(ids.len() > 60, "{}", ids.len());
}
