//! `pluginDefaults`: values put under (or, forced, over) what is written, before anything is typed.

use std::cmp::Ordering;

use super::flow::Compiler;
use super::kinds::FlowableType;
use super::names::TYPE;
use super::object::Object;
use super::report::Path;
use super::task::{COMMON_PROPERTIES, Resolved};
use crate::yaml::{DiagnosticKind, Kind, Mapping, Node, Span, Winner, merge};

/// A default of the flow or of the server.
pub(super) struct Default {
    plugin_type: String,
    forced: bool,
    values: Node,
    scope: Scope,
}

/// Where a default comes from; the flow's go before the server's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Scope {
    Server,
    Flow,
}

/// No default is put into what another default brought in deeper than this.
const DEPTH: usize = 64;

/// The defaults that hold for this document.
pub(super) fn read(written: &Node, compiler: &Compiler<'_>) -> Vec<Default> {
    let mut found = of_server(written.span, compiler);
    if let Some(object) = Object::of(written, Path::default(), compiler.report) {
        for key in ["taskDefaults", "pluginDefaults"] {
            let items = object.list(key).unwrap_or_default();
            if key == "taskDefaults" && !items.is_empty() {
                let message = "`taskDefaults` is deprecated, use `pluginDefaults`";
                let path = object.path.key(key);
                compiler.report.warn(
                    DiagnosticKind::Deprecation,
                    &path,
                    object.key_span(key),
                    message,
                );
            }
            for (index, item) in items.iter().enumerate() {
                found.extend(read_one(item, &object.path.key(key).index(index), compiler));
            }
        }
    }
    // the later one wins: the flow before the server, the longer type before the shorter
    found.sort_by(|left, right| match left.scope.cmp(&right.scope) {
        Ordering::Equal => left.plugin_type.len().cmp(&right.plugin_type.len()),
        other => other,
    });
    found
}

/// The defaults of the server; they stand nowhere in the text, so they point at `span`.
pub(super) fn of_server(span: Span, compiler: &Compiler<'_>) -> Vec<Default> {
    let defaults = compiler.options.plugin_defaults.iter();
    let mut found: Vec<Default> = defaults
        .map(|default| Default {
            plugin_type: default.plugin_type.clone(),
            forced: default.forced,
            values: Node::from_json(&serde_json::Value::Object(default.values.clone()), span),
            scope: Scope::Server,
        })
        .collect();
    found.sort_by_key(|default| default.plugin_type.len());
    found
}

fn read_one(item: &Node, path: &Path, compiler: &Compiler<'_>) -> Option<Default> {
    let object = Object::of(item, path.clone(), compiler.report)?;
    object.refuse_unknown(
        "io.kestra.core.models.flows.PluginDefault",
        &["type", "forced", "values"],
    );
    let problem = |key: &str, message: &str| {
        let message = format!("Invalid Plugin Default: {message}");
        compiler
            .report
            .rule(&object.path.key(key), object.key_span(key), message);
    };
    let plugin_type = object.text("type");
    match plugin_type {
        None => problem("type", "No 'type' provided"),
        Some(name) if !TYPE.fits(name) => {
            object.rule("type", format!("must match \"{}\"", TYPE.text))
        }
        Some(_) => {}
    }
    let values = match object.node("values") {
        None => {
            problem("values", "No 'values' provided");
            return None;
        }
        Some(_) => object.object("values")?,
    };
    let plugin_type = plugin_type?;
    check_names(&values, plugin_type, compiler);
    let forced = object.flag("forced").unwrap_or(false);
    let node = Node {
        span: values.span,
        kind: Kind::Mapping(values.mapping.clone()),
    };
    Some(Default {
        plugin_type: plugin_type.to_owned(),
        forced,
        values: node,
        scope: Scope::Flow,
    })
}

/// A default for exactly one type may only set what that type has.
fn check_names(values: &Object<'_>, plugin_type: &str, compiler: &Compiler<'_>) {
    let known: Vec<String> = match compiler.resolve(plugin_type) {
        Resolved::Flowable(flowable) => flowable
            .properties()
            .iter()
            .map(|name| (*name).to_owned())
            .collect(),
        Resolved::Catalogued(task_type) => match compiler.catalogue.property_names(&task_type.name)
        {
            Some(names) => names
                .into_iter()
                .map(std::borrow::Cow::into_owned)
                .collect(),
            None => return,
        },
        Resolved::Unbuilt(_) | Resolved::Unknown => return,
    };
    for (key, entry) in values.mapping.iter() {
        if !COMMON_PROPERTIES.contains(&key) && !known.iter().any(|name| name == key) {
            let message = format!(
                "Invalid Plugin Default: No property '{key}' exists in plugin '{plugin_type}'"
            );
            compiler
                .report
                .rule(&values.path.key(key), entry.key_span, message);
        }
    }
}

