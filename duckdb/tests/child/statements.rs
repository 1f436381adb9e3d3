//! What runs, and what is refused.

use flowmill_duckdb::{Database, FailureKind, Fetch, Script};
use serde_json::json;

use crate::support::{failure, many, request_or_skip, results, rows, rows_text, run};

fn parameters(value: serde_json::Value) -> serde_json::Map<String, serde_json::Value> {
    value.as_object().unwrap().clone()
}

#[test]
fn the_query_of_the_tutorial_averages_prices_per_brand() {
    let folder = tempfile::tempdir().unwrap();
    let csv = "brand,price\nEssence,9.99\nGlamour,19.99\nEssence,10.03\n";
    std::fs::write(folder.path().join("in.csv"), csv).unwrap();
    let sql = format!(
        "SELECT brand, round(avg(price), 2) as avg_price\nFROM read_csv_auto('{}/in.csv', header=True)\n\
         GROUP BY brand\nORDER BY avg_price DESC;\n",
        folder.path().display()
    );
    let mut request = request_or_skip!(&sql);
    request.working_directory = Some(folder.path().to_owned());
    request.fetch = Fetch::Store(folder.path().to_owned());
    let results = results(&request);
    assert_eq!(results[0].size, 2);
    let stored = std::fs::read_to_string(results[0].file.as_ref().unwrap()).unwrap();
    assert_eq!(
        stored,
        "{brand:\"Glamour\",avg_price:19.99e0}\n{brand:\"Essence\",avg_price:10.01e0}\n"
    );
}

#[test]
fn files_are_read_and_written_by_name_in_the_working_directory() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("data.csv"), "id,name\n1,Ada\n").unwrap();
    let mut request = request_or_skip!("");
    request.working_directory = Some(folder.path().to_owned());
    request.script = many(
        "COPY (SELECT name FROM 'data.csv') TO 'out.csv' (HEADER, DELIMITER ','); SELECT * FROM read_csv_auto('out.csv')",
    );
    let results = results(&request);
    assert_eq!(
        results[1].rows.as_ref().unwrap().get(),
        r#"[{"name":"Ada"}]"#
    );
    assert_eq!(
        std::fs::read_to_string(folder.path().join("out.csv")).unwrap(),
        "name\nAda\n"
    );
}

