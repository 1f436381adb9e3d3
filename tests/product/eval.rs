//! `flowmill eval`.

use crate::harness::api::state;
use crate::harness::process::at_home;
use crate::harness::{Server, flowmill, run_to_end, write};

#[test]
fn an_expression_is_shown_with_the_variables_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let context = write(
        folder.path(),
        "context.yaml",
        "inputs: {name: Ada}\noutputs: {api: {body: '{\"x\": [1, 2]}'}}\n",
    );
    for (expression, result) in [
        ("1 + 1", "2"),
        ("Hello {{ inputs.name | upper }}!", "Hello ADA!"),
        ("{{ outputs.api.body | jq('.x') | first }}", "[1,2]"),
        ("outputs.api.body | jq('.x[1]') | first", "2"),
    ] {
        let done = run_to_end(flowmill(["eval", expression, "--context"]).arg(&context));
        assert_eq!(
            (done.code, done.out.trim()),
            (Some(0), result),
            "{expression}: {}",
            done.err
        );
    }
}

#[test]
fn a_wrong_expression_is_status_2_and_says_what_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let context = write(
        folder.path(),
        "context.json",
        "{\"inputs\": {\"name\": \"Ada\"}}",
    );
    let eval =
        |expression: &str| run_to_end(flowmill(["eval", expression, "--context"]).arg(&context));
    let done = eval("inputs.nmae");
    assert_eq!(done.code, Some(2), "{}", done.out);
    assert!(
        done.err.contains("nmae") && done.err.contains("name"),
        "{}",
        done.err
    );
    let done = eval("inputs.name | uper");
    assert_eq!(done.code, Some(2));
    assert!(
        done.err.contains("uper") && done.err.contains("upper"),
        "{}",
        done.err
    );
    assert_eq!(eval("{{ 1 + ").code, Some(2));
}

#[test]
fn an_expression_sees_an_execution_of_the_data_directory_or_of_a_server() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let server = Server::with(crate::harness::ServerOptions {
        data_directory: Some(data.clone()),
        ..crate::harness::ServerOptions::default()
    });
    server.api.save("id: e\nnamespace: test\ntasks:\n  - id: a\n    type: io.kestra.plugin.core.debug.Return\n    format: '{\"n\": 7}'\n");
    let execution = server.api.run("test/e", &[]);
    assert_eq!(state(&execution), "SUCCESS");
    let id = execution["id"].as_str().unwrap().to_owned();
    let eval = |arguments: &[&str]| {
        let mut command = flowmill([
            "eval",
            "outputs.a.value | jq('.n') | first",
            "--execution",
            &id,
        ]);
        at_home(&mut command, home.path());
        run_to_end(command.args(arguments))
    };

    let url = format!("http://{}", server.api.address());
    let done = eval(&["--server", &url]);
    assert_eq!((done.code, done.out.trim()), (Some(0), "7"), "{}", done.err);
    let data = data.to_str().unwrap();
    let done = eval(&["--data-dir", data]);
    assert_eq!(done.code, Some(1));
    assert!(
        done.err.contains("in use by") && done.err.contains("--server"),
        "{}",
        done.err
    );

    assert!(server.terminate().success());
    let done = eval(&["--data-dir", data]);
    assert_eq!((done.code, done.out.trim()), (Some(0), "7"), "{}", done.err);
    let done = eval(&[]);
    assert_eq!(done.code, Some(2));
    assert!(
        done.err.contains(&format!("no execution `{id}` in")),
        "{}",
        done.err
    );
}
