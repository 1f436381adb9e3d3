use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::*;
use crate::flow::{DependsOn, FlowOutput, Input, InputType};

/// Knows three templates, encrypts by turning texts round.
struct Fake {
    key: bool,
}

impl Context for Fake {
    fn render(&self, template: &str, inputs: &Map<String, Value>) -> Result<String, RenderError> {
        match template {
            "{{ inputs.env == 'prod' }}" => {
                Ok((inputs.get("env") == Some(&json!("prod"))).to_string())
            }
            "{{ inputs.env }}-bucket" => Ok(format!(
                "{}-bucket",
                inputs["env"].as_str().unwrap_or_default()
            )),
            "{{ secret('X') }}" => Err(RenderError::Need(flowmill_expression::Need::Secret {
                key: "X".into(),
                namespace: None,
            })),
            other => Err(RenderError::Failed(format!("cannot render {other}"))),
        }
    }

    fn render_typed(&self, template: &str, _: &Map<String, Value>) -> Result<Value, RenderError> {
        match template {
            "{{ ['V1','V2'] }}" => Ok(json!(["V1", "V2"])),
            "{{ 1 }}" => Ok(json!(1)),
            other => Err(RenderError::Failed(format!("cannot render {other}"))),
        }
    }

    fn encrypt(&self, text: &str) -> Option<String> {
        self.key.then(|| text.chars().rev().collect())
    }
}

fn input(id: &str, input_type: InputType, properties: Value) -> Input {
    let Value::Object(properties) = properties else {
        panic!("properties are an object")
    };
    Input {
        id: id.into(),
        input_type,
        required: properties.get("required") != Some(&json!(false)),
        defaults: properties.get("defaults").cloned(),
        depends_on: None,
        properties: Arc::new(properties),
    }
}

fn run(inputs: &[Input], data: Value) -> Result<Resolved, Failure> {
    resolve(
        inputs,
        data.as_object().unwrap(),
        "n.f",
        &Fake { key: true },
    )
}

fn values(inputs: &[Input], data: Value) -> Value {
    Value::Object(run(inputs, data).unwrap().values)
}

fn refusals(inputs: &[Input], data: Value) -> Vec<String> {
    match run(inputs, data) {
        Err(Failure::Invalid(errors, _)) => errors.into_iter().map(|error| error.message).collect(),
        other => panic!("{other:?}"),
    }
}

fn refusal(input_type: InputType, properties: Value, value: Value) -> String {
    refusals(&[input("x", input_type, properties)], json!({"x": value})).remove(0)
}

#[test]
fn every_type_is_read_from_text() {
    let table = [
        (InputType::String, json!("a"), json!("a")),
        (InputType::String, json!(5), json!("5")),
        (InputType::Int, json!("42"), json!(42)),
        (InputType::Int, json!(42), json!(42)),
        (InputType::Float, json!("42.42"), json!(42.42)),
        (InputType::Float, json!("1"), json!(1.0)),
        (InputType::Boolean, json!("TRUE"), json!(true)),
        (InputType::Boolean, json!("yes"), json!(false)),
        (InputType::Bool, json!(true), json!(true)),
        (
            InputType::Datetime,
            json!("2019-10-06T18:27:49Z"),
            json!("2019-10-06T18:27:49.000000Z"),
        ),
        (
            InputType::Datetime,
            json!("2019-10-06T18:27:49+02:00"),
            json!("2019-10-06T16:27:49.000000Z"),
        ),
        (InputType::Date, json!("2019-10-06"), json!("2019-10-06")),
        (InputType::Time, json!("18:27:49"), json!("18:27:49")),
        (InputType::Time, json!("18:27"), json!("18:27:00")),
        (InputType::Duration, json!("PT5M6S"), json!("PT5M6S")),
        (
            InputType::File,
            json!("kestra:///a/b.txt"),
            json!("kestra:///a/b.txt"),
        ),
        (InputType::Json, json!("{\"a\": \"b\"}"), json!({"a": "b"})),
        (InputType::Json, json!({"a": 1}), json!({"a": 1})),
        (
            InputType::Yaml,
            json!("some: property\nalist:\n- of\n- values"),
            json!({"some": "property", "alist": ["of", "values"]}),
        ),
        (InputType::Ion, json!("{a: 1}"), json!({"a": 1})),
        (InputType::Uri, json!("http:/bla"), json!("http:/bla")),
        (InputType::Email, json!("a.b@c.de"), json!("a.b@c.de")),
        (InputType::Secret, json!("abc"), json!("cba")),
    ];
    for (input_type, raw, value) in table {
        assert_eq!(
            values(&[input("x", input_type, json!({}))], json!({"x": raw}))["x"],
            value,
            "{input_type:?} {raw}"
        );
    }
    let array = input("x", InputType::Array, json!({"itemType": "INT"}));
    assert_eq!(
        values(std::slice::from_ref(&array), json!({"x": "[1, \"2\", 3]"}))["x"],
        json!([1, 2, 3])
    );
    assert_eq!(values(&[array], json!({"x": [1]}))["x"], json!([1]));
}

