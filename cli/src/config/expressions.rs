//! How expressions are read and evaluated, as settings.

use flowmill_backends::config::ByteSize;
use flowmill_expression::{Limits, Options, Profile};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How expressions are read and evaluated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub(crate) struct ExpressionsConfig {
    /// The dialect: `legacy` is that of Kestra 0.x and 1.x, `v2` that of 2.0.
    dialect: Dialect,
    /// The zone of dates without one, and of printed dates: an IANA name or an offset.
    zone: String,
    /// The locale of month names, day names and number symbols.
    locale: String,
    /// Render a result again until it no longer changes, as Kestra did before 0.14.
    recursive_rendering: bool,
    /// How many compiled texts are kept.
    cache_size: usize,
    /// What one rendering may cost; more is an error.
    limits: LimitsConfig,
}

/// A dialect of expressions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Dialect {
    #[default]
    Legacy,
    V2,
}

/// What one rendering may cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
struct LimitsConfig {
    /// Evaluated parts of expressions, rounds of loops, and items that filters touch.
    steps: u64,
    /// Depth of nesting within a text: brackets, operators, tags.
    nesting: usize,
    /// Depth of calls: nested expressions, macros and `render()` together.
    depth: usize,
    /// Depth of lists and maps within one another.
    value_depth: usize,
    /// Size of the text being rendered.
    template_size: ByteSize,
    /// Size of a result, and of any single text made on the way.
    output_size: ByteSize,
    /// Elements that `range()` and `..` may produce.
    range: u64,
    /// Rounds of `render()` and of recursive rendering.
    render_rounds: usize,
    /// Length of a regular expression.
    regex_length: ByteSize,
    /// Size of a compiled regular expression.
    regex_size: ByteSize,
    /// Steps of backtracking for regular expressions with look-around or back-references.
    regex_backtracks: usize,
    /// Length of a jq program.
    jq_length: ByteSize,
    /// Steps of one run of a jq program.
    jq_steps: u64,
    /// Outputs of one run of a jq program.
    jq_outputs: usize,
    /// Digits of a number.
    number_digits: usize,
}

impl ExpressionsConfig {
    /// The same as the engine takes it.
    pub(crate) fn options(&self) -> Options {
        let profile = match self.dialect {
            Dialect::Legacy => Profile::Legacy,
            Dialect::V2 => Profile::V2,
        };
        Options {
            profile,
            zone: self.zone.clone(),
            locale: self.locale.clone(),
            recursive_rendering: self.recursive_rendering,
            cache_size: self.cache_size,
            limits: self.limits.limits(),
        }
    }
}

impl LimitsConfig {
    fn limits(&self) -> Limits {
        Limits {
            steps: self.steps,
            nesting: self.nesting,
            depth: self.depth,
            value_depth: self.value_depth,
            template_bytes: self.template_size.as_usize(),
            output_bytes: self.output_size.as_usize(),
            range: self.range,
            render_rounds: self.render_rounds,
            regex_bytes: self.regex_length.as_usize(),
            regex_size: self.regex_size.as_usize(),
            regex_backtracks: self.regex_backtracks,
            jq_bytes: self.jq_length.as_usize(),
            jq_steps: self.jq_steps,
            jq_outputs: self.jq_outputs,
            number_digits: self.number_digits,
        }
    }
}

impl Default for ExpressionsConfig {
    fn default() -> Self {
        let Options {
            profile,
            zone,
            locale,
            recursive_rendering,
            cache_size,
            limits,
        } = Options::default();
        let dialect = match profile {
            Profile::Legacy => Dialect::Legacy,
            Profile::V2 => Dialect::V2,
        };
        Self {
            dialect,
            zone,
            locale,
            recursive_rendering,
            cache_size,
            limits: limits.into(),
        }
    }
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Limits::default().into()
    }
}

impl From<Limits> for LimitsConfig {
    fn from(limits: Limits) -> Self {
        let size = |bytes: usize| ByteSize::bytes(bytes as u64);
        Self {
            steps: limits.steps,
            nesting: limits.nesting,
            depth: limits.depth,
            value_depth: limits.value_depth,
            template_size: size(limits.template_bytes),
            output_size: size(limits.output_bytes),
            range: limits.range,
            render_rounds: limits.render_rounds,
            regex_length: size(limits.regex_bytes),
            regex_size: size(limits.regex_size),
            regex_backtracks: limits.regex_backtracks,
            jq_length: size(limits.jq_bytes),
            jq_steps: limits.jq_steps,
            jq_outputs: limits.jq_outputs,
            number_digits: limits.number_digits,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_engine() {
        assert_eq!(ExpressionsConfig::default().options(), Options::default());
    }
}
