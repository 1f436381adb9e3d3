//! The tables of filters, functions and tests: one place for names, parameters, behaviour and documentation.

use std::fmt;

use crate::evaluate::Call;
use crate::syntax::ast::Arguments;
use crate::{Error, Profile, Value, filters, functions, tests};

/// The arguments something takes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Parameters {
    /// None; any that are given are ignored.
    None,
    /// Up to these, by place or by name.
    Names(&'static [&'static str]),
    /// Any number.
    Variadic,
}

/// What the reference page says about an entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Doc {
    /// How it is written: `slice(fromIndex=0, toIndex=length)`.
    pub(crate) signature: &'static str,
    /// What it does, in one or two sentences.
    pub(crate) text: &'static str,
    /// A template that uses it, rendered with [`crate::reference`]'s variables.
    pub(crate) example: &'static str,
    /// What the example gives; empty when it depends on the host.
    pub(crate) result: &'static str,
}

/// A filter: `input | name(…)`.
pub(crate) struct Filter {
    pub(crate) name: &'static str,
    pub(crate) parameters: Parameters,
    pub(crate) doc: Doc,
    pub(crate) run: fn(&mut Call<'_, '_>, Value) -> Result<Value, Error>,
}

/// A function: `name(…)`.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) parameters: Parameters,
    pub(crate) doc: Doc,
    pub(crate) run: fn(&mut Call<'_, '_>) -> Result<Value, Error>,
}

/// A test: `input is name`.
pub(crate) struct Test {
    pub(crate) name: &'static str,
    pub(crate) parameters: Parameters,
    pub(crate) doc: Doc,
    pub(crate) run: fn(&mut Call<'_, '_>, Value) -> Result<bool, Error>,
}

/// What takes arguments.
pub(crate) trait Callable {
    fn parameters(&self) -> Parameters;
}

impl Callable for Filter {
    fn parameters(&self) -> Parameters {
        self.parameters
    }
}

impl Callable for Function {
    fn parameters(&self) -> Parameters {
        self.parameters
    }
}

impl Callable for Test {
    fn parameters(&self) -> Parameters {
        self.parameters
    }
}

impl Parameters {
    /// For each parameter the index of its argument, positional ones first.
    pub(crate) fn bind(self, arguments: &Arguments) -> Result<Box<[Option<u16>]>, String> {
        let index = |at: usize| {
            u16::try_from(at)
                .map(Some)
                .map_err(|_| "more than 65535 arguments".to_owned())
        };
        let positional = arguments.positional.len();
        let names = match self {
            Parameters::None => return Ok(Box::default()),
            Parameters::Variadic => {
                return (0..positional).map(index).collect();
            }
            Parameters::Names(names) => names,
        };
        if positional > names.len() {
            return Err(surplus(names.len()));
        }
        let mut slots: Box<[Option<u16>]> = vec![None; names.len()].into();
        for (at, slot) in slots.iter_mut().enumerate().take(positional) {
            *slot = index(at)?;
        }
        for (at, (name, _)) in arguments.named.iter().enumerate() {
            let Some(parameter) = names.iter().position(|known| **known == **name) else {
                return Err(format!(
                    "The following named argument does not exist: {name}"
                ));
            };
            slots[parameter] = index(positional + at)?;
        }
        Ok(slots)
    }
}

/// The message for one argument more than `allowed`.
pub(crate) fn surplus(allowed: usize) -> String {
    format!(
        "The argument at position {} is not allowed. Only {allowed} argument(s) are allowed.",
        allowed + 1
    )
}

/// Names that Kestra 2.0 no longer has.
const GONE_IN_V2: [&str; 2] = ["json", "currentEachOutput"];

fn is_gone(name: &str, profile: Profile) -> bool {
    profile == Profile::V2 && GONE_IN_V2.contains(&name)
}

/// The filter of this name.
pub(crate) fn filter(name: &str, profile: Profile) -> Option<&'static Filter> {
    let found = all_filters().find(|filter| filter.name == name)?;
    (!is_gone(name, profile)).then_some(found)
}

/// The function of this name.
pub(crate) fn function(name: &str, profile: Profile) -> Option<&'static Function> {
    let found = all_functions().find(|function| function.name == name)?;
    (!is_gone(name, profile)).then_some(found)
}

/// The test of this name.
pub(crate) fn test(name: &str, _profile: Profile) -> Option<&'static Test> {
    tests::TESTS.iter().find(|test| test.name == name)
}

/// Every filter, group by group.
pub(crate) fn all_filters() -> impl Iterator<Item = &'static Filter> {
    filters::GROUPS.iter().flat_map(|(_, group)| group.iter())
}

/// Every function, group by group.
pub(crate) fn all_functions() -> impl Iterator<Item = &'static Function> {
    functions::GROUPS.iter().flat_map(|(_, group)| group.iter())
}

impl fmt::Debug for Filter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

impl fmt::Debug for Test {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}
