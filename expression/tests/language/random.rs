//! No text panics: random signs, random words of the language, and recorded texts with something changed in them.

use flowmill_expression::{Engine, FixedHost, Options, Profile, Value};
use proptest::prelude::*;
use proptest::sample::select;

use crate::corpus;
use crate::hostile::{STACK, limits};

/// Words that texts are made of: every token, tag, operator, filter, function and test, and values at their borders.
const WORDS: &[&str] = &[
    "{{",
    "}}",
    "{{-",
    "-}}",
    "{%",
    "%}",
    "{%-",
    "-%}",
    "{#",
    "#}",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    ".",
    "|",
    "=",
    "?",
    "+",
    "-",
    "*",
    "/",
    "%",
    "~",
    "..",
    "??",
    "???",
    "==",
    "!=",
    "<",
    ">",
    "<=",
    ">=",
    "'",
    "\"",
    "\\",
    "#{",
    "\n",
    "\r\n",
    "\t",
    "\u{a0}",
    "é",
    "😀",
    "\u{0}",
    "not",
    "and",
    "or",
    "is",
    "is not",
    "contains",
    "equals",
    "isIn",
    "if",
    "elseif",
    "else",
    "endif",
    "for",
    "in",
    "endfor",
    "set",
    "macro",
    "endmacro",
    "filter",
    "endfilter",
    "block",
    "endblock",
    "verbatim",
    "endverbatim",
    "raw",
    "endraw",
    "true",
    "false",
    "null",
    "none",
    "loop",
    "loop.index",
    "loop.last",
    "n",
    "s",
    "i",
    "f",
    "b",
    "l",
    "m",
    "e",
    "d",
    "u",
    "m.a",
    "m['b']",
    "l[0]",
    "l[-1]",
    "s.length",
    "nope",
    "0",
    "1",
    "-1",
    "2",
    "1.5",
    "9223372036854775807",
    "9223372036854775808",
    "1L",
    "'x'",
    "''",
    "'a,b'",
    "'(a'",
    "'%s %d %.2f'",
    "'0.00'",
    "'yyyy-MM-dd'",
    "'Europe/Paris'",
    "'DAYS'",
    "'.a'",
    "'.[] | .'",
    "'2024-03-09T14:05:06Z'",
    "'{\"a\":[1,null]}'",
    "'double'",
    "'shell'",
    "[1,2]",
    "{'a':1}",
    "upper",
    "lower",
    "abbreviate",
    "abs",
    "base64encode",
    "base64decode",
    "capitalize",
    "title",
    "trim",
    "default",
    "first",
    "last",
    "format",
    "join",
    "length",
    "merge",
    "nl2br",
    "numberFormat",
    "reverse",
    "sort",
    "rsort",
    "sha256",
    "slice",
    "split",
    "urlencode",
    "chunk",
    "className",
    "date",
    "dateAdd",
    "timestamp",
    "timestampMilli",
    "timestampNano",
    "distinct",
    "endsWith",
    "startsWith",
    "escapeChar",
    "flatten",
    "indent",
    "nindent",
    "jq",
    "json",
    "toJson",
    "keys",
    "values",
    "md5",
    "number",
    "regexMatch",
    "regexReplace",
    "regexExtract",
    "replace",
    "slugify",
    "string",
    "substringBefore",
    "substringAfterLast",
    "toIon",
    "urldecode",
    "yaml",
    "even",
    "odd",
    "defined",
    "empty",
    "iterable",
    "map",
    "max",
    "min",
    "range",
    "fromJson",
    "fromIon",
    "render",
    "renderOnce",
    "printContext",
    "currentEachOutput",
    "encrypt",
    "decrypt",
    "fileURI",
    "tasksWithState",
    "env",
    "dayOfWeek",
    "isWeekend",
    "now",
    "uuid",
    "id",
    "nanoId",
    "randomInt",
    "secret",
    "kv",
    "read",
    "errorLogs",
    "http",
    "x=",
    "size=",
    "format=",
    "regexp=",
];

fn variables() -> Value {
    Value::from(serde_json::json!({
        "n": null, "s": "Hello, wörld 😀", "i": 42, "f": -1.5, "b": true, "l": [3, null, "x", 1.0, [1]],
        "m": {"a": 1, "b": {"c": [null]}, "size": 7}, "e": "", "d": "2024-02-29T23:59:59.123456789+05:30", "u": "{{ s | upper }}",
    }))
}

