//! Which types the compiler knows itself: flowables, and task types of Kestra that flowmill does not run yet.

/// The flowables that run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FlowableType {
    Sequential,
    AllowFailure,
    Parallel,
    Dag,
    If,
    Switch,
    ForEach,
    EachSequential,
    EachParallel,
    LoopUntil,
    WorkingDirectory,
}

const PACKAGE: &str = "io.kestra.plugin.core.flow.";
const OLD_PACKAGE: &str = "io.kestra.core.tasks.flows.";

impl FlowableType {
    pub(super) const ALL: [Self; 11] = [
        Self::Sequential,
        Self::AllowFailure,
        Self::Parallel,
        Self::Dag,
        Self::If,
        Self::Switch,
        Self::ForEach,
        Self::EachSequential,
        Self::EachParallel,
        Self::LoopUntil,
        Self::WorkingDirectory,
    ];

    /// The flowable of a written type, by its present name or an older one.
    pub(super) fn of(written: &str) -> Option<Self> {
        match written {
            "io.kestra.plugin.core.flow.WaitFor" => return Some(Self::LoopUntil),
            "io.kestra.core.tasks.flows.Worker" => return Some(Self::WorkingDirectory),
            _ => {}
        }
        let simple = written
            .strip_prefix(PACKAGE)
            .or_else(|| written.strip_prefix(OLD_PACKAGE))?;
        Self::ALL
            .into_iter()
            .find(|flowable| flowable.simple_name() == simple)
    }

    /// Its present name.
    pub(super) fn name(self) -> String {
        format!("{PACKAGE}{}", self.simple_name())
    }

    /// Whether Kestra itself calls it deprecated, and what to use instead.
    pub(super) fn replacement(self) -> Option<&'static str> {
        match self {
            Self::EachSequential | Self::EachParallel => Some("io.kestra.plugin.core.flow.ForEach"),
            Self::Sequential
            | Self::AllowFailure
            | Self::Parallel
            | Self::Dag
            | Self::If
            | Self::Switch
            | Self::ForEach
            | Self::LoopUntil
            | Self::WorkingDirectory => None,
        }
    }

    /// Its own properties.
    pub(super) fn properties(self) -> &'static [&'static str] {
        match self {
            Self::Sequential | Self::AllowFailure => &["tasks", "errors", "finally"],
            Self::Parallel | Self::Dag => {
                &["tasks", "concurrent", "onChildFailure", "errors", "finally"]
            }
            Self::If => &["condition", "then", "else", "errors", "finally"],
            Self::Switch => &["value", "cases", "defaults", "errors", "finally"],
            Self::ForEach => &["values", "concurrencyLimit", "tasks", "errors", "finally"],
            Self::EachSequential => &["value", "tasks", "errors", "finally"],
            Self::EachParallel => &["value", "concurrent", "tasks", "errors", "finally"],
            Self::LoopUntil => &[
                "condition",
                "tasks",
                "failOnMaxReached",
                "checkFrequency",
                "errors",
                "finally",
            ],
            Self::WorkingDirectory => &[
                "tasks",
                "inputFiles",
                "outputFiles",
                "namespaceFiles",
                "cache",
                "errors",
                "finally",
            ],
        }
    }

    fn simple_name(self) -> &'static str {
        match self {
            Self::Sequential => "Sequential",
            Self::AllowFailure => "AllowFailure",
            Self::Parallel => "Parallel",
            Self::Dag => "Dag",
            Self::If => "If",
            Self::Switch => "Switch",
            Self::ForEach => "ForEach",
            Self::EachSequential => "EachSequential",
            Self::EachParallel => "EachParallel",
            Self::LoopUntil => "LoopUntil",
            Self::WorkingDirectory => "WorkingDirectory",
        }
    }
}

/// A task type that Kestra has and flowmill does not run yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unbuilt {
    /// Whether Kestra could run it inside of a `WorkingDirectory`.
    pub(super) runnable: bool,
}

/// Whether Kestra has a task of this type that neither the flowables nor the catalogue know.
pub(super) fn unbuilt(written: &str) -> Option<Unbuilt> {
    if let Some(simple) = written
        .strip_prefix(PACKAGE)
        .or_else(|| written.strip_prefix(OLD_PACKAGE))
    {
        let known = matches!(
            simple,
            "Pause"
                | "Subflow"
                | "Flow"
                | "ForEachItem"
                | "Template"
                | "Loop"
                | "Sleep"
                | "PurgeFlows"
        );
        return known.then_some(Unbuilt {
            runnable: matches!(simple, "Sleep" | "PurgeFlows"),
        });
    }
    let core = written
        .strip_prefix("io.kestra.plugin.core.")
        .or_else(|| written.strip_prefix("io.kestra.core.tasks."));
    let known = match core {
        Some(name) => CORE_TASKS.contains(&name) || OLD_CORE_TASKS.contains(&name),
        None => plugin_group(written),
    };
    known.then_some(Unbuilt { runnable: true })
}

/// Whether a type is of one of Kestra's plugins outside of the core: their packages are known, not each of their types.
pub(super) fn plugin_group(written: &str) -> bool {
    let Some(name) = written.strip_prefix("io.kestra.plugin.") else {
        return false;
    };
    PLUGIN_GROUPS.iter().any(|group| {
        name.strip_prefix(group)
            .and_then(|name| name.strip_prefix('.'))
            .is_some_and(|name| !name.is_empty())
    })
}

