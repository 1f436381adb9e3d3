use serde_json::json;

use crate::{debug_lines, failure, query, world};

const ROWS: &str = "SELECT range AS n, 'r' || range AS t FROM range(3)";

pub(crate) async fn each_fetch_type_gives_its_outputs() {
    let world = world();
    let none = query(&world, json!({"sql": ROWS})).await;
    assert_eq!(none, json!({"row": null}));
    let one = query(&world, json!({"sql": ROWS, "fetchType": "FETCH_ONE"})).await;
    assert_eq!(one, json!({"row": {"n": 0, "t": "r0"}, "size": 1}));
    let all = query(
        &world,
        json!({"sql": format!("{ROWS}; -- the end"), "fetchType": "FETCH"}),
    )
    .await;
    assert_eq!(
        (&all["row"], &all["rows"][2], &all["size"]),
        (&json!(null), &json!({"n": 2, "t": "r2"}), &json!(3))
    );
    let empty = "SELECT 1 AS n WHERE false";
    assert_eq!(
        query(&world, json!({"sql": empty, "fetchType": "FETCH"})).await,
        json!({"row": null, "rows": [], "size": 0})
    );
    assert_eq!(
        query(&world, json!({"sql": empty, "fetchType": "FETCH_ONE"})).await,
        json!({"row": null, "size": 0})
    );
    let made = query(
        &world,
        json!({"sql": "CREATE TABLE t (n INT)", "fetchType": "FETCH"}),
    )
    .await;
    assert_eq!(made, json!({"row": null}));
    let sizes: Vec<_> = world
        .metrics()
        .iter()
        .map(|metric| (metric.tags["fetch"].clone(), metric.value))
        .collect();
    assert_eq!(
        sizes[..2],
        [(json!("FETCH_ONE"), 1.0), (json!("FETCH"), 3.0)]
    );
    assert_eq!(debug_lines(&world)[0], format!("Starting query: {ROWS}"));
}

pub(crate) async fn the_older_switches_go_before_the_fetch_type() {
    let world = world();
    let all = query(
        &world,
        json!({"sql": ROWS, "store": true, "fetch": true, "fetchType": "NONE"}),
    )
    .await;
    assert_eq!(all["size"], 3);
    assert!(all.get("uri").is_none());
    assert_eq!(
        query(
            &world,
            json!({"sql": ROWS, "fetchOne": true, "store": true})
        )
        .await["row"]["n"],
        0
    );
}

pub(crate) async fn rows_are_stored_as_ion_one_a_line() {
    let world = world();
    let sql =
        "SELECT range AS n, 1.50::DECIMAL(10,2) AS d, NULL AS nothing, 'a\nb' AS t FROM range(2)";
    let stored = query(&world, json!({"sql": sql, "store": true})).await;
    assert_eq!((&stored["row"], &stored["size"]), (&json!(null), &json!(2)));
    let uri = stored["uri"].as_str().unwrap();
    assert!(uri.ends_with(".ion"), "{uri}");
    let text = world.stored(&stored["uri"]);
    assert_eq!(
        text,
        "{n:0,d:1.50,nothing:null,t:\"a\\nb\"}\n{n:1,d:1.50,nothing:null,t:\"a\\nb\"}\n"
    );
}

pub(crate) async fn a_statement_after_it_shares_its_transaction() {
    let world = world();
    let file = world.path("kept.db");
    let url = format!("jdbc:duckdb:{}", file.display());
    query(
        &world,
        json!({"url": url, "sql": "CREATE TABLE t AS SELECT 1 AS n"}),
    )
    .await;
    let wrong = json!({"url": url, "sql": "INSERT INTO t VALUES (2)", "afterSQL": "INSERT INTO nowhere VALUES (1)"});
    assert!(failure(&world, "Query", wrong).await.contains("nowhere"));
    let count = json!({"url": url, "sql": "SELECT count(*) AS c FROM t", "fetchType": "FETCH_ONE"});
    assert_eq!(
        query(&world, count).await["row"]["c"],
        1,
        "the insert was undone"
    );
}

pub(crate) async fn parameters_are_bound_and_casts_are_none() {
    let world = world();
    let sql = "SELECT :a::INT + 1 AS n, ':a 10:30' AS t";
    let row = query(
        &world,
        json!({"sql": sql, "parameters": {"a": 41}, "fetchType": "FETCH_ONE"}),
    )
    .await;
    assert_eq!(row["row"], json!({"n": 42, "t": ":a 10:30"}));
}

pub(crate) async fn what_is_wrong_with_the_sql_is_said_with_its_place() {
    let world = world();
    let message = failure(&world, "Query", json!({"sql": "SELECT 1; SELECT 2"})).await;
    assert!(
        message.contains("Query task support only a single SQL statement"),
        "{message}"
    );
    let message = failure(&world, "Query", json!({"sql": "SELECT *\nFROM nowhere"})).await;
    assert!(message.contains("nowhere"), "{message}");
    let message = failure(
        &world,
        "Query",
        json!({"url": "jdbc:duckdb:relative.db", "sql": "SELECT 1"}),
    )
    .await;
    assert!(message.contains("must be absolute"), "{message}");
}
