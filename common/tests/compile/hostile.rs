//! Texts that mean no good, or none at all: an error each, soon, and no panic.

use std::time::{Duration, Instant};

use flowmill_common::compile::{Options, compile};
use flowmill_common::yaml::{Diagnostic, Limits, locate, parse, render_all, split_documents};
use flowmill_expression::Engine;
use proptest::prelude::*;

use crate::catalogue::CoreTasks;

/// Far more than any of it takes, far less than what grows with the square of a text would.
const SOON: Duration = Duration::from_secs(60);

fn refused(source: &str) -> Vec<Diagnostic> {
    let begin = Instant::now();
    let found = compile(source, &CoreTasks, &Options::default()).expect_err("it must be refused");
    assert!(begin.elapsed() < SOON, "took {:?}", begin.elapsed());
    assert!(found.iter().any(Diagnostic::is_error));
    found
}

#[test]
fn a_text_of_ten_megabytes_is_refused_at_once() {
    let task = "  - {id: a, type: io.kestra.plugin.core.log.Log, message: hello}\n";
    let source = format!(
        "id: f\nnamespace: n\ntasks:\n{}",
        task.repeat(10_000_000 / task.len())
    );
    let found = refused(&source);
    assert_eq!(
        found[0].message,
        format!(
            "the document has {} bytes, more than the limit of 5242880",
            source.len()
        )
    );
}

#[test]
fn a_billion_laughs_are_not_laughed() {
    let mut source = String::from(
        "id: f\nnamespace: n\nvariables:\n  a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n",
    );
    for level in 1..10 {
        let below = vec![format!("*a{}", level - 1); 10].join(", ");
        source.push_str(&format!("  a{level}: &a{level} [{below}]\n"));
    }
    let found = refused(&source);
    assert!(
        found[0].message.contains("aliases expanded") && found[0].line > 4,
        "{found:?}"
    );
}

#[test]
fn deep_nesting_is_refused() {
    assert!(
        refused(&"[".repeat(1_000_000))[0]
            .message
            .contains("64 levels")
    );
    assert!(
        refused(&"{a: ".repeat(100_000))[0]
            .message
            .contains("64 levels")
    );
    let mut tasks = String::from("id: f\nnamespace: n\n");
    for level in 0..100 {
        let indent = "  ".repeat(level);
        tasks.push_str(&format!("{indent}tasks:\n{indent}- id: t{level}\n{indent}  type: io.kestra.plugin.core.flow.Sequential\n"));
    }
    assert!(refused(&tasks)[0].message.contains("64 levels"));
}

#[test]
fn thousands_of_mistakes_give_hundreds_of_findings() {
    let tasks: String = (0..5000)
        .map(|number| format!("  - {{id: a b, type: x{number}}}\n"))
        .collect();
    let found = refused(&format!("id: f\nnamespace: n\ntasks:\n{tasks}"));
    assert!((100..1000).contains(&found.len()), "{}", found.len());
}

#[test]
fn a_flow_of_ten_thousand_tasks_with_expressions_compiles_soon() {
    let tasks: String = (0..10_000)
        .map(|number| {
            let task = "type: io.kestra.plugin.core.debug.Return";
            format!("  - id: t{number}\n    {task}\n    format: \"{{{{ outputs.t0.value }}}} {number}\"\n")
        })
        .collect();
    let source = format!("id: f\nnamespace: n\ntasks:\n{tasks}");
    let options = Options {
        engine: Some(Engine::new(flowmill_expression::Options::default())),
        ..Options::default()
    };
    let begin = Instant::now();
    let compiled = compile(&source, &CoreTasks, &options).unwrap();
    assert_eq!(compiled.flow.tasks.len(), 10_000);
    assert_eq!(
        compiled.warnings.len(),
        1,
        "only t0 reads itself: {:?}",
        compiled.warnings
    );
    assert!(begin.elapsed() < SOON, "took {:?}", begin.elapsed());
}

/// Lines that flows are made of, and some that break them.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("id: a".to_owned()),
        Just("namespace: b".to_owned()),
        Just("tasks:".to_owned()),
        Just("  - id: t".to_owned()),
        Just("    type: io.kestra.plugin.core.log.Log".to_owned()),
        Just("    type: io.kestra.plugin.core.flow.Dag".to_owned()),
        Just("    tasks: [{task: {id: x}, dependsOn: [x]}]".to_owned()),
        Just("    message: &m \"{{ inputs.x }}\"".to_owned()),
        Just("    message: *m".to_owned()),
        Just("    retry: {type: random, minInterval: PT1S}".to_owned()),
        Just("inputs: [{id: a, type: INT, dependsOn: {inputs: [a]}}]".to_owned()),
        Just("labels: {a: 1}".to_owned()),
        Just("pluginDefaults: [{type: io, values: {a: {type: io}}}]".to_owned()),
        Just(
            "triggers: [{id: a, type: io.kestra.plugin.core.trigger.Schedule, cron: x}]".to_owned()
        ),
        Just("    <<: *m".to_owned()),
        Just("    text: |".to_owned()),
        Just("\t- tab".to_owned()),
        Just("---".to_owned()),
        "[ -~äß日]{0,20}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_text_panics(text in any::<String>()) {
        if let Err(found) = compile(&text, &CoreTasks, &Options::default()) {
            prop_assert!(found.iter().any(Diagnostic::is_error));
            render_all(&found, Some("f"), &text);
        }
        split_documents(&text);
    }

    #[test]
    fn no_mixture_of_lines_panics(lines in prop::collection::vec(line(), 0..30)) {
        let text = lines.join("\n");
        match compile(&text, &CoreTasks, &Options::default()) {
            Err(found) => {
                prop_assert!(found.iter().any(Diagnostic::is_error));
                let count = text.lines().count().max(1);
                prop_assert!(found.iter().all(|problem| (1..=count + 1).contains(&problem.line)), "{:?}", found);
                render_all(&found, Some("f"), &text);
            }
            Ok(compiled) => prop_assert!(!compiled.flow.tasks.is_empty()),
        }
    }

    /// A word in the middle of a text is found in the file, whatever the style that the text is written in.
    #[test]
    fn words_are_found_where_they_stand(words in prop::collection::vec("[a-zé'\"\\\\]{1,6}", 1..8), style in 0..4) {
        let marked = "NEEDLE";
        let mut words = words;
        words.insert(words.len() / 2, marked.to_owned());
        let text = words.join(if style == 3 { "\n" } else { " " });
        let source = match style {
            0 => format!("k: '{}'\n", text.replace('\'', "''")),
            1 => format!("k: {}\n", serde_json::to_string(&text).unwrap()),
            2 => format!("k: >-\n  {}\n", text.replace(' ', "\n  ")),
            _ => format!("k: |-\n  {}\n", text.replace('\n', "\n  ")),
        };
        let node = parse(&source, &Limits::default()).unwrap();
        let value = node.as_mapping().unwrap().get("k").unwrap();
        prop_assert_eq!(value.as_text().unwrap(), text.as_str());
        let span = locate(&source, value, text.find(marked).unwrap(), marked.len());
        prop_assert_eq!(&source[span.bytes()], marked);
        let line = source.lines().nth(span.line - 1).unwrap();
        let found: String = line.chars().skip(span.column - 1).take(marked.len()).collect();
        prop_assert_eq!(found, marked);
    }
}
