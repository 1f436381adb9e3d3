//! The reference page of the language, from the engine's own tables.

use std::fmt::Write;

use crate::table::Doc;
use crate::{filters, functions, tests};

/// The variables of the examples, as the page shows them.
const VARIABLES: &str = r#"{
  "user": {"name": "Ada", "age": 36},
  "users": [{"name": "Ada", "age": 36}, {"name": "Bob", "age": 25}],
  "inputs": {"name": "Ada", "count": 3, "nothing": null},
  "lines": "one\ntwo",
  "vars": {"greeting": "Hello {{ user.name }}"},
  "flow": {"id": "daily", "namespace": "company.team"},
  "envs": {"region": "eu"},
  "task": {"id": "here"},
  "taskrun": {"value": "b", "iteration": 2},
  "parent": {"taskrun": {"value": "a"}, "task": {"id": "each"}, "outputs": {"x": 1}},
  "parents": [{"taskrun": {"value": "a"}, "task": {"id": "each"}, "outputs": {"x": 1}}],
  "outputs": {
    "fetch": {"body": "[1, 2]"},
    "make": {"a": {"b": {"value": "two"}}},
    "each": {"a": {"b": {"value": "deep"}}},
    "here": {"a": {"x": {"value": "first"}, "y": {"value": "second"}}}
  },
  "tasks": {"load": {"state": "FAILED"}, "fetch": {"state": "SUCCESS"}}
}"#;

const TAGS: &[Doc] = &[
    Doc {
        signature: "{% if condition %} … {% elseif condition %} … {% else %} … {% endif %}",
        text: "Text that depends on a condition: a boolean, a number (all but 0 hold), or a text (all but the empty one hold).",
        example: "{% if inputs.count > 2 %}many{% elseif inputs.count == 0 %}none{% else %}few{% endif %}",
        result: "many",
    },
    Doc {
        signature: "{% for item in list %} … {% else %} … {% endfor %}",
        text: "Repeats its body for each item of a list, or for each entry (`.key`, `.value`) of a map; the `else` part stands for an empty one. Inside, `loop` has `index` (from 0), `length`, `revindex`, `first` and `last`.",
        example: "{% for u in users %}{{ loop.index }}:{{ u.name }}{% if not loop.last %}, {% endif %}{% endfor %}",
        result: "0:Ada, 1:Bob",
    },
    Doc {
        signature: "{% set name = expression %}",
        text: "Names a value for the rest of the text.",
        example: "{% set total = inputs.count * 2 %}{{ total + 1 }}",
        result: "7",
    },
    Doc {
        signature: "{% macro name(a, b='x') %} … {% endmacro %}",
        text: "A text with parameters, called like a function. It sees only its parameters.",
        example: "{% macro hi(who, end='!') %}Hi {{ who }}{{ end }}{% endmacro %}{{ hi('Ada') }} {{ hi('Bob', end='?') }}",
        result: "Hi Ada! Hi Bob?",
    },
    Doc {
        signature: "{% filter name | name(…) %} … {% endfilter %}",
        text: "Applies filters to the text of its body.",
        example: "{% filter upper | replace({' ': '_'}) %}for {{ user.name }}{% endfilter %}",
        result: "FOR_ADA",
    },
    Doc {
        signature: "{% block name %} … {% endblock %}",
        text: "A named part of the text, which `block(name)` prints again.",
        example: "{% block title %}Report{% endblock %} / {{ block('title') }}",
        result: "Report / Report",
    },
    Doc {
        signature: "{% verbatim %} … {% endverbatim %}, {% raw %} … {% endraw %}",
        text: "Text that is not read as an expression.",
        example: "{% raw %}{{ as it is }}{% endraw %}",
        result: "{{ as it is }}",
    },
    Doc {
        signature: "{# … #}",
        text: "A comment, which prints nothing. A dash inside any delimiter (`{{- x -}}`) takes the blanks beside it away.",
        example: "a {#- a note -#} b",
        result: "ab",
    },
];

