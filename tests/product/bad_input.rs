//! What bad input gets: an error that names the place and the mend, and a server that goes on.

use std::net::TcpListener;

use serde_json::Value;

use crate::harness::api::{Answer, state};
use crate::harness::{Reply, Server, WebServer};

/// A flow of one task.
fn flow(task: &str) -> String {
    format!("id: bad\nnamespace: test\ntasks:\n  - id: task\n{task}")
}

/// Saves a flow of one task and runs it to its end; it must fail, and its log must hold these texts.
fn fails(server: &Server, task: &str, texts: &[&str]) {
    server.api.save_or_replace("test/bad", &flow(task));
    let execution = server.api.run("test/bad", &[]);
    let id = execution["id"].as_str().unwrap();
    assert_eq!(
        state(&execution),
        "FAILED",
        "{execution:#}\n{}",
        server.api.log(id)
    );
    server.api.log_with(id, texts);
}

/// What the API says when a flow is saved that it refuses.
fn refusal(server: &Server, source: impl Into<Vec<u8>>) -> String {
    let answer = server
        .api
        .post("/api/v1/flows", "application/x-yaml", source);
    assert!(
        (400..500).contains(&answer.status),
        "{} {}",
        answer.status,
        answer.text()
    );
    messages(&answer)
}

/// Every message of an answer, and the places that it names.
fn messages(answer: &Answer) -> String {
    let body = answer.json();
    let mut text = body["message"].as_str().unwrap_or_default().to_owned();
    let errors = body.pointer("/_embedded/errors").and_then(Value::as_array);
    for error in errors.into_iter().flatten() {
        text.push('\n');
        text.push_str(error["message"].as_str().unwrap_or_default());
    }
    for diagnostic in body["diagnostics"].as_array().into_iter().flatten() {
        let (line, column, hint) = (
            &diagnostic["line"],
            &diagnostic["column"],
            &diagnostic["hint"],
        );
        text.push_str(&format!("\n{line}:{column} {hint}"));
    }
    text
}

fn check(text: &str, fragments: &[&str]) {
    for fragment in fragments {
        assert!(text.contains(fragment), "no {fragment:?} in:\n{text}");
    }
}

// === flows ===

#[test]
fn yaml_that_does_not_parse_is_refused_with_line_column_and_caret() {
    let server = Server::start();
    let source = "id: bad\nnamespace: test\ntasks:\n  - id: a\n    type: \"io.kestra\n";
    check(&refusal(&server, source), &["Illegal flow yaml", "\n5:11 "]);
    check(
        &refusal(&server, "id: bad\nnamespace: test\ntasks: [\n"),
        &["Illegal flow yaml", "\n3:"],
    );
    let folder = tempfile::tempdir().unwrap();
    let file = crate::harness::write(folder.path(), "flow.yaml", source);
    let done = crate::harness::run_to_end(crate::harness::flowmill(["validate"]).arg(file));
    check(
        &done.err,
        &[
            "flow.yaml:5:11: error:",
            "5 |     type: \"io.kestra\n",
            "  |           ^",
        ],
    );
}

#[test]
fn unknown_properties_and_types_are_refused_with_the_nearest_name() {
    let server = Server::start();
    let log = "    type: io.kestra.plugin.core.log.Log\n";
    check(
        &refusal(&server, flow(&format!("{log}    mesage: hi\n"))),
        &["mesage", "message"],
    );
    check(
        &refusal(
            &server,
            flow("    type: io.kestra.plugin.core.log.Logg\n    message: hi\n"),
        ),
        &["io.kestra.plugin.core.log.Logg"],
    );
    check(
        &refusal(
            &server,
            format!("taks: []\n{}", flow(&format!("{log}    message: hi\n"))),
        ),
        &["taks"],
    );
}

#[test]
fn duplicate_ids_and_keys_are_refused() {
    let server = Server::start();
    let log = "    type: io.kestra.plugin.core.log.Log\n    message: hi\n";
    check(
        &refusal(&server, flow(&format!("{log}  - id: task\n{log}"))),
        &["task"],
    );
    check(
        &refusal(&server, flow(&format!("{log}    message: again\n"))),
        &["Duplicate field 'message'"],
    );
}

#[test]
fn huge_and_exploding_documents_are_refused_and_the_server_goes_on() {
    let server = Server::start();
    let huge = format!(
        "id: bad\nnamespace: test\ndescription: {}\n",
        "x".repeat(10 << 20)
    );
    let started = std::time::Instant::now();
    check(&refusal(&server, huge), &["more than the limit of 5242880"]);
    let mut laughs =
        "id: bad\nnamespace: test\nvariables:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
            .to_owned();
    for level in 1..10 {
        let before = format!("*a{}, ", level - 1).repeat(10);
        laughs.push_str(&format!(
            "  a{level}: &a{level} [{}]\n",
            before.trim_end_matches(", ")
        ));
    }
    check(&refusal(&server, laughs), &["alias"]);
    refusal(
        &server,
        format!(
            "id: bad\nnamespace: test\nvariables: {}",
            "[".repeat(100_000)
        ),
    );
    assert!(started.elapsed().as_secs() < 20, "refusing costs little");
    assert_eq!(server.api.get("/health").status, 200);
}

