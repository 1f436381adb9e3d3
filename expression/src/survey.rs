//! What a tree mentions: paths, calls, and calls that can never work.

use std::sync::Arc;

use crate::engine::Template;
use crate::nearest::nearest;
use crate::syntax::Binary;
use crate::syntax::ast::{Arguments, Call, Expression, ExpressionKind, Node, Span, Step, StepKind};
use crate::table::{self, Function};
use crate::value::Value;

/// What a tree mentions.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    pub(crate) paths: Vec<PathUse>,
    pub(crate) calls: Vec<CallUse>,
    pub(crate) problems: Vec<Problem>,
    /// Whether any variable at all may be read.
    pub(crate) everything: bool,
}

/// A path from a root variable.
#[derive(Debug)]
pub(crate) struct PathUse {
    pub(crate) segments: Vec<(Arc<str>, Span)>,
    /// Whether it may be missing without an error: on the left of `??`, before `default` or `is defined`.
    pub(crate) guarded: bool,
    /// Whether it may never be read: in a branch, a loop, or behind `and`.
    pub(crate) conditional: bool,
}

/// A call of a function.
#[derive(Debug)]
pub(crate) struct CallUse {
    pub(crate) name: Arc<str>,
    /// The first argument, if it is a constant text.
    pub(crate) constant: Option<Arc<str>>,
    /// Whether a namespace is given.
    pub(crate) has_namespace: bool,
}

/// A call that fails whenever it is evaluated.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) kind: ProblemKind,
    pub(crate) message: String,
    pub(crate) suggestion: Option<String>,
    pub(crate) span: Span,
    pub(crate) conditional: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProblemKind {
    Filter,
    Function,
    Test,
    Arguments,
}

/// Looks through a template.
pub(crate) fn survey(template: &Template) -> Survey {
    let mut surveyor = Surveyor {
        template,
        survey: Survey::default(),
        locals: Vec::new(),
        conditional: false,
        root_is_hidden: false,
    };
    surveyor.nodes(&template.tree().nodes);
    for (_, body) in &template.tree().blocks {
        surveyor.branch(|surveyor| surveyor.nodes(body));
    }
    for found in &template.tree().macros {
        surveyor.root_is_hidden = true;
        surveyor.branch(|surveyor| {
            for (_, default) in &found.parameters {
                if let Some(default) = default {
                    surveyor.expression(default, false);
                }
            }
            surveyor.nodes(&found.body);
        });
        surveyor.root_is_hidden = false;
    }
    surveyor.survey
}

struct Surveyor<'t> {
    template: &'t Template,
    survey: Survey,
    /// Variables the text certainly made before the place that is looked at.
    locals: Vec<Arc<str>>,
    conditional: bool,
    root_is_hidden: bool,
}

