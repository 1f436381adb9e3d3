//! Core tasks: logging, values, the execution itself.

mod assert;
mod echo;
mod exit;
mod fail;
mod labels;
mod log;
mod output_values;
mod returns;
mod set_variables;
mod sleep;
#[cfg(test)]
pub(crate) mod testing;
mod unset_variables;

use crate::describe::{Described, in_executor, of_execution};
use crate::task::Definition;

pub(crate) fn definitions() -> Vec<Described> {
    vec![
        in_executor::<log::Log>(),
        in_executor::<returns::Return>(),
        in_executor::<echo::Echo>(),
        in_executor::<output_values::OutputValues>(),
        in_executor::<fail::Fail>(),
        in_executor::<assert::Assert>(),
        of_execution::<labels::Labels>(),
        of_execution::<set_variables::SetVariables>(),
        of_execution::<unset_variables::UnsetVariables>(),
        of_execution::<exit::Exit>(),
        Definition::on_worker::<sleep::Sleep>().into(),
    ]
}