// === inputs ===

#[test]
fn wrong_inputs_are_refused_with_one_message_each() {
    let server = Server::start();
    server.api.save(
        "id: bad\nnamespace: test\ninputs:\n  - id: name\n    type: STRING\n  - id: count\n    type: INT\n  - id: day\n    type: DATE\n    \
         required: false\ntasks:\n  - id: a\n    type: io.kestra.plugin.core.debug.Return\n    format: x\n",
    );
    let create = |form: &str| {
        let body: String = form
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| {
                format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
            })
            .collect();
        server.api.post(
            "/api/v1/executions/test/bad",
            "multipart/form-data; boundary=B",
            format!("{body}--B--\r\n"),
        )
    };
    for (form, fragments) in [
        ("", &["name", "count"][..]),
        ("name=x&count=many", &["count", "many"]),
        ("count=5.0&day=yesterday", &["name", "count", "yesterday"]),
    ] {
        let answer = create(form);
        assert_eq!(answer.status, 422, "{form}: {}", answer.text());
        check(&messages(&answer), fragments);
        let errors = answer
            .json()
            .pointer("/_embedded/errors")
            .and_then(Value::as_array)
            .map_or(0, Vec::len);
        assert!(
            errors >= fragments.len().min(2) || fragments.len() < 3,
            "{form}: one for each: {}",
            answer.text()
        );
    }
    assert_eq!(create("name=x&count=5").status, 200);
}

// === expressions ===

fn return_fails(server: &Server, format: &str, texts: &[&str]) {
    let task = format!("    type: io.kestra.plugin.core.debug.Return\n    format: \"{format}\"\n");
    fails(server, &task, texts);
}

#[test]
fn expressions_that_fail_say_where_and_what_there_is() {
    let server = Server::start();
    return_fails(&server, "{{ inputs.x.y }}", &["inputs"]);
    return_fails(&server, "{{ flow.namespce }}", &["namespce", "namespace"]);
    return_fails(&server, "{{ flow.id | uper }}", &["uper", "upper"]);
    return_fails(&server, "{{ 1 + }}", &["line 1"]);
}

#[test]
fn expressions_that_loop_or_explode_are_stopped() {
    let server = Server::start();
    let started = std::time::Instant::now();
    let tags = [
        "{% for a in range(1, 9999) %}",
        "{% for b in range(1, 9999) %}",
        "{% for c in range(1, 9999) %}",
    ];
    return_fails(
        &server,
        &format!("{}{}", tags.concat(), "{% endfor %}".repeat(3)),
        &["limits.steps"],
    );
    return_fails(
        &server,
        "{{ range(1, 100000000) }}",
        &["cannot produce more than"],
    );
    let nested = format!("{{{{ {}1{} }}}}", "(".repeat(5000), ")".repeat(5000));
    return_fails(&server, &nested, &["nest"]);
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
    assert_eq!(server.api.get("/health").status, 200);
}

// === HTTP ===

#[test]
fn http_failures_are_told_apart() {
    let server = Server::start();
    let web = WebServer::start(|path| match path {
        "/500" => Reply::Body(500, "text/plain", b"broken inside".to_vec()),
        "/big" => Reply::Body(200, "text/plain", vec![b'x'; 20 << 20]),
        "/silent" => Reply::Silence,
        _ => Reply::Body(404, "text/plain", b"nothing here".to_vec()),
    });
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let quick = "    options:\n      timeout:\n        readIdleTimeout: PT0.3S\n";
    let https = web.url("/").replace("http:", "https:");
    for (uri, options, texts) in [
        (web.url("/404"), "", &["404", "nothing here"][..]),
        (web.url("/500"), "", &["500", "broken inside"]),
        (web.url("/big"), "", &["is longer than", "http.Download"]),
        (web.url("/silent"), quick, &["time"]),
        (format!("http://{closed}/"), "", &["refused"]),
        (https.clone(), "", &[&https, "no secure connection"]),
        (
            "http://no.such.host.invalid/".into(),
            "",
            &["no.such.host.invalid"],
        ),
        ("not a uri".into(), "", &["is not a URI"]),
    ] {
        let task =
            format!("    type: io.kestra.plugin.core.http.Request\n    uri: \"{uri}\"\n{options}");
        fails(&server, &task, texts);
    }
}

// === SQL and others ===

#[test]
fn sql_that_fails_says_what_duckdb_said() {
    let server = Server::start();
    for (sql, text) in [
        ("SELECT colum FROM (SELECT 1 AS column)", "colum"),
        (
            "SELECT * FROM read_csv_auto('/nowhere/x.csv')",
            "/nowhere/x.csv",
        ),
    ] {
        let task = format!(
            "    type: io.kestra.plugin.jdbc.duckdb.Query\n    sql: {sql}\n    fetchType: FETCH\n"
        );
        fails(&server, &task, &[text]);
    }
}

#[test]
fn a_failed_task_says_why_in_its_log() {
    let server = Server::start();
    fails(
        &server,
        "    type: io.kestra.plugin.core.execution.Fail\n    errorMessage: on purpose\n",
        &["on purpose"],
    );
}
