//! Any bytes, rendered with some variables under small limits: never a panic, always a result or an error.
#![no_main]

use std::sync::LazyLock;

use flowmill_expression::{Engine, FixedHost, Limits, Options, Profile, Value};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

static ENGINES: LazyLock<[Engine; 2]> = LazyLock::new(|| {
    let limits = Limits {
        steps: 20_000,
        output_bytes: 256 << 10,
        range: 10_000,
        render_rounds: 10,
        regex_backtracks: 5_000,
        regex_size: 256 << 10,
        jq_steps: 5_000,
        jq_outputs: 1_000,
        ..Limits::default()
    };
    [Profile::Legacy, Profile::V2].map(|profile| {
        Engine::new(Options {
            cache_size: 1,
            limits: limits.clone(),
            ..Options::with_profile(profile)
        })
    })
});

static VARIABLES: LazyLock<Value> = LazyLock::new(|| {
    Value::from(json!({
        "n": null, "s": "Hello, wörld 😀", "i": 42, "f": -1.5, "b": true, "l": [3, null, "x", 1.0, [1]],
        "m": {"a": 1, "b": {"c": [null]}, "size": 7}, "e": "", "d": "2024-02-29T23:59:59.123456789+05:30",
        "u": "{{ s | upper }}", "x": 1, "inputs": {"name": "ada"}, "list": [1, 2, 3], "map": {"k": "v"},
    }))
});

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let root = VARIABLES.as_object().expect("it is a map");
    let host = FixedHost::default();
    for engine in &*ENGINES {
        if let Err(error) = engine.render(&text, root, &host) {
            assert!(!error.to_string().is_empty());
        }
        drop(engine.render_typed(&text, root, &host));
    }
});
