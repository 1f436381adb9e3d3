//! `namespaceFiles`: files of namespaces that a task finds in its working directory.

use std::path::Path;
use std::time::Instant;

use flowmill_common::log::{Level, Metric, MetricKind};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::glob::Pattern;
use super::{input_files, paths};
use crate::context::RunContext;
use crate::property::{Coerce, Property, by_name};
use crate::task::TaskError;

/// Which files of which namespaces are put into the working directory.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct NamespaceFiles {
    /// Whether files are loaded at all; true when left out.
    pub enabled: Option<Property<bool>>,
    /// Patterns of the files to load; all when left out.
    pub include: Option<Property<Vec<String>>>,
    /// Patterns of files to leave out.
    pub exclude: Option<Property<Vec<String>>>,
    /// The namespaces, later ones override earlier ones; the flow's own when left out.
    pub namespaces: Option<Property<Vec<String>>>,
    /// What to do about a file that is there already.
    pub if_exists: Option<Property<IfExists>>,
    /// Puts the files of each namespace into a folder named after it.
    pub folder_per_namespace: Option<Property<bool>>,
}

/// What to do about a file that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum IfExists {
    /// It is replaced.
    #[default]
    Overwrite,
    /// The task fails.
    Fail,
    /// It stays, with a warning.
    Warn,
    /// It stays.
    Ignore,
}

impl Coerce for IfExists {
    fn coerce(value: Value) -> Result<Self, String> {
        by_name(value)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        Self::json_schema(generator)
    }
}

/// Puts the files into the working directory.
pub async fn load(context: &RunContext, files: &NamespaceFiles) -> Result<(), TaskError> {
    if Property::render_optional(files.enabled.as_ref(), context).await? == Some(false) {
        return Ok(());
    }
    let started = Instant::now();
    let include = patterns(context, files.include.as_ref()).await?;
    let exclude = patterns(context, files.exclude.as_ref()).await?;
    let namespaces = Property::render_optional(files.namespaces.as_ref(), context).await?;
    let namespaces = namespaces.unwrap_or_else(|| vec![context.job.namespace.to_string()]);
    let if_exists = Property::render_optional(files.if_exists.as_ref(), context)
        .await?
        .unwrap_or_default();
    let folders = Property::render_optional(files.folder_per_namespace.as_ref(), context)
        .await?
        .unwrap_or(false);
    let mut count = 0;
    for namespace in &namespaces {
        let root = if folders {
            context.working_directory.join(namespace)
        } else {
            context.working_directory.clone()
        };
        for path in context.outside.namespace_files(namespace).await? {
            let is_wanted = (include.is_empty() || any(&include, &path)) && !any(&exclude, &path);
            if is_wanted && load_one(context, namespace, &path, &root, if_exists).await? {
                count += 1;
            }
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    context.log(
        Level::Info,
        format!("Loaded {count} namespace files in {seconds:.3} s"),
    );
    context.outside.metric(metric(
        "namespacefiles.count",
        MetricKind::Counter,
        f64::from(count),
    ));
    context.outside.metric(metric(
        "namespacefiles.duration",
        MetricKind::Timer,
        seconds * 1000.0,
    ));
    Ok(())
}

async fn patterns(
    context: &RunContext,
    written: Option<&Property<Vec<String>>>,
) -> Result<Vec<Pattern>, TaskError> {
    let written = Property::render_optional(written, context)
        .await?
        .unwrap_or_default();
    let pattern = |written: &String| Pattern::of_namespace_file(written);
    written
        .iter()
        .map(pattern)
        .collect::<Result<_, _>>()
        .map_err(|error| TaskError::failed(format!("`namespaceFiles`: {error}")))
}

fn any(patterns: &[Pattern], path: &str) -> bool {
    let path = format!("/{}", path.trim_start_matches('/'));
    patterns.iter().any(|pattern| pattern.matches("", &path))
}

async fn load_one(
    context: &RunContext,
    namespace: &str,
    path: &str,
    root: &Path,
    if_exists: IfExists,
) -> Result<bool, TaskError> {
    let path = path.trim_start_matches('/');
    let file = paths::below(root, path)?;
    if file.symlink_metadata().is_ok() {
        match if_exists {
            IfExists::Overwrite => {}
            IfExists::Fail => {
                return Err(TaskError::failed(format!(
                    "the namespace file `{path}` is in the working directory already"
                )));
            }
            IfExists::Warn => {
                context.log(Level::Warn, format!("the namespace file `{path}` is in the working directory already and stays as it is"));
                return Ok(false);
            }
            IfExists::Ignore => return Ok(false),
        }
    }
    input_files::copy(context, &format!("nsfile://{namespace}/{path}"), &file).await?;
    Ok(true)
}

fn metric(name: &str, kind: MetricKind, value: f64) -> Metric {
    Metric {
        name: name.to_owned(),
        kind,
        value,
        tags: Map::new(),
    }
}
