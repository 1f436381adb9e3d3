//! Any bytes: reading, checking and looking through them never panics, and what is found lies within the text.
#![no_main]

use std::sync::LazyLock;

use flowmill_expression::{Engine, Options, Profile};
use libfuzzer_sys::fuzz_target;

static ENGINES: LazyLock<[Engine; 2]> = LazyLock::new(|| {
    [Profile::Legacy, Profile::V2].map(|profile| {
        Engine::new(Options {
            cache_size: 1,
            ..Options::with_profile(profile)
        })
    })
});

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    for engine in &*ENGINES {
        match engine.compile(&text) {
            Ok(template) => drop(template.references()),
            Err(error) => {
                let place = error.place().expect("a compiler knows the place");
                assert!(text.get(place.offset..place.offset + place.length).is_some());
                assert!(!error.to_string().is_empty());
            }
        }
        for finding in engine.check(&text, &()) {
            assert!(text.get(finding.offset..finding.offset + finding.length).is_some());
        }
    }
});
