//! Finds `:name` parameters. Kestra replaces every `:word`; here casts, quotes and comments are left alone, and so are
//! the colons of slices (`[1:n]`), structs (`{'a':b}`) and prefix aliases.

use serde_json::{Map, Value};

use super::scan::{Kind, tokens};

/// A `:name` without a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ParameterError {
    pub(crate) message: String,
    /// Where it stands, in bytes.
    pub(crate) offset: usize,
}

/// Rewrites `:name` to `$name`, which DuckDB binds by name. Every character keeps its place, so that the positions of
/// errors hold. Without parameters nothing is looked for.
pub(crate) fn name_parameters(
    sql: &str,
    parameters: &Map<String, Value>,
) -> Result<String, ParameterError> {
    if parameters.is_empty() {
        return Ok(sql.to_owned());
    }
    let tokens = tokens(sql);
    let text = |index: usize| &sql[tokens[index].start..tokens[index].end];
    let mut rewritten = sql.to_owned();
    let mut depth = 0_usize;
    for index in 0..tokens.len() {
        match text(index) {
            "[" | "{" => depth += 1,
            "]" | "}" => depth = depth.saturating_sub(1),
            ":" if index + 1 < tokens.len()
                && is_name(text(index + 1))
                && tokens[index + 1].kind == Kind::Word =>
            {
                let name = text(index + 1);
                let follows_operand = index > 0
                    && (matches!(tokens[index - 1].kind, Kind::Word | Kind::Quoted)
                        || matches!(text(index - 1), ")" | "]" | "}"));
                let known = parameters.contains_key(name);
                if known && !(follows_operand && depth > 0) {
                    let at = tokens[index].start;
                    rewritten.replace_range(at..=at, "$");
                } else if !known && !follows_operand && depth == 0 {
                    return Err(unknown(name, tokens[index].start, parameters));
                }
            }
            _ => {}
        }
    }
    Ok(rewritten)
}

fn is_name(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && word
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn unknown(name: &str, offset: usize, parameters: &Map<String, Value>) -> ParameterError {
    let known: Vec<_> = parameters.keys().map(|name| format!("`{name}`")).collect();
    ParameterError {
        message: format!(
            "no parameter `{name}` (`parameters` has {})",
            known.join(", ")
        ),
        offset,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(sql: &str) -> Result<String, String> {
        let parameters = serde_json::json!({ "age": 30, "n": 2 });
        name_parameters(sql, parameters.as_object().unwrap()).map_err(|error| error.message)
    }

    #[test]
    fn parameters_are_renamed_in_place() {
        assert_eq!(
            named("WHERE age>:age AND b IN (:n,:n)").unwrap(),
            "WHERE age>$age AND b IN ($n,$n)"
        );
    }

    #[test]
    fn casts_strings_and_comments_are_left_alone() {
        let sql =
            "SELECT x::int, '10:age', \":age\", $$:age$$ -- :age\n/* :age */, TIME '10:30:00'";
        assert_eq!(named(sql).unwrap(), sql);
    }

    #[test]
    fn slices_structs_and_prefix_aliases_are_left_alone() {
        for sql in [
            "SELECT l[1:n]",
            "SELECT {'a':n}",
            "SELECT total:sum(x)",
            "SELECT l[1:other]",
        ] {
            assert_eq!(named(sql).unwrap(), sql);
        }
        assert_eq!(
            named("SELECT {'a': :n}, l[1: :n]").unwrap(),
            "SELECT {'a': $n}, l[1: $n]"
        );
    }

    #[test]
    fn an_unknown_parameter_is_an_error_that_lists_the_known_ones() {
        assert_eq!(
            named("WHERE a = :agee").unwrap_err(),
            "no parameter `agee` (`parameters` has `age`, `n`)"
        );
    }

    #[test]
    fn without_parameters_nothing_is_looked_for() {
        assert_eq!(name_parameters("a = :b", &Map::new()).unwrap(), "a = :b");
    }
}
