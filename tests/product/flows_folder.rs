//! `--flows`: a folder that is loaded and watched.

use crate::harness::{Server, ServerOptions, write};

fn flow(message: &str) -> String {
    format!(
        "id: watched\nnamespace: test\ntasks:\n  - id: a\n    type: io.kestra.plugin.core.debug.Return\n    format: {message}\n"
    )
}

fn returned(server: &Server) -> String {
    let execution = server.api.run("test/watched", &[]);
    execution["taskRunList"][0]["outputs"]["value"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn flows_are_loaded_changed_and_deleted_with_their_files() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "team/watched.yaml", &flow("one"));
    write(
        folder.path(),
        "broken.yaml",
        "id: broken\nnamespace: test\ntasks:\n  - id: a\n    type: no.such.Type\n",
    );
    let mut server = Server::with(ServerOptions {
        flows: Some(folder.path().into()),
        ..ServerOptions::default()
    });
    assert_eq!(returned(&server), "one");
    let line = server.expect_log("broken.yaml:5:");
    assert!(line.contains("no.such.Type"), "{line}");

    std::fs::write(&file, flow("two")).unwrap();
    server.expect_log("\"revision\":2");
    assert_eq!(returned(&server), "two");

    // as editors save: another file takes the place of the old one
    let next = write(folder.path(), "team/.watched.swp", &flow("three"));
    std::fs::rename(next, &file).unwrap();
    server.expect_log("\"revision\":3");
    assert_eq!(returned(&server), "three");

    write(
        folder.path(),
        "new/other.yaml",
        &flow("x").replace("id: watched", "id: other"),
    );
    server.expect_log("test.other");
    std::fs::remove_file(&file).unwrap();
    server.expect_log("flow deleted");
    assert_eq!(server.api.get("/api/v1/flows/test/watched").status, 404);
    assert_eq!(server.api.get("/api/v1/flows/test/other").status, 200);
    assert!(server.terminate().success());
}

#[test]
fn a_folder_that_is_not_there_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let mut command = crate::harness::flowmill([
        "server",
        "standalone",
        "--port",
        "0",
        "--flows",
        "/nowhere",
        "--data-dir",
    ]);
    let done = crate::harness::run_to_end(command.arg(home.path()));
    assert_eq!(done.code, Some(2));
    assert!(
        done.err.contains("there is no folder of flows `/nowhere`"),
        "{}",
        done.err
    );
}
