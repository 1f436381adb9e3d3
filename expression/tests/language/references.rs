//! What a text refers to: constant paths exactly, what is dynamic as all of its root.

use flowmill_expression::{Engine, Options};

fn paths(text: &str) -> Vec<String> {
    let references = Engine::new(Options::default()).references(text).unwrap();
    assert!(!references.everything, "{text}");
    references.paths.iter().map(|path| path.join(".")).collect()
}

fn everything(text: &str) -> bool {
    Engine::new(Options::default())
        .references(text)
        .unwrap()
        .everything
}

#[test]
fn constant_paths_are_exact() {
    assert_eq!(paths("{{ outputs.a.b }}"), ["outputs.a.b"]);
    assert_eq!(paths("{{ outputs['a'].b[\"c\"] }}"), ["outputs.a.b.c"]);
    assert_eq!(
        paths("{{ outputs.a.b | jq('.x') | first ?? inputs.n }}"),
        ["inputs.n", "outputs.a.b"]
    );
    assert_eq!(paths("{{ outputs.a[0].x }}"), ["outputs.a"]);
    assert_eq!(
        paths("{% if a.b %}{{ c.d ~ \"#{e.f}\" }}{% else %}{{ {'k': g.h} }}{{ [i.j] }}{% endif %}"),
        ["a.b", "c.d", "e.f", "g.h", "i.j"]
    );
}

#[test]
fn dynamic_paths_are_all_of_their_root() {
    assert_eq!(
        paths("{{ outputs[taskrun.value].b }}"),
        ["outputs", "taskrun.value"]
    );
    assert_eq!(paths("{{ outputs.a[x] }}"), ["outputs.a", "x"]);
    assert_eq!(paths("{{ outputs }}{{ outputs.a.b }}"), ["outputs"]);
    assert_eq!(paths("{{ outputs.a.length() }}"), ["outputs.a"]);
    assert_eq!(
        paths("{% for o in outputs %}{{ o.value.x }}{% endfor %}"),
        ["outputs"]
    );
}

#[test]
fn what_the_text_makes_itself_is_no_reference() {
    assert_eq!(paths("{% set x = inputs.a %}{{ x.y }}"), ["inputs.a"]);
    assert_eq!(
        paths("{% for x in inputs.l %}{{ x }}{{ loop.index }}{% endfor %}"),
        ["inputs.l"]
    );
    assert_eq!(
        paths("{% macro m(a) %}{{ a.b }}{{ outputs.x }}{% endmacro %}{{ m(inputs.c) }}"),
        ["inputs.c"]
    );
    assert_eq!(
        paths("{% if inputs.a %}{% set x = 1 %}{% endif %}{{ x.y }}"),
        ["inputs.a", "x.y"]
    );
}

#[test]
fn functions_read_what_they_read() {
    assert_eq!(paths("{{ fileURI('a') }}"), ["flow.namespace"]);
    assert_eq!(paths("{{ env('a') }}"), ["envs.a"]);
    assert_eq!(paths("{{ tasksWithState('failed') }}"), ["tasks"]);
    assert_eq!(
        paths("{{ currentEachOutput(outputs.a) }}"),
        ["outputs.a", "parents", "taskrun"]
    );
    let references = Engine::new(Options::default())
        .references("{{ secret('k') }}{{ kv('e') }}{{ kv('o', 'other') }}")
        .unwrap();
    assert!(
        references.secrets.contains("k")
            && references.keys.contains("e")
            && !references.keys.contains("o")
    );
}

#[test]
fn what_may_read_anything_says_so() {
    assert!(everything("{{ render(vars.a) }}"));
    assert!(everything("{{ printContext() }}"));
    assert!(everything("{{ renderOnce('{{ ' ~ x ~ ' }}') }}"));
    assert!(!everything("{{ render('plain') }}"));
}
