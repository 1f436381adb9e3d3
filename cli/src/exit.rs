//! With what status the process ends.

use std::fmt;
use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All went well: 0.
    Success,
    /// The flow failed, or the command could not do its work: 1.
    Failed,
    /// What the user gave was wrong: 2.
    WrongInput,
    /// Ctrl-C: 130.
    Interrupted,
}

/// An error of what the user gave: a flow, an input, an option, a setting.
#[derive(Debug)]
pub(crate) struct WrongInput(String);

impl Exit {
    /// The status for an error that a command gave up with.
    pub(crate) fn of_error(error: &anyhow::Error) -> Self {
        if error.is::<WrongInput>() {
            Self::WrongInput
        } else {
            Self::Failed
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Success => 0,
            Exit::Failed => 1,
            Exit::WrongInput => 2,
            Exit::Interrupted => 130,
        })
    }
}

impl WrongInput {
    /// An error with this message, lowercase and without a full stop.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for WrongInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WrongInput {}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn wrong_input_is_told_from_failure_through_added_context() {
        let wrong = anyhow::Error::new(WrongInput::new("no input `x`"));
        assert_eq!(Exit::of_error(&wrong), Exit::WrongInput);
        let wrong = Err::<(), _>(WrongInput::new("no input `x`"))
            .context("in `flow.yaml`")
            .unwrap_err();
        assert_eq!(Exit::of_error(&wrong), Exit::WrongInput);
        assert_eq!(
            Exit::of_error(&anyhow::anyhow!("the disk is full")),
            Exit::Failed
        );
    }
}
