//! Texts that mean harm: whatever they hold, a rendering ends soon, in a result or an error, on a small stack.

use std::time::{Duration, Instant};

use flowmill_expression::{Engine, FixedHost, Limits, Options, Profile, Value};

/// The stack of a worker thread of an async runtime.
pub(crate) const STACK: usize = 2 << 20;

/// Far beyond what the limits let any of these take, and far below "for ever".
const PATIENCE: Duration = Duration::from_secs(60);

/// Small ones, so that what runs into them does so soon in an unoptimised build too.
pub(crate) fn limits() -> Limits {
    Limits {
        steps: 200_000,
        output_bytes: 64 << 10,
        regex_backtracks: 20_000,
        jq_steps: 10_000,
        ..Limits::default()
    }
}

/// Renders on a small stack, in both dialects and all ways, and tells what came out of the plain way in the old dialect.
fn survive(text: &str, variables: serde_json::Value) -> Result<String, String> {
    let text = text.to_owned();
    let run = move || {
        let variables = Value::from(variables);
        let mut first = None;
        for profile in [Profile::Legacy, Profile::V2] {
            let engine = Engine::new(Options {
                limits: limits(),
                ..Options::with_profile(profile)
            });
            let root = variables.as_object().expect("it is a map");
            let host = FixedHost::default();
            let started = Instant::now();
            let outcome = engine.render(&text, root, &host);
            assert!(
                started.elapsed() < PATIENCE,
                "it took {:?}",
                started.elapsed()
            );
            let outcome = outcome.map_err(|error| {
                assert!(!error.to_string().is_empty());
                error.text()
            });
            first.get_or_insert(outcome);
            drop(engine.render_typed(&text, root, &host));
            drop(engine.references(&text));
            drop(engine.check(&text, &()));
        }
        first.expect("there was a first")
    };
    let thread = std::thread::Builder::new().stack_size(STACK);
    thread
        .spawn(run)
        .unwrap()
        .join()
        .expect("it does not panic")
}

fn fails(text: &str, message: &str) {
    let outcome = survive(text, serde_json::json!({}));
    let error = outcome.expect_err("it must fail");
    assert!(error.contains(message), "{error}");
}

const TOO_DEEP: &str = "nests deeper than 100";

#[test]
fn brackets_nest_only_so_deep() {
    for depth in [101, 1_000, 20_000] {
        for (open, close) in [
            ("(", ")"),
            ("[", "]"),
            ("{'a':", "}"),
            ("m[", "]"),
            ("f(", ")"),
            ("f(a=", ")"),
        ] {
            let text = format!("{{{{ {}1{} }}}}", open.repeat(depth), close.repeat(depth));
            fails(&text, TOO_DEEP);
        }
    }
}

#[test]
fn operators_nest_only_so_deep() {
    for depth in [101, 1_000, 20_000] {
        for open in ["not ", "- ", "+ ", "a ? ", "a ? 1 : "] {
            fails(&format!("{{{{ {}1 }}}}", open.repeat(depth)), TOO_DEEP);
        }
        for operator in [
            "+", "-", "*", "~", "and", "or", "==", "<", "??", "???", "..", "contains", "is",
            "is not",
        ] {
            let chain = format!(" {operator} a").repeat(depth);
            drop(survive(
                &format!("{{{{ a{chain} }}}}"),
                serde_json::json!({"a": 1}),
            ));
        }
    }
}

#[test]
fn chains_may_be_long() {
    let json = serde_json::json!({"a": "x"});
    for length in [101, 1_000, 10_000] {
        for piece in [
            " | upper",
            ".b",
            "['b']",
            "[0]",
            ".f()",
            " | replace({'a': 'b'})",
        ] {
            drop(survive(
                &format!("{{{{ a{} }}}}", piece.repeat(length)),
                json.clone(),
            ));
        }
        drop(survive(&"{{ a }}".repeat(length), json.clone()));
        drop(survive(&"{".repeat(length), json.clone()));
        drop(survive(&"{{".repeat(length), json.clone()));
        drop(survive(&"{%".repeat(length), json.clone()));
        drop(survive(&"{#".repeat(length), json.clone()));
        drop(survive(&"}}".repeat(length), json.clone()));
    }
}