/// Puts the defaults into every mapping of a flow that has a type.
pub(super) fn apply(tree: &mut Node, defaults: &[Default], compiler: &Compiler<'_>) {
    let mut budget = Budget {
        nodes: compiler.options.limits.nodes,
        exceeded: false,
    };
    let span = tree.span;
    if let Kind::Mapping(root) = &mut tree.kind {
        for (key, member) in root.members_mut() {
            if key != "pluginDefaults" && key != "taskDefaults" {
                apply_below(member, defaults, compiler, &mut budget, 0);
            }
        }
    }
    let written = tree
        .as_mapping()
        .and_then(|root| root.entry("pluginDefaults"));
    budget.say_if_exceeded(written.map_or(span, |entry| entry.key_span), compiler);
}

/// One task, or the like, with the defaults put in.
pub(super) fn applied_to_one(node: &Node, defaults: &[Default], compiler: &Compiler<'_>) -> Node {
    let mut complete = node.clone();
    let mut budget = Budget {
        nodes: compiler.options.limits.nodes,
        exceeded: false,
    };
    apply_below(&mut complete, defaults, compiler, &mut budget, 0);
    budget.say_if_exceeded(node.span, compiler);
    complete
}

struct Budget {
    nodes: usize,
    exceeded: bool,
}

impl Budget {
    fn say_if_exceeded(&self, span: Span, compiler: &Compiler<'_>) {
        if self.exceeded {
            let message = "the plugin defaults bring in one another without end";
            let path = Path::default().key("pluginDefaults");
            compiler.report.rule(&path, span, message);
        }
    }
}

fn apply_below(
    node: &mut Node,
    defaults: &[Default],
    compiler: &Compiler<'_>,
    budget: &mut Budget,
    depth: usize,
) {
    if depth > DEPTH {
        budget.exceeded = true;
    }
    if budget.exceeded {
        return;
    }
    match &mut node.kind {
        Kind::Scalar(_) => {}
        Kind::Sequence(items) => {
            for item in items {
                apply_below(item, defaults, compiler, budget, depth + 1);
            }
        }
        Kind::Mapping(mapping) => {
            let written = mapping
                .get("type")
                .and_then(Node::as_text)
                .map(str::to_owned);
            if let Some(written) = written {
                let matching: Vec<&Default> = defaults
                    .iter()
                    .filter(|default| default.fits(&written, compiler))
                    .collect();
                if !matching.is_empty() {
                    put(mapping, &matching, node.span, budget);
                }
            }
            for member in mapping.values_mut() {
                apply_below(member, defaults, compiler, budget, depth + 1);
            }
        }
    }
}

fn put(mapping: &mut Mapping, matching: &[&Default], span: Span, budget: &mut Budget) {
    let mut base = Mapping::default();
    for default in matching.iter().filter(|default| !default.forced) {
        default.put_into(&mut base, Winner::Source, span, budget);
    }
    merge(mapping, &base, Winner::Target);
    for default in matching.iter().filter(|default| default.forced) {
        default.put_into(mapping, Winner::Source, span, budget);
    }
}

impl Default {
    fn put_into(&self, target: &mut Mapping, winner: Winner, span: Span, budget: &mut Budget) {
        let Some(values) = self.values.as_mapping() else {
            return;
        };
        budget.nodes = budget.nodes.saturating_sub(self.values.count());
        if budget.nodes == 0 {
            budget.exceeded = true;
            return;
        }
        match self.scope {
            Scope::Flow => merge(target, values, winner),
            // the server's defaults stand nowhere in this text: point at what they are put into
            Scope::Server => merge(target, &values.clone().at(span), winner),
        }
    }

    /// Whether it holds for a type: the same, or one that begins with it; under the present name or an older one.
    fn fits(&self, written: &str, compiler: &Compiler<'_>) -> bool {
        if written.starts_with(&self.plugin_type) {
            return true;
        }
        // inputs, retries and the like have types of their own that are no plugins
        if !written.contains('.') {
            return false;
        }
        let present = present_name(written, compiler);
        present.starts_with(&self.plugin_type)
            || present == present_name(&self.plugin_type, compiler)
    }
}

fn present_name(written: &str, compiler: &Compiler<'_>) -> String {
    match compiler.resolve(written) {
        Resolved::Flowable(flowable) => FlowableType::name(flowable),
        Resolved::Catalogued(task_type) => task_type.name.into_owned(),
        Resolved::Unbuilt(_) | Resolved::Unknown => written.to_owned(),
    }
}
