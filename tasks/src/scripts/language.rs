//! What a language adds to the common model of scripts, and the two task types that each has.

use async_trait::async_trait;
use flowmill_common::flow::Place as TaskPlace;
use indexmap::IndexMap;
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::command_line::FAIL_FAST;
use super::properties::{Common, Outputs};
use super::run;
use crate::context::RunContext;
use crate::properties;
use crate::property::Property;
use crate::runner::Place;
use crate::task::{Definition, Output, Placement, PropertyError, Task, TaskError};

/// The interpreter of most languages' commands.
pub(super) const SHELL: &[&str] = &["/bin/sh", "-c"];

/// A language: its fields are the properties that its tasks have beyond the common ones.
#[async_trait]
pub(super) trait Language: DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// What does not depend on the task.
    const FACTS: Facts;

    /// The shell command that runs a script file; `program` is what [`Setup::program`] holds after [`Self::prepare`].
    fn command(&self, file: &str, program: &str) -> String;

    /// What must be there before the commands run.
    async fn prepare(&self, _: &mut Setup<'_>) -> Result<(), TaskError> {
        Ok(())
    }

    /// After commands that ended with 0. Must not fail the task any more.
    async fn succeeded(&self, _: &RunContext, _: Place, _: &str) {}
}

/// What is always so for a language.
pub(super) struct Facts {
    /// The names of the types `Script` and `Commands`.
    pub(super) types: [&'static str; 2],
    /// What people call it.
    pub(super) name: &'static str,
    /// The image of the container where the task names none.
    pub(super) image: &'static str,
    /// The interpreter where the task names none.
    pub(super) interpreter: &'static [&'static str],
    /// The first line of fail-fast scripts, and of fail-fast commands.
    pub(super) fail_fast: [Option<&'static str>; 2],
    /// Environment variables that the task may override.
    pub(super) environment: &'static [(&'static str, &'static str)],
    /// The user in the container, where it must not be the image's own.
    pub(super) user: Option<&'static str>,
    /// How a script gets to its interpreter.
    pub(super) script: ScriptForm,
    /// Example flows for both types.
    pub(super) examples: [&'static str; 2],
}

/// How a script gets to its interpreter.
pub(super) enum ScriptForm {
    /// As the argument of the shell itself.
    Inline,
    /// As a file in the working directory.
    File {
        /// The ending of its name.
        ending: &'static str,
        /// What stands in front of the script.
        prelude: &'static str,
    },
}

impl Facts {
    /// What most languages have in common.
    pub(super) const fn new(
        name: &'static str,
        types: [&'static str; 2],
        image: &'static str,
        ending: &'static str,
    ) -> Self {
        Self {
            types,
            name,
            image,
            interpreter: SHELL,
            fail_fast: [Some(FAIL_FAST), Some(FAIL_FAST)],
            environment: &[],
            user: None,
            script: ScriptForm::File {
                ending,
                prelude: "",
            },
            examples: ["", ""],
        }
    }
}

/// What a language may change before the commands run.
pub(super) struct Setup<'a> {
    pub(super) context: &'a RunContext,
    pub(super) place: Place,
    pub(super) image: &'a str,
    pub(super) environment: &'a mut IndexMap<String, String>,
    /// Lines in front of the task's own.
    pub(super) before: &'a mut Vec<String>,
    /// What runs scripts, for a language with a choice.
    pub(super) program: &'a mut String,
}

/// A task of a script type with its properties read.
pub(super) struct ScriptTask<L> {
    pub(super) common: Common,
    pub(super) work: Work,
    pub(super) language: L,
}

/// What is to be run.
pub(super) enum Work {
    Script(Property<String>),
    Commands(Property<Vec<String>>),
}

#[derive(Deserialize, JsonSchema)]
struct ScriptText {
    /// The script.
    script: Property<String>,
}

#[derive(Deserialize, JsonSchema)]
struct CommandTexts {
    /// The commands, lines of one shell script.
    commands: Property<Vec<String>>,
}

#[async_trait]
impl<L: Language> Task for ScriptTask<L> {
    async fn run(&self, context: &RunContext) -> Result<Output, TaskError> {
        run::run(self, context).await
    }
}

/// Both task types of a language.
pub(super) fn definitions<L: Language>() -> [Definition; 2] {
    let definition = |index: usize, parse, properties| Definition {
        task_type: L::FACTS.types[index],
        aliases: &[],
        place: Placement::Runnable(TaskPlace::Worker),
        parse,
        properties,
        outputs: || schemars::schema_for!(Outputs),
        example: L::FACTS.examples[index],
    };
    [
        definition(0, parse_script::<L>, script_schema::<L>),
        definition(1, parse_commands::<L>, commands_schema::<L>),
    ]
}

fn parse_script<L: Language>(
    properties: &Map<String, Value>,
) -> Result<Box<dyn Task>, PropertyError> {
    parse::<L, ScriptText>(properties, |text| Work::Script(text.script))
}

fn parse_commands<L: Language>(
    properties: &Map<String, Value>,
) -> Result<Box<dyn Task>, PropertyError> {
    parse::<L, CommandTexts>(properties, |texts| Work::Commands(texts.commands))
}

fn parse<L: Language, T: DeserializeOwned>(
    written: &Map<String, Value>,
    work: fn(T) -> Work,
) -> Result<Box<dyn Task>, PropertyError> {
    let known = [
        properties::names::<T>(),
        properties::names::<Common>(),
        properties::names::<L>(),
    ];
    properties::refuse_unknown(written, &known)?;
    let work = work(properties::take(written)?);
    Ok(Box::new(ScriptTask::<L> {
        common: properties::take(written)?,
        work,
        language: properties::take(written)?,
    }))
}

fn script_schema<L: Language>() -> Schema {
    let title = format!(
        "Run a {} script.\n\nThe script runs in a fresh folder, as a process or in a container.",
        L::FACTS.name
    );
    schema::<L, ScriptText>(title)
}

fn commands_schema<L: Language>() -> Schema {
    let title = format!(
        "Run commands in an environment with {}.\n\nThe commands are lines of one shell script.",
        L::FACTS.name
    );
    schema::<L, CommandTexts>(title)
}

/// The task's own text first, then what the language has, then what all have.
fn schema<L: Language, T: JsonSchema>(description: String) -> Schema {
    let text = schemars::schema_for!(T);
    let mut schema = properties::schema_of_both::<Common, L>();
    let all = schema.ensure_object();
    let shared = all.shift_remove("properties").unwrap_or_default();
    let mut ordered = text
        .get("properties")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    ordered.extend(shared.as_object().cloned().unwrap_or_default());
    all.insert("properties".into(), ordered.into());
    all.insert(
        "required".into(),
        text.get("required").cloned().unwrap_or_default(),
    );
    all.insert("description".into(), description.into());
    schema
}
