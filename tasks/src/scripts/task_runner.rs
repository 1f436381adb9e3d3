//! Which runner a script asks for.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::{Map, Value};

use super::properties::Common;
use crate::context::RunContext;
use crate::runner::{Auto, DefaultRunner, Docker, Process, Runner, docker};
use crate::task::TaskError;

const PROCESS: &[&str] = &[
    "io.kestra.plugin.core.runner.Process",
    "io.kestra.core.models.tasks.runners.types.ProcessTaskRunner",
];
const DOCKER: &[&str] = &[
    "io.kestra.plugin.scripts.runner.docker.Docker",
    "io.kestra.plugin.scripts.runner.docker.DockerTaskRunner",
];

/// The property `taskRunner`.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TaskRunner {
    Process,
    Docker(Box<docker::Options>),
    /// A type that is not part of this program; a flow with it can be saved, the task fails.
    Other(String),
}

impl<'de> Deserialize<'de> for TaskRunner {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut properties = Map::deserialize(deserializer)?;
        let Some(Value::String(written)) = properties.remove("type") else {
            return Err(D::Error::custom(format!(
                "`type` is missing: `{}` or `{}`",
                PROCESS[0], DOCKER[0]
            )));
        };
        // Every plugin of Kestra takes a version.
        properties.remove("version");
        match written.as_str() {
            name if PROCESS.contains(&name) => match properties.keys().next() {
                None => Ok(Self::Process),
                Some(unknown) => Err(D::Error::custom(format!(
                    "unknown property `{unknown}`: a process has none of its own"
                ))),
            },
            name if DOCKER.contains(&name) => {
                let options = serde_path_to_error::deserialize(Value::Object(properties));
                options
                    .map(|options| Self::Docker(Box::new(options)))
                    .map_err(D::Error::custom)
            }
            _ => Ok(Self::Other(written)),
        }
    }
}

impl JsonSchema for TaskRunner {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "TaskRunner".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let docker = generator.subschema_for::<docker::Options>();
        json_schema!({
            "type": "object",
            "required": ["type"],
            "properties": { "type": { "type": "string", "examples": [PROCESS[0], DOCKER[0]] } },
            "anyOf": [{ "properties": { "type": { "enum": PROCESS } } }, docker],
        })
    }
}

/// The property `runner` of older flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum LegacyRunner {
    /// A process of the worker's machine.
    Process,
    /// A container, as `docker` describes it.
    Docker,
}

/// The runner that the properties and the worker's settings choose, by Kestra's rules: `runner` overrides `taskRunner`, and a `docker`
/// block overrides the properties of a Docker `taskRunner`.
pub(super) fn choose(common: &Common, context: &RunContext) -> Result<Box<dyn Runner>, TaskError> {
    let legacy = || common.docker.clone().unwrap_or_default();
    Ok(match (common.runner, &common.task_runner) {
        (Some(LegacyRunner::Process), _) | (None, Some(TaskRunner::Process)) => Box::new(Process),
        (Some(LegacyRunner::Docker), _) => Box::new(Docker::legacy(legacy())),
        (None, Some(TaskRunner::Docker(_))) if common.docker.is_some() => {
            Box::new(Docker::legacy(legacy()))
        }
        (None, Some(TaskRunner::Docker(options))) => Box::new(Docker::new((**options).clone())),
        (None, Some(TaskRunner::Other(written))) => {
            return Err(TaskError::failed(unavailable(written)));
        }
        (None, None) => {
            let docker = match &common.docker {
                Some(options) => Docker::legacy(options.clone()),
                None => Docker::new(docker::Options::default()),
            };
            match context.config.runner.default {
                DefaultRunner::Auto => Box::new(Auto::new(docker)),
                DefaultRunner::Docker => Box::new(docker),
                DefaultRunner::Process => Box::new(Process),
            }
        }
    })
}

fn unavailable(written: &str) -> String {
    format!(
        "the task runner `{written}` is not part of flowmill: use `{}` or `{}`",
        DOCKER[0], PROCESS[0]
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(written: Value) -> Result<TaskRunner, String> {
        serde_json::from_value(written).map_err(|error| error.to_string())
    }

    #[test]
    fn a_task_runner_is_known_by_its_type() {
        assert_eq!(read(json!({"type": PROCESS[0]})), Ok(TaskRunner::Process));
        assert!(matches!(
            read(json!({"type": DOCKER[0], "user": "1000"})),
            Ok(TaskRunner::Docker(_))
        ));
        let kubernetes = "io.kestra.plugin.ee.kubernetes.runner.Kubernetes";
        assert_eq!(
            read(json!({"type": kubernetes, "namespace": "x"})),
            Ok(TaskRunner::Other(kubernetes.into()))
        );
    }

    #[test]
    fn a_wrong_task_runner_is_refused_when_the_flow_is_saved() {
        assert!(read(json!({})).unwrap_err().contains("`type` is missing"));
        assert!(
            read(json!({"type": PROCESS[0], "image": "x"}))
                .unwrap_err()
                .contains("`image`")
        );
        assert!(
            read(json!({"type": DOCKER[0], "imagee": "x"}))
                .unwrap_err()
                .contains("`imagee`")
        );
    }
}
