use serde_json::json;

use crate::{query, world};

pub(crate) async fn input_files_are_read_by_name_and_by_path() {
    let world = world();
    world.store("kestra:///x/products.csv", "brand,price\na,1\na,2\nb,5\n");
    let average = "SELECT brand, round(avg(price), 2) AS price FROM read_csv_auto('FILE') GROUP BY brand ORDER BY price DESC";
    for file in ["in.csv", "{{ workingDir }}/in.csv"] {
        let properties = json!({
            "inputFiles": {"in.csv": "kestra:///x/products.csv"},
            "sql": average.replace("FILE", file),
            "fetchType": "FETCH",
        });
        let rows = query(&world, properties).await["rows"].clone();
        assert_eq!(
            rows,
            json!([{"brand": "b", "price": 5.0}, {"brand": "a", "price": 1.5}])
        );
    }
}

pub(crate) async fn files_that_the_sql_writes_are_stored_under_their_names() {
    let world = world();
    let properties = json!({
        "outputFiles": ["out.csv", "never"],
        "sql": "COPY (SELECT range AS n FROM range(2)) TO '{{ outputFiles['out.csv'] }}' (HEADER, DELIMITER ',')",
    });
    let values = query(&world, properties).await;
    assert_eq!(world.stored(&values["outputFiles"]["out.csv"]), "n\n0\n1\n");
    assert_eq!(world.stored(&values["outputFiles"]["never"]), "");
}

pub(crate) async fn a_database_is_stored_and_opened_again() {
    let world = world();
    let made = query(
        &world,
        json!({"sql": "CREATE TABLE t AS SELECT 7 AS n", "outputDbFile": true}),
    )
    .await;
    let uri = made["databaseUri"].as_str().unwrap();
    assert!(uri.ends_with(".duckdb"), "{uri}");
    let opened = query(
        &world,
        json!({"databaseUri": uri, "sql": "SELECT n FROM t", "fetchType": "FETCH_ONE"}),
    )
    .await;
    assert_eq!(opened["row"]["n"], 7);
    assert!(opened.get("databaseUri").is_none());
}