impl Surveyor<'_> {
    fn nodes(&mut self, nodes: &[Node]) {
        for node in nodes {
            match node {
                Node::Text(_) | Node::Block(_) => {}
                Node::Print(expression) => self.expression(expression, false),
                Node::If {
                    branches,
                    otherwise,
                } => {
                    for (index, (condition, body)) in branches.iter().enumerate() {
                        if index == 0 {
                            self.expression(condition, false);
                        } else {
                            self.branch(|surveyor| surveyor.expression(condition, false));
                        }
                        self.branch(|surveyor| surveyor.nodes(body));
                    }
                    self.branch(|surveyor| surveyor.nodes(otherwise));
                }
                Node::For {
                    name,
                    iterable,
                    body,
                    otherwise,
                } => {
                    self.expression(iterable, false);
                    self.branch(|surveyor| {
                        surveyor.locals.push(Arc::from("loop"));
                        surveyor.locals.push(Arc::clone(name));
                        surveyor.nodes(body);
                    });
                    self.branch(|surveyor| surveyor.nodes(otherwise));
                }
                Node::Set { name, value } => {
                    self.expression(value, false);
                    self.locals.push(Arc::clone(name));
                }
                Node::Filter { calls, body } => {
                    self.nodes(body);
                    for call in calls {
                        self.filter_call(call);
                    }
                }
            }
        }
    }

    /// Looks at something that may not be evaluated; what it sets is not certain afterwards.
    fn branch(&mut self, look: impl FnOnce(&mut Self)) {
        let (conditional, locals) = (self.conditional, self.locals.len());
        self.conditional = true;
        look(self);
        self.conditional = conditional;
        self.locals.truncate(locals);
    }

    fn expression(&mut self, expression: &Expression, guarded: bool) {
        match &expression.kind {
            ExpressionKind::Literal(_) => {}
            ExpressionKind::Interpolated(parts) | ExpressionKind::List(parts) => {
                parts.iter().for_each(|part| self.expression(part, guarded));
            }
            ExpressionKind::Map(entries) => {
                for (key, value) in entries {
                    self.expression(key, guarded);
                    self.expression(value, guarded);
                }
            }
            ExpressionKind::Name(name) => self.path(name, expression.span, &[], guarded),
            ExpressionKind::Unary(_, operand) => self.expression(operand, guarded),
            ExpressionKind::Ternary(parts) => {
                let [condition, then, otherwise] = &**parts;
                self.expression(condition, guarded);
                self.branch(|surveyor| surveyor.expression(then, guarded));
                self.branch(|surveyor| surveyor.expression(otherwise, guarded));
            }
            ExpressionKind::Function(call) => self.function_call(call),
            ExpressionKind::Chain(first, steps) => self.chain(first, steps, guarded),
        }
    }

    fn chain(&mut self, first: &Expression, steps: &[Step], guarded: bool) {
        let guard = steps.iter().rposition(guards);
        let first_is_guarded = guarded || guard.is_some();
        match &first.kind {
            ExpressionKind::Name(name) => self.path(name, first.span, steps, first_is_guarded),
            _ => self.expression(first, first_is_guarded),
        }
        for (index, step) in steps.iter().enumerate() {
            let guarded = guarded || guard.is_some_and(|guard| index < guard);
            match &step.kind {
                StepKind::Attribute(_) => {}
                StepKind::Method { arguments, .. } => self.arguments(arguments, guarded),
                StepKind::Index(index) => self.expression(index, guarded),
                StepKind::Concat(parts) => {
                    parts.iter().for_each(|part| self.expression(part, guarded))
                }
                StepKind::Binary(binary, right) => {
                    let lazy = matches!(
                        binary,
                        Binary::And | Binary::Or | Binary::Coalesce | Binary::CoalesceUndefined
                    );
                    if lazy {
                        self.branch(|surveyor| surveyor.expression(right, guarded));
                    } else {
                        self.expression(right, guarded);
                    }
                }
                StepKind::Filter(call) => self.filter_call(call),
                StepKind::Test { call, .. } => self.test_call(call),
            }
        }
    }

    /// Notes a variable and the constant attributes behind it.
    fn path(&mut self, name: &Arc<str>, span: Span, steps: &[Step], guarded: bool) {
        if self.root_is_hidden || self.locals.contains(name) {
            return;
        }
        let mut segments = vec![(Arc::clone(name), span)];
        for step in steps {
            match &step.kind {
                StepKind::Attribute(name) => segments.push((Arc::clone(name), step.span)),
                _ => break,
            }
        }
        self.survey.paths.push(PathUse {
            segments,
            guarded,
            conditional: self.conditional,
        });
    }

    /// Notes a path that a function reads by itself.
    fn read(&mut self, path: &[&str]) {
        if self.root_is_hidden {
            return;
        }
        let segments = path
            .iter()
            .map(|name| (Arc::from(*name), Span::default()))
            .collect();
        self.survey.paths.push(PathUse {
            segments,
            guarded: true,
            conditional: self.conditional,
        });
    }

    fn arguments(&mut self, arguments: &Arguments, guarded: bool) {
        arguments
            .iter()
            .for_each(|argument| self.expression(argument, guarded));
    }

    fn filter_call(&mut self, call: &Call<table::Filter>) {
        self.arguments(&call.arguments, false);
        if call.target.is_none() {
            let names = table::all_filters().map(|filter| filter.name);
            self.missing(ProblemKind::Filter, "filter", &call.name, call.span, names);
        }
        self.check_arguments(call);
    }

    fn test_call(&mut self, call: &Call<table::Test>) {
        self.arguments(&call.arguments, false);
        if call.target.is_none() {
            let names = crate::tests::TESTS.iter().map(|test| test.name);
            self.missing(ProblemKind::Test, "test", &call.name, call.span, names);
        }
        self.check_arguments(call);
    }

    fn function_call(&mut self, call: &Call<Function>) {
        self.arguments(&call.arguments, false);
        self.check_arguments(call);
        if call.target.is_none() {
            return self.macro_call(call);
        }
        let first = call.arguments.positional.first().or_else(|| {
            let named = &call.arguments.named;
            named
                .iter()
                .find(|(name, _)| matches!(&**name, "key" | "name" | "toRender"))
                .map(|(_, value)| value)
        });
        let constant = match first.map(|argument| &argument.kind) {
            Some(ExpressionKind::Literal(Value::Str(text))) => Some(Arc::clone(text)),
            _ => None,
        };
        match &*call.name {
            "printContext" | "fetchContext" => self.survey.everything |= !self.root_is_hidden,
            "render" | "renderOnce" => match &constant {
                Some(text) if !text.contains('{') => {}
                _ => self.survey.everything |= !self.root_is_hidden,
            },
            "currentEachOutput" => {
                self.read(&["parents"]);
                self.read(&["taskrun"]);
            }
            "tasksWithState" => self.read(&["tasks"]),
            "parentOutput" => ["parent", "parents", "outputs"]
                .iter()
                .for_each(|root| self.read(&[*root])),
            "iterationOutput" => {
                ["taskrun", "task", "parents", "outputs"]
                    .iter()
                    .for_each(|root| self.read(&[*root]));
            }
            "env" => match &constant {
                Some(name) => self.read(&["envs", name]),
                None => self.read(&["envs"]),
            },
            "fileURI" | "kv" | "read" | "fileSize" | "isFileEmpty" => {
                self.read(&["flow", "namespace"])
            }
            "subflow" => {
                self.read(&["taskrun"]);
                self.read(&["trigger"]);
            }
            _ => {}
        }
        let has_namespace = call.arguments.positional.len() > 1
            || call
                .arguments
                .named
                .iter()
                .any(|(name, _)| **name == *"namespace");
        self.survey.calls.push(CallUse {
            name: Arc::clone(&call.name),
            constant,
            has_namespace,
        });
    }

    fn macro_call(&mut self, call: &Call<Function>) {
        let macros = &self.template.tree().macros;
        let Some(found) = macros.iter().find(|known| known.name == call.name) else {
            let names: Vec<&str> = table::all_functions()
                .map(|function| function.name)
                .chain(macros.iter().map(|known| &*known.name))
                .collect();
            return self.missing(
                ProblemKind::Function,
                "function or macro",
                &call.name,
                call.span,
                names.into_iter(),
            );
        };
        let allowed = found.parameters.len();
        let unknown = call
            .arguments
            .named
            .iter()
            .find(|(name, _)| found.parameters.iter().all(|(known, _)| known != name));
        let message = match unknown {
            _ if call.arguments.positional.len() > allowed => table::surplus(allowed),
            Some((name, _)) => format!("The following named argument does not exist: {name}"),
            None => return,
        };
        self.problem(ProblemKind::Arguments, message, None, call.span);
    }

    fn check_arguments<T>(&mut self, call: &Call<T>) {
        if let Err(message) = &call.slots {
            self.problem(ProblemKind::Arguments, message.clone(), None, call.span);
        }
    }

    fn missing<'n>(
        &mut self,
        kind: ProblemKind,
        what: &str,
        name: &str,
        span: Span,
        names: impl Iterator<Item = &'n str>,
    ) {
        let suggestion = nearest(name, names, 1).pop();
        let message = match &suggestion {
            Some(near) => format!("{what} `{name}` does not exist; did you mean `{near}`?"),
            None => format!("{what} `{name}` does not exist"),
        };
        self.problem(kind, message, suggestion, span);
    }

    fn problem(
        &mut self,
        kind: ProblemKind,
        message: String,
        suggestion: Option<String>,
        span: Span,
    ) {
        let conditional = self.conditional;
        self.survey.problems.push(Problem {
            kind,
            message,
            suggestion,
            span,
            conditional,
        });
    }
}

/// Whether a step makes something of what is undefined to its left.
fn guards(step: &Step) -> bool {
    match &step.kind {
        StepKind::Binary(binary, _) => {
            matches!(binary, Binary::Coalesce | Binary::CoalesceUndefined)
        }
        StepKind::Filter(call) => &*call.name == "default",
        StepKind::Test { call, .. } => &*call.name == "defined",
        _ => false,
    }
}
