//! Declared inputs and outputs.

use std::collections::HashSet;
use std::sync::Arc;

use indexmap::IndexMap;

use super::flow::{Compiler, NamedPlace};
use super::graph::cyclic;
use super::input_type::{TYPES, default_value, properties, property_names};
use super::names::INPUT_ID;
use super::object::Object;
use crate::flow::{DependsOn, FlowOutput, Input, InputType};
use crate::yaml::{Diagnostic, DiagnosticKind, Node};

const OUTPUT_PROPERTIES: [&str; 7] = [
    "id",
    "name",
    "type",
    "value",
    "description",
    "displayName",
    "required",
];

impl<'a> Compiler<'a> {
    /// The inputs of a flow, those of forms under their full ids.
    pub(super) fn inputs(&self, object: &Object<'a>) -> Vec<Input> {
        let mut reader = InputReader {
            compiler: self,
            inputs: Vec::new(),
            names: Vec::new(),
            places: Vec::new(),
        };
        let path = object.path.key("inputs");
        for (index, item) in object.list("inputs").unwrap_or_default().iter().enumerate() {
            if let Some(input) = Object::of(item, path.index(index), self.report) {
                reader.top(&input);
            }
        }
        self.refuse_duplicates(&reader.names, "input with name");
        reader.check_paths();
        reader.check_dependencies();
        reader.inputs
    }

    /// The outputs of a flow.
    pub(super) fn outputs(&self, object: &Object<'a>) -> Vec<FlowOutput> {
        let path = object.path.key("outputs");
        let mut names = Vec::new();
        let mut outputs = Vec::new();
        for (index, item) in object
            .list("outputs")
            .unwrap_or_default()
            .iter()
            .enumerate()
        {
            let Some(output) = Object::of(item, path.index(index), self.report) else {
                continue;
            };
            output.refuse_unknown("io.kestra.core.models.flows.Output", &OUTPUT_PROPERTIES);
            let id = self.data_id(&output);
            let output_type = self.data_type(&output);
            let value = output.required("value").map(Node::to_json);
            let required = output.flag("required").unwrap_or(true);
            if let Some(id) = &id {
                names.push((Arc::clone(id), output.span_of("id"), output.path.key("id")));
            }
            if let (Some(id), Some(output_type), Some(value)) = (id, output_type, value) {
                outputs.push(FlowOutput {
                    id,
                    output_type,
                    value,
                    required,
                });
            }
        }
        self.refuse_duplicates(&names, "output with name");
        outputs
    }

    fn data_id(&self, object: &Object<'a>) -> Option<Arc<str>> {
        let key = if object.node("id").is_none() && object.node("name").is_some() {
            "name"
        } else {
            "id"
        };
        let id = object.required_text(key)?;
        if key == "name" {
            let message = "`name` is deprecated, use `id`";
            let path = object.path.key(key);
            self.report.warn(
                DiagnosticKind::Deprecation,
                &path,
                object.key_span(key),
                message,
            );
        }
        if !INPUT_ID.fits(id) {
            let diagnostic = Diagnostic::error(
                DiagnosticKind::Rule,
                format!("must match \"{}\"", INPUT_ID.text),
            )
            .titled(format!("`{id}` cannot be the id of an input or output"))
            .with_hint("letters, digits, `.`, `_` and `-` only, the first a letter or a digit");
            self.report
                .add(diagnostic, &object.path.key(key), object.span_of(key));
        }
        Some(id.into())
    }

    fn data_type(&self, object: &Object<'a>) -> Option<InputType> {
        let Some(written) = object.text("type") else {
            object.required("type");
            return None;
        };
        let found = TYPES
            .iter()
            .find(|(name, _)| *name == written)
            .map(|(_, input_type)| *input_type);
        if found.is_none() {
            self.refuse_type(object, "type", written);
        }
        found
    }

