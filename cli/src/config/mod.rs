//! The configuration: the settings of all crates in one tree. Defaults, then one YAML file, then `FLOWMILL_…` variables, then flags.

mod assignment;
mod environment;
mod expressions;
mod file;
mod print;
mod reference;
mod sections;
mod settings;

use std::path::{Path, PathBuf};

use flowmill_backends::config as backends;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::assignment::{Assignment, Origin};
use self::expressions::ExpressionsConfig;
use self::sections::{EncryptionConfig, FlowLimitsConfig, StatusConfig, VariablesConfig};
use self::settings::Settings;
use crate::exit::WrongInput;
use crate::telemetry;

/// The whole configuration.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub(crate) struct Config {
    /// Where everything is kept that is not kept elsewhere: the embedded store, local files, working directories. Default:
    /// `flowmill/server` in the user's data folder (`$XDG_DATA_HOME` or `~/.local/share`).
    pub(crate) data_directory: Option<PathBuf>,
    /// A folder of flows (YAML) to load and to watch.
    pub(crate) flows: Option<PathBuf>,
    /// Plugin defaults for all flows, as in a flow: `[{type: …, forced: false, values: {…}}]`. Those of a flow win, unless forced here.
    pub(crate) plugin_defaults: Vec<Value>,
    /// The process's own log.
    pub(crate) log: telemetry::Config,
    /// What expressions see besides the execution.
    pub(crate) variables: VariablesConfig,
    /// How secret inputs and outputs are kept.
    pub(crate) encryption: EncryptionConfig,
    /// How expressions are read and evaluated.
    pub(crate) expressions: ExpressionsConfig,
    /// What the text of a flow may cost to read.
    pub(crate) flow_limits: FlowLimitsConfig,
    /// Where state is kept.
    pub(crate) store: backends::Store,
    /// How services talk to each other.
    pub(crate) queue: backends::Queue,
    /// Where files are kept.
    pub(crate) files: backends::Files,
    /// The service that owns executions.
    pub(crate) executor: flowmill_executor::Config,
    /// The service that runs tasks.
    pub(crate) worker: flowmill_worker::Config,
    /// What tasks read.
    pub(crate) tasks: flowmill_tasks::Config,
    /// The REST API. There is no login unless one is set: whoever reaches the port can run anything.
    pub(crate) api: flowmill_api::Config,
    /// Where a process without the role `api` tells how it is.
    pub(crate) status: StatusConfig,
}

/// What flags say about the configuration.
#[derive(Debug, Default)]
pub(crate) struct Flags {
    file: Option<PathBuf>,
    assignments: Vec<Assignment>,
}

/// A configuration, and what was odd about where it came from.
pub(crate) struct Loaded {
    /// What is in force.
    pub(crate) config: Config,
    /// Worth a warning each.
    pub(crate) warnings: Vec<String>,
}

impl Flags {
    /// Flags that name this file, if any.
    pub(crate) fn new(file: Option<PathBuf>) -> Self {
        Self {
            file,
            assignments: Vec::new(),
        }
    }

    /// A flag that sets a setting, if it was given.
    pub(crate) fn set(
        mut self,
        flag: &'static str,
        path: &[&str],
        value: Option<impl Into<Value>>,
    ) -> Self {
        if let Some(value) = value {
            let path = path.iter().map(|part| (*part).to_owned()).collect();
            self.assignments.push(Assignment {
                path,
                value: value.into(),
                origin: Origin::Flag(flag),
            });
        }
        self
    }

    /// A flag that sets a path.
    pub(crate) fn set_path(self, flag: &'static str, path: &[&str], value: Option<&Path>) -> Self {
        self.set(flag, path, value.map(|value| value.display().to_string()))
    }
}

impl Config {
    /// What is in force with these flags, in this environment.
    pub(crate) fn load(flags: Flags) -> anyhow::Result<Loaded> {
        Self::load_from(
            flags,
            std::env::vars_os().filter_map(|(name, text)| {
                Some((name.into_string().ok()?, text.into_string().ok()?))
            }),
        )
    }

