//! Every SQL type as JSON and as text Ion.

use flowmill_duckdb::Fetch;
use serde_json::{Value, json};

use crate::support::{failure, request_or_skip, results, rows, rows_text};

/// Each: an SQL expression, its JSON, its text Ion.
const VALUES: &[(&str, &str, &str)] = &[
    ("NULL", "null", "null"),
    ("NULL::INTEGER", "null", "null"),
    ("true", "true", "true"),
    ("127::TINYINT", "127", "127"),
    ("(-32768)::SMALLINT", "-32768", "-32768"),
    ("2147483647::INTEGER", "2147483647", "2147483647"),
    (
        "9223372036854775807::BIGINT",
        "9223372036854775807",
        "9223372036854775807",
    ),
    ("255::UTINYINT", "255", "255"),
    ("65535::USMALLINT", "65535", "65535"),
    ("4294967295::UINTEGER", "4294967295", "4294967295"),
    (
        "18446744073709551615::UBIGINT",
        "\"18446744073709551615\"",
        "\"18446744073709551615\"",
    ),
    ("(-1)::HUGEINT", "\"-1\"", "\"-1\""),
    (
        "170141183460469231731687303715884105727::HUGEINT",
        "\"170141183460469231731687303715884105727\"",
        "\"170141183460469231731687303715884105727\"",
    ),
    (
        "340282366920938463463374607431768211455::UHUGEINT",
        "\"340282366920938463463374607431768211455\"",
        "\"340282366920938463463374607431768211455\"",
    ),
    (
        "'123456789012345678901234567890123456789012345'::BIGNUM",
        "\"123456789012345678901234567890123456789012345\"",
        "\"123456789012345678901234567890123456789012345\"",
    ),
    (
        "'-1000000000000000000000'::BIGNUM",
        "\"-1000000000000000000000\"",
        "\"-1000000000000000000000\"",
    ),
    ("1.1::FLOAT", "1.1", "1.1e0"),
    ("12345.12345::DOUBLE", "12345.12345", "12345.12345e0"),
    ("1e10::DOUBLE", "10000000000.0", "1.0e10"),
    ("'nan'::DOUBLE", "\"NaN\"", "nan"),
    ("'-inf'::FLOAT", "\"-Infinity\"", "-inf"),
    ("10.50::DECIMAL(4,2)", "10.50", "10.50"),
    ("-0.05::DECIMAL(9,2)", "-0.05", "-0.05"),
    ("12345.123::DECIMAL(18,3)", "12345.123", "12345.123"),
    ("5::DECIMAL(38,0)", "5", "5."),
    ("0.0000001::DECIMAL(38,10)", "1.000E-7", "1000d-10"),
    (
        "'a\"b\\é😀\n'",
        "\"a\\\"b\\\\é😀\\n\"",
        "\"a\\\"b\\\\é😀\\n\"",
    ),
    (
        "repeat('long ', 5)",
        "\"long long long long long \"",
        "\"long long long long long \"",
    ),
    ("''", "\"\"", "\"\""),
    ("'\\xAA\\xAB\\xAC'::BLOB", "\"qqus\"", "{{qqus}}"),
    ("'1010'::BIT", "\"1010\"", "\"1010\""),
    (
        "'12151fd2-7586-11e9-8f9e-2a86e4085a59'::UUID",
        "\"12151fd2-7586-11e9-8f9e-2a86e4085a59\"",
        "\"12151fd2-7586-11e9-8f9e-2a86e4085a59\"",
    ),
    (
        "'f2151fd2-7586-11e9-8f9e-2a86e4085a59'::UUID",
        "\"f2151fd2-7586-11e9-8f9e-2a86e4085a59\"",
        "\"f2151fd2-7586-11e9-8f9e-2a86e4085a59\"",
    ),
    ("DATE '1992-09-20'", "\"1992-09-20\"", "1992-09-20"),
    (
        "DATE '12024-01-01'",
        "\"+12024-01-01\"",
        "LocalDate::\"+12024-01-01\"",
    ),
    (
        "'infinity'::DATE",
        "\"infinity\"",
        "LocalDate::\"infinity\"",
    ),
    (
        "TIME '01:02:03.456'",
        "\"01:02:03.456\"",
        "LocalTime::\"01:02:03.456\"",
    ),
    (
        "TIME_NS '01:02:03.456789012'",
        "\"01:02:03.456789012\"",
        "LocalTime::\"01:02:03.456789012\"",
    ),
    (
        "'10:00:00+01:30'::TIMETZ",
        "\"10:00:00+01:30\"",
        "OffsetTime::\"10:00:00+01:30\"",
    ),
    (
        "'10:00:00-08'::TIMETZ",
        "\"10:00:00-08:00\"",
        "OffsetTime::\"10:00:00-08:00\"",
    ),
    (
        "TIMESTAMP '2020-06-10 15:55:23.383345'",
        "\"2020-06-10T15:55:23.383345Z\"",
        "ZonedDateTime::\"2020-06-10T15:55:23.383345Z\"",
    ),
    (
        "TIMESTAMP_S '2020-06-10 15:55:23'",
        "\"2020-06-10T15:55:23Z\"",
        "ZonedDateTime::\"2020-06-10T15:55:23Z\"",
    ),
    (
        "TIMESTAMP_MS '1969-12-31 23:59:59.5'",
        "\"1969-12-31T23:59:59.5Z\"",
        "ZonedDateTime::\"1969-12-31T23:59:59.5Z\"",
    ),
    (
        "TIMESTAMP_NS '2020-06-10 15:55:23.383345789'",
        "\"2020-06-10T15:55:23.383345789Z\"",
        "ZonedDateTime::\"2020-06-10T15:55:23.383345789Z\"",
    ),
    (
        "'infinity'::TIMESTAMP",
        "\"infinity\"",
        "ZonedDateTime::\"infinity\"",
    ),
    (
        "TIMESTAMPTZ '2001-08-22 03:04:05.321-07'",
        "\"2001-08-22T10:04:05.321Z\"",
        "OffsetDateTime::\"2001-08-22T10:04:05.321Z\"",
    ),
    ("INTERVAL '28' DAYS", "\"28 days\"", "\"28 days\""),
    (
        "'happy'::ENUM('sad', 'ok', 'happy')",
        "\"happy\"",
        "\"happy\"",
    ),
    ("[1, NULL, 3]", "[1,null,3]", "[1,null,3]"),
    ("[]::INTEGER[]", "[]", "[]"),
    ("[[1.5], [2.5]]", "[[1.5],[2.5]]", "[[1.5],[2.5]]"),
    ("[1, 2, 3]::INTEGER[3]", "[1,2,3]", "[1,2,3]"),
    (
        "{'i': 42, 'j k': [DATE '2024-01-01', NULL]}",
        "{\"i\":42,\"j k\":[\"2024-01-01\",null]}",
        "{i:42,'j k':[2024-01-01,null]}",
    ),
    (
        "MAP {'a': 1, 'b': NULL}",
        "{\"a\":1,\"b\":null}",
        "{a:1,b:null}",
    ),
    (
        "MAP {1: 'x', 2: 'y'}",
        "{\"1\":\"x\",\"2\":\"y\"}",
        "{'1':\"x\",'2':\"y\"}",
    ),
    (
        "MAP {DATE '2024-01-01': [1]}",
        "{\"2024-01-01\":[1]}",
        "{'2024-01-01':[1]}",
    ),
    ("MAP {[1, 2]: 'x'}", "{\"[1,2]\":\"x\"}", "{'[1,2]':\"x\"}"),
    (
        "'{\"a\": [1, 2.50, null]}'::JSON",
        "{\"a\": [1, 2.50, null]}",
        "{a:[1,2.5e0,null]}",
    ),
    ("'[1]'::JSON", "[1]", "[1]"),
    ("union_value(n := 5)", "5", "5"),
    ("'x'::UNION(n INTEGER, s VARCHAR)", "\"x\"", "\"x\""),
];

