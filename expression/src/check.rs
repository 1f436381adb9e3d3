//! Checks of a text before it is ever rendered.

/// What the caller knows about the variables a text will see.
pub trait Known {
    /// The names below `path` (the root variables for the empty path), if they are all known and no others can appear;
    /// `None` when anything may be there.
    fn names(&self, path: &[&str]) -> Option<Vec<String>>;
}

/// Nothing is known: every path is accepted.
impl Known for () {
    fn names(&self, _path: &[&str]) -> Option<Vec<String>> {
        None
    }
}

impl<F: Fn(&[&str]) -> Option<Vec<String>>> Known for F {
    fn names(&self, path: &[&str]) -> Option<Vec<String>> {
        self(path)
    }
}

/// Something a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind of thing.
    pub code: FindingCode,
    /// Whether the text can never be rendered, or only may fail.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// The nearest existing name, if there is one.
    pub suggestion: Option<String>,
    /// The path that does not exist, for [`FindingCode::UnknownPath`].
    pub path: Vec<String>,
    /// Byte offset of the piece in the text.
    pub offset: usize,
    /// Its length in bytes.
    pub length: usize,
    /// Line in the text, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The text may fail when it is rendered; Kestra would accept it.
    Warning,
    /// The text can never be rendered.
    Error,
}

/// The kinds of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FindingCode {
    /// The text is not an expression.
    Syntax,
    /// A filter of this name does not exist.
    UnknownFilter,
    /// A function or macro of this name does not exist.
    UnknownFunction,
    /// A test of this name does not exist.
    UnknownTest,
    /// Too many arguments, or a named argument that does not exist.
    Arguments,
    /// A path that the caller knows not to exist.
    UnknownPath,
}