    fn refuse_type(&self, object: &Object<'a>, key: &str, written: &str) {
        let diagnostic = match written {
            "REUSABLE_INPUTS" => Diagnostic::error(
                DiagnosticKind::Unsupported,
                "inputs of type REUSABLE_INPUTS are only available in Kestra's Enterprise Edition",
            ),
            _ => {
                let names: Vec<&str> = TYPES.iter().map(|(name, _)| *name).collect();
                let near = flowmill_expression::nearest(written, names.iter().copied(), 2);
                let hint = match &near[..] {
                    [] => format!("one of {}", names.join(", ")),
                    near => format!("did you mean `{}`?", near.join("` or `")),
                };
                Diagnostic::error(
                    DiagnosticKind::Structure,
                    format!("Invalid type: {written}"),
                )
                .titled(format!("`{written}` is no type of inputs and outputs"))
                .with_hint(hint)
            }
        };
        self.report
            .add(diagnostic, &object.path.key(key), object.span_of(key));
    }
}

struct InputReader<'c, 'a> {
    compiler: &'c Compiler<'a>,
    inputs: Vec<Input>,
    /// Ids as they were declared at the top.
    names: Vec<NamedPlace>,
    /// Full ids of all inputs that take a value.
    places: Vec<NamedPlace>,
}

