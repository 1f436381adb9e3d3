//! One rendering: its variables, its host, and what it has cost so far.

use std::cell::Cell;

use crate::engine::Shared;
use crate::error::{Error, Limit};
use crate::formats::text::{Text, too_large};
use crate::{Answer, Host, Limits, Need, Object, Profile, Value};

/// What all texts of one rendering share.
pub(crate) struct Session<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) root: &'a dyn Object,
    pub(crate) host: &'a dyn Host,
    steps: Cell<u64>,
    depth: Cell<usize>,
}

impl<'a> Session<'a> {
    pub(crate) fn new(shared: &'a Shared, root: &'a dyn Object, host: &'a dyn Host) -> Session<'a> {
        Session {
            shared,
            root,
            host,
            steps: Cell::new(0),
            depth: Cell::new(0),
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.shared.options.limits
    }

    pub(crate) fn profile(&self) -> Profile {
        self.shared.options.profile
    }

    /// Counts one step.
    #[inline]
    pub(crate) fn step(&self) -> Result<(), Error> {
        self.charge(1)
    }

    /// Counts many steps at once, before they are made.
    #[inline]
    pub(crate) fn charge(&self, steps: usize) -> Result<(), Error> {
        let total = self.steps.get().saturating_add(steps as u64);
        self.steps.set(total);
        if total > self.limits().steps {
            Err(self.too_many_steps())
        } else {
            Ok(())
        }
    }

    #[cold]
    fn too_many_steps(&self) -> Error {
        let message = format!(
            "the expression takes more than {} steps (`limits.steps`)",
            self.limits().steps
        );
        Error::limit(Limit::Steps, message)
    }

    /// Goes one level of calls deeper; [`Session::leave`] comes back.
    pub(super) fn enter(&self) -> Result<(), Error> {
        let depth = self.depth.get();
        if depth >= self.limits().depth {
            let message = format!(
                "the expression calls deeper than {} (`limits.depth`)",
                self.limits().depth
            );
            return Err(Error::limit(Limit::Depth, message));
        }
        self.depth.set(depth + 1);
        Ok(())
    }

    pub(super) fn leave(&self) {
        self.depth.set(self.depth.get() - 1);
    }

    /// An empty text that may grow to the limit.
    pub(crate) fn text(&self) -> Text {
        Text::new(self.limits().output_bytes)
    }

    /// Refuses values that nest too deep, and texts that are too large.
    #[inline]
    pub(crate) fn accept(&self, value: Value) -> Result<Value, Error> {
        match &value {
            Value::List(_) | Value::Map(_) if value.depth() > self.limits().value_depth => {
                let message = format!(
                    "a value nests deeper than {} (`limits.valueDepth`)",
                    self.limits().value_depth
                );
                Err(Error::limit(Limit::ValueDepth, message))
            }
            Value::List(_) | Value::Map(_) if value.weight() > self.limits().output_bytes => {
                Err(too_large(self.limits().output_bytes))
            }
            Value::Str(text) if text.len() > self.limits().output_bytes => {
                Err(too_large(self.limits().output_bytes))
            }
            _ => Ok(value),
        }
    }

    /// Asks the host; `Ok(None)` when there is no such thing.
    pub(crate) fn ask(&self, need: Need) -> Result<Option<Value>, Error> {
        match self.host.ask(&need) {
            Answer::Value(value) => Ok(Some(value)),
            Answer::Missing => Ok(None),
            Answer::Failed(message) => Err(Error::evaluation(message)),
            Answer::Pending => Err(Error::need(need)),
        }
    }
}
