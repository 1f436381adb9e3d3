//! What lies in `deploy/`, as far as it can be checked without a registry.

use std::collections::BTreeMap;
use std::process::Command;

use flowmill_common::yaml::{self, Limits};
use serde_json::{Map, Value};

use crate::harness::{flowmill, repository, run_to_end, skip, write};

fn compose() -> Map<String, Value> {
    let text = std::fs::read_to_string(repository().join("deploy/docker-compose.yaml")).unwrap();
    let whole = yaml::parse(&text, &Limits::default()).expect("it is YAML");
    let whole = whole.to_json();
    whole["services"].as_object().expect("services").clone()
}

fn words(list: &Value) -> Vec<String> {
    let words = list.as_array().unwrap_or_else(|| panic!("a list: {list}"));
    words
        .iter()
        .map(|word| word.as_str().expect("a text").to_owned())
        .collect()
}

fn variables(service: &Value) -> BTreeMap<String, String> {
    let variables = service["environment"].as_object().expect("variables");
    variables
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().expect("a text").to_owned()))
        .collect()
}

#[test]
fn the_services_of_the_compose_file_accept_their_flags_and_settings() {
    let services = compose();
    let mut seen = Vec::new();
    for (name, service) in services
        .iter()
        .filter(|(_, service)| service["image"] == "flowmill")
    {
        let mut command = flowmill(words(&service["command"]));
        command.arg("--print-config").envs(variables(service));
        let printed = run_to_end(&mut command);
        assert_eq!(printed.code, Some(0), "{name}: {}", printed.err);
        // a variable that is no setting is warned about
        assert_eq!(printed.err, "", "{name}");
        let config = yaml::parse(&printed.out, &Limits::default()).unwrap();
        let config = config.to_json();
        for (section, kind) in [("store", "redis"), ("queue", "rabbitmq"), ("files", "s3")] {
            assert_eq!(config[section]["type"], kind, "{name}");
        }
        for secret in ["flowmill-redis", "flowmill-rabbitmq", "flowmill-minio"] {
            assert!(!printed.out.contains(secret), "{name} shows {secret}");
        }
        assert!(service["healthcheck"]["test"].is_array(), "{name}");
        for server in service["depends_on"]
            .as_object()
            .expect("what it needs")
            .keys()
        {
            assert!(services.contains_key(server), "{name} needs {server}");
        }
        seen.push(name.as_str());
    }
    seen.sort_unstable();
    assert_eq!(seen, ["api", "executor", "worker"]);
}

#[test]
fn the_servers_of_the_compose_file_have_the_credentials_that_flowmill_is_given() {
    let services = compose();
    let given = variables(&services["worker"]);
    let rabbitmq = variables(&services["rabbitmq"]);
    let minio = variables(&services["minio"]);
    assert_eq!(
        given["FLOWMILL_QUEUE_RABBITMQ_USERNAME"],
        rabbitmq["RABBITMQ_DEFAULT_USER"]
    );
    assert_eq!(
        given["FLOWMILL_QUEUE_RABBITMQ_PASSWORD"],
        rabbitmq["RABBITMQ_DEFAULT_PASS"]
    );
    assert_eq!(
        given["FLOWMILL_FILES_S3_ACCESS_KEY"],
        minio["MINIO_ROOT_USER"]
    );
    assert_eq!(
        given["FLOWMILL_FILES_S3_SECRET_KEY"],
        minio["MINIO_ROOT_PASSWORD"]
    );
    let redis = words(&services["redis"]["command"]);
    assert!(redis.contains(&given["FLOWMILL_STORE_REDIS_PASSWORD"]));
}

#[test]
fn the_image_runs_a_command_that_exists_and_not_as_root() {
    let text = std::fs::read_to_string(repository().join("deploy/Dockerfile")).unwrap();
    let command = text
        .lines()
        .find_map(|line| line.strip_prefix("CMD "))
        .expect("a command");
    let command: Vec<String> = serde_json::from_str(command).unwrap();
    let mut command = flowmill(command);
    let printed = run_to_end(command.arg("--print-config"));
    assert_eq!(printed.code, Some(0), "{}", printed.err);
    let user = text.lines().rfind(|line| line.starts_with("USER "));
    assert!(user.is_some_and(|user| !user.contains("root") && !user.contains(" 0")));
}

#[test]
fn systemd_accepts_the_unit() {
    let Ok(version) = Command::new("systemd-analyze").arg("--version").output() else {
        return skip("the unit of systemd", "there is no systemd-analyze");
    };
    assert!(version.status.success());
    let text = std::fs::read_to_string(repository().join("deploy/flowmill.service")).unwrap();
    let text = text.replace("/usr/local/bin/flowmill", env!("CARGO_BIN_EXE_flowmill"));
    let scratch = tempfile::tempdir().unwrap();
    let unit = write(scratch.path(), "flowmill.service", &text);
    let mut verify = Command::new("systemd-analyze");
    let said = run_to_end(verify.args(["verify", "--man=no"]).arg(unit));
    assert_eq!(
        (said.code, said.err.as_str()),
        (Some(0), ""),
        "{}",
        said.out
    );
}