impl<'a> InputReader<'_, 'a> {
    fn top(&mut self, object: &Object<'a>) {
        let id = self.compiler.data_id(object);
        let input_type = self.compiler.data_type(object);
        if let Some(id) = &id {
            self.names.push((
                Arc::clone(id),
                object.span_of(id_key(object)),
                object.path.key("id"),
            ));
        }
        let Some(input_type) = input_type else { return };
        if input_type == InputType::Form {
            self.form(object, id);
        } else {
            self.value(object, id, input_type, None);
        }
    }

    /// A form takes no value itself; its children go by `<form>.<child>`. It stays in the list only if it depends on something, so
    /// that its children can depend on it.
    fn form(&mut self, object: &Object<'a>, id: Option<Arc<str>>) {
        self.refuse_unknown(object, InputType::Form);
        for key in ["defaults", "prefill"] {
            if object.node(key).is_some() {
                object.rule(key, format!("inputs of type 'FORM' cannot have `{key}`"));
            }
        }
        let depends_on = self.depends_on(object);
        if object.required("inputs").is_none() {
            return;
        }
        let items = object.list("inputs").unwrap_or_default();
        if items.is_empty() {
            object.rule("inputs", "must not be empty");
        }
        let Some(id) = id else { return };
        let parent = depends_on.is_some().then(|| Arc::clone(&id));
        if depends_on.is_some() {
            self.inputs.push(Input {
                id: Arc::clone(&id),
                input_type: InputType::Form,
                required: false,
                defaults: None,
                depends_on,
                properties: Arc::new(properties(object)),
            });
        }
        let path = object.path.key("inputs");
        for (index, item) in items.iter().enumerate() {
            let Some(child) = Object::of(item, path.index(index), self.compiler.report) else {
                continue;
            };
            let child_id = self.compiler.data_id(&child);
            let Some(input_type) = self.compiler.data_type(&child) else {
                continue;
            };
            if input_type == InputType::Form {
                child.rule("type", "inputs of type 'FORM' cannot be nested in a FORM");
                continue;
            }
            let full = child_id.map(|child_id| Arc::from(format!("{id}.{child_id}")));
            self.value(&child, full, input_type, parent.as_ref());
        }
    }

    fn value(
        &mut self,
        object: &Object<'a>,
        id: Option<Arc<str>>,
        input_type: InputType,
        form: Option<&Arc<str>>,
    ) {
        self.refuse_unknown(object, input_type);
        let required = object.flag("required").unwrap_or(true);
        self.check_defaults(object, input_type);
        self.check_type(object, input_type);
        let mut depends_on = self.depends_on(object);
        if let Some(form) = form {
            let own = depends_on.get_or_insert_with(|| DependsOn {
                inputs: Vec::new(),
                condition: None,
            });
            own.inputs.insert(0, form.to_string());
        }
        let Some(id) = id else { return };
        self.places.push((
            Arc::clone(&id),
            object.span_of(id_key(object)),
            object.path.key("id"),
        ));
        let input = Input {
            id,
            input_type,
            required,
            defaults: object
                .node("defaults")
                .map(|node| default_value(node, input_type)),
            depends_on,
            properties: Arc::new(properties(object)),
        };
        if let Some(problem) = crate::inputs::literal_default_problem(&input) {
            let first = problem.lines().next().unwrap_or_default();
            let message = format!("the default of input `{}` is not valid: {first}", input.id);
            let path = object.path.key("defaults");
            let report = self.compiler.report;
            report.warn(
                DiagnosticKind::Rule,
                &path,
                object.span_of("defaults"),
                message,
            );
        }
        self.inputs.push(input);
    }

    fn refuse_unknown(&self, object: &Object<'a>, input_type: InputType) {
        let (class, known) = property_names(input_type);
        object.refuse_unknown(&class, &known);
    }

    fn check_defaults(&self, object: &Object<'a>, input_type: InputType) {
        let Some(defaults) = object.node("defaults") else {
            return;
        };
        let rule = |message: &str, hint: &str| {
            let diagnostic = Diagnostic::error(DiagnosticKind::Rule, message).with_hint(hint);
            self.compiler
                .report
                .add(diagnostic, &object.path, object.key_span("defaults"));
        };
        if object.flag("required") == Some(false) {
            rule(
                "Inputs with a default value must be required, since the default is always applied.",
                "remove `required: false`, or use `prefill` instead of `defaults`",
            );
        }
        if object.node("prefill").is_some() {
            rule(
                "Inputs with a default value cannot also have a prefill.",
                "keep one of `defaults` and `prefill`",
            );
        }
        if input_type == InputType::File {
            let text = defaults.as_text().unwrap_or_default();
            if !text.starts_with("file:") && !text.starts_with("nsfile:") && !text.contains("{{") {
                let message = "inputs of type 'FILE' only support `defaults` as local files using a file URI or as \
                               namespace files using a nsfile URI";
                rule(message, "for example `nsfile:///data.csv`");
            }
        }
    }

    fn check_type(&self, object: &Object<'a>, input_type: InputType) {
        match input_type {
            InputType::Array => {
                object.required("itemType");
                self.item_type(object, &[InputType::Array, InputType::Form]);
            }
            InputType::Multiselect => {
                self.item_type(
                    object,
                    &[
                        InputType::Array,
                        InputType::Secret,
                        InputType::Multiselect,
                        InputType::Select,
                        InputType::Form,
                    ],
                );
                if object.node("values").is_some() && object.node("options").is_some() {
                    object.rule("options", "you can't define both `values` and `options`");
                }
                if object.node("options").is_some() {
                    let path = object.path.key("options");
                    let message = "`options` is deprecated, use `values`";
                    self.compiler.report.warn(
                        DiagnosticKind::Deprecation,
                        &path,
                        object.key_span("options"),
                        message,
                    );
                }
                self.choices(object, &["values", "options", "expression"]);
            }
            InputType::Select => self.choices(object, &["values", "expression"]),
            InputType::Enum => {
                object.required("values");
                object.list("values");
            }
            InputType::String | InputType::Secret => self.pattern(object),
            InputType::Int => {
                object.integer("min");
                object.integer("max");
            }
            InputType::Float => {
                object.number("min");
                object.number("max");
            }
            InputType::Duration => {
                object.duration("min");
                object.duration("max");
            }
            InputType::Boolean
            | InputType::Bool
            | InputType::Datetime
            | InputType::Date
            | InputType::Time
            | InputType::File
            | InputType::Json
            | InputType::Yaml
            | InputType::Ion
            | InputType::Uri
            | InputType::Email
            | InputType::Form => {}
        }
    }

    fn item_type(&self, object: &Object<'a>, refused: &[InputType]) {
        let Some(written) = object.text("itemType") else {
            return;
        };
        match TYPES.iter().find(|(name, _)| *name == written) {
            Some((_, item_type)) if refused.contains(item_type) => {
                object.rule("itemType", format!("`itemType` cannot be `{written}`"));
            }
            Some(_) => {}
            None => self.compiler.refuse_type(object, "itemType", written),
        }
    }

    fn choices(&self, object: &Object<'a>, keys: &[&str]) {
        if keys.iter().all(|key| object.node(key).is_none()) {
            let diagnostic = Diagnostic::error(DiagnosticKind::Rule, "must not be null")
                .titled("the values to choose from are missing")
                .with_hint("give a list `values`, or an `expression` that renders to one");
            self.compiler.report.add(
                diagnostic,
                &object.path.key("values"),
                object.span_of(id_key(object)),
            );
        }
        for key in keys.iter().filter(|key| **key != "expression") {
            object.list(key);
        }
    }

    fn pattern(&self, object: &Object<'a>) {
        let Some(pattern) = object.text("validator") else {
            return;
        };
        if let Err(error) = crate::inputs::pattern(pattern) {
            let diagnostic =
                Diagnostic::error(DiagnosticKind::Rule, format!("invalid pattern [{pattern}]"))
                    .titled(format!("`{pattern}` is not a regular expression: {error}"));
            self.compiler.report.add(
                diagnostic,
                &object.path.key("validator"),
                object.span_of("validator"),
            );
        }
    }

    fn depends_on(&self, object: &Object<'a>) -> Option<DependsOn> {
        let depends_on = object.object("dependsOn")?;
        depends_on.refuse_unknown(
            "io.kestra.core.models.flows.DependsOn",
            &["inputs", "condition"],
        );
        let inputs = depends_on.texts("inputs");
        if inputs.is_empty() {
            depends_on.rule("inputs", "must not be empty");
        }
        Some(DependsOn {
            inputs,
            condition: depends_on.text("condition").map(str::to_owned),
        })
    }

    /// Dots in ids make mappings: what is a value cannot be a mapping too.
    fn check_paths(&self) {
        let report = self.compiler.report;
        let dotted: Vec<NamedPlace> = self
            .places
            .iter()
            .filter(|(id, ..)| id.contains('.'))
            .cloned()
            .collect();
        self.compiler.refuse_duplicates(&dotted, "input path");
        let ids: HashSet<&str> = self.places.iter().map(|(id, ..)| &**id).collect();
        for (id, span, path) in &self.places {
            let ancestors = id.match_indices('.').map(|(dot, _)| &id[..dot]);
            for ancestor in ancestors.filter(|ancestor| ids.contains(ancestor)) {
                let message = format!(
                    "Input path '{ancestor}' conflicts with '{id}'; one cannot be nested under the other."
                );
                report.rule(path, *span, message);
            }
        }
    }

    fn check_dependencies(&self) {
        let graph: IndexMap<&str, Vec<&str>> = self
            .inputs
            .iter()
            .map(|input| {
                let needed = input
                    .depends_on
                    .iter()
                    .flat_map(|depends_on| &depends_on.inputs);
                (&*input.id, needed.map(String::as_str).collect())
            })
            .collect();
        let cyclic: HashSet<&str> = cyclic(&graph).into_iter().collect();
        for (id, span, path) in &self.places {
            for needed in graph.get(&**id).into_iter().flatten() {
                if !graph.contains_key(needed) && !self.compiler.report.is_full() {
                    let message =
                        format!("Input with id '{id}' depends on a non-existent input '{needed}'.");
                    let mut diagnostic = Diagnostic::error(DiagnosticKind::Rule, message);
                    let near = flowmill_expression::nearest(needed, graph.keys().copied(), 1);
                    diagnostic.hint = near.first().map(|name| format!("did you mean `{name}`?"));
                    self.compiler.report.add(diagnostic, path, *span);
                }
            }
            if cyclic.contains(&**id) {
                let needed = graph
                    .get(&**id)
                    .map(|needed| needed.join(", "))
                    .unwrap_or_default();
                let message =
                    format!("Cycle dependency detected for input with id '{id}': [{needed}]");
                self.compiler.report.rule(path, *span, message);
            }
        }
    }
}

fn id_key(object: &Object<'_>) -> &'static str {
    if object.node("id").is_none() && object.node("name").is_some() {
        "name"
    } else {
        "id"
    }
}
