//! What a flow may or must be given.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A declared input.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its name; dots nest it: `db.port` is read as `inputs.db.port`.
    pub id: Arc<str>,
    /// What its values are.
    pub input_type: InputType,
    /// Whether it must have a value; true unless said otherwise.
    pub required: bool,
    /// The value, or a template that gives one, when none is given.
    pub defaults: Option<Value>,
    /// When it is asked for at all.
    pub depends_on: Option<DependsOn>,
    /// Every property as written (`min`, `values`, `validator`, …); read by the type's own check.
    pub properties: Arc<Map<String, Value>>,
}

/// When an input is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DependsOn {
    /// The ids of the inputs that must be there.
    pub inputs: Vec<String>,
    /// A template that must give `true`.
    pub condition: Option<String>,
}

/// The type of an input or of a flow output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum InputType {
    /// Text.
    String,
    /// A whole number of 32 bits.
    Int,
    /// A number.
    Float,
    /// True, false or absent.
    Boolean,
    /// True or false.
    Bool,
    /// An instant.
    Datetime,
    /// A day.
    Date,
    /// A time of day.
    Time,
    /// A length of time.
    Duration,
    /// An uploaded file, or the URI of one.
    File,
    /// JSON.
    Json,
    /// YAML.
    Yaml,
    /// Ion.
    Ion,
    /// A URI.
    Uri,
    /// An e-mail address.
    Email,
    /// Text that is encrypted where it is kept.
    Secret,
    /// One of several values (deprecated name).
    Enum,
    /// One of several values.
    Select,
    /// Some of several values.
    Multiselect,
    /// A list of one type.
    Array,
    /// A group of inputs.
    Form,
}