/// Tasks of Kestra's core, below `io.kestra.plugin.core.`.
const CORE_TASKS: &[&str] = &[
    "debug.Echo",
    "debug.Return",
    "execution.Assert",
    "execution.Count",
    "execution.Counts",
    "execution.Exit",
    "execution.Fail",
    "execution.Labels",
    "execution.PurgeExecutions",
    "execution.Resume",
    "execution.SetVariables",
    "execution.UnsetVariables",
    "http.Download",
    "http.Request",
    "http.SseRequest",
    "kv.Delete",
    "kv.Get",
    "kv.GetKeys",
    "kv.Key",
    "kv.Keys",
    "kv.PurgeKV",
    "kv.Put",
    "kv.Set",
    "kv.Version",
    "log.Fetch",
    "log.Log",
    "log.PurgeLogs",
    "metric.Publish",
    "namespace.DeleteFiles",
    "namespace.DownloadFiles",
    "namespace.PurgeFiles",
    "namespace.UploadFiles",
    "output.OutputValues",
    "state.Delete",
    "state.Get",
    "state.Set",
    "storage.Concat",
    "storage.DeduplicateItems",
    "storage.Delete",
    "storage.FilterItems",
    "storage.LocalFiles",
    "storage.Purge",
    "storage.PurgeCurrentExecutionFiles",
    "storage.PurgeExecution",
    "storage.PurgeStorage",
    "storage.Reverse",
    "storage.Size",
    "storage.Split",
    "storage.Write",
    "templating.TemplatedTask",
    "trigger.Toggle",
];

/// Older names, below `io.kestra.core.tasks.`.
const OLD_CORE_TASKS: &[&str] = &[
    "debugs.Echo",
    "debugs.Return",
    "executions.Counts",
    "executions.Fail",
    "executions.Labels",
    "log.Fetch",
    "log.Log",
    "scripts.Bash",
    "scripts.Node",
    "scripts.Python",
    "states.Delete",
    "states.Get",
    "states.Set",
    "storages.Concat",
    "storages.DeduplicateItems",
    "storages.Delete",
    "storages.FilterItems",
    "storages.LocalFiles",
    "storages.Purge",
    "storages.PurgeExecution",
    "storages.Reverse",
    "storages.Size",
    "storages.Split",
    "templating.TemplatedTask",
    "trigger.Toggle",
];

/// Plugins outside of the core, below `io.kestra.plugin.`.
const PLUGIN_GROUPS: &[&str] = &[
    "ai",
    "airbyte",
    "airflow",
    "aws",
    "azure",
    "cassandra",
    "cloudflare",
    "cloudquery",
    "compress",
    "couchbase",
    "crypto",
    "databricks",
    "datahub",
    "dataform",
    "dbt",
    "debezium",
    "docker",
    "ee",
    "elasticsearch",
    "email",
    "fivetran",
    "fs",
    "gcp",
    "git",
    "github",
    "gitlab",
    "googleworkspace",
    "graalvm",
    "hightouch",
    "hubspot",
    "huggingface",
    "influxdb",
    "jdbc",
    "jira",
    "kafka",
    "kestra",
    "kubernetes",
    "langchain4j",
    "ldap",
    "linear",
    "malloy",
    "meilisearch",
    "microsoft365",
    "minio",
    "modal",
    "mongodb",
    "mqtt",
    "nats",
    "neo4j",
    "notifications",
    "notion",
    "openai",
    "opensearch",
    "pinot",
    "powerbi",
    "pulsar",
    "redis",
    "rustfs",
    "salesforce",
    "script",
    "scripts",
    "serdes",
    "servicenow",
    "singer",
    "slack",
    "soda",
    "solace",
    "spark",
    "sqlmesh",
    "surrealdb",
    "telegram",
    "templates",
    "terraform",
    "tika",
    "transform",
    "trello",
    "twilio",
    "typesense",
    "weaviate",
    "zendesk",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flowables_are_found_by_all_their_names() {
        for flowable in FlowableType::ALL {
            assert_eq!(FlowableType::of(&flowable.name()), Some(flowable));
        }
        assert_eq!(
            FlowableType::of("io.kestra.core.tasks.flows.If"),
            Some(FlowableType::If)
        );
        assert_eq!(
            FlowableType::of("io.kestra.plugin.core.flow.WaitFor"),
            Some(FlowableType::LoopUntil)
        );
        assert_eq!(
            FlowableType::of("io.kestra.core.tasks.flows.Worker"),
            Some(FlowableType::WorkingDirectory)
        );
        assert_eq!(FlowableType::of("io.kestra.plugin.core.flow.Nope"), None);
    }

    #[test]
    fn what_kestra_has_is_told_from_what_nobody_has() {
        assert_eq!(
            unbuilt("io.kestra.plugin.core.flow.Pause"),
            Some(Unbuilt { runnable: false })
        );
        assert_eq!(
            unbuilt("io.kestra.plugin.aws.s3.Upload"),
            Some(Unbuilt { runnable: true })
        );
        assert_eq!(unbuilt("io.kestra.plugin.core.debug.MissingOne"), None);
        assert_eq!(unbuilt("io.kestra.plugin.nonexistent.BadTask"), None);
        assert_eq!(unbuilt("com.acme.Task"), None);
    }
}