#[test]
fn refusals_are_worded_as_kestra_words_them() {
    use InputType as T;
    let cause = |cause: &str| format!("Invalid value for input `x`. Cause: {cause}");
    let table = [
        (
            T::String,
            json!({"validator": "A\\d+"}),
            json!("foo"),
            "it must match the pattern `A\\d+`",
        ),
        (
            T::String,
            json!({"validator": "A\\d+"}),
            json!("xA1"),
            "it must match the pattern `A\\d+`",
        ),
        (
            T::Int,
            json!({"min": 10}),
            json!("9"),
            "it must be more than `10`",
        ),
        (
            T::Int,
            json!({"max": 20}),
            json!("21"),
            "it must be less than `20`",
        ),
        (T::Int, json!({}), json!("5.0"), "For input string: \"5.0\""),
        (
            T::Int,
            json!({}),
            json!("3000000000"),
            "For input string: \"3000000000\"",
        ),
        (
            T::Float,
            json!({"min": 0.1}),
            json!("0.01"),
            "it must be more than `0.1`",
        ),
        (
            T::Float,
            json!({"max": 1}),
            json!("2"),
            "it must be less than `1.0`",
        ),
        (
            T::Float,
            json!({}),
            json!("NaN"),
            "For input string: \"NaN\"",
        ),
        (
            T::Datetime,
            json!({"after": "2023-01-01T00:00:00Z"}),
            json!("2022-01-01T00:00:00Z"),
            "it must be after `2023-01-01T00:00:00Z`",
        ),
        (
            T::Date,
            json!({"before": "2023-12-31"}),
            json!("2024-01-01"),
            "it must be before `2023-12-31`",
        ),
        (
            T::Time,
            json!({"after": "01:00:00"}),
            json!("00:00:01"),
            "it must be after `01:00`",
        ),
        (
            T::Duration,
            json!({"max": "PT20S"}),
            json!("PT30S"),
            "It must be less than `PT20S`",
        ),
        (
            T::Duration,
            json!({"min": "PT10S"}),
            json!("PT5S"),
            "It must be more than `PT10S`",
        ),
        (T::Uri, json!({}), json!("nope"), "Invalid URI format."),
        (
            T::Uri,
            json!({}),
            json!("http://a b"),
            "Illegal character in path at index 8: http://a b",
        ),
        (
            T::Email,
            json!({}),
            json!("a@b"),
            "The input must be a valid email",
        ),
        (
            T::Enum,
            json!({"values": ["A", "B"]}),
            json!("C"),
            "it must match the values `[A, B]`",
        ),
        (
            T::Select,
            json!({"expression": "{{ ['V1','V2'] }}"}),
            json!("V3"),
            "it must match the values `[V1, V2]`",
        ),
        (
            T::Select,
            json!({"expression": "{{ 1 }}"}),
            json!("a"),
            "Invalid expression result. Expected a list of strings, but received Integer",
        ),
        (
            T::Multiselect,
            json!({"values": ["a", "b"]}),
            json!("[\"a\", \"c\"]"),
            "value `c` doesn't match the values `[a, b]`",
        ),
        (
            T::Array,
            json!({"itemType": "INT"}),
            json!("[\"x\"]"),
            "Unable to parse array element as `INT` on `x`",
        ),
        (
            T::File,
            json!({"allowedFileExtensions": [".csv"]}),
            json!("kestra:///a.txt"),
            "File type not allowed. Accepted extensions: .csv",
        ),
        (
            T::File,
            json!({}),
            json!("file:///etc/passwd"),
            "a file of the server cannot be given, upload it or use `kestra:///…`",
        ),
    ];
    for (input_type, properties, value, expected) in table {
        assert_eq!(refusal(input_type, properties, value), cause(expected));
    }
}

#[test]
fn bounds_belong_to_what_they_allow() {
    let bounded = [
        input("int", InputType::Int, json!({"min": 10, "max": 10})),
        input(
            "date",
            InputType::Date,
            json!({"after": "2024-01-01", "before": "2024-01-01"}),
        ),
        input(
            "duration",
            InputType::Duration,
            json!({"min": "PT1M", "max": "PT60S"}),
        ),
    ];
    let data = json!({"int": "10", "date": "2024-01-01", "duration": "PT1M"});
    assert_eq!(values(&bounded, data)["int"], 10);
}

#[test]
fn texts_that_do_not_parse_show_the_parsers_message_in_a_fence() {
    for (input_type, name) in [
        (InputType::Datetime, "DATETIME"),
        (InputType::Date, "DATE"),
        (InputType::Time, "TIME"),
        (InputType::Duration, "DURATION"),
        (InputType::Json, "JSON"),
        (InputType::Array, "ARRAY"),
    ] {
        let message = refusal(input_type, json!({}), json!("{no"));
        let start = format!("Expected `{name}` but received `{{no` with errors:\n```\n");
        assert!(
            message.starts_with(&start) && message.ends_with("\n```"),
            "{message}"
        );
    }
    assert!(
        refusal(InputType::Yaml, json!({}), json!("a: b: c"))
            .contains("mapping values are not allowed")
    );
}

