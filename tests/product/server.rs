//! `flowmill server standalone`: its start, its end, and what it says when it cannot.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use crate::harness::api::state;
use crate::harness::{Finished, Server, ServerOptions, flowmill, run_to_end, skip};

fn refused(arguments: &[&str]) -> Finished {
    let done = run_to_end(flowmill(["server"]).args(arguments));
    assert!(
        matches!(done.code, Some(1 | 2)),
        "{arguments:?}: {}",
        done.err
    );
    done
}

#[test]
fn a_port_in_use_is_named_with_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let home = tempfile::tempdir().unwrap();
    let done = refused(&[
        "standalone",
        "--port",
        &port,
        "--data-dir",
        home.path().to_str().unwrap(),
    ]);
    assert!(
        done.err
            .contains(&format!("port {port} of `127.0.0.1` is in use")),
        "{}",
        done.err
    );
    assert!(done.err.contains("--port"), "{}", done.err);
}

#[test]
fn a_data_directory_in_use_is_named_with_who_has_it() {
    let server = Server::start();
    let data = server.data_directory.to_str().unwrap().to_owned();
    let done = refused(&["standalone", "--port", "0", "--data-dir", &data]);
    assert!(
        done.err
            .contains(&format!("`{data}` is in use by process {}", server.pid())),
        "{}",
        done.err
    );
    assert_eq!(
        server.api.get("/health").status,
        200,
        "the first is not disturbed"
    );
}

#[test]
fn a_data_directory_that_cannot_be_written_to_is_named() {
    if nix::unistd::geteuid().is_root() {
        // nothing is forbidden to root but what is no folder
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("file");
        std::fs::write(&file, "").unwrap();
        let below = file.join("data");
        let done = refused(&[
            "standalone",
            "--port",
            "0",
            "--data-dir",
            below.to_str().unwrap(),
        ]);
        assert!(
            done.err
                .contains(&format!("`{}` cannot be created", below.display())),
            "{}",
            done.err
        );
        return read_only_mount();
    }
    let home = tempfile::tempdir().unwrap();
    std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o500)).unwrap();
    let done = refused(&[
        "standalone",
        "--port",
        "0",
        "--data-dir",
        home.path().to_str().unwrap(),
    ]);
    assert!(done.err.contains("is not writable"), "{}", done.err);
}

fn read_only_mount() {
    let Some(mount) = super::disk::Mount::tmpfs("size=1m,ro") else {
        return skip("read-only data directory", "nothing can be mounted here");
    };
    let done = refused(&[
        "standalone",
        "--port",
        "0",
        "--data-dir",
        mount.path().to_str().unwrap(),
    ]);
    assert!(done.err.contains("is not writable"), "{}", done.err);
}

#[test]
fn roles_and_settings_that_do_not_exist_are_refused_with_those_that_do() {
    let done = refused(&["standalon"]);
    assert!(
        done.err
            .contains("no role `standalon` (there are `standalone`"),
        "{}",
        done.err
    );
    let done = refused(&["worker"]);
    assert!(
        done.err.contains("flowmill server standalone"),
        "{}",
        done.err
    );
    let home = tempfile::tempdir().unwrap();
    let config = crate::harness::write(home.path(), "flowmill.yaml", "api:\n  prot: 80\n");
    let done = refused(&["standalone", "--config", config.to_str().unwrap()]);
    assert!(
        done.err.contains(
            "flowmill.yaml:2:3: error: unknown setting `prot` in `api` (did you mean `port`?)"
        ),
        "{}",
        done.err
    );
}

#[test]
fn a_signal_ends_it_and_the_next_start_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let data_directory = Some(home.path().join("data"));
    let server = Server::with(ServerOptions {
        data_directory: data_directory.clone(),
        ..ServerOptions::default()
    });
    server.api.save("id: s\nnamespace: test\ntasks:\n  - id: a\n    type: io.kestra.plugin.core.debug.Return\n    format: x\n");
    let execution = server.api.run("test/s", &[]);
    assert!(server.terminate().success());
    let server = Server::with(ServerOptions {
        data_directory,
        ..ServerOptions::default()
    });
    let kept = server.api.execution(execution["id"].as_str().unwrap());
    assert_eq!(state(&kept), "SUCCESS");
    assert_eq!(kept["taskRunList"], execution["taskRunList"]);
}

#[test]
fn it_listens_on_loopback_only_unless_told_otherwise() {
    let server = Server::start();
    assert!(
        server.api.address().starts_with("127.0.0.1:"),
        "{}",
        server.api.address()
    );
}

#[test]
fn the_configuration_in_force_is_printed_without_secrets() {
    let home = tempfile::tempdir().unwrap();
    let config = crate::harness::write(
        home.path(),
        "c.yaml",
        "encryption: {secret-key: I6EGNzRESu3X3pKZidrqCGOHQFUFC0yK}\n",
    );
    let mut command = flowmill([
        "server",
        "standalone",
        "--print-config",
        "--port",
        "1234",
        "--config",
    ]);
    let done = run_to_end(command.arg(config).env("FLOWMILL_WORKER_SLOTS", "3"));
    assert_eq!(done.code, Some(0), "{}", done.err);
    for line in ["  port: 1234\n", "  slots: 3\n", "  secret-key: \"***\"\n"] {
        assert!(done.out.contains(line), "{line} in {}", done.out);
    }
    assert!(!done.out.contains("I6EG"), "{}", done.out);
}
