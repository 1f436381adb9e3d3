//! What compiling and rendering cost, side by side with minijinja on the texts that both can run.
//!
//! `cargo bench -p flowmill-expression --profile release-fast`

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a bench may panic, and criterion's macros are not documented"
)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use flowmill_expression::{Engine, FixedHost, Options, Value};
use serde_json::json;

// what the flowmill binary runs on, for both engines
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A text both engines read, as each of them writes it.
struct Pair {
    name: &'static str,
    ours: &'static str,
    theirs: &'static str,
}

const PAIRS: &[Pair] = &[
    Pair {
        name: "simple path",
        ours: "{{ outputs.api.body }}",
        theirs: "{{ outputs.api.body }}",
    },
    Pair {
        name: "text around",
        ours: "Hello {{ inputs.name }}, you are number {{ inputs.number }} of {{ inputs.total }}!",
        theirs: "Hello {{ inputs.name }}, you are number {{ inputs.number }} of {{ inputs.total }}!",
    },
    Pair {
        name: "filter chain",
        ours: "{{ inputs.name | upper | trim | title | length }}",
        theirs: "{{ inputs.name | upper | trim | title | length }}",
    },
    Pair {
        name: "condition",
        ours: "{% if inputs.number > 3 and inputs.name == 'ada' %}yes{% else %}no{% endif %}",
        theirs: "{% if inputs.number > 3 and inputs.name == 'ada' %}yes{% else %}no{% endif %}",
    },
    Pair {
        name: "loop of 1,000",
        ours: "{% for item in items %}{{ item.id }}: {{ item.name }}\n{% endfor %}",
        theirs: "{% for item in items %}{{ item.id }}: {{ item.name }}\n{% endfor %}",
    },
];

/// What a flow's script looks like.
const TYPICAL: &str = "\
curl -H 'Authorization: Bearer {{ secret('TOKEN') }}' \\
  {{ inputs.url ?? 'https://example.com' }}/v1/{{ flow.namespace }}?since={{ trigger.date | date('yyyy-MM-dd') }}
{% for item in outputs.list.values %}echo {{ item | upper }}{% if not loop.last %},{% endif %}{% endfor %}";

const TYPICAL_THEIRS: &str = "\
curl -H 'Authorization: Bearer {{ secret('TOKEN') }}' \\
  {{ inputs.url or 'https://example.com' }}/v1/{{ flow.namespace }}?since={{ trigger.date | date('yyyy-MM-dd') }}
{% for item in outputs.list.values %}echo {{ item | upper }}{% if not loop.last %},{% endif %}{% endfor %}";

fn variables() -> serde_json::Value {
    let items: Vec<_> = (0..1_000)
        .map(|id| json!({"id": id, "name": format!("item {id}")}))
        .collect();
    json!({
        "inputs": {"name": "ada", "number": 7, "total": 12},
        "outputs": {"api": {"body": "the body", "items": [{"id": 1, "tags": ["a", "b"]}, {"id": 2, "tags": []}]}},
        "items": items,
    })
}

fn compile(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("compile");
    // Without room in the cache every text is compiled anew.
    let engine = Engine::new(Options {
        cache_size: 0,
        ..Options::default()
    });
    group.bench_function("typical/ours", |bencher| {
        bencher.iter(|| engine.compile(black_box(TYPICAL)).unwrap());
    });
    let environment = minijinja::Environment::new();
    group.bench_function("typical/minijinja", |bencher| {
        bencher.iter(|| {
            environment
                .template_from_str(black_box(TYPICAL_THEIRS))
                .map(drop)
                .unwrap();
        });
    });
    for pair in PAIRS {
        group.bench_function(format!("{}/ours", pair.name), |bencher| {
            bencher.iter(|| engine.compile(black_box(pair.ours)).unwrap());
        });
        group.bench_function(format!("{}/minijinja", pair.name), |bencher| {
            bencher.iter(|| {
                environment
                    .template_from_str(black_box(pair.theirs))
                    .map(drop)
                    .unwrap();
            });
        });
    }
    group.finish();
}

fn render(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("render");
    let json = variables();
    let value = Value::from(json.clone());
    let root = value.as_object().unwrap();
    let engine = Engine::new(Options::default());
    let host = FixedHost::default();
    let mut environment = minijinja::Environment::new();
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    let context = minijinja::Value::from(minijinja::value::Serde(&json));
    for pair in PAIRS {
        let template = engine.compile(pair.ours).unwrap();
        let expected = engine.render_template(&template, root, &host).unwrap();
        group.bench_function(format!("{}/ours", pair.name), |bencher| {
            bencher.iter(|| {
                engine
                    .render_template(black_box(&template), root, &host)
                    .unwrap()
            });
        });
        let template = environment.template_from_str(pair.theirs).unwrap();
        assert_eq!(
            template.render(context.clone()).unwrap(),
            expected,
            "{}",
            pair.name
        );
        group.bench_function(format!("{}/minijinja", pair.name), |bencher| {
            bencher.iter(|| black_box(&template).render(context.clone()).unwrap());
        });
    }
    for (name, text) in [
        ("jq path", "{{ outputs.api | jq('.items[0].id') | first }}"),
        (
            "jq program",
            "{{ outputs.api.items | jq('map(select(.id > 1) | .tags)') }}",
        ),
        (
            "date",
            "{{ '2024-03-09T14:05:06Z' | date('yyyy-MM-dd HH:mm') }}",
        ),
        ("cached text", "{{ outputs.api.body }}"),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| engine.render(black_box(text), root, &host).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, compile, render);
criterion_main!(benches);
