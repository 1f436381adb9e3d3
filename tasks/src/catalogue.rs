//! Every task type by each of its names.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock, RwLock};

use flowmill_common::compile::{self, PropertyProblem, TaskType};
use flowmill_common::inline::{InlineDone, InlineResult, InlineTasks, Scope, UpdateResult};
use schemars::Schema;
use serde_json::{Map, Value, json};

use crate::describe::Described;
use crate::inline::{self, Inline, Update};
use crate::properties;
use crate::task::{Definition, PropertyError, Task};

/// Every task type that is built in. Made once and shared.
pub struct Catalogue {
    types: Vec<Described>,
    by_name: HashMap<&'static str, usize>,
    /// By the index of the type; made when first asked for.
    names: Vec<OnceLock<Names>>,
    read: RwLock<HashMap<usize, Read>>,
}

/// Properties that were read, kept by the address of what they were read from, which is kept alive with them.
struct Read {
    task_type: &'static str,
    properties: Arc<Map<String, Value>>,
    task: Ready,
}

/// The names of a type's own properties.
struct Names {
    all: Vec<Cow<'static, str>>,
    /// Those that take text only.
    texts: Vec<String>,
}

#[derive(Clone)]
enum Ready {
    Inline(Arc<dyn Inline>),
    Update(Arc<dyn Update>),
}

/// How many read properties are kept; more, and those that nobody else holds any more are dropped.
const READ_LIMIT: usize = 4096;

/// What is known of a task type, for people and editors.
#[derive(Clone, Debug)]
pub struct Documentation {
    /// Its present name.
    pub task_type: &'static str,
    /// Its older names.
    pub aliases: &'static [&'static str],
    /// In one sentence.
    pub title: String,
    /// The rest, in Markdown.
    pub description: String,
    /// The JSON schema of its own properties.
    pub properties: Schema,
    /// The JSON schema of its outputs.
    pub outputs: Schema,
    /// A flow that shows it.
    pub example: &'static str,
}

impl Default for Catalogue {
    fn default() -> Self {
        Self::new()
    }
}

impl Catalogue {
    /// All task types of all families.
    pub fn new() -> Self {
        let types = crate::families();
        let mut by_name = HashMap::new();
        for (index, described) in types.iter().enumerate() {
            let definition = &described.definition;
            for name in std::iter::once(&definition.task_type).chain(definition.aliases) {
                let before = by_name.insert(*name, index);
                assert!(
                    before.is_none(),
                    "the type name `{name}` is registered twice"
                );
            }
        }
        let names = types.iter().map(|_| OnceLock::new()).collect();
        Self {
            types,
            by_name,
            names,
            read: RwLock::default(),
        }
    }

    /// Every type, in the order of the families.
    pub fn definitions(&self) -> impl Iterator<Item = &Definition> {
        self.types.iter().map(|described| &described.definition)
    }

    /// The type of this name, present or older.
    pub fn find(&self, written: &str) -> Option<&Definition> {
        self.described(written)
            .map(|described| &described.definition)
    }

    /// Reads the properties of a task, those that every task has included, into something that can be run on a worker.
    pub fn task(
        &self,
        task_type: &str,
        properties: &Map<String, Value>,
    ) -> Result<Box<dyn Task>, PropertyError> {
        let definition = self
            .find(task_type)
            .ok_or_else(|| unknown_type(task_type))?;
        (definition.parse)(&properties::own(properties))
    }

    /// What is known of each type.
    pub fn documentation(&self) -> Vec<Documentation> {
        self.definitions().map(document).collect()
    }

    fn described(&self, written: &str) -> Option<&Described> {
        self.by_name.get(written).map(|index| &self.types[*index])
    }

    fn names(&self, task_type: &str) -> Option<&Names> {
        let index = *self.by_name.get(task_type)?;
        Some(
            self.names[index]
                .get_or_init(|| names_in(&(self.types[index].definition.properties)())),
        )
    }

    /// The task of these properties, ready to run; read once for each `Arc`.
    fn ready(
        &self,
        task_type: &str,
        properties: &Arc<Map<String, Value>>,
    ) -> Result<Ready, PropertyError> {
        let address = Arc::as_ptr(properties) as usize;
        if let Some(read) = self.read.read().expect("no panic holds it").get(&address)
            && read.task_type == task_type
        {
            return Ok(read.task.clone());
        }
        let described = self
            .described(task_type)
            .ok_or_else(|| unknown_type(task_type))?;
        let own = properties::own(properties);
        let task = match (described.inline, described.update) {
            (Some(parse), _) => Ready::Inline(parse(&own)?),
            (None, Some(parse)) => Ready::Update(parse(&own)?),
            (None, None) => {
                return Err(PropertyError::new(
                    "type",
                    format!("`{task_type}` needs a worker"),
                ));
            }
        };
        let mut all = self.read.write().expect("no panic holds it");
        if all.len() >= READ_LIMIT {
            all.retain(|_, read| Arc::strong_count(&read.properties) > 1);
            if all.len() >= READ_LIMIT {
                all.clear();
            }
        }
        let task_type = described.definition.task_type;
        all.insert(
            address,
            Read {
                task_type,
                properties: properties.clone(),
                task: task.clone(),
            },
        );
        Ok(task)
    }
}