#[test]
fn tags_nest_only_so_deep() {
    for depth in [101, 1_000, 10_000] {
        for (open, close) in [
            ("{% if a %}", "{% endif %}"),
            ("{% for x in [1] %}", "{% endfor %}"),
            ("{% filter upper %}", "{% endfilter %}"),
            ("{% block a %}", "{% endblock %}"),
            ("{% macro m() %}", "{% endmacro %}"),
            ("{% autoescape false %}", "{% endautoescape %}"),
            ("{% if a %}{% else %}", "{% endif %}"),
        ] {
            let text = format!("{}x{}", open.repeat(depth), close.repeat(depth));
            drop(survive(&text, serde_json::json!({"a": true})));
        }
        let many = format!(
            "{{% if a %}}{}{{% endif %}}",
            "{% elseif b %}x".repeat(depth)
        );
        drop(survive(&many, serde_json::json!({"a": false, "b": false})));
    }
}

#[test]
fn recursion_ends() {
    fails("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "400");
    fails(
        "{% macro m(x) %}{% if x %}{% for y in [1] %}{{ ((m(((x))))) | upper }}{% endfor %}{% endif %}{% endmacro %}{{ m(1) }}",
        "400",
    );
    fails(
        "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}",
        "400",
    );
    fails("{% block a %}{{ block('a') }}{% endblock %}", "400");
    let selfish = serde_json::json!({"a": "{{ render(a) }}", "b": "{{ b }} ", "c": "{{ render(c, recursive=false) }}"});
    for name in ["a", "b", "c"] {
        let outcome = survive(&format!("{{{{ render({name}) }}}}"), selfish.clone());
        assert!(outcome.is_err(), "{outcome:?}");
        drop(survive(
            &format!("{{{{ renderOnce({name}) }}}}"),
            selfish.clone(),
        ));
    }
}

#[test]
fn values_nest_only_so_deep() {
    for body in [
        "[x]",
        "{'a': x}",
        "{'a': [x]}",
        "[x] | toJson",
        "[[[[[[[[[[x]]]]]]]]]]",
        "[x] + [x]",
    ] {
        let text = format!(
            "{{% set x = 1 %}}{{% for i in 1..100000 %}}{{% set x = {body} %}}{{% endfor %}}{{{{ x }}}}"
        );
        let outcome = survive(&text, serde_json::json!({}));
        assert!(
            outcome.is_err(),
            "{body} {:?}",
            outcome.map(|text| text.len())
        );
    }
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        for depth in [1_000, 100_000] {
            let json = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            for expression in [
                "fromJson(j)",
                "j | fromJson",
                "yaml(j)",
                "fromIon(j)",
                "j | jq('fromjson')",
                "j | jq('tojson')",
            ] {
                drop(survive(
                    &format!("{{{{ {expression} }}}}"),
                    serde_json::json!({"j": json}),
                ));
            }
        }
    }
    let yaml = "- ".repeat(50_000);
    drop(survive("{{ yaml(j) }}", serde_json::json!({"j": yaml})));
    let anchors = format!(
        "a: &a [x,x,x,x,x,x,x,x,x]\n{}",
        (b'b'..b'j')
            .map(|letter| {
                let (name, before) = (letter as char, (letter - 1) as char);
                format!("{name}: &{name} [{}]\n", format!("*{before},").repeat(9))
            })
            .collect::<String>()
    );
    drop(survive("{{ yaml(j) }}", serde_json::json!({"j": anchors})));
}

#[test]
fn loops_end() {
    fails(
        "{% for a in 1..1000000 %}{% for b in 1..1000000 %}{% endfor %}{% endfor %}",
        "steps",
    );
    fails(
        "{% for a in 1..1000000 %}{% for b in 1..1000000 %}{% set c = 1 %}{% endfor %}{% endfor %}",
        "steps",
    );
    fails("{{ 1..1000001 }}", "1000000");
    fails("{{ range(0, 9223372036854775807) }}", "1000000");
    fails(
        "{{ range(9223372036854775807, -9223372036854775807, -1) }}",
        "1000000",
    );
    fails("{{ range(0, 5, 0) }}", "");
}

