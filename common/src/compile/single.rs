//! One task or one trigger on its own: what an editor checks while it is written, and what tasks that hold tasks compile.

use std::cell::RefCell;
use std::sync::Arc;

use super::catalogue::Catalogue;
use super::flow::Compiler;
use super::object::Object;
use super::report::{Path, Report};
use super::{Options, defaults};
use crate::flow::Task;
use crate::yaml::{self, Diagnostic, Node};

/// Compiles one task, the server's plugin defaults applied. An `Err` holds all findings, at least one of them an error.
pub fn compile_task(
    source: &str,
    catalogue: &dyn Catalogue,
    options: &Options,
) -> Result<(Arc<Task>, Vec<Diagnostic>), Vec<Diagnostic>> {
    let (node, problems) = yaml::compose(source, &options.limits);
    let Some(node) = node else {
        return Err(problems);
    };
    let report = Report::new(source, problems);
    let task = {
        let compiler = Compiler {
            catalogue,
            options,
            report: &report,
            task_ids: RefCell::default(),
        };
        let found = defaults::of_server(node.span, &compiler);
        let complete = defaults::applied_to_one(&node, &found, &compiler);
        let compiler = Compiler {
            catalogue,
            options,
            report: &report,
            task_ids: RefCell::default(),
        };
        let task = compiler.task(&complete, &Path::default());
        let ids = compiler.task_ids.take();
        compiler.refuse_duplicates(&ids, "task id with name");
        task
    };
    let failed = report.has_errors();
    match task {
        Some(task) if !failed => Ok((task, report.finish())),
        _ => Err(report.finish()),
    }
}

/// What is wrong with one trigger, and what is worth knowing about it.
pub fn check_trigger(
    source: &str,
    catalogue: &dyn Catalogue,
    options: &Options,
) -> Vec<Diagnostic> {
    let (node, problems) = yaml::compose(source, &options.limits);
    let Some(node) = node else { return problems };
    let report = Report::new(source, problems);
    check_one_trigger(&node, catalogue, options, &report);
    report.finish()
}

fn check_one_trigger(
    node: &Node,
    catalogue: &dyn Catalogue,
    options: &Options,
    report: &Report<'_>,
) {
    let compiler = Compiler {
        catalogue,
        options,
        report,
        task_ids: RefCell::default(),
    };
    if let Some(trigger) = Object::of(node, Path::default(), report) {
        compiler.trigger(&trigger);
    }
}
