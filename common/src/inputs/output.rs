//! What a flow gives back.

use serde_json::{Value, json};

use super::ENCRYPTED_TYPE;
use super::context::Context;
use super::convert::{Problem, convert};
use crate::flow::{FlowOutput, InputType};

/// Converts the rendered value of a flow's output to its type; null stays null. A SECRET becomes an object of the type
/// [`ENCRYPTED_TYPE`]. The error is Kestra's: it goes behind `Failed to render output values:`.
pub fn convert_output(
    output: &FlowOutput,
    rendered: &Value,
    context: &dyn Context,
) -> Result<Value, String> {
    if rendered.is_null() {
        return Ok(Value::Null);
    }
    match convert(output.output_type, None, rendered, context) {
        Ok(Value::String(encrypted)) if output.output_type == InputType::Secret => {
            Ok(json!({"type": ENCRYPTED_TYPE, "value": encrypted}))
        }
        Ok(value) => Ok(value),
        Err(Problem::Cause(cause)) => Err(format!(
            "Invalid value for output `{}`. Cause: {cause}",
            output.id
        )),
        Err(Problem::Whole(message)) => Err(message),
    }
}