    fn load_from(
        flags: Flags,
        variables: impl Iterator<Item = (String, String)>,
    ) -> anyhow::Result<Loaded> {
        let settings = all_settings();
        let variables: Vec<_> = variables.collect();
        let named = variables
            .iter()
            .find(|(name, text)| name == "FLOWMILL_CONFIG" && !text.is_empty());
        let file = flags
            .file
            .or_else(|| named.map(|(_, text)| PathBuf::from(text)));
        let mut assignments = match file {
            Some(file) => file::read(&settings, &file)?,
            None => Vec::new(),
        };
        let (from_environment, warnings) = environment::read(&settings, variables.into_iter())?;
        assignments.extend(from_environment);
        assignments.extend(flags.assignments);
        Ok(Loaded {
            config: assemble(&assignments)?,
            warnings,
        })
    }

    /// Which backends, and how they are reached.
    pub(crate) fn backends(&self) -> backends::Config {
        backends::Config {
            store: self.store.clone(),
            queue: self.queue.clone(),
            files: self.files.clone(),
        }
    }

    /// The same with everything kept on this machine, whatever servers are named.
    pub(crate) fn on_this_machine(self) -> Self {
        Self {
            store: backends::Store {
                kind: backends::StoreKind::Embedded,
                ..self.store
            },
            queue: backends::Queue {
                kind: backends::QueueKind::InProcess,
                ..self.queue
            },
            files: backends::Files {
                kind: backends::FilesKind::Local,
                ..self.files
            },
            ..self
        }
    }

    /// The configuration as YAML, secrets masked.
    pub(crate) fn print(&self) -> anyhow::Result<String> {
        print::yaml(self, &all_settings())
    }

    /// The reference page of all settings.
    pub(crate) fn reference() -> String {
        reference::page(&all_settings())
    }
}

fn all_settings() -> Settings {
    let defaults =
        serde_json::to_value(Config::default()).expect("a configuration is written as JSON");
    Settings::new(schemars::schema_for!(Config).as_value(), &defaults)
}

