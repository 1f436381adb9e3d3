//! Reading, and reading back what was written.

use indexmap::IndexMap;
use proptest::prelude::*;

use super::*;

fn one(text: &str) -> Value {
    match parse_all(text)
        .unwrap_or_else(|error| panic!("{text}: {error}"))
        .as_slice()
    {
        [value] => value.clone(),
        values => panic!("{text}: {values:?}"),
    }
}

fn error(text: &str) -> String {
    parse_all(text).expect_err(text).to_string()
}

fn temporal(kind: TemporalKind, text: &str) -> Value {
    Value::Temporal(Temporal {
        kind,
        text: text.to_owned(),
    })
}

/// Each pair recorded from Kestra's own mapper: the text it was given, the JSON it made of what it read.
#[test]
fn texts_are_read_as_kestra_reads_them() {
    for (text, json) in [
        ("abc", r#""abc""#),
        ("'abc'", r#""abc""#),
        (r#"LocalDate::"2024-01-01""#, r#""2024-01-01""#),
        ("2024T", r#""2024-01-01""#),
        ("2024-01T", r#""2024-01-01""#),
        ("2024-01-01T10:00Z", r#""2024-01-01T10:00:00Z""#),
        ("2024-01-01T10:00:00-00:00", r#""2024-01-01T10:00:00Z""#),
        ("2024-01-01T00:00:00.000Z", r#""2024-01-01""#),
        (
            "2024-01-01T10:00:00.123+02:00",
            r#""2024-01-01T08:00:00.123Z""#,
        ),
        ("0x1F", "31"),
        ("0b101", "5"),
        ("1_000", "1000"),
        ("1d5", "1E+5"),
        ("1.5d-3", "0.0015"),
        ("1.", "1"),
        ("{{aGk=}}", r#""aGk=""#),
        (r#"{{"clob"}}"#, r#""Y2xvYg==""#),
        ("'''a''' '''b'''", r#""ab""#),
        ("(a + 1)", r#"["a","+",1]"#),
        ("null.int", "null"),
        ("null.struct", "null"),
        ("{a:1,a:2}", r#"{"a":2}"#),
        ("{a:1,}", r#"{"a":1}"#),
        ("[1,2,]", "[1,2]"),
        ("/*c*/ 1", "1"),
        ("// c\n2", "2"),
        ("+inf", r#""Infinity""#),
        ("-inf", r#""-Infinity""#),
        ("nan", r#""NaN""#),
        ("1e5", "100000.0"),
        ("12345678901234567890", "12345678901234567890"),
        ("$ion_1_0 5", "5"),
        ("$4", r#""name""#),
        (r#""\u00e9\x41\U0001F600""#, r#""éA😀""#),
        (r#"{'a b':1,"c":2}"#, r#"{"a b":1,"c":2}"#),
        ("-5", "-5"),
    ] {
        assert_eq!(one(text).json_text(), json, "{text}");
    }
}

#[test]
fn numbers_keep_their_kind_and_digits() {
    assert_eq!(
        one("10.50"),
        Value::Decimal(Decimal::new(false, "1050", -2))
    );
    assert_eq!(one("-0.5e1"), Value::Float(-5.0));
    assert_eq!(one("9223372036854775807"), Value::Int(i64::MAX));
    assert_eq!(one("-9223372036854775808"), Value::Int(i64::MIN));
    assert_eq!(
        one("-9223372036854775809"),
        Value::BigInt("-9223372036854775809".into())
    );
    assert_eq!(one("-0xFF"), Value::Int(-255));
    assert_eq!(one("0"), Value::Int(0));
}

#[test]
fn times_become_the_java_type_they_name() {
    assert_eq!(
        one("2024-02-29"),
        temporal(TemporalKind::LocalDate, "2024-02-29")
    );
    assert_eq!(
        one("2024-01-01T10:00:00.120Z"),
        temporal(TemporalKind::Instant, "2024-01-01T10:00:00.120Z")
    );
    assert_eq!(
        one("2024-01-01T10:00:00.120+01:00"),
        temporal(TemporalKind::ZonedDateTime, "2024-01-01T10:00:00.12+01:00")
    );
    assert_eq!(
        one(r#"LocalTime :: "10:00:00""#),
        temporal(TemporalKind::LocalTime, "10:00:00")
    );
}

#[test]
fn unknown_annotations_are_dropped() {
    assert_eq!(one("foo::bar::{a:baz::1}"), one("{a:1}"));
    assert_eq!(one("foo::LocalDate::\"x\""), Value::Text("x".into()));
}

#[test]
fn json_and_json_lines_are_ion() {
    let text = "{\"a\": [1, 2.5, true, null], \"b\": {\"c\": \"x\\u00e9\\ud83d\\ude00\\/\"}}\n\n[]\n\"last\"";
    let values = parse_all(text).unwrap();
    assert_eq!(values.len(), 3);
    assert_eq!(
        values[0].json_text(),
        r#"{"a":[1,2.5,true,null],"b":{"c":"xé😀/"}}"#
    );
    assert_eq!(
        one(r#""\ud83dx\udc00""#),
        Value::Text("\u{fffd}x\u{fffd}".into())
    );
}

#[test]
fn long_texts_span_lines_and_normalise_their_breaks() {
    assert_eq!(
        one("'''a\r\nb\\\n c''d'''"),
        Value::Text("a\nb c''d".into())
    );
    assert_eq!(
        one("{{ '''a''' '''\\xff''' }}"),
        Value::Blob(vec![b'a', 0xFF])
    );
    assert_eq!(one("{{ aG\n k= }}"), Value::Blob(b"hi".to_vec()));
}

#[test]
fn errors_name_the_place_and_the_reason() {
    for (text, expected) in [
        (
            "{bad: ",
            "line 1, column 7: the text ends where a value must stand",
        ),
        ("[1,\n 2", "line 1, column 1: this is never closed by `]`"),
        (
            "{a:1 b:2}",
            "line 1, column 6: expected `,` or `}`, found `b`",
        ),
        (
            "{a 1}",
            "line 1, column 4: expected `:` after the field name `a`",
        ),
        (
            "{1:2}",
            "line 1, column 2: a field name cannot begin with `1`",
        ),
        (
            "é",
            "line 1, column 1: a value cannot begin with the byte 0xC3",
        ),
        ("\n  007", "line 2, column 3: `007` is no number"),
        ("12ab", "line 1, column 1: `12ab` is no number"),
        (
            "2024-02-30",
            "line 1, column 1: `2024-02-30` is no date or time",
        ),
        (
            "2024-01-01T10Z",
            "line 1, column 1: `2024-01-01T10Z` is no date or time",
        ),
        ("\"é", "line 1, column 2: this text is never closed"),
        (
            "\"a\nb\"",
            "line 1, column 3: a text in quotes must end on its line",
        ),
        (r#""\q""#, "line 1, column 2: no escape `\\` with `q`"),
        (
            r#""\u12""#,
            "line 1, column 2: this escape needs 4 hexadecimal digits",
        ),
        (
            "null.foo",
            "line 1, column 9: `null.foo`: Ion has no type `foo`",
        ),
        (
            "$10",
            "line 1, column 4: symbol id `$10`: symbol tables are not supported",
        ),
        ("/* x", "line 1, column 1: this comment is never closed"),
        ("{{ a }}", "line 1, column 1: this is not base64"),
        ("- 5", "line 1, column 1: a value cannot begin with `-`"),
        (
            "foo::",
            "line 1, column 6: the text ends where a value must stand",
        ),
    ] {
        let message = error(text);
        assert!(message.starts_with(expected), "{text}: {message}");
    }
}

#[test]
fn values_before_an_error_are_given_and_none_after_it() {
    let mut reader = Reader::new(&b"{a:1}\n}\n{a:2}"[..]);
    assert!(reader.next().unwrap().is_ok());
    assert!(reader.next().unwrap().is_err());
    assert!(reader.next().is_none());
}

#[test]
fn only_the_first_value_need_be_well_formed_for_the_first_value() {
    assert_eq!(parse_first("1 }").unwrap(), Some(Value::Int(1)));
    assert_eq!(parse_first(" // nothing\n").unwrap(), None);
}

#[test]
fn binary_ion_is_recognised() {
    let error = Reader::new(&[0xE0, 0x01, 0x00, 0xEA, 0x21][..])
        .next()
        .unwrap()
        .unwrap_err();
    assert!(matches!(error, ReadError::Binary));
}

#[test]
fn a_byte_order_mark_is_stepped_over() {
    assert_eq!(one("\u{feff}{a:1}"), one("{a:1}"));
}

#[test]
fn nesting_and_size_are_bounded() {
    assert_eq!(
        error(&"[".repeat(100_000)),
        "line 1, column 201: values are nested deeper than 200"
    );
    let limits = Limits {
        depth: 10,
        value_bytes: 100,
    };
    let text = format!("{{a:1}}\n\"{}", "x".repeat(1000));
    let mut reader = Reader::with_limits(text.as_bytes(), limits);
    assert!(reader.next().unwrap().is_ok());
    let error = reader.next().unwrap().unwrap_err().to_string();
    assert!(
        error.ends_with("a value takes more than 100 bytes"),
        "{error}"
    );
}

#[test]
fn a_failing_source_is_an_error_of_its_own() {
    struct Broken;
    impl std::io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("gone"))
        }
    }
    assert!(matches!(
        Reader::new(Broken).next(),
        Some(Err(ReadError::Io(_)))
    ));
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (any::<bool>(), "[1-9][0-9]{19,40}").prop_map(|(negative, digits)| Value::BigInt(
            if negative {
                format!("-{digits}")
            } else {
                digits
            }
        )),
        any::<f64>()
            .prop_filter("nan equals nothing", |value| !value.is_nan())
            .prop_map(Value::Float),
        (any::<bool>(), "[0-9]{1,40}", -40i32..40).prop_map(|(negative, digits, exponent)| {
            Value::Decimal(Decimal::new(negative, &digits, exponent))
        }),
        any::<String>().prop_map(Value::Text),
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(Value::Blob),
        (1u32..=9999, 1u32..=12, 1u32..=28).prop_map(|(year, month, day)| temporal(
            TemporalKind::LocalDate,
            &format!("{year:04}-{month:02}-{day:02}")
        )),
        (1u32..=9999, 0u32..24, 1u32..60).prop_map(|(year, hour, second)| temporal(
            TemporalKind::Instant,
            &format!("{year:04}-06-10T{hour:02}:00:{second:02}.120Z")
        )),
        Just(temporal(
            TemporalKind::ZonedDateTime,
            "2024-01-01T10:00:00.12+01:00[Europe/Paris]"
        )),
        Just(temporal(TemporalKind::LocalTime, "10:00:00")),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Value::List),
            proptest::collection::vec((any::<String>(), inner), 0..8)
                .prop_map(|fields| Value::Map(fields.into_iter().collect::<IndexMap<_, _>>())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(rows in proptest::collection::vec(any_value(), 0..5)) {
        let mut writer = Writer::new();
        for row in &rows {
            writer.value(row);
            writer.end_row();
        }
        let text = writer.take();
        prop_assert_eq!(text.lines().count(), rows.len());
        prop_assert_eq!(parse_all(&text).unwrap(), rows);
    }

    #[test]
    fn no_text_panics_the_reader(text in any::<String>()) {
        let _ = parse_all(&text);
    }

    #[test]
    fn no_text_of_ion_punctuation_panics_the_reader(text in r#"[a{}\[\]():,'"\\/* $+0-9TZ.nu\n-]{0,40}"#) {
        let _ = parse_all(&text);
    }

    #[test]
    fn json_is_read_as_serde_json_reads_it(value in any_value()) {
        let json = value.json_text();
        let expected: serde_json::Value = serde_json::from_str(&json).unwrap();
        let read = parse_first(&json).unwrap().unwrap().into_json();
        prop_assert!(nearly_equal(&read, &expected), "{read} {expected}");
    }
}

/// serde_json's default float parser may be off by a unit in the last place, in the smallest numbers, too.
fn nearly_equal(left: &serde_json::Value, right: &serde_json::Value) -> bool {
    use serde_json::Value as Json;
    match (left, right) {
        (Json::Number(left), Json::Number(right)) => {
            let (left, right) = (left.as_f64().unwrap(), right.as_f64().unwrap());
            left == right
                || (left - right).abs() <= f64::EPSILON * 2.0 * left.abs() + f64::from_bits(2)
        }
        (Json::Array(left), Json::Array(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(left, right)| nearly_equal(left, right))
        }
        (Json::Object(left), Json::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|((left_name, left), (right_name, right))| {
                        left_name == right_name && nearly_equal(left, right)
                    })
        }
        _ => left == right,
    }
}