#[test]
fn texts_grow_only_so_long() {
    for body in [
        "x ~ x",
        "x + x",
        "'%s%s' | format(x, x)",
        "[x, x] | join",
        "x | replace({'a': x})",
        "x | urlencode ~ x",
        "(x | base64encode) ~ x",
        "x | indent(2) ~ x",
        "x | toJson ~ x",
    ] {
        let text = format!(
            "{{% set x = 'aa' %}}{{% for i in 1..100 %}}{{% set x = {body} %}}{{% endfor %}}{{{{ x | length }}}}"
        );
        let outcome = survive(&text, serde_json::json!({}));
        assert!(outcome.is_err(), "{body} {outcome:?}");
    }
    for body in ["x | merge(x)", "x + x"] {
        let text = format!(
            "{{% set x = [1] %}}{{% for i in 1..100 %}}{{% set x = {body} %}}{{% endfor %}}{{{{ x | length }}}}"
        );
        let outcome = survive(&text, serde_json::json!({}));
        assert!(outcome.is_err(), "{body} {outcome:?}");
    }
    for expression in [
        "'a' | indent(2000000000)",
        "'%1000000000d' | format(1)",
        "'%.1000000000f' | format(1.5)",
        "1 | numberFormat('0.' ~ ('0' * 5))",
        "'a' | abbreviate(9999999999)",
        "1.5 | round(99999)",
        "('a' | rsa)",
        "nanoId(999999999)",
        "'1e999999999' | number('BIGDECIMAL') + 1",
        "('1e99999' | number('BIGDECIMAL')) * 1",
        "'1e2147483647' | number('BIGDECIMAL') | numberFormat('0')",
    ] {
        drop(survive(
            &format!("{{{{ {expression} }}}}"),
            serde_json::json!({}),
        ));
    }
    let text = "{% set x = [[1,2,3,4,5,6,7,8,9,10]] %}{% for i in 1..40 %}{% set x = [x, x] %}{% endfor %}{{ x }}";
    fails(text, "");
    let text = "{% set x = [[1,2,3,4,5,6,7,8,9,10]] %}{% for i in 1..40 %}{% set x = [x, x] %}{% endfor %}{{ x == x }}{{ x | flatten }}";
    drop(survive(text, serde_json::json!({})));
}

#[test]
fn numbers_grow_only_so_long() {
    for body in ["x * x", "x * 10", "x / 3", "x - 0.1"] {
        let text = format!(
            "{{% set x = 99999999999999 | number('BIGDECIMAL') %}}{{% for i in 1..3000 %}}{{% set x = {body} %}}{{% endfor %}}{{{{ x }}}}"
        );
        drop(survive(&text, serde_json::json!({})));
        let text = text.replace("BIGDECIMAL", "BIGINTEGER");
        drop(survive(&text, serde_json::json!({})));
    }
}

#[test]
fn regular_expressions_end() {
    let long = "a".repeat(3_000);
    let json = serde_json::json!({"long": long});
    for expression in [
        "long matches '(a*)*b'",
        "long matches '(?=a)(a|aa)+$b'",
        "long | replace({'(a+)+(?!a)b': 'x'}, regexp=true)",
        "long | split('(?<=a)(a*)*b')",
        "long | regexReplace('(a|a)*\\\\1b', '')",
        "long | regexMatch('((a{1000}){1000}){1000}')",
        "'x' matches (long ~ '(')",
        "'x' matches long",
        "long | regexExtract('(.*)(.*)(.*)(.*)(?=b)c')",
        "'a' | replace({'': long ~ long}, regexp=true)",
    ] {
        drop(survive(&format!("{{{{ {expression} }}}}"), json.clone()));
    }
    let nested = "(".repeat(4_000) + &")".repeat(4_000);
    drop(survive(
        "{{ 'x' matches n }}",
        serde_json::json!({"n": nested}),
    ));
    let nested = "(?=".repeat(3_000) + &")".repeat(3_000);
    drop(survive(
        "{{ 'x' matches n }}",
        serde_json::json!({"n": nested}),
    ));
}

