//! Kestra's expression language: lexer, parser and evaluator over lazy values.
