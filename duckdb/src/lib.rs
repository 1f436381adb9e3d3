//! DuckDB in a child process: libduckdb.so, loaded at run time.