#[test]
fn jq_programs_end() {
    let deep_path = format!("setpath([{}\"a\"]; 1)", "\"a\",".repeat(4_500 / 4));
    let programs = [
        "repeat(1)",
        "[repeat(1)]",
        "last(repeat(1))",
        "until(false; .)",
        "[range(infinite)] | length",
        "[limit(1000000000; repeat(1))] | length",
        "def f: f; f",
        "def f: [f]; f",
        "def f: 1 + f; f",
        "def f(x): f(f(x)); f(1)",
        "def f: def g: f; g; f",
        "last(recurse(.+1))",
        "last(recurse([.]))",
        "reduce range(1000000) as $i (0; [.])",
        "reduce range(1000000) as $i (0; {a: .})",
        "reduce range(100) as $i (\"aa\"; . + .)",
        "reduce range(100) as $i ([1]; . + .)",
        "reduce range(100) as $i ([1]; [., .]) | tostring",
        "reduce range(100) as $i ([1]; [., .]) | [..] | length",
        "\"a\" * 1000000000",
        "[range(1000000)] | combinations",
        "[.[]?, 1] | [combinations(1000)] | length",
        "setpath([1000000000]; 1)",
        "setpath([9223372036854775807]; 1)",
        ".[1000000000] = 1",
        ".[-1] = 1",
        &deep_path,
        "[range(100000)] | map(tostring) | join(\"\") | test(\"(a*)*b\")",
        "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" | test(\"(a|a)*(?!a)b\")",
        "foreach range(1000000000) as $i (0; .+1)",
        "[splits(\"\")]",
        "\"x\" | ascii_downcase | explode | implode | @base64 | @base64d | @uri | @html | @sh | @json",
        "label $out | foreach range(infinite) as $i (0; .+1; if . > 100000000 then ., break $out else empty end)",
        "input",
        "inputs",
        "env",
        "$ENV",
        "halt",
        "halt_error",
        "debug",
        "error(null)",
        "error",
        "[paths] | length",
        "walk(walk(walk(.)))",
        "def w: walk(if type == \"array\" then [.] else . end) | w; [1] | w",
        "tojson | fromjson | tojson",
        "getpath([\"a\",0,\"b\"])",
        "[.[]?] | sort_by(.) | group_by(.) | unique | min, max",
        "1e1000 | tostring, floor, tojson",
        "infinite | floor, tostring, tojson, ceil, sqrt, pow(.;.), @text",
        "nan | sort, floor, tostring",
        "[nan, nan] | unique, sort, group_by(.)",
        "(9223372036854775807 + 1), (-9223372036854775808 - 1), (9223372036854775807 * 9223372036854775807), (-9223372036854775808 / -1), (-9223372036854775808 % -1), (5 % 0), (5 / 0)",
        "splits(\"a\"; null; \"g\")",
        "ltrimstr(1), rtrimstr([]), startswith(\"a\")",
        "\"\\u0000\\ud800\" | explode, length, utf8bytelength",
        "[1,2,3][1e18:], [1,2,3][:-1e18], [1,2,3][nan:nan]",
        ".. |= .",
        "(.., 1) |= [.]",
        "path(..), paths(true), del(..), delpaths([[]]), to_entries, with_entries(.)",
        "limit(-1; 1), first(empty), nth(1e18; repeat(1))",
        "now, mktime, gmtime, strftime(\"%Y\"), strptime(\"%Y\"), todate, dateadd(1;1), 1e300 | todate",
        "tojson | ascii, @text, ltrimstr(\"x\"), splits(\"x\")",
        "getpath(1), getpath([[]]), setpath(1;1), input_line_number, $__loc__, $__prog_args, ltrimstr, splits",
        "reduce repeat(1) as $x (0; .)",
        "[.[] as [$a, {b: $c}] | $a] , (. as [$a] ?// $a | $a)",
        "group_by(error), any(error; .), all(repeat(true); .), isvalid(error), flatten(1e9), flatten(-1), range(0;1;0), range(0;10;-1), tojson",
        "ascii(1e18), implode, [1e18] | implode",
        "[-1] | implode",
        "[55296] | implode",
        "@base64d",
        "\"%\" | @base64d, @uri",
        "limit(3; def r: 1, r; r)",
        "[limit(3; def r: r, 1; r)]",
        "first(def r: r; r)",
        "(def r(f): r(f + 1); r(1))",
        "try (def r: r; r) catch .",
        "try repeat(1) catch .",
        ".a.b.c |= (.. | repeat(.))",
        "tojson * 100000000",
        "\"a,b\" | split(\",\"; null), sub(\"(?<x>a)\"; \"\\(.x)\\(.x)\"), gsub(\"\"; \"x\"), gsub(\"^\"; \"x\"), [match(\"\"; \"g\")]",
    ];
    for program in programs {
        for input in [
            "null",
            "1",
            "'text'",
            "[]",
            "[1,[2,[3]]]",
            "{'a': {'b': [1]}}",
            "1..1000",
        ] {
            drop(survive(
                &format!("{{{{ ({input}) | jq(p) }}}}"),
                serde_json::json!({"p": program}),
            ));
        }
    }
}

#[test]
fn jq_programs_nest_only_so_deep() {
    for depth in [50, 1_000, 2_500] {
        for (open, close) in [
            ("(", ")"),
            ("[", "]"),
            ("{a:", "}"),
            ("-", ""),
            ("try ", ""),
            (". as $x | ", ""),
            ("if . then ", " end"),
            ("1 + (", ")"),
            ("reduce . as $x (", ";1)"),
            ("def f: ", "; f"),
            ("[.[", "]]"),
            ("\"\\(", ")\""),
        ] {
            let program = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            drop(survive(
                "{{ 1 | jq(p) }}",
                serde_json::json!({"p": program}),
            ));
        }
        for piece in [
            " | .",
            ".a",
            "[0]",
            "?",
            " + 1",
            ", 1",
            " // 1",
            " and 1",
            " as $x | 1",
        ] {
            let program = format!(".{}", piece.repeat(depth));
            drop(survive(
                "{{ 1 | jq(p) }}",
                serde_json::json!({"p": program}),
            ));
        }
    }
}