/// Renders, checks and looks through a text in both dialects.
pub(crate) fn exercise(text: &str) {
    thread_local! {
        static ENGINES: [Engine; 2] = [Profile::Legacy, Profile::V2].map(|profile| Engine::new(Options {
            limits: limits(),
            cache_size: 10,
            ..Options::with_profile(profile)
        }));
        static VARIABLES: Value = variables();
    }
    ENGINES.with(|engines| {
        VARIABLES.with(|variables| {
            let root = variables.as_object().unwrap();
            let host = FixedHost::default();
            for engine in engines {
                if let Err(error) = engine.render(text, root, &host) {
                    assert!(!error.message().is_empty() && !error.to_string().is_empty());
                }
                drop(engine.render_typed(text, root, &host));
                drop(engine.references(text));
                for finding in engine.check(text, &()) {
                    assert!(text.is_char_boundary(finding.offset), "{finding:?}");
                    assert!(
                        text.is_char_boundary(finding.offset + finding.length),
                        "{finding:?}"
                    );
                }
            }
        });
    });
}

/// Runs a property on the stack of a worker thread.
fn check<S>(cases: u32, texts: S)
where
    S: Strategy<Value = String> + Send + 'static,
{
    let run = move || {
        let config = ProptestConfig {
            cases,
            failure_persistence: None,
            ..ProptestConfig::default()
        };
        proptest::test_runner::TestRunner::new(config).run(&texts, |text| {
            exercise(&text);
            Ok(())
        })
    };
    let thread = std::thread::Builder::new().stack_size(STACK);
    let outcome = thread
        .spawn(run)
        .unwrap()
        .join()
        .expect("the runner itself does not panic");
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

#[test]
fn random_signs_never_panic() {
    check(
        3_000,
        "\\PC{0,60}".prop_map(|text| format!("{{{{ {text} }}}}")),
    );
    check(
        2_000,
        proptest::collection::vec(any::<u8>(), 0..80)
            .prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
    );
}

#[test]
fn random_words_of_the_language_never_panic() {
    let words = || proptest::collection::vec(select(WORDS), 0..25);
    check(4_000, words().prop_map(|words| words.join(" ")));
    check(
        4_000,
        words().prop_map(|words| format!("{{{{ {} }}}}", words.join(" "))),
    );
    let filtered = (
        select(WORDS),
        proptest::collection::vec(
            (
                select(WORDS),
                proptest::collection::vec(select(WORDS), 0..4),
            ),
            1..4,
        ),
    );
    check(
        8_000,
        filtered.prop_map(|(first, calls)| {
            let calls: String = calls
                .iter()
                .map(|(name, arguments)| format!(" | {name}({})", arguments.join(", ")))
                .collect();
            format!("{{{{ {first}{calls} }}}}")
        }),
    );
    let called = (
        select(WORDS),
        proptest::collection::vec(select(WORDS), 0..4),
    );
    check(
        4_000,
        called.prop_map(|(name, arguments)| format!("{{{{ {name}({}) }}}}", arguments.join(", "))),
    );
}

#[test]
fn recorded_texts_with_something_changed_never_panic() {
    let texts = corpus::texts();
    if texts.is_empty() {
        return;
    }
    let change = (
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        0_usize..4,
        select(WORDS),
    );
    let changed =
        (select(texts), proptest::collection::vec(change, 1..4)).prop_map(|(text, changes)| {
            let mut units: Vec<char> = text.chars().collect();
            for (from, to, kind, word) in changes {
                let from = from.index(units.len() + 1);
                let to = to.index(units.len() + 1);
                let (from, to) = (from.min(to), from.max(to));
                match kind {
                    0 => drop(units.drain(from..to)),
                    1 => drop(units.splice(from..from, word.chars())),
                    2 => drop(units.splice(from..to, word.chars())),
                    _ => {
                        let copied = units[from..to.min(from + 40)].to_vec();
                        drop(units.splice(from..from, copied));
                    }
                }
            }
            units.into_iter().collect::<String>()
        });
    check(8_000, changed);
}