impl compile::Catalogue for Catalogue {
    fn resolve(&self, written: &str) -> Option<TaskType> {
        let definition = self.find(written)?;
        Some(TaskType {
            name: Cow::Borrowed(definition.task_type),
            placement: definition.place,
        })
    }

    fn property_names(&self, task_type: &str) -> Option<Vec<Cow<'static, str>>> {
        Some(self.names(task_type)?.all.clone())
    }

    fn is_text(&self, task_type: &str, property: &str) -> bool {
        self.names(task_type)
            .is_some_and(|names| names.texts.iter().any(|text| text == property))
    }

    fn check(&self, task_type: &str, properties: &Map<String, Value>) -> Vec<PropertyProblem> {
        let Some(definition) = self.find(task_type) else {
            return Vec::new();
        };
        let mut known = properties.clone();
        if let Some(names) = self.names(task_type) {
            known.retain(|name, _| names.all.iter().any(|known| known == name));
        }
        match (definition.parse)(&known) {
            Ok(_) => Vec::new(),
            Err(PropertyError {
                path,
                message,
                hint,
            }) => vec![PropertyProblem {
                path,
                message,
                hint,
            }],
        }
    }

    fn type_names(&self) -> Vec<Cow<'static, str>> {
        self.definitions()
            .map(|definition| Cow::Borrowed(definition.task_type))
            .collect()
    }
}

impl InlineTasks for Catalogue {
    fn run(
        &self,
        task_type: &str,
        properties: &Arc<Map<String, Value>>,
        scope: &Scope<'_>,
    ) -> InlineResult {
        let message = match self.ready(task_type, properties) {
            Ok(Ready::Inline(task)) => return inline::run(&*task, scope),
            Ok(Ready::Update(_)) => format!("`{task_type}` gives no outputs of its own"),
            Err(error) => error.to_string(),
        };
        InlineResult::Failed {
            message,
            done: InlineDone::default(),
        }
    }

    fn update(
        &self,
        task_type: &str,
        properties: &Arc<Map<String, Value>>,
        scope: &Scope<'_>,
    ) -> UpdateResult {
        match self.ready(task_type, properties) {
            Ok(Ready::Update(task)) => inline::update(&*task, scope),
            Ok(Ready::Inline(_)) => {
                UpdateResult::Failed(format!("`{task_type}` does not change the execution"))
            }
            Err(error) => UpdateResult::Failed(error.to_string()),
        }
    }
}

fn names_in(schema: &Schema) -> Names {
    let properties = schema.get("properties").and_then(Value::as_object);
    let is_text = |schema: &Value| {
        let takes_text = schema
            .get("type")
            .is_some_and(|kind| *kind == "string" || *kind == json!(["string", "null"]));
        takes_text && schema.get("enum").is_none() && schema.get("format").is_none()
    };
    let properties = || properties.into_iter().flatten();
    Names {
        all: properties()
            .map(|(name, _)| Cow::Owned(name.clone()))
            .collect(),
        texts: properties()
            .filter(|(_, schema)| is_text(schema))
            .map(|(name, _)| name.clone())
            .collect(),
    }
}

fn unknown_type(task_type: &str) -> PropertyError {
    PropertyError::new("type", format!("no task type `{task_type}`"))
}

