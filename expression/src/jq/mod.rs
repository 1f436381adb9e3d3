//! jq programs, run by jaq over our own values.
//!
//! Programs that are a plain path are walked directly. Everything else is compiled once and kept. A program cannot see the
//! environment or the file system, cannot end the process, and ends after a number of steps.

mod budget;
mod defs;
mod gate;
mod natives;
mod number;
mod ops;
mod path;
mod text;
mod value;

use std::fmt;

use jaq_core::data::HasLut;
use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, DataT, Filter, Lut, Vars};

use self::path::Path;
use self::value::Jq;
use crate::error::{Error, Limit};
use crate::evaluate::Session;
use crate::formats::json_read;
use crate::value::Value;

/// A compiled program.
pub(crate) enum Program {
    /// `.a.b[0]`
    Path(Path),
    Filter {
        filter: Box<Filter<Data>>,
        /// See [`gate::Gated::chains`].
        chains: bool,
    },
}

impl fmt::Debug for Program {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Program::Path(path) => formatter.debug_tuple("Path").field(path).finish(),
            Program::Filter { .. } => formatter.write_str("Filter"),
        }
    }
}

/// What programs work on, for jaq.
pub(crate) struct Data;

/// What natives can reach: the compiled program and the rendering it is part of.
#[derive(Clone, Copy)]
pub(crate) struct Reach<'a> {
    lut: &'a Lut<Data>,
    session: &'a Session<'a>,
}

impl DataT for Data {
    type V<'a> = Jq;
    type Data<'a> = Reach<'a>;
}

impl<'a> HasLut<'a, Data> for Reach<'a> {
    fn lut(&self) -> &'a Lut<Data> {
        self.lut
    }
}

/// The stack for a program that chains its calls, in bytes of address space: enough to drop [`budget::MAX_CALLS`] links.
const CHAIN_STACK: usize = 256 << 20;

/// All outputs of a program.
///
/// # Errors
/// A program that does not compile, an error it raises, or a limit.
pub(crate) fn run(session: &Session<'_>, program: &str, input: &Value) -> Result<Value, Error> {
    let limits = session.limits();
    if program.len() > limits.jq_bytes {
        let message = format!(
            "the jq program is longer than {} bytes (`limits.jqBytes`)",
            limits.jq_bytes
        );
        return Err(Error::limit(Limit::JqBytes, message));
    }
    let program = session.shared.programs.get(program, || compile(program))?;
    let input = match input {
        // A text is JSON, whose nulls count; everything else loses the null entries of its maps.
        Value::Str(text) => {
            session.charge(text.len() / 16)?;
            read(text, limits.value_depth)?
        }
        value => Jq::lazy(value.clone()),
    };
    match &*program {
        Program::Path(path) => Ok(Value::from(vec![path.walk(&input)?.into_value()])),
        Program::Filter {
            filter,
            chains: false,
        } => run_filter(session, filter, input),
        Program::Filter { filter, .. } => {
            stacker::grow(CHAIN_STACK, || run_filter(session, filter, input))
        }
    }
}

fn read(text: &str, max_depth: usize) -> Result<Jq, Error> {
    if text.trim().is_empty() {
        return Ok(Jq::Null);
    }
    let value = json_read::read_first(text, max_depth)
        .map_err(|problem| Error::evaluation(problem.to_string()))?;
    Ok(Jq::exact(&value))
}

fn run_filter(session: &Session<'_>, filter: &Filter<Data>, input: Jq) -> Result<Value, Error> {
    let limits = session.limits();
    let budget = budget::Guard::start(limits.jq_steps, limits.value_depth, limits.output_bytes);
    let reach = Reach {
        lut: &filter.lut,
        session,
    };
    let mut outputs = Vec::new();
    for output in filter
        .id
        .run((Ctx::<Data>::new(reach, Vars::new([])), input))
    {
        if outputs.len() >= limits.jq_outputs {
            let message = format!(
                "the jq program has more than {} outputs (`limits.jqOutputs`)",
                limits.jq_outputs
            );
            return Err(Error::limit(Limit::JqOutputs, message));
        }
        match output {
            Ok(value) => outputs.push(value.into_value()),
            Err(exception) => {
                budget.check(limits)?;
                // Halting is not possible, and breaks have their labels: what is left are errors.
                let message = match exception.get_err() {
                    Ok(error) => error.into_val().error_text(),
                    Err(_) => "the program was stopped".to_owned(),
                };
                return Err(Error::evaluation(message));
            }
        }
    }
    budget.check(limits)?;
    Ok(Value::from(outputs))
}

fn compile(program: &str) -> Result<Program, Error> {
    if let Some(path) = Path::parse(program) {
        return Ok(Program::Path(path));
    }
    let gated = gate::prepare(program).map_err(Error::evaluation)?;
    let arena = Arena::default();
    let file = File {
        code: gated.code.as_str(),
        path: (),
    };
    let loader = Loader::new(defs::all());
    let wrong = |what: &str| Error::evaluation(format!("the jq program does not compile: {what}"));
    let modules = loader
        .load(&arena, file)
        .map_err(|_| wrong("it cannot be parsed"))?;
    let compiled = Compiler::default()
        .with_funs(natives::all())
        .compile(modules);
    let filter = compiled.map_err(|errors| {
        let undefined = errors.iter().flat_map(|(_, errors)| errors.iter()).next();
        match undefined {
            Some((name, kind)) => wrong(&format!("undefined {} `{name}`", kind.as_str())),
            None => wrong("something is undefined"),
        }
    })?;
    Ok(Program::Filter {
        filter: Box::new(filter),
        chains: gated.chains,
    })
}