#[test]
fn every_type_has_its_json() {
    let list: Vec<_> = VALUES
        .iter()
        .enumerate()
        .map(|(index, (sql, _, _))| format!("{sql} AS c{index}"))
        .collect();
    let request = request_or_skip!(&format!("SELECT {}", list.join(", ")));
    let text = rows_text(&request);
    let expected: Vec<_> = VALUES
        .iter()
        .enumerate()
        .map(|(index, (_, json, _))| format!("\"c{index}\":{json}"))
        .collect();
    let row = text.trim_start_matches("[{").trim_end_matches("}]");
    for (index, (sql, json, _)) in VALUES.iter().enumerate() {
        assert!(
            row.contains(&format!("\"c{index}\":{json}")),
            "{sql} is not {json} in {row}"
        );
    }
    assert_eq!(row, expected.join(","));
}

#[test]
fn every_type_has_its_ion() {
    let list: Vec<_> = VALUES
        .iter()
        .enumerate()
        .map(|(index, (sql, _, _))| format!("SELECT {index} AS n, [{sql}] AS v, {sql} AS c"))
        .collect();
    let mut request = request_or_skip!("");
    let folder = tempfile::tempdir().unwrap();
    request.fetch = Fetch::Store(folder.path().to_owned());
    request.script = crate::support::many(&list.join(";"));
    let results = results(&request);
    for (index, (result, (sql, _, ion))) in results.iter().zip(VALUES).enumerate() {
        let stored = std::fs::read_to_string(result.file.as_ref().unwrap()).unwrap();
        assert_eq!(
            stored,
            format!("{{n:{index},v:[{ion}],c:{ion}}}\n"),
            "{sql}"
        );
    }
}

