//! From tree to value and text.

mod attribute;
mod call;
mod chain;
mod expression;
mod methods;
pub(crate) mod operators;
pub(crate) mod output;
mod scope;
mod session;
mod tags;

pub(crate) use self::call::{Call, forbid_text};
pub(crate) use self::operators::{compare_values, is_true};
pub(crate) use self::output::Output;
pub(crate) use self::scope::{Barrier, Scopes};
pub(crate) use self::session::Session;

use std::sync::Arc;

use crate::Error;
use crate::engine::Template;
use crate::syntax::ast::Span;

/// Evaluates one text within one rendering.
pub(crate) struct Evaluator<'a> {
    pub(crate) session: &'a Session<'a>,
    pub(crate) template: &'a Template,
    pub(crate) scopes: &'a mut Scopes,
}

impl<'a> Evaluator<'a> {
    /// Evaluates the whole text into an output.
    pub(crate) fn run(&mut self, output: &mut Output) -> Result<(), Error> {
        let template = self.template;
        self.nodes(&template.tree().nodes, output)
    }

    /// Notes the place of an error that has none yet.
    fn at(&self, span: Span, error: Error) -> Error {
        if error.has_place() {
            return error;
        }
        error.at(self.source(), span.offset as usize, span.length as usize)
    }

    fn source(&self) -> &Arc<str> {
        self.template.source()
    }

    /// Counts one level of calls for as long as `run` takes.
    fn deeper<T>(&mut self, run: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        self.session.enter()?;
        let result = run(self);
        self.session.leave();
        result
    }
}