/// The typed configuration. An error names the setting and where it was set.
fn assemble(assignments: &[Assignment]) -> anyhow::Result<Config> {
    let whole = match serde_json::from_value(assignment::tree(assignments)) {
        Ok(config) => return Ok(config),
        Err(error) => error,
    };
    // serde does not say which setting it was: the first that is refused alone is it
    for assignment in assignments {
        if let Err(error) = serde_json::from_value::<Config>(assignment::tree([assignment])) {
            let name = settings::shown(&assignment.path);
            return Err(WrongInput::new(format!(
                "{}: `{name}` is wrong: {error}",
                assignment.origin
            ))
            .into());
        }
    }
    Err(WrongInput::new(format!("the configuration is wrong: {whole}")).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(yaml: &str, variables: &[(&str, &str)], flags: Flags) -> anyhow::Result<Loaded> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("flowmill.yaml");
        std::fs::write(&file, yaml).unwrap();
        let flags = Flags {
            file: Some(file),
            ..flags
        };
        let variables = variables
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        Config::load_from(flags, variables)
    }

    fn refusal(yaml: &str, variables: &[(&str, &str)]) -> String {
        load(yaml, variables, Flags::default())
            .err()
            .unwrap()
            .to_string()
    }

    #[test]
    fn flags_win_over_variables_over_the_file_over_the_defaults() {
        let yaml = "api: {host: 1.1.1.1, port: 1}\nlog: {level: debug}\n";
        let variables = [("FLOWMILL_API_HOST", "2.2.2.2"), ("FLOWMILL_API_PORT", "2")];
        let flags = Flags::default().set("--port", &["api", "port"], Some(3));
        let config = load(yaml, &variables, flags).unwrap().config;
        assert_eq!((config.api.host.as_str(), config.api.port), ("2.2.2.2", 3));
        assert_eq!(config.log.level, "debug");
        assert_eq!(config.variables, VariablesConfig::default());
    }

    #[test]
    fn an_unknown_setting_is_refused_with_its_line_and_the_nearest_name() {
        let message = refusal("log:\n  level: info\napi:\n  prot: 80\n", &[]);
        assert!(
            message.contains(
                "flowmill.yaml:4:3: error: unknown setting `prot` in `api` (did you mean `port`?)"
            ),
            "{message}"
        );
        assert!(message.contains("4 |   prot: 80\n"), "{message}");
    }

    #[test]
    fn a_wrong_value_is_refused_with_its_setting_and_its_place() {
        let message = refusal("api:\n  port: 70000\n", &[]);
        assert!(
            message.contains("flowmill.yaml:2:9: `api.port` is wrong"),
            "{message}"
        );
        let message = refusal("", &[("FLOWMILL_API_PORT", "http")]);
        assert_eq!(
            message,
            "environment variable FLOWMILL_API_PORT: `http` is not a whole number"
        );
        let message = refusal("", &[("FLOWMILL_LOG_FORMAT", "xml")]);
        assert!(
            message.starts_with("environment variable FLOWMILL_LOG_FORMAT: `log.format` is wrong"),
            "{message}"
        );
    }

    #[test]
    fn flags_set_settings_that_exist() {
        let settings = all_settings();
        for path in [
            &["api", "port"][..],
            &["api", "host"],
            &["data-directory"],
            &["flows"],
        ] {
            let path: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
            assert!(settings.get(&path).is_some(), "{path:?}");
        }
    }

    #[test]
    fn names_may_be_joined_in_any_way_and_text_stays_text() {
        let yaml = "encryption: {secretKey: 0777}\nvariables:\n  env_prefixes: [A_]\n  globals: {int: 1, nested: {yes: on}}\n";
        let config = load(yaml, &[], Flags::default()).unwrap().config;
        assert_eq!(config.encryption.secret_key.unwrap().expose(), "0777");
        assert_eq!(config.variables.env_prefixes, ["A_"]);
        assert_eq!(config.variables.globals["int"], 1);
    }

    #[test]
    fn lists_and_maps_come_from_variables_too() {
        let variables = [
            ("FLOWMILL_VARIABLES_ENV_PREFIXES", "X_, Y_"),
            ("FLOWMILL_VARIABLES_GLOBALS", "{a: {b: 2}}"),
        ];
        let config = load("", &variables, Flags::default()).unwrap().config;
        assert_eq!(config.variables.env_prefixes, ["X_", "Y_"]);
        assert_eq!(config.variables.globals["a"]["b"], 2);
    }

    #[test]
    fn a_variable_that_is_no_setting_is_warned_about_unless_kubernetes_made_it() {
        let variables = [
            ("FLOWMILL_APPI_PORT", "1"),
            ("FLOWMILL_PORT", "tcp://10.0.0.1:80"),
            ("FLOWMILL_PORT_80_TCP_ADDR", "10.0.0.1"),
            ("FLOWMILL_API_SERVICE_HOST", "10.0.0.1"),
        ];
        let warnings = load("", &variables, Flags::default()).unwrap().warnings;
        assert_eq!(
            warnings,
            [
                "environment variable FLOWMILL_APPI_PORT is no setting and is ignored (did you mean FLOWMILL_API_PORT?)"
            ]
        );
    }

    #[test]
    fn printing_shows_no_secret() {
        let yaml = "encryption: {secret-key: hunter2}\nvariables: {globals: {db-password: hunter2, db: {apiToken: hunter2, user: me}}}\n";
        let printed = load(yaml, &[], Flags::default())
            .unwrap()
            .config
            .print()
            .unwrap();
        assert!(!printed.contains("hunter2"), "{printed}");
        assert!(printed.contains("user: me"), "{printed}");
        assert!(printed.contains("port: 8080"), "{printed}");
    }
}
