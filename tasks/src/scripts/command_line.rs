//! How the commands of a task become the command that is run. PURE.

/// What the shell stops at the first failing line for.
pub(super) const FAIL_FAST: &str = "set -e";

/// The parts of a command line, rendered.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts {
    pub(super) interpreter: Vec<String>,
    /// The first line, if there is one.
    pub(super) fail_fast: Option<&'static str>,
    pub(super) before: Vec<String>,
    pub(super) commands: Vec<String>,
}

impl Parts {
    /// The program and its arguments. All lines are one argument of the interpreter, so that variables, folders and `set -e` hold from
    /// one to the next; without an interpreter the commands are the program and its arguments themselves.
    pub(super) fn join(self) -> Vec<String> {
        if self.interpreter.is_empty() && self.before.is_empty() {
            return self.commands;
        }
        let interpreter = match self.interpreter.is_empty() {
            true => super::language::SHELL
                .iter()
                .map(|part| (*part).to_owned())
                .collect(),
            false => self.interpreter,
        };
        let lines = self
            .fail_fast
            .map(str::to_owned)
            .into_iter()
            .chain(self.before)
            .chain(self.commands);
        let text = lines.collect::<Vec<_>>().join("\n");
        interpreter.into_iter().chain([text]).collect()
    }
}

/// The longest argument that Linux takes is 128 KiB with its ending zero.
pub(super) const LONGEST_ARGUMENT: usize = 128 * 1024 - 1;

/// A shell's text that is too long for an argument, and the same command reading it from a file instead.
pub(super) fn too_long_for_an_argument(command: &[String]) -> Option<(&str, &str)> {
    match command {
        [shell, flag, text]
            if flag == "-c" && shell.ends_with("sh") && text.len() > LONGEST_ARGUMENT =>
        {
            Some((shell, text))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(interpreter: &[&str], before: &[&str], commands: &[&str]) -> Parts {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Parts {
            interpreter: owned(interpreter),
            fail_fast: Some(FAIL_FAST),
            before: owned(before),
            commands: owned(commands),
        }
    }

    #[test]
    fn all_lines_are_one_argument() {
        let command = parts(
            &["/bin/sh", "-c"],
            &["pip install x"],
            &["python main.py", "ls"],
        )
        .join();
        assert_eq!(
            command,
            ["/bin/sh", "-c", "set -e\npip install x\npython main.py\nls"]
        );
    }

    #[test]
    fn without_an_interpreter_the_commands_are_the_arguments() {
        assert_eq!(parts(&[], &[], &["ls", "-l"]).join(), ["ls", "-l"]);
        assert_eq!(
            parts(&[], &["a"], &["b"]).join(),
            ["/bin/sh", "-c", "set -e\na\nb"]
        );
    }

    #[test]
    fn only_a_shell_can_read_its_text_from_a_file() {
        let long = "x".repeat(LONGEST_ARGUMENT + 1);
        let command = |parts: &[&str]| {
            parts
                .iter()
                .map(|part| (*part).to_owned())
                .collect::<Vec<_>>()
        };
        assert!(too_long_for_an_argument(&command(&["/bin/bash", "-c", &long])).is_some());
        assert!(too_long_for_an_argument(&command(&["/bin/bash", "-c", "x"])).is_none());
        assert!(too_long_for_an_argument(&command(&["perl", "-e", &long])).is_none());
    }
}