const OPERATORS: &[Doc] = &[
    Doc {
        signature: "not a, -a, +a",
        text: "Negation of what holds, sign of a number. They bind tighter than all that follow.",
        example: "{{ not false }} {{ -inputs.count }}",
        result: "true -3",
    },
    Doc {
        signature: "a ?? b, a ??? b",
        text: "`b` where `a` is undefined or null; with `???` only where it is undefined. They bind tighter than filters up to Kestra 1.x, and like `==` in 2.0.",
        example: "{{ inputs.nope ?? 'none' }} {{ inputs.nothing ?? 'null' }} [{{ inputs.nothing ??? 'x' }}]",
        result: "none null []",
    },
    Doc {
        signature: "a .. b",
        text: "The list of the numbers or letters from `a` to `b`, both included.",
        example: "{{ 1..4 }} {{ 'a'..'c' }}",
        result: "[1,2,3,4] [\"a\",\"b\",\"c\"]",
    },
    Doc {
        signature: "a ~ b",
        text: "Both as one text; null is empty. It binds tighter than filters and arithmetic.",
        example: "{{ user.name ~ '-' ~ 1 }}",
        result: "Ada-1",
    },
    Doc {
        signature: "a | filter, a | filter(argument, name=argument)",
        text: "The value changed by a filter.",
        example: "{{ user.name | lower | replace({'a': 'o'}) }}",
        result: "odo",
    },
    Doc {
        signature: "a * b, a / b, a % b",
        text: "Product, quotient (without fraction for integers) and rest. Numbers may be written as texts.",
        example: "{{ 3 * 4 }} {{ 7 / 2 }} {{ 7 / 2.0 }} {{ 7 % 4 }}",
        result: "12 3 3.5 3",
    },
    Doc {
        signature: "a + b, a - b",
        text: "Sum and difference; `+` joins where a side is a text, adds to lists, and `-` takes from them.",
        example: "{{ 1 + 2 }} {{ 'a' + 1 }} {{ [1] + [2, 3] }} {{ [1, 2] - 1 }}",
        result: "3 a1 [1,2,3] [2]",
    },
    Doc {
        signature: "a == b, a equals b, a != b",
        text: "Whether both are equal; numbers compare by value, everything else must be of one type.",
        example: "{{ 1 == 1.0 }} {{ '1' == 1 }} {{ [1] != [2] }}",
        result: "true false true",
    },
    Doc {
        signature: "a < b, a <= b, a > b, a >= b",
        text: "The order of two numbers, or of two texts. False where one is null.",
        example: "{{ 2 < 10 }} {{ 'a' < 'b' }} {{ null > 1 }}",
        result: "true true false",
    },
    Doc {
        signature: "a contains b",
        text: "Whether a list has an element (or all of a list), a map a key, or a text a part.",
        example: "{{ [1, 2] contains 2 }} {{ user contains 'name' }} {{ 'abc' contains 'bc' }}",
        result: "true true true",
    },
    Doc {
        signature: "a isIn b",
        text: "Whether a list has an element, or a map a key or value, of the same text.",
        example: "{{ 1 isIn ['1', '2'] }}",
        result: "true",
    },
    Doc {
        signature: "a is test, a is not test",
        text: "Whether a test holds.",
        example: "{{ 2 is even }} {{ inputs.nope is not defined }}",
        result: "true true",
    },
    Doc {
        signature: "a and b, a or b",
        text: "Both, or one of them; the right side is looked at only if it decides.",
        example: "{{ true and 0 }} {{ false or 'x' }}",
        result: "false true",
    },
    Doc {
        signature: "condition ? a : b",
        text: "One of two values.",
        example: "{{ inputs.count > 2 ? 'many' : 'few' }}",
        result: "many",
    },
    Doc {
        signature: "a.b, a['b'], a[0]",
        text: "An entry of a map or an element of a list.",
        example: "{{ user.name }} {{ user['age'] }} {{ users[1].name }}",
        result: "Ada 36 Bob",
    },
    Doc {
        signature: "\"… #{a} …\"",
        text: "A text between double quotes with expressions in it.",
        example: "{{ \"#{user.name} is #{user.age}\" }}",
        result: "Ada is 36",
    },
];

