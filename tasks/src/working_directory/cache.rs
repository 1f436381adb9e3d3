//! Files that a `WorkingDirectory` keeps from one execution to the next, in one archive.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use flowmill_common::log::Level;
use futures::TryStreamExt;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::io::AsyncWriteExt;
use tokio_util::io::ReaderStream;

use crate::context::RunContext;
use crate::property::Property;
use crate::support::glob::Pattern;
use crate::support::output_files::{blocking, find};
use crate::support::paths;
use crate::task::TaskError;

/// Files to keep from one execution to the next.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cache {
    /// Patterns of the files.
    patterns: Property<Vec<String>>,
    /// How long they are used; without it, until they change.
    ttl: Option<Property<Duration>>,
}

/// When the files were put into the folder: only younger ones are worth keeping again.
pub(super) struct Restored {
    at: SystemTime,
}

impl Cache {
    /// Puts the kept files into the folder, unless they are too old.
    pub(super) async fn restore(
        &self,
        context: &RunContext,
    ) -> Result<Option<Restored>, TaskError> {
        let ttl = Property::render_optional(self.ttl.as_ref(), context).await?;
        let Some((written, mut content)) = context.outside.cached().await? else {
            context.log(Level::Debug, "no files are cached");
            return Ok(None);
        };
        let age = flowmill_common::Timestamp::from(jiff::Timestamp::now()).since(written);
        if ttl.is_some_and(|ttl| age > ttl) {
            context.log(Level::Debug, "the cached files are too old");
            return Ok(None);
        }
        let archive = archive_beside(context);
        let mut file = tokio::fs::File::create(&archive)
            .await
            .map_err(|error| cannot("restored", &error))?;
        while let Some(bytes) = content
            .try_next()
            .await
            .map_err(|error| cannot("restored", &error))?
        {
            file.write_all(&bytes)
                .await
                .map_err(|error| cannot("restored", &error))?;
        }
        file.flush()
            .await
            .map_err(|error| cannot("restored", &error))?;
        let folder = context.working_directory.clone();
        blocking(move || unpack(&archive, &folder)).await?;
        context.log(Level::Debug, "the cached files were restored");
        Ok(Some(Restored {
            at: SystemTime::now(),
        }))
    }

    /// Keeps the files again, if any is new.
    pub(super) async fn keep(
        &self,
        context: &RunContext,
        restored: Option<&Restored>,
    ) -> Result<(), TaskError> {
        let written = self.patterns.render(context).await?;
        let patterns = (written.iter().map(|pattern| Pattern::below_folder(pattern)))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| TaskError::failed(format!("`cache.patterns`: {error}")))?;
        let (folder, archive) = (context.working_directory.clone(), archive_beside(context));
        let (limit, since) = (
            context.config.scripts.maximum_output_files,
            restored.map(|restored| restored.at),
        );
        let packed = {
            let archive = archive.clone();
            blocking(move || pack(&folder, &patterns, limit, since, &archive)).await?
        };
        if packed {
            let file = tokio::fs::File::open(&archive)
                .await
                .map_err(|error| cannot("kept", &error))?;
            context
                .outside
                .put_cached(Box::pin(ReaderStream::with_capacity(file, 64 << 10)))
                .await?;
            tokio::fs::remove_file(&archive)
                .await
                .map_err(|error| cannot("kept", &error))?;
            context.log(Level::Debug, "the files of the cache were stored");
        }
        Ok(())
    }
}

fn archive_beside(context: &RunContext) -> PathBuf {
    paths::unused_name(&context.working_directory, ".cache")
}

fn unpack(archive: &Path, folder: &Path) -> Result<(), TaskError> {
    let unpacked = std::fs::File::open(archive).and_then(|file| {
        let mut archive = tar::Archive::new(file);
        archive.set_overwrite(true);
        // `unpack` refuses to leave the folder
        archive.unpack(folder)
    });
    let removed = std::fs::remove_file(archive);
    unpacked
        .and(removed)
        .map_err(|error| cannot("restored", &error))
}

/// Puts the files into an archive, if one of them is younger than `since`. Gives whether it did.
fn pack(
    folder: &Path,
    patterns: &[Pattern],
    limit: usize,
    since: Option<SystemTime>,
    archive: &Path,
) -> Result<bool, TaskError> {
    let found = find(folder, patterns, limit)?;
    let is_new = |path: &Path| {
        let modified = path.metadata().and_then(|metadata| metadata.modified());
        modified.is_ok_and(|modified| since.is_none_or(|since| modified > since))
    };
    if !found.iter().any(|found| is_new(&found.path)) {
        return Ok(false);
    }
    let packed = std::fs::File::create(archive).and_then(|file| {
        let mut builder = tar::Builder::new(file);
        builder.follow_symlinks(false);
        for found in &found {
            builder.append_path_with_name(&found.path, &found.name)?;
        }
        builder.into_inner()?.sync_all()
    });
    packed
        .map(|()| true)
        .map_err(|error| cannot("kept", &error))
}

fn cannot(done: &str, error: &std::io::Error) -> TaskError {
    TaskError::failed(format!("the files of the cache cannot be {done}: {error}"))
}
