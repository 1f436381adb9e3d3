//! The flows of `examples/` do what they say.

use crate::harness::api::{state, task_run};
use crate::harness::{Server, ServerOptions, flowmill, process::at_home, repository, run_to_end};

#[test]
fn every_example_is_valid() {
    let done = run_to_end(flowmill(["validate"]).arg(repository().join("examples")));
    assert_eq!(done.code, Some(0), "{}{}", done.out, done.err);
    assert_eq!(done.out.lines().count(), 8, "{}", done.out);
}

#[test]
fn the_first_flow_says_hello() {
    let home = tempfile::tempdir().unwrap();
    let mut command = flowmill(["run"]);
    at_home(&mut command, home.path());
    let done = run_to_end(
        command
            .arg(repository().join("examples/hello.yaml"))
            .args(["-i", "name=Ada"]),
    );
    assert_eq!(done.code, Some(0), "{}{}", done.out, done.err);
    assert!(done.out.contains("say INFO Hello, Ada!"), "{}", done.out);
    assert!(done.out.contains("greeting: Hello, Ada!"), "{}", done.out);
}

#[test]
fn words_of_a_file_are_counted() {
    let home = tempfile::tempdir().unwrap();
    let text = crate::harness::write(home.path(), "text.txt", "to be or not to be\n");
    let mut command = flowmill(["run"]);
    at_home(&mut command, home.path());
    command
        .arg(repository().join("examples/word_count.yaml"))
        .args(["-i", "top=2", "-f"]);
    let done = run_to_end(command.arg(format!("text={}", text.display())));
    assert_eq!(done.code, Some(0), "{}{}", done.out, done.err);
    assert!(done.out.contains("words: 6"), "{}", done.out);
    let file = done
        .out
        .lines()
        .find_map(|line| line.trim().strip_prefix("count.outputFiles.words.csv: "));
    let path = file
        .expect("the file is named")
        .rsplit_once(" (")
        .unwrap()
        .0;
    assert_eq!(
        std::fs::read_to_string(path).unwrap(),
        "count,word\n2,be\n2,to\n"
    );
}

#[test]
fn sales_are_added_up_by_region() {
    let server = Server::with(ServerOptions {
        flows: Some(repository().join("examples")),
        ..ServerOptions::default()
    });
    let execution = server.api.run("examples/sales_report", &[]);
    let id = execution["id"].as_str().unwrap();
    assert_eq!(
        state(&execution),
        "SUCCESS",
        "{execution:#}\n{}",
        server.api.log(id)
    );
    let rows = task_run(&execution, "totals")["outputs"]["rows"]
        .as_array()
        .unwrap();
    assert_eq!(rows.len(), 3);
    // six months of (length of the name × 37 + month × 113) modulo 500
    assert_eq!(rows[0]["region"], execution["outputs"]["best_region"]);
    let total: f64 = rows.iter().map(|row| row["total"].as_f64().unwrap()).sum();
    let expected: u64 = [5, 5, 4]
        .iter()
        .flat_map(|name| (1..=6).map(move |month| (name * 37 + month * 113) % 500))
        .sum();
    assert_eq!(total as u64, expected);
}
