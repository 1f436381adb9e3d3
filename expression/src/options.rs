//! Options of an engine.

use serde::{Deserialize, Serialize};

use crate::dates::locale;
use crate::dates::zone::{self, Zone};

/// Which of Kestra's dialects a text is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Kestra 0.x and 1.x: `??`, `???` and `isIn` bind tighter than `|`; `json` is another name of `toJson` and
    /// `fromJson`; `currentEachOutput` exists.
    #[default]
    Legacy,
    /// Kestra 2.0: `??`, `???` and `isIn` bind like `==`.
    V2,
}

/// How an engine reads and evaluates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Options {
    /// The dialect. Default `legacy`.
    pub profile: Profile,
    /// The zone in which dates without zone are read, and in which all dates print unless `timeZone` is given:
    /// an IANA name or an offset. Default `UTC`.
    pub zone: String,
    /// The locale of month names, day names, weeks and number symbols unless `locale` is given. Default `en_US`.
    pub locale: String,
    /// Render a result again until it no longer changes, as Kestra did before 0.14. Default off.
    pub recursive_rendering: bool,
    /// Number of compiled templates to keep, and of compiled jq programs and regular expressions. Default 1000.
    pub cache_size: usize,
    /// What one rendering may cost.
    pub limits: Limits,
}

/// What one rendering may cost. Exceeding a limit is an error of kind [`crate::ErrorKind::Limit`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Limits {
    /// Steps: evaluated parts of expressions, rounds of loops, and items that filters touch. Default 10,000,000.
    pub steps: u64,
    /// Depth of nesting within a text: brackets, operators, tags. Default 100.
    pub nesting: usize,
    /// Depth of calls at rendering: nested expressions, macros and `render()` together. Default 400.
    pub depth: usize,
    /// Depth of lists and maps within one another. Default 500.
    pub value_depth: usize,
    /// Size of the text being rendered, in bytes. Default 16 MiB.
    pub template_bytes: usize,
    /// Size of a result, and of any single text, list or map made on the way, in bytes. Default 64 MiB.
    pub output_bytes: usize,
    /// Number of elements `range()` and `..` may produce. Default 1,000,000.
    pub range: u64,
    /// Rounds of `render()` and of recursive rendering. Default 100.
    pub render_rounds: usize,
    /// Length of a regular expression, in bytes. Default 10,000.
    pub regex_bytes: usize,
    /// Size of a compiled regular expression, in bytes. Default 10 MiB.
    pub regex_size: usize,
    /// Steps of backtracking for regular expressions with look-around or back-references. Default 250,000.
    pub regex_backtracks: usize,
    /// Length of a jq program, in bytes. Default 10,000.
    pub jq_bytes: usize,
    /// Steps of one run of a jq program: values read, made or compared. Default 10,000,000.
    pub jq_steps: u64,
    /// Number of outputs of one run of a jq program. Default 1,000,000.
    pub jq_outputs: usize,
    /// Digits of a number, for big numbers and number formats. Default 1,000.
    pub number_digits: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            profile: Profile::Legacy,
            zone: "UTC".to_owned(),
            locale: "en_US".to_owned(),
            recursive_rendering: false,
            cache_size: 1000,
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            steps: 10_000_000,
            nesting: 100,
            depth: 400,
            value_depth: 500,
            template_bytes: 16 << 20,
            output_bytes: 64 << 20,
            range: 1_000_000,
            render_rounds: 100,
            regex_bytes: 10_000,
            regex_size: 10 << 20,
            regex_backtracks: 250_000,
            jq_bytes: 10_000,
            jq_steps: 10_000_000,
            jq_outputs: 1_000_000,
            number_digits: 1_000,
        }
    }
}

impl Options {
    /// The default options in the given dialect.
    pub fn with_profile(profile: Profile) -> Options {
        Options {
            profile,
            ..Options::default()
        }
    }

    /// What is wrong with the options: a zone or a locale that is not known. An engine takes them as UTC and English.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if zone::parse(&self.zone).is_none() {
            problems.push(format!("unknown time zone `{}`", self.zone));
        }
        if locale::find(&self.locale).is_none() {
            problems.push(format!("unknown locale `{}`", self.locale));
        }
        problems
    }

    /// The zone; UTC when its name is unknown.
    pub(crate) fn time_zone(&self) -> Zone {
        zone::parse(&self.zone).unwrap_or_else(Zone::utc)
    }
}
