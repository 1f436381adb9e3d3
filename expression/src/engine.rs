//! The engine: options, caches, and the ways in.

use std::sync::Arc;

use crate::cache::Cache;
use crate::check::{Finding, Known, check};
use crate::dates::Pattern;
use crate::dates::zone::Zone;
use crate::java::regex::Regex;
use crate::jq::Program;
use crate::references::{self, References};
use crate::render;
use crate::syntax::ast::Tree;
use crate::syntax::{self};
use crate::{Error, Host, Object, Options, Value};

/// Reads and renders texts.
///
/// Compiled texts are kept in a bounded cache; an engine is shared by all threads and cheap to clone.
#[derive(Clone, Debug)]
pub struct Engine(Arc<Shared>);

/// What all renderings of one engine share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) zone: Zone,
    pub(crate) words: Words,
    pub(crate) templates: Cache<Box<str>, Template>,
    pub(crate) regexes: Cache<Box<str>, Regex>,
    pub(crate) programs: Cache<Box<str>, Program>,
    pub(crate) patterns: Cache<Box<str>, Pattern>,
}

/// Names the engine makes values under, made once.
#[derive(Debug)]
pub(crate) struct Words {
    pub(crate) loop_name: Arc<str>,
    pub(crate) first: Arc<str>,
    pub(crate) last: Arc<str>,
    pub(crate) length: Arc<str>,
    pub(crate) index: Arc<str>,
    pub(crate) revindex: Arc<str>,
}

/// A compiled text.
#[derive(Debug)]
pub struct Template {
    source: Arc<str>,
    tree: Tree,
    reads_loop: bool,
}

impl Engine {
    /// An engine with the given options. A zone or locale that is not known is taken as UTC or English; see
    /// [`Options::problems`].
    pub fn new(options: Options) -> Engine {
        let words = Words {
            loop_name: "loop".into(),
            first: "first".into(),
            last: "last".into(),
            length: "length".into(),
            index: "index".into(),
            revindex: "revindex".into(),
        };
        let size = options.cache_size;
        Engine(Arc::new(Shared {
            zone: options.time_zone(),
            words,
            templates: Cache::new(size),
            regexes: Cache::new(size),
            programs: Cache::new(size),
            patterns: Cache::new(size),
            options,
        }))
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
        self.0.compile(text)
    }

    /// Renders a text to a text. A text without `{` comes back as it is.
    ///
    /// # Errors
    /// Any kind of [`crate::ErrorKind`].
    pub fn render(&self, text: &str, root: &dyn Object, host: &dyn Host) -> Result<String, Error> {
        render::text(&self.0, text, root, host)
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
        render::template(&self.0, template, root, host)
    }

    /// Renders a text and keeps the type of its value: `{{ 1 }}` gives the number, `{{ list }}` the list. Several texts,
    /// numbers and booleans join to a text; what else is mixed is read as JSON if it can be, and is a text if not.
    ///
    /// ```
    /// # use flowmill_expression::{Engine, FixedHost, Options, Value};
    /// let engine = Engine::new(Options::default());
    /// let list = engine.render_typed("{{ 1..3 }}", &(), &FixedHost::default())?;
    /// assert_eq!(list, Value::from(vec![Value::from(1), Value::from(2), Value::from(3)]));
    /// # Ok::<(), flowmill_expression::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Engine::render`].
    pub fn render_typed(
        &self,
        text: &str,
        root: &dyn Object,
        host: &dyn Host,
    ) -> Result<Value, Error> {
        render::typed(&self.0, text, root, host)
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
        render::json(&self.0, json, root, host, render::Leaves::Text)
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
        render::json(&self.0, json, root, host, render::Leaves::Typed)
    }

    /// What a text refers to.
    ///
    /// ```
    /// # use flowmill_expression::{Engine, Options};
    /// let references = Engine::new(Options::default()).references("{{ outputs.a.b }} {{ inputs[x] }}")?;
    /// assert!(references.touches(&["outputs", "a", "b"]) && !references.touches(&["outputs", "c"]));
    /// assert!(references.touches(&["inputs", "anything"]));
    /// # Ok::<(), flowmill_expression::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Engine::compile`].
    pub fn references(&self, text: &str) -> Result<References, Error> {
        Ok(self.compile(text)?.references())
    }

    /// What is wrong with a text, as far as can be told before rendering it.
    ///
    /// ```
    /// # use flowmill_expression::{Engine, FindingCode, Options};
    /// let findings = Engine::new(Options::default()).check("{{ 'x' | uper }}", &());
    /// assert_eq!(findings[0].code, FindingCode::UnknownFilter);
    /// assert_eq!(findings[0].suggestion.as_deref(), Some("upper"));
    /// assert_eq!((findings[0].line, findings[0].column), (1, 10));
    /// ```
    pub fn check(&self, text: &str, known: &dyn Known) -> Vec<Finding> {
        match self.compile(text) {
            Ok(template) => check(&template, known),
            Err(error) => vec![Finding::from_syntax(&error)],
        }
    }
}

impl Shared {
    pub(crate) fn compile(&self, text: &str) -> Result<Arc<Template>, Error> {
        self.templates.get(text, || {
            let source = Arc::from(text);
            let tree = syntax::parse(&source, &self.options)?;
            Ok(Template {
                reads_loop: text.contains("loop") || text.contains("ontext"),
                source,
                tree,
            })
        })
    }
}

impl Template {
    /// The text it was compiled from.
    pub fn source(&self) -> &Arc<str> {
        &self.source
    }

    /// What it refers to.
    pub fn references(&self) -> References {
        references::of(self)
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Whether `loop` may be read: by name, or through `render`, `printContext` or `fetchContext`.
    pub(crate) fn reads_loop(&self) -> bool {
        self.reads_loop || self.source.contains("render")
    }
}