#[test]
fn each_fetch_type_gives_what_it_says() {
    let mut request = request_or_skip!("SELECT i FROM range(3) t(i)");
    assert_eq!(rows(&request), json!([{"i":0},{"i":1},{"i":2}]));

    request.fetch = Fetch::One;
    let one = results(&request).remove(0);
    assert_eq!(
        (one.row.unwrap().get(), one.size, one.rows.is_none()),
        (r#"{"i":0}"#, 1, true)
    );

    request.fetch = Fetch::None;
    let none = results(&request).remove(0);
    assert!(none.has_rows && none.row.is_none() && none.rows.is_none() && none.file.is_none());

    request.script = Script::One {
        sql: "SELECT 1 AS a WHERE false".into(),
        after: None,
    };
    request.fetch = Fetch::One;
    let empty = results(&request).remove(0);
    assert!(empty.has_rows && empty.row.is_none());
    assert_eq!(empty.size, 0);
    request.fetch = Fetch::All;
    assert_eq!(rows_text(&request), "[]");
}

#[test]
fn statements_without_rows_say_how_many_they_changed() {
    let mut request = request_or_skip!("");
    request.script = many(
        "CREATE TABLE t (i INT); INSERT INTO t VALUES (1), (2); INSERT INTO t VALUES (3) RETURNING i",
    );
    let results = results(&request);
    let shape: Vec<_> = results
        .iter()
        .map(|result| (result.has_rows, result.changed_rows))
        .collect();
    assert_eq!(shape, [(false, 0), (false, 2), (true, 0)]);
    assert_eq!(results[2].rows.as_ref().unwrap().get(), r#"[{"i":3}]"#);
}

#[test]
fn several_statements_are_refused_for_one_and_a_trailing_semicolon_is_not() {
    let mut request = request_or_skip!("SELECT 1;\nSELECT 2;");
    let refused = failure(&request);
    assert_eq!(refused.kind, FailureKind::Request);
    assert!(
        refused
            .message
            .starts_with("Query task support only a single SQL statement"),
        "{refused}"
    );
    assert!(
        refused.message.contains("Use the Queries task"),
        "{refused}"
    );
    assert_eq!(refused.line, Some(2));

    request.script = Script::One {
        sql: "-- first\nSELECT ';' AS a; -- done\n;".into(),
        after: None,
    };
    assert_eq!(rows(&request), json!([{"a": ";"}]));

    request.script = Script::One {
        sql: " -- nothing\n".into(),
        after: None,
    };
    assert_eq!(failure(&request).message, "`sql` holds no statement");
}

#[test]
fn a_statement_that_duckdb_makes_several_of_gives_the_last_ones_rows() {
    let mut request = request_or_skip!("");
    request.script = many(
        "CREATE TABLE cities AS SELECT * FROM (VALUES ('NL', 2000, 1005), ('NL', 2010, 1065)) t(country, year, population);
         PIVOT cities ON year USING sum(population)",
    );
    let results = results(&request);
    assert_eq!(
        results[1].rows.as_ref().unwrap().get(),
        r#"[{"country":"NL","2000":"1005","2010":"1065"}]"#
    );
}

#[test]
fn parameters_are_bound_by_name() {
    let mut request = request_or_skip!(
        "SELECT :name AS name, :age::INT + 1 AS age, ':name' AS text, [1,2,3][1:2] AS slice, :list AS list, :none AS none, \
         list_contains(:list, 'b') AS found, :flag AS flag, :ratio AS ratio -- :name"
    );
    request.parameters = parameters(json!({
        "name": "O'Neil", "age": 30, "list": ["a", "b"], "none": null, "flag": true, "ratio": 0.5
    }));
    assert_eq!(
        rows(&request),
        json!([{
            "name": "O'Neil", "age": 31, "text": ":name", "slice": [1, 2], "list": ["a", "b"], "none": null,
            "found": true, "flag": true, "ratio": 0.5
        }])
    );
}

#[test]
fn parameters_serve_all_statements_that_use_them() {
    let mut request = request_or_skip!("");
    request.script = many(
        "CREATE TABLE employee (name VARCHAR, age INTEGER, hired DATE);
         INSERT INTO employee VALUES ('John', 25, '2020-01-01'), ('Bryan', 35, '2024-01-01');
         SELECT name FROM employee WHERE age > :age;
         SELECT name FROM employee WHERE hired < :day",
    );
    request.parameters = parameters(json!({ "age": 30, "day": "2022-01-01" }));
    let results = results(&request);
    assert_eq!(
        results[2].rows.as_ref().unwrap().get(),
        r#"[{"name":"Bryan"}]"#
    );
    assert_eq!(
        results[3].rows.as_ref().unwrap().get(),
        r#"[{"name":"John"}]"#
    );
}

#[test]
fn an_unknown_parameter_names_the_known_ones_and_the_place() {
    let mut request = request_or_skip!("SELECT 1\nWHERE 1 = :agee");
    request.parameters = parameters(json!({ "age": 30 }));
    let failure = failure(&request);
    assert_eq!(
        failure.message,
        "no parameter `agee` (`parameters` has `age`)\n\nLINE 2: WHERE 1 = :agee\n                  ^"
    );
    assert_eq!((failure.line, failure.column), (Some(2), Some(11)));
}

#[test]
fn sql_errors_are_results_with_duckdbs_message_and_the_place() {
    let mut request = request_or_skip!("SELEC 1");
    let parser = failure(&request);
    assert_eq!(
        parser.message,
        "Parser Error: syntax error at or near \"SELEC\"\n\nLINE 1: SELEC 1\n        ^"
    );
    assert_eq!((parser.kind, parser.statement), (FailureKind::Sql, Some(1)));

    request.script = many("SELECT 1 AS a;\n\n-- é\nSELECT 'é', nope FROM (SELECT 1 AS a)");
    let response = run(&request);
    assert_eq!(response.results.len(), 1);
    let binder = response.failure.unwrap();
    assert!(
        binder
            .message
            .starts_with("Binder Error: Referenced column \"nope\" not found"),
        "{binder}"
    );
    assert_eq!(
        (binder.statement, binder.line, binder.column),
        (Some(2), Some(4), Some(13))
    );
    assert!(
        binder
            .message
            .ends_with("LINE 4: SELECT 'é', nope FROM (SELECT 1 AS a)\n                    ^"),
        "{binder}"
    );
}

#[test]
fn an_error_in_the_midst_of_the_rows_is_an_error() {
    let request = request_or_skip!(
        "SELECT CAST(s AS INT) AS n FROM (SELECT CASE WHEN i = 90000 THEN 'x' ELSE '1' END s FROM range(100000) t(i))"
    );
    let failure = failure(&request);
    assert!(
        failure
            .message
            .starts_with("Conversion Error: Could not convert string 'x'"),
        "{failure}"
    );
}

#[test]
fn what_runs_after_a_statement_shares_its_transaction() {
    let folder = tempfile::tempdir().unwrap();
    let mut request = request_or_skip!("");
    request.database = Database::Path(folder.path().join("data.db").display().to_string());
    request.script = Script::One {
        sql: "CREATE TABLE t AS SELECT 0 AS i".into(),
        after: None,
    };
    run(&request);

    request.script = Script::One {
        sql: "INSERT INTO t VALUES (1) RETURNING i".into(),
        after: Some("UPDATE t SET i = i + 10".into()),
    };
    assert_eq!(rows(&request), json!([{"i": 1}]));
    request.script = Script::One {
        sql: "INSERT INTO t VALUES (2)".into(),
        after: Some("UPDATE nope SET i = 1".into()),
    };
    let failure = failure(&request);
    assert!(
        failure.message.contains("Table with name nope"),
        "{failure}"
    );
    assert_eq!(failure.statement, Some(2));

    request.script = Script::One {
        sql: "SELECT i FROM t ORDER BY i".into(),
        after: None,
    };
    assert_eq!(rows(&request), json!([{"i": 10}, {"i": 11}]));
}

#[test]
fn a_script_is_all_or_nothing_unless_told_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let mut request = request_or_skip!("");
    let database = Database::Path(folder.path().join("data.db").display().to_string());
    request.database = database.clone();
    for (transaction, expected) in [(true, 0), (false, 1)] {
        request.script = Script::Many {
            sql: format!("CREATE TABLE t{transaction} (i INT); SELECT nope"),
            transaction,
        };
        assert!(run(&request).failure.is_some());
        request.script = many("SELECT count(*)::INT AS n FROM duckdb_tables()");
        assert_eq!(rows(&request), json!([{ "n": expected }]));
    }
    request.script = many("BEGIN; CREATE TABLE u (i INT); COMMIT; SELECT 1 AS a");
    assert_eq!(results(&request).len(), 4);

    request.database = match database {
        Database::Path(path) => Database::ReadOnly(path),
        other => other,
    };
    request.script = many("CREATE TABLE v (i INT)");
    assert!(failure(&request).message.contains("read-only"));
}

#[test]
fn nothing_but_the_response_reaches_standard_output() {
    let mut request = request_or_skip!("");
    // The profiler prints to standard error, the progress bar to standard output.
    request.script = many(
        "PRAGMA enable_profiling; SET enable_progress_bar = true; SET enable_progress_bar_print = true; SET progress_bar_time = 1;
         SELECT count(*)::INT AS n FROM range(20000000) t(i) WHERE hash(i) = 42",
    );
    assert_eq!(
        results(&request)[4].rows.as_ref().unwrap().get(),
        r#"[{"n":0}]"#
    );
}

#[test]
fn a_database_that_cannot_be_opened_says_why() {
    let mut request = request_or_skip!("SELECT 1");
    request.database = Database::Path("/nowhere/data.db".into());
    let failure = failure(&request);
    assert_eq!(failure.kind, FailureKind::Database);
    assert!(failure.message.contains("/nowhere/data.db"), "{failure}");
    assert!(!failure.message.contains("exception_type"), "{failure}");
}

#[test]
fn an_extension_that_cannot_be_loaded_is_a_warning() {
    let mut request = request_or_skip!("SELECT 1 AS a");
    request.extensions = vec!["no; such".into()];
    let response = run(&request);
    assert_eq!(response.failure, None);
    assert_eq!(
        response.warnings,
        ["skipped the DuckDB extension `no; such`: this is no name of one"]
    );
}

#[test]
fn a_text_with_a_nul_character_is_refused() {
    let request = request_or_skip!("SELECT '\0'");
    assert!(failure(&request).message.contains("NUL"));
}
