//! YAML to [`Flow`]: parsing, plugin defaults, typing and every rule that a flow must keep.
//!
//! [`compile`] reads one document. What Kestra refuses is an error, in Kestra's words; what Kestra takes though it cannot work (an
//! expression that does not parse, a reference to a task that does not exist) is a warning. Every finding has its line and column,
//! inside of block scalars too. Flowables are known here; the runnable task types come from a [`Catalogue`].

mod catalogue;
mod defaults;
mod document;
mod expressions;
mod flow;
mod flowable;
mod graph;
mod input;
mod input_type;
mod kinds;
mod labels;
mod names;
mod object;
mod order;
mod report;
mod retry;
mod rules;
mod single;
mod task;
mod trigger;

use serde_json::{Map, Value};

pub use catalogue::{Catalogue, Placement, PropertyProblem, TaskType};

pub use single::{check_trigger, compile_task};

use crate::flow::Flow;
use crate::yaml::{Diagnostic, Limits};

/// How a document is compiled.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What the document may cost to read.
    pub limits: Limits,
    /// The revision that the flow gets; none: what the document says, or 1.
    pub revision: Option<u32>,
    /// Defaults of the whole server; those of the flow go before them.
    pub plugin_defaults: Vec<PluginDefault>,
    /// What expressions are checked with; none: they are not looked at.
    pub engine: Option<flowmill_expression::Engine>,
}

/// Values for the properties of all tasks, triggers and task runners of a type.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PluginDefault {
    /// The type, or what types begin with: `io.kestra.plugin.aws`.
    #[serde(rename = "type")]
    pub plugin_type: String,
    /// Whether it goes before what the flow says. Default false.
    #[serde(default)]
    pub forced: bool,
    /// The properties.
    pub values: Map<String, Value>,
}

/// A flow, and what is worth knowing about it.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The flow.
    pub flow: Flow,
    /// Warnings and information, in the order of the text.
    pub warnings: Vec<Diagnostic>,
}

/// Compiles one document. An `Err` holds all findings in the order of the text, at least one of them an error.
pub fn compile(
    source: &str,
    catalogue: &dyn Catalogue,
    options: &Options,
) -> Result<Compiled, Vec<Diagnostic>> {
    flow::compile(source, catalogue, options)
}

#[cfg(test)]
mod tests;