#[test]
fn texts_agree_with_duckdbs_own() {
    let expressions = [
        "'1 year 2 months 3 days 04:05:06.7'::INTERVAL",
        "'-14 months'::INTERVAL",
        "'1 day -00:00:01'::INTERVAL",
        "'1 month'::INTERVAL",
        "'100:00:00.000001'::INTERVAL",
        "'0 days'::INTERVAL",
        "'00000000-0000-0000-0000-000000000000'::UUID",
        "'-99999999999999999999999999999999'::BIGNUM",
        "'0'::BIGNUM",
        "'0101010101'::BIT",
        "TIME '24:00:00'",
    ];
    for expression in expressions {
        let request = request_or_skip!(&format!(
            "SELECT {expression} AS ours, ({expression})::VARCHAR AS theirs"
        ));
        let rows = rows(&request);
        assert_eq!(rows[0]["ours"], rows[0]["theirs"], "{expression}");
    }
}

#[test]
fn timestamps_are_on_the_clock_of_the_time_zone() {
    let folder = tempfile::tempdir().unwrap();
    let mut request = request_or_skip!(
        "SELECT TIMESTAMP '2020-06-10 15:55:23.383345' AS local, TIMESTAMPTZ '2001-08-22 03:04:05.321-07' AS global"
    );
    request.time_zone = Some("Europe/Paris".into());
    assert_eq!(
        rows(&request),
        json!([{ "local": "2020-06-10T13:55:23.383345Z", "global": "2001-08-22T10:04:05.321Z" }])
    );
    request.fetch = Fetch::Store(folder.path().to_owned());
    let stored = std::fs::read_to_string(results(&request)[0].file.as_ref().unwrap()).unwrap();
    assert_eq!(
        stored,
        "{local:ZonedDateTime::\"2020-06-10T15:55:23.383345+02:00[Europe/Paris]\",\
         global:OffsetDateTime::\"2001-08-22T10:04:05.321Z\"}\n"
    );
    request.time_zone = Some("Europe/Pariss".into());
    assert_eq!(
        failure(&request).message,
        "there is no time zone `Europe/Pariss`"
    );
}

#[test]
fn of_columns_with_equal_labels_the_last_value_counts() {
    let request = request_or_skip!("SELECT 1 AS a, 2 AS b, 3 AS a");
    assert_eq!(rows_text(&request), r#"[{"a":3,"b":2}]"#);
    let names: Vec<_> = results(&request)[0]
        .columns
        .iter()
        .map(|column| column.name.clone())
        .collect();
    assert_eq!(names, ["a", "b", "a"]);
}

#[test]
fn columns_tell_their_types() {
    let request = request_or_skip!(
        "SELECT 1.5::DECIMAL(18,3) AS d, [{'a': 1}] AS l, MAP {'k': DATE '2024-01-01'} AS m, '{}'::JSON AS j"
    );
    let types: Vec<_> = results(&request)[0]
        .columns
        .iter()
        .map(|column| column.type_name.clone())
        .collect();
    assert_eq!(
        types,
        [
            "DECIMAL(18,3)",
            "STRUCT(a INTEGER)[]",
            "MAP(VARCHAR, DATE)",
            "JSON"
        ]
    );
}

#[test]
fn values_keep_their_rows_over_many_chunks() {
    let request = request_or_skip!(
        "SELECT i, CASE WHEN i % 3 = 0 THEN NULL ELSE range(i % 4) END AS l, {'s': CASE WHEN i % 2 = 0 THEN 'even number ' || i END} AS s
         FROM range(10000) t(i) ORDER BY i"
    );
    let rows = rows(&request);
    for (index, row) in rows.as_array().unwrap().iter().enumerate() {
        let list = if index % 3 == 0 {
            Value::Null
        } else {
            (0..index % 4).collect()
        };
        let text = if index % 2 == 0 {
            json!(format!("even number {index}"))
        } else {
            Value::Null
        };
        assert_eq!(*row, json!({ "i": index, "l": list, "s": { "s": text } }));
    }
}

#[test]
fn a_type_that_rows_cannot_have_is_refused_with_its_column() {
    let mut request = request_or_skip!("SELECT 5::VARIANT AS v");
    let failure = failure(&request);
    assert!(
        failure
            .message
            .starts_with("the column `v` holds values of type VARIANT"),
        "{failure}"
    );
    request.fetch = Fetch::None;
    assert_eq!(results(&request)[0].size, 1);
}
