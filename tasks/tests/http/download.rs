use flowmill_common::log::Level;
use serde_json::{Value, json};

use crate::server::{Server, answer};
use crate::world::World;
use crate::{merge, message, run, world};

async fn download(
    world: &World,
    uri: &str,
    more: Value,
) -> Result<Value, flowmill_tasks::TaskError> {
    let mut properties = json!({"uri": uri, "options": {"proxy": {"type": "DIRECT"}}});
    merge(&mut properties, more);
    run(world, "Download", properties)
        .await
        .map(|output| Value::Object(output.values))
}

#[tokio::test]
async fn a_body_is_stored_under_the_best_name_there_is() {
    let disposition = ["Content-Disposition: attachment; filename=\"my report.csv\""];
    let server = Server::new([
        answer(200, &[], "1,2"),
        answer(200, &disposition, "1,2"),
        answer(200, &disposition, "1,2"),
    ])
    .await;
    let world = world();
    let values = download(&world, &server.uri("/x/data.csv"), json!({}))
        .await
        .unwrap();
    assert_eq!(
        (&values["code"], &values["length"]),
        (&json!(200), &json!(3))
    );
    assert_eq!(values["uri"], "kestra:///stored/download.csv");
    assert_eq!(world.stored(&values["uri"]), "1,2");
    let values = download(&world, &server.uri("/x/data.csv"), json!({}))
        .await
        .unwrap();
    assert_eq!(values["uri"], "kestra:///stored/my+report.csv");
    let values = download(
        &world,
        &server.uri("/x/data.csv"),
        json!({"saveAs": "mine.txt"}),
    )
    .await
    .unwrap();
    assert_eq!(values["uri"], "kestra:///stored/mine.txt");
}

#[tokio::test]
async fn an_empty_body_fails_unless_that_is_wanted() {
    let server = Server::new((0..3).map(|_| answer(200, &[], ""))).await;
    let world = world();
    assert!(
        message(download(&world, &server.address, json!({})).await)
            .starts_with("No response from server")
    );
    let values = download(
        &world,
        &server.address,
        json!({"failOnEmptyResponse": false}),
    )
    .await
    .unwrap();
    assert_eq!(values["length"], 0);
    download(
        &world,
        &server.address,
        json!({"options": {"allowFailed": true}}),
    )
    .await
    .unwrap();
    assert!(world.logged(Level::Warn)[0].contains("is empty"));
}

#[tokio::test]
async fn the_body_of_an_allowed_failure_is_stored() {
    let server = Server::new([answer(404, &[], "gone"), answer(404, &[], "gone")]).await;
    let world = world();
    let values = download(
        &world,
        &server.address,
        json!({"options": {"allowFailed": true}}),
    )
    .await
    .unwrap();
    assert_eq!(
        (world.stored(&values["uri"]), &values["code"]),
        ("gone".to_owned(), &json!(404))
    );
    assert!(
        message(download(&world, &server.address, json!({})).await)
            .contains("'404' and body:\ngone")
    );
}
