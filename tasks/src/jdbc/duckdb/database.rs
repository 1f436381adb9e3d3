//! Which database is opened.

use std::path::PathBuf;

use flowmill_duckdb::Database;

use super::properties::DuckdbProperties;
use crate::context::RunContext;
use crate::property::Property;
use crate::support::{input_files, paths};
use crate::task::TaskError;

const SCHEME: &str = "jdbc:duckdb:";

/// A database, and the file that is stored afterwards.
pub(super) struct Opened {
    pub(super) database: Database,
    pub(super) to_store: Option<PathBuf>,
}

pub(super) async fn open(
    properties: &DuckdbProperties,
    context: &RunContext,
) -> Result<Opened, TaskError> {
    let url = properties.url.render(context).await?;
    let stored = Property::render_optional(properties.database_uri.as_ref(), context).await?;
    let keep = properties.output_db_file.render(context).await?;
    let own_file = || paths::unused_name(&context.working_directory, ".duckdb");
    let file = match (stored.filter(|uri| !uri.trim().is_empty()), of_url(&url)?) {
        (Some(uri), _) => {
            let file = own_file();
            input_files::copy(context, uri.trim(), &file).await?;
            file
        }
        (None, Database::Memory) if keep => own_file(),
        (None, Database::Path(path)) if keep => PathBuf::from(path),
        (None, database) => {
            return Ok(Opened {
                database,
                to_store: None,
            });
        }
    };
    let database = Database::Path(file.to_string_lossy().into_owned());
    Ok(Opened {
        database,
        to_store: keep.then_some(file),
    })
}

/// The database of a JDBC URL. Options of the driver are left aside.
fn of_url(url: &str) -> Result<Database, TaskError> {
    let name = url.trim().strip_prefix(SCHEME).ok_or_else(|| {
        TaskError::failed(format!(
            "`url`: `{url}` must begin with `{SCHEME}`, as in `{SCHEME}/data/my.duckdb`"
        ))
    })?;
    if name.starts_with("md:") || name.starts_with("motherduck:") {
        return Ok(Database::Path(name.to_owned()));
    }
    let path = name.split([';', '?']).next().unwrap_or_default();
    match path {
        "" | ":memory:" => Ok(Database::Memory),
        path if path.starts_with('/') => Ok(Database::Path(path.to_owned())),
        path => Err(TaskError::failed(format!(
            "`url`: the path of the database `{path}` must be absolute; for a stored database use `databaseUri`"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_memory_a_file_or_a_service() {
        assert_eq!(of_url("jdbc:duckdb:").unwrap(), Database::Memory);
        assert_eq!(of_url(" jdbc:duckdb::memory: ").unwrap(), Database::Memory);
        assert_eq!(
            of_url("jdbc:duckdb:/a/b.db;threads=1").unwrap(),
            Database::Path("/a/b.db".into())
        );
        assert_eq!(
            of_url("jdbc:duckdb:md:x?motherduck_token=t").unwrap(),
            Database::Path("md:x?motherduck_token=t".into())
        );
        assert!(
            of_url("jdbc:duckdb:a.db")
                .unwrap_err()
                .to_string()
                .contains("must be absolute")
        );
        assert!(
            of_url("jdbc:sqlite:")
                .unwrap_err()
                .to_string()
                .contains("must begin with")
        );
    }
}