/// The sections of the page.
fn sections() -> Vec<(String, Vec<&'static Doc>)> {
    let mut sections = vec![
        ("Tags".to_owned(), TAGS.iter().collect()),
        ("Operators".to_owned(), OPERATORS.iter().collect()),
    ];
    for (group, entries) in &filters::GROUPS {
        let docs = entries.iter().map(|entry| &entry.doc).collect();
        sections.push((format!("Filters: {group}"), docs));
    }
    for (group, entries) in &functions::GROUPS {
        let docs = entries.iter().map(|entry| &entry.doc).collect();
        sections.push((format!("Functions: {group}"), docs));
    }
    let docs = tests::TESTS.iter().map(|entry| &entry.doc).collect();
    sections.push(("Tests".to_owned(), docs));
    sections
}

/// The page as Markdown: every tag, operator, filter, function and test with its signature, what it does, an example and
/// what that gives.
pub fn reference_markdown() -> String {
    let mut page = String::from("# Expressions\n\nGenerated from the engine's tables.\n");
    let _ = write!(
        page,
        "\nThe examples see these variables:\n\n```json\n{VARIABLES}\n```\n"
    );
    for (title, docs) in sections() {
        section(&mut page, &title, docs.into_iter());
    }
    page
}

fn section<'d>(page: &mut String, title: &str, docs: impl Iterator<Item = &'d Doc>) {
    let _ = write!(page, "\n## {title}\n");
    for Doc {
        signature,
        text,
        example,
        result,
    } in docs
    {
        let _ = write!(page, "\n### `{signature}`\n\n{text}\n");
        if !example.is_empty() {
            let _ = write!(page, "\n```\n{example}\n```\n");
        }
        if !result.is_empty() {
            let _ = write!(page, "\ngives\n\n```\n{}\n```\n", result.trim_end());
        }
    }
}

#[cfg(test)]
mod examples {
    use super::*;
    use crate::{Answer, Engine, FixedHost, Host, Need, Options, Value};

    /// Has a secret, an entry and a file.
    struct Shelf(FixedHost);

    impl Host for Shelf {
        fn now(&self) -> jiff::Timestamp {
            self.0.now()
        }

        fn random(&self) -> u64 {
            self.0.random()
        }

        fn ask(&self, need: &Need) -> Answer {
            match need {
                Need::Secret { .. } => Answer::Value(Value::from("the-key")),
                Need::Kv { .. } => Answer::Value(Value::from(42)),
                Need::Read(_) => Answer::Value(Value::from("Hello")),
                Need::FileSize(_) => Answer::Value(Value::from(5)),
                Need::FileExists(_) => Answer::Value(Value::from(true)),
                Need::IsFileEmpty(_) => Answer::Value(Value::from(false)),
                _ => Answer::Failed("there is no network here".to_owned()),
            }
        }
    }

    #[test]
    fn every_example_gives_its_result() {
        let engine = Engine::new(Options::default());
        let variables = Value::from_json_text(VARIABLES).expect("it is JSON");
        let root = variables.as_object().expect("it is a map");
        let mut wrong = String::new();
        for doc in sections().into_iter().flat_map(|(_, docs)| docs) {
            let outcome = engine.render(doc.example, root, &Shelf(FixedHost::default()));
            let fits = match &outcome {
                _ if doc.result.is_empty() => engine.compile(doc.example).is_ok(),
                Ok(text) => text == doc.result,
                Err(_) => false,
            };
            if !fits {
                let _ = writeln!(
                    wrong,
                    "{}\n  says {:?}\n  gave {outcome:?}",
                    doc.example, doc.result
                );
            }
        }
        assert!(wrong.is_empty(), "{wrong}");
    }

    #[test]
    fn every_entry_has_all_its_parts_and_few_have_no_result() {
        let docs: Vec<&Doc> = sections().into_iter().flat_map(|(_, docs)| docs).collect();
        for doc in &docs {
            // `parent()` and `i18n()` can only fail.
            let only_fails = ["parent()", "i18n"]
                .iter()
                .any(|name| doc.signature.starts_with(name));
            assert!(!doc.signature.is_empty() && !doc.text.is_empty(), "{doc:?}");
            assert!(only_fails || !doc.example.is_empty(), "{doc:?}");
        }
        // Those that ask the host: secrets, files, logs, the network, other flows.
        let hosted: Vec<&str> = docs
            .iter()
            .filter(|doc| doc.result.is_empty())
            .map(|doc| doc.signature)
            .collect();
        assert!(hosted.len() <= 16, "{hosted:?}");
    }
}
