//! Every limit can be set, and the error that it makes names it.

use flowmill_expression::{Engine, ErrorKind, FixedHost, Limit, Limits, Options, Value};

/// Renders with limits and expects to run into one of them; the setting's name must be in the message.
fn reaches(limits: Limits, text: &str, limit: Limit, setting: &str) {
    let engine = Engine::new(Options {
        limits,
        ..Options::default()
    });
    let variables =
        Value::from(serde_json::json!({"again": "{{ again }} ", "long": "a".repeat(5000)}));
    let root = variables.as_object().unwrap();
    let error = engine
        .render(text, root, &FixedHost::default())
        .expect_err(text);
    assert_eq!(*error.kind(), ErrorKind::Limit(limit), "{error}");
    let expected = format!("limits.{setting}");
    assert!(error.message().contains(&expected), "{error}");
    assert!(error.to_string().contains(&expected), "{error}");
}

macro_rules! limits {
    ($field:ident: $value:expr) => {
        Limits {
            $field: $value,
            ..Limits::default()
        }
    };
}

#[test]
fn steps_are_limited() {
    let text = "{% for a in 1..50 %}{{ a }}{% endfor %}";
    reaches(limits!(steps: 60), text, Limit::Steps, "steps");
}

#[test]
fn nesting_is_limited() {
    reaches(
        limits!(nesting: 5),
        "{{ ((((((1)))))) }}",
        Limit::Nesting,
        "nesting",
    );
}

#[test]
fn calls_are_limited() {
    let text = "{% macro m(x) %}{{ m(x + 1) }}{% endmacro %}{{ m(1) }}";
    reaches(limits!(depth: 20), text, Limit::Depth, "depth");
}

#[test]
fn the_nesting_of_values_is_limited() {
    let text = "{% set x = 1 %}{% for i in 1..9 %}{% set x = [x] %}{% endfor %}{{ x }}";
    reaches(
        limits!(value_depth: 5),
        text,
        Limit::ValueDepth,
        "valueDepth",
    );
    let text = "{{ 1 | jq('reduce range(9) as $i (1; [.])') }}";
    reaches(
        limits!(value_depth: 5),
        text,
        Limit::ValueDepth,
        "valueDepth",
    );
}

#[test]
fn the_size_of_texts_is_limited() {
    reaches(
        limits!(template_bytes: 9),
        "{{ 'long' }}",
        Limit::TemplateBytes,
        "templateBytes",
    );
    reaches(
        limits!(output_bytes: 99),
        "{{ long }}",
        Limit::OutputBytes,
        "outputBytes",
    );
    reaches(
        limits!(output_bytes: 9),
        "{{ 'x' | indent(1) ~ 'abcdefghij' }}",
        Limit::OutputBytes,
        "outputBytes",
    );
}

#[test]
fn ranges_are_limited() {
    reaches(
        limits!(range: 9),
        "{{ range(1, 10) }}",
        Limit::Range,
        "range",
    );
    reaches(
        Limits::default(),
        "{{ 1..100000000 }}",
        Limit::Range,
        "range",
    );
}

#[test]
fn rounds_of_rendering_are_limited() {
    reaches(
        limits!(render_rounds: 3),
        "{{ render(again) }}",
        Limit::RenderRounds,
        "renderRounds",
    );
}

#[test]
fn regular_expressions_are_limited() {
    reaches(
        limits!(regex_bytes: 9),
        "{{ 'x' | regexMatch('abcdefghij') }}",
        Limit::Regex,
        "regexBytes",
    );
    reaches(
        limits!(regex_size: 999),
        "{{ 'x' | regexMatch('(a{99}){99}') }}",
        Limit::Regex,
        "regexSize",
    );
    let text = "{{ long | regexMatch('(?=a)(a|aa)+$b') }}";
    reaches(
        limits!(regex_backtracks: 99),
        text,
        Limit::Regex,
        "regexBacktracks",
    );
}

#[test]
fn jq_is_limited() {
    reaches(
        limits!(jq_bytes: 9),
        "{{ 1 | jq('.  |  .  |  .') }}",
        Limit::JqBytes,
        "jqBytes",
    );
    reaches(
        limits!(jq_steps: 99),
        "{{ 1 | jq('last(repeat(1))') }}",
        Limit::JqSteps,
        "jqSteps",
    );
    reaches(
        limits!(jq_outputs: 9),
        "{{ 1 | jq('range(10)') }}",
        Limit::JqOutputs,
        "jqOutputs",
    );
    let text = "{{ 1 | jq('try last(repeat(1)) catch 2') }}";
    reaches(limits!(jq_steps: 99), text, Limit::JqSteps, "jqSteps");
}

#[test]
fn a_limit_is_never_swallowed() {
    for text in [
        "{{ range(1, 10) ?? 'x' }}",
        "{{ range(1, 10) | default('x') }}",
        "{{ (range(1, 10) == 1) ?? 2 }}",
        "{% if range(1, 10) %}{% endif %}",
    ] {
        reaches(limits!(range: 9), text, Limit::Range, "range");
    }
}

#[test]
fn the_digits_of_numbers_are_limited() {
    reaches(
        limits!(number_digits: 9),
        "{{ '12345678901' | number('BIGINTEGER') }}",
        Limit::NumberDigits,
        "numberDigits",
    );
}