#[test]
fn each_wrong_input_has_one_error() {
    let inputs = [
        input("a", InputType::Int, json!({})),
        input("b", InputType::String, json!({})),
        input("c", InputType::String, json!({})),
    ];
    assert_eq!(
        refusals(&inputs, json!({"a": "x", "c": "fine"})),
        [
            "Invalid value for input `a`. Cause: For input string: \"x\"",
            "Missing required input:b"
        ]
    );
}

#[test]
fn what_is_not_given_is_the_default_null_or_missing() {
    let inputs = [
        input("text", InputType::String, json!({"defaults": ""})),
        input("number", InputType::Int, json!({"defaults": 0})),
        input("three", InputType::Boolean, json!({"required": false})),
        input("toggle", InputType::Bool, json!({"required": false})),
        input(
            "first",
            InputType::Select,
            json!({"values": ["x", "y"], "autoSelectFirst": true}),
        ),
        input("date", InputType::Date, json!({"required": false})),
    ];
    let resolved = run(&inputs, json!({"date": ""})).unwrap();
    assert_eq!(
        Value::Object(resolved.values),
        json!({"text": "", "number": 0, "three": null, "toggle": false, "first": "x", "date": null})
    );
    let defaults: Vec<bool> = resolved
        .inputs
        .iter()
        .map(|input| input.is_default)
        .collect();
    assert_eq!(defaults, [true, true, false, false, true, false]);
}

#[test]
fn inputs_wait_for_those_they_depend_on() {
    let mut approver = input("approver", InputType::String, json!({}));
    approver.depends_on = Some(DependsOn {
        inputs: vec!["env".into()],
        condition: Some("{{ inputs.env == 'prod' }}".into()),
    });
    let mut note = input("note", InputType::String, json!({}));
    note.depends_on = Some(DependsOn {
        inputs: vec!["approver".into()],
        condition: None,
    });
    let env = input("env", InputType::String, json!({"defaults": "dev"}));
    let bucket = input(
        "bucket",
        InputType::String,
        json!({"defaults": "{{ inputs.env }}-bucket"}),
    );
    let inputs = [note, approver, env, bucket];
    assert_eq!(
        values(&inputs, json!({})),
        json!({"env": "dev", "bucket": "dev-bucket"})
    );
    assert_eq!(
        refusals(&inputs, json!({"env": "prod"})),
        [
            "Missing required input:note",
            "Missing required input:approver"
        ]
    );
}

#[test]
fn dots_nest_and_what_is_not_declared_is_said() {
    let inputs = [
        input("db.host", InputType::String, json!({})),
        input("db.port", InputType::Int, json!({})),
    ];
    assert_eq!(
        values(&inputs, json!({"db.host": "h", "db": {"port": 1}})),
        json!({"db": {"host": "h", "port": 1}})
    );
    let resolved = run(&inputs, json!({"db.host": "h", "db.port": 1, "db.prot": 2})).unwrap();
    assert_eq!(
        resolved.warnings,
        [
            "Input db.prot was provided for workflow n.f but isn't declared in the workflow inputs, did you mean `db.port`?"
        ]
    );
}

#[test]
fn a_secret_needs_a_key_and_a_fact_is_asked_for() {
    let secret = [input("s", InputType::Secret, json!({"validator": "a.*"}))];
    let data = json!({"s": "abc"});
    let refused = resolve(
        &secret,
        data.as_object().unwrap(),
        "n.f",
        &Fake { key: false },
    )
    .unwrap_err();
    assert!(
        refused
            .to_string()
            .ends_with("encryption is not configured"),
        "{refused}"
    );
    assert_eq!(values(&secret, json!({"s": "abc"}))["s"], "cba");
    let waits = [input(
        "x",
        InputType::String,
        json!({"defaults": "{{ secret('X') }}"}),
    )];
    assert!(matches!(run(&waits, json!({})), Err(Failure::Need(_))));
}

#[test]
fn outputs_are_converted_by_their_type() {
    let output = |output_type| FlowOutput {
        id: "o".into(),
        output_type,
        value: json!(null),
        required: true,
    };
    let convert =
        |output_type, value| convert_output(&output(output_type), &value, &Fake { key: true });
    assert_eq!(
        convert(InputType::String, json!({"value": "x"})),
        Ok(json!("{\"value\":\"x\"}"))
    );
    assert_eq!(convert(InputType::Array, json!(["a"])), Ok(json!(["a"])));
    assert_eq!(
        convert(InputType::Int, json!("x")),
        Err("Invalid value for output `o`. Cause: For input string: \"x\"".into())
    );
    assert_eq!(
        convert(InputType::Secret, json!("ab")),
        Ok(json!({"type": ENCRYPTED_TYPE, "value": "ba"}))
    );
    assert_eq!(convert(InputType::Int, json!(null)), Ok(json!(null)));
}
