//! What a program must pass before jaq sees it.
//!
//! jaq parses and runs by recursion. Programs that nest out of all measure are refused, and every definition begins with a step,
//! so that one that calls itself for ever is stopped.

use jaq_core::load::Lexer;
use jaq_core::load::lex::{StrPart, Tok, Token};

/// Deepest nesting of brackets.
const MAX_DEPTH: usize = 60;
/// Most operators and keywords by which a program can nest without brackets.
const MAX_LINKS: usize = 600;
/// What every definition begins with: it counts a step, and passes its input on.
const STEP: &str = " (if _step then . else . end) | ";

/// Checks a program and puts a step into each of its definitions.
pub(super) fn prepare(program: &str) -> Result<String, String> {
    check_depth(program)?;
    let tokens = Lexer::new(program)
        .lex()
        .map_err(|_| "the jq program cannot be read".to_owned())?;
    let mut gate = Gate {
        program,
        links: 0,
        inserts: Vec::new(),
    };
    gate.tokens(&tokens)?;
    if gate.inserts.is_empty() {
        return Ok(program.to_owned());
    }
    let mut prepared = String::with_capacity(program.len() + gate.inserts.len() * STEP.len());
    let mut copied = 0;
    gate.inserts.sort_unstable();
    for at in gate.inserts {
        prepared.push_str(&program[copied..at]);
        prepared.push_str(STEP);
        copied = at;
    }
    prepared.push_str(&program[copied..]);
    Ok(prepared)
}

/// Counts brackets, those in strings too: nothing here may recurse.
fn check_depth(program: &str) -> Result<(), String> {
    let mut depth = 0_usize;
    for byte in program.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(format!("the jq program nests deeper than {MAX_DEPTH}"));
        }
    }
    Ok(())
}

struct Gate<'p> {
    program: &'p str,
    links: usize,
    inserts: Vec<usize>,
}

impl<'p> Gate<'p> {
    fn tokens(&mut self, tokens: &[Token<&'p str>]) -> Result<(), String> {
        for (index, Token(text, kind)) in tokens.iter().enumerate() {
            match kind {
                Tok::Block(inner) => self.tokens(inner)?,
                Tok::Str(parts) => {
                    for part in parts {
                        if let StrPart::Term(term) = part {
                            self.tokens(std::slice::from_ref(term))?;
                        }
                    }
                }
                Tok::Word if matches!(*text, "import" | "include" | "module") => {
                    return Err(format!("`{text}` is not possible in a jq program"));
                }
                Tok::Word if *text == "def" => self.definition(&tokens[index + 1..]),
                Tok::Num | Tok::Var | Tok::Fmt => {}
                Tok::Word | Tok::Sym => {}
            }
            self.link(text)?;
        }
        Ok(())
    }

    fn link(&mut self, text: &str) -> Result<(), String> {
        let links = matches!(
            text,
            "|" | ","
                | "-"
                | "//"
                | "and"
                | "or"
                | "try"
                | "if"
                | "reduce"
                | "foreach"
                | "label"
                | "def"
                | "as"
                | "?"
        ) || text.ends_with('=')
            || matches!(
                text,
                "+" | "*" | "/" | "%" | "<" | ">" | "elif" | "else" | "catch"
            );
        self.links += usize::from(links);
        if self.links > MAX_LINKS {
            return Err(format!(
                "the jq program has more than {MAX_LINKS} operators"
            ));
        }
        Ok(())
    }

    /// Notes where the body of a definition begins: behind its name, its parameters and a colon.
    fn definition(&mut self, rest: &[Token<&'p str>]) {
        let colon = rest
            .iter()
            .take(3)
            .find(|Token(text, kind)| matches!(kind, Tok::Sym) && *text == ":");
        if let Some(Token(text, _)) = colon {
            self.inserts
                .push(jaq_core::load::span(self.program, text).end);
        }
    }
}