fn document(definition: &Definition) -> Documentation {
    let properties = (definition.properties)();
    let text = properties
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let (title, description) = text.split_once("\n\n").unwrap_or((text, ""));
    Documentation {
        task_type: definition.task_type,
        aliases: definition.aliases,
        title: title.trim_end_matches('.').replace('\n', " "),
        description: description.to_owned(),
        outputs: (definition.outputs)(),
        example: definition.example,
        properties,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flowmill_common::compile::Catalogue as _;
    use flowmill_expression::{Engine, FixedHost, Options, Value as Variable};

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn every_type_and_alias_is_registered() {
        let catalogue = Catalogue::new();
        let lines = catalogue.definitions().map(|definition| {
            let place = match definition.place {
                compile::Placement::Runnable(place) => format!("{place:?}"),
                compile::Placement::Update => "Update".to_owned(),
            };
            let names: Vec<_> = std::iter::once(definition.task_type)
                .chain(definition.aliases.iter().copied())
                .collect();
            format!("{place:8} {}", names.join(" = "))
        });
        insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn every_type_is_documented_with_its_properties_and_an_example_of_its_own() {
        for documentation in Catalogue::new().documentation() {
            let name = documentation.task_type;
            assert!(!documentation.title.is_empty(), "{name} has no title");
            assert!(
                documentation.example.contains(name),
                "the example of {name} does not use it"
            );
            let properties = documentation
                .properties
                .get("properties")
                .and_then(Value::as_object);
            for (property, schema) in properties.into_iter().flatten() {
                assert!(
                    schema.get("description").is_some(),
                    "`{property}` of {name} is not documented"
                );
            }
        }
    }

    #[test]
    fn every_example_compiles_without_a_warning() {
        let catalogue = Catalogue::new();
        let options = compile::Options {
            engine: Some(Engine::new(Options::default())),
            ..compile::Options::default()
        };
        for documentation in catalogue.documentation() {
            let compiled = compile::compile(documentation.example, &catalogue, &options);
            let findings = compiled.map_or_else(|findings| findings, |compiled| compiled.warnings);
            assert!(
                findings.is_empty(),
                "{}: {findings:#?}",
                documentation.task_type
            );
        }
    }

    #[test]
    fn an_older_name_is_resolved_and_a_wrong_property_is_named() {
        let catalogue = Catalogue::new();
        let name = catalogue
            .resolve("io.kestra.core.tasks.log.Log")
            .unwrap()
            .name;
        assert_eq!(name, "io.kestra.plugin.core.log.Log");
        assert_eq!(
            catalogue.property_names(&name).unwrap(),
            ["message", "level"]
        );
        assert!(!catalogue.is_text(&name, "message") && !catalogue.is_text(&name, "level"));
        assert!(catalogue.is_text("io.kestra.plugin.core.debug.Return", "format"));
        let problems = catalogue.check(&name, &map(json!({"message": "x", "level": "LOUD"})));
        assert_eq!(problems[0].path, "level");
        assert!(
            catalogue
                .check(
                    &name,
                    &map(json!({"message": "x", "level": "{{ inputs.level }}", "other": 1}))
                )
                .is_empty()
        );
        assert_eq!(
            catalogue.check(&name, &Map::new())[0].message,
            "missing property `message`"
        );
    }

    #[test]
    fn an_inline_task_is_read_once_for_all_its_runs() {
        let catalogue = Catalogue::new();
        let properties = Arc::new(map(json!({
            "id": "a", "type": "io.kestra.plugin.core.debug.Return", "format": "hello", "allowFailure": true,
        })));
        let engine = Engine::new(Options::default());
        let variables = Variable::from(json!({}));
        let scope = Scope {
            engine: &engine,
            root: variables.as_object().unwrap(),
            host: &FixedHost::default(),
        };
        for _ in 0..2 {
            let result = InlineTasks::run(
                &catalogue,
                "io.kestra.plugin.core.debug.Return",
                &properties,
                &scope,
            );
            let InlineResult::Done(done) = result else {
                panic!("{result:?}")
            };
            assert_eq!(done.outputs, map(json!({"value": "hello"})));
        }
        assert_eq!(catalogue.read.read().unwrap().len(), 1);
        let wrong = InlineTasks::update(
            &catalogue,
            "io.kestra.plugin.core.debug.Return",
            &properties,
            &scope,
        );
        assert!(matches!(wrong, UpdateResult::Failed(_)));
    }

    /// `cargo test --release -p flowmill-tasks --lib -- --ignored --nocapture inline`
    #[test]
    #[ignore = "measures; run by hand"]
    #[allow(clippy::print_stderr, reason = "that is what it is for")]
    fn an_inline_task_costs_little_beside_its_rendering() {
        let catalogue = Catalogue::new();
        let engine = Engine::new(Options::default());
        let variables = Variable::from(json!({"a": "b"}));
        let root = variables.as_object().unwrap();
        let host = FixedHost::default();
        let scope = Scope {
            engine: &engine,
            root,
            host: &host,
        };
        for format in ["hello", "{{ a }}"] {
            let properties = Arc::new(map(json!({"id": "a", "type": "t", "format": format})));
            let rounds = 100_000;
            let start = std::time::Instant::now();
            for _ in 0..rounds {
                let name = "io.kestra.plugin.core.debug.Return";
                std::hint::black_box(InlineTasks::run(&catalogue, name, &properties, &scope));
            }
            let all = start.elapsed() / rounds;
            let start = std::time::Instant::now();
            for _ in 0..rounds {
                std::hint::black_box(engine.render(format, root, &host)).unwrap();
            }
            eprintln!(
                "`{format}`: {all:?}, of which rendering {:?}",
                start.elapsed() / rounds
            );
        }
    }
}
