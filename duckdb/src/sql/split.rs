//! Splits a script into its statements.

use super::scan::{Kind, Token, tokens};

/// One statement of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece<'sql> {
    /// The statement, from its first character to before its `;`.
    pub(crate) sql: &'sql str,
    /// Where it begins in the script, in bytes.
    pub(crate) offset: usize,
}

/// The statements of a script; what holds nothing but blanks and comments is none.
pub(crate) fn split(script: &str) -> Vec<Piece<'_>> {
    let tokens = tokens(script);
    tokens
        .split(|token| is_semicolon(script, token))
        .filter_map(|statement| {
            let first = statement.iter().find(|token| token.kind != Kind::Blank)?;
            let last = statement.iter().rfind(|token| token.kind != Kind::Blank)?;
            Some(Piece {
                sql: &script[first.start..last.end],
                offset: first.start,
            })
        })
        .collect()
}

/// Whether a statement begins or ends a transaction.
pub(crate) fn controls_transactions(sql: &str) -> bool {
    let word: String = sql.chars().take_while(char::is_ascii_alphabetic).collect();
    ["BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT"]
        .iter()
        .any(|keyword| word.eq_ignore_ascii_case(keyword))
}

fn is_semicolon(script: &str, token: &Token) -> bool {
    token.kind == Kind::Symbol && &script[token.start..token.end] == ";"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statements(script: &str) -> Vec<&str> {
        split(script).iter().map(|piece| piece.sql).collect()
    }

    #[test]
    fn statements_end_at_semicolons_outside_of_quotes_and_comments() {
        assert_eq!(
            statements("SELECT ';' -- ;\n, \";\" ; /* ; */ SELECT $$;$$;"),
            ["SELECT ';' -- ;\n, \";\"", "SELECT $$;$$"]
        );
    }

    #[test]
    fn a_trailing_semicolon_and_comments_are_no_statement() {
        assert_eq!(statements("SELECT 1; -- done\n ; /* x */ ;"), ["SELECT 1"]);
        assert_eq!(statements(" -- nothing\n"), Vec::<&str>::new());
    }

    #[test]
    fn pieces_know_where_they_begin() {
        let script = "-- first\nSELECT 1;\n  SELECT 2";
        let offsets: Vec<_> = split(script).iter().map(|piece| piece.offset).collect();
        assert_eq!(offsets, [9, 21]);
    }

    #[test]
    fn transaction_statements_are_told_apart() {
        assert!(controls_transactions("begin transaction"));
        assert!(controls_transactions("COMMIT"));
        assert!(!controls_transactions("BEGINNING"));
        assert!(!controls_transactions("SELECT 1"));
    }
}
