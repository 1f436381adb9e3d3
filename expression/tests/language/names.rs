//! What an error says of a name that does not exist.

use flowmill_expression::{Engine, FixedHost, Options, Value};

fn error(text: &str) -> String {
    let variables = Value::from(serde_json::json!({
        "inputs": {"name": "ada", "age": 36}, "n": null, "many": {"k1": 1, "k2": 1, "k3": 1, "k4": 1, "k5": 1, "k6": 1, "k7": 1, "k8": 1, "k9": 1, "k10": 1},
        "empty": {}, "text": "x", "list": [1, 2],
    }));
    let root = variables.as_object().unwrap();
    let engine = Engine::new(Options::default());
    engine
        .render(text, root, &FixedHost::default())
        .unwrap_err()
        .to_string()
}

#[test]
fn a_name_near_to_others_gets_them_proposed() {
    let message = error("a {{ inputs.nane }}");
    let expected = "\
Unable to find `nane` used in the expression `a {{ inputs.nane }}` at line 1
 --> line 1, column 13
  |
1 | a {{ inputs.nane }}
  |             ^^^^ did you mean `name`?";
    assert_eq!(message, expected);
    assert!(error("{{ imputs.name }}").contains("did you mean `inputs`?"));
}

#[test]
fn where_none_is_near_the_existing_names_are_listed() {
    assert!(error("{{ inputs.y }}").ends_with("`y` is undefined here; there is: `name`, `age`"));
    let message = error("{{ zzz }}");
    assert!(
        message.contains("`zzz` is undefined here; there is: `inputs`, `n`, `many`, `empty`"),
        "{message}"
    );
    let message = error("{{ many.zzz }}");
    assert!(message.ends_with("`k8` and 2 more"), "{message}");
    assert!(error("{{ empty.a }}").ends_with("`a` is undefined here; there is nothing"));
}

#[test]
fn what_has_no_names_lists_none() {
    for text in ["{{ n.a }}", "{{ text.nope }}", "{{ list[7] }}"] {
        let message = error(text);
        assert!(!message.contains("there is: "), "{message}");
    }
}

#[test]
fn the_place_is_that_of_the_piece_in_its_line() {
    let message = error("a\n  {{ 1 }} {{ nope | upper }}");
    assert!(
        message.contains("at line 2\n --> line 2, column 14"),
        "{message}"
    );
    let message = error("{{ 'x' | uper }}");
    assert!(
        message.contains("Filter [uper] does not exist.") && message.contains("column 10"),
        "{message}"
    );
}
