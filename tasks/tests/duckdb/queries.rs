use serde_json::{Value, json};

use crate::{failure, run, world};

pub(crate) async fn statements_with_rows_give_an_entry_each() {
    let world = world();
    let sql = "SELECT 1 AS a; CREATE TABLE t AS SELECT range AS n FROM range(3); SELECT n FROM t ORDER BY n DESC;";
    let values = run(&world, "Queries", json!({"sql": sql, "fetchType": "FETCH"}))
        .await
        .unwrap()
        .values;
    let first = json!({"row": null, "rows": [{"a": 1}], "size": 1});
    let second = json!({"row": null, "rows": [{"n": 2}, {"n": 1}, {"n": 0}], "size": 3});
    assert_eq!(Value::Object(values), json!({"outputs": [first, second]}));
    let values = run(&world, "Queries", json!({"sql": sql}))
        .await
        .unwrap()
        .values;
    assert_eq!(values["outputs"], json!([{"row": null}, {"row": null}]));
    let values = run(&world, "Queries", json!({"sql": sql, "fetchType": "STORE"}))
        .await
        .unwrap()
        .values;
    let stored = |index: usize| world.stored(&values["outputs"][index]["uri"]);
    assert_eq!(
        (stored(0).as_str(), stored(1).as_str()),
        ("{a:1}\n", "{n:2}\n{n:1}\n{n:0}\n")
    );
}

pub(crate) async fn a_failing_statement_undoes_those_before_it() {
    let world = world();
    let url = format!("jdbc:duckdb:{}", world.path("kept.db").display());
    let count = async || {
        let sql = "CREATE TABLE IF NOT EXISTS t (n INT); SELECT count(*) AS c FROM t";
        let values = run(
            &world,
            "Queries",
            json!({"url": url, "sql": sql, "fetchType": "FETCH_ONE"}),
        )
        .await
        .unwrap()
        .values;
        values["outputs"][0]["row"]["c"].clone()
    };
    assert_eq!(count().await, 0);
    let wrong = json!({"url": url, "sql": "INSERT INTO t VALUES (1); SELECT * FROM nowhere"});
    assert!(
        failure(&world, "Queries", wrong.clone())
            .await
            .contains("nowhere")
    );
    assert_eq!(count().await, 0);
    let mut each = wrong;
    each["transaction"] = json!(false);
    failure(&world, "Queries", each).await;
    assert_eq!(
        count().await,
        1,
        "without a transaction the first statement stays"
    );
}
