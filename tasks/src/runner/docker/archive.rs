//! The files of a working directory on their way into a container and back, as a tar archive that is never whole in memory.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use bollard::errors::Error as ClientError;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use tar::{Archive, Builder, EntryType, Header};
use tokio::sync::mpsc;

use crate::support::paths;

/// Whose the files are in the container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// Root, who may do anything with them.
    Root,
    /// This user and group.
    Numbers(u64, u64),
    /// A user that only the image knows: everybody may write.
    Anybody,
}

impl Owner {
    /// The owner for the container's user, as Docker writes it: `1000`, `1000:1000`, `node`.
    pub(super) fn of(user: &str) -> Self {
        let (user, group) = user.split_once(':').unwrap_or((user, user));
        match (user.parse(), group.parse()) {
            _ if user.is_empty() || user == "root" || user == "0" => Self::Root,
            (Ok(user), Ok(group)) => Self::Numbers(user, group),
            _ => Self::Anybody,
        }
    }
}

/// How many chunks may wait between the archive and the connection; each is as large as what `tar` writes or the daemon sends.
const WAITING: usize = 16;

// === Into the container ===

/// The folder with everything in it, to be unpacked at the root of the container.
pub(super) fn pack(
    folder: PathBuf,
    owner: Owner,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let (sender, mut receiver) = mpsc::channel(WAITING);
    tokio::task::spawn_blocking(move || {
        let mut sink = io::BufWriter::with_capacity(64 * 1024, Sink(sender.clone()));
        if let Err(error) = pack_all(&folder, owner, &mut sink).and_then(|()| sink.flush()) {
            // A receiver that is gone has its own error.
            let _ = sender.blocking_send(Err(error));
        }
    });
    futures::stream::poll_fn(move |context| receiver.poll_recv(context))
}

struct Sink(mpsc::Sender<io::Result<Bytes>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes)));
        sent.map(|()| bytes.len())
            .map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn pack_all(folder: &Path, owner: Owner, sink: &mut dyn Write) -> io::Result<()> {
    let mut archive = Builder::new(sink);
    let name = folder.strip_prefix("/").unwrap_or(folder);
    // The folders above exist in the container or are made by Docker as root's, which is right for them.
    let mut open = vec![(folder.to_owned(), name.to_owned())];
    while let Some((path, name)) = open.pop() {
        let mut header = header(&path.symlink_metadata()?, owner);
        archive.append_data(&mut header, &name, io::empty())?;
        for entry in fs::read_dir(&path)? {
            let entry = entry?;
            let (path, name) = (entry.path(), name.join(entry.file_name()));
            let metadata = path.symlink_metadata()?;
            let mut header = self::header(&metadata, owner);
            if metadata.is_dir() {
                open.push((path, name));
            } else if metadata.is_symlink() {
                archive.append_link(&mut header, &name, fs::read_link(&path)?)?;
            } else if metadata.is_file() {
                // A file that grows meanwhile is cut at the length that the header has promised.
                let file = fs::File::open(&path)?.take(metadata.len());
                archive.append_data(&mut header, &name, file)?;
            }
        }
    }
    archive.finish()
}

fn header(metadata: &fs::Metadata, owner: Owner) -> Header {
    let mut header = Header::new_gnu();
    header.set_metadata(metadata);
    let kind = match metadata {
        metadata if metadata.is_dir() => EntryType::Directory,
        metadata if metadata.is_symlink() => EntryType::Symlink,
        _ => EntryType::Regular,
    };
    header.set_entry_type(kind);
    if kind != EntryType::Regular {
        header.set_size(0);
    }
    let (user, group) = if let Owner::Numbers(user, group) = owner {
        (user, group)
    } else {
        (0, 0)
    };
    header.set_uid(user);
    header.set_gid(group);
    if owner == Owner::Anybody {
        let more = if metadata.is_dir() { 0o777 } else { 0o666 };
        header.set_mode(metadata.permissions().mode() & 0o7777 | more);
    }
    header
}

// === Back from the container ===

/// Makes the folder what the archive of the container's folder holds: files are replaced with their modes, and those that the
/// container has removed are removed.
pub(super) async fn unpack(
    mut archive: impl Stream<Item = Result<Bytes, ClientError>> + Unpin,
    folder: PathBuf,
) -> io::Result<()> {
    let (sender, receiver) = mpsc::channel(WAITING);
    let unpacked = tokio::task::spawn_blocking(move || {
        unpack_all(
            Source {
                receiver,
                rest: Bytes::new(),
            },
            &folder,
        )
    });
    while let Some(chunk) = archive.next().await {
        let chunk = chunk.map_err(|error| io::Error::other(super::error::words(&error)));
        let has_failed = chunk.is_err();
        // The other side has ended when it does not listen: its own error is the one to give.
        if sender.send(chunk).await.is_err() || has_failed {
            break;
        }
    }
    drop(sender);
    unpacked
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
}

struct Source {
    receiver: mpsc::Receiver<io::Result<Bytes>>,
    rest: Bytes,
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.receiver.blocking_recv() {
                Some(chunk) => self.rest = chunk?,
                None => return Ok(0),
            }
        }
        let length = self.rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&self.rest.split_to(length));
        Ok(length)
    }
}

fn unpack_all(source: impl Read, folder: &Path) -> io::Result<()> {
    let mut archive = Archive::new(source);
    archive.set_preserve_mtime(true);
    let mut seen = HashSet::new();
    // Folders get their modes last: one without the right to write would refuse its own files.
    let mut modes = Vec::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let Some(name) = below_first(&entry.path()?)? else {
            continue;
        };
        let target = folder.join(&name);
        refuse_way_out(folder, &target)?;
        match entry.header().entry_type() {
            EntryType::Directory => {
                if target
                    .symlink_metadata()
                    .is_ok_and(|metadata| !metadata.is_dir())
                {
                    fs::remove_file(&target)?;
                }
                fs::create_dir_all(&target)?;
                modes.push((target, entry.header().mode()? & 0o777));
            }
            EntryType::Regular
            | EntryType::Continuous
            | EntryType::GNUSparse
            | EntryType::Symlink => {
                remove_folder(&target)?;
                entry.unpack(&target)?;
            }
            EntryType::Link => {
                let link = entry
                    .link_name()?
                    .ok_or_else(|| io::Error::other("a link without a target"))?;
                let Some(source) = below_first(&link)? else {
                    continue;
                };
                let source = folder.join(source);
                refuse_way_out(folder, &source)?;
                if target.symlink_metadata().is_ok() {
                    fs::remove_file(&target)?;
                }
                fs::hard_link(source, &target)?;
            }
            // Sockets, pipes and devices are nothing to keep.
            _ => continue,
        }
        seen.insert(name);
    }
    for (path, mode) in modes.into_iter().rev() {
        // The worker itself must be able to look through and remove them.
        fs::set_permissions(path, fs::Permissions::from_mode(mode | 0o700))?;
    }
    remove_unseen(folder, &seen)
}

/// The path below the archive's own folder; none for that folder itself. `..` is refused.
fn below_first(path: &Path) -> io::Result<Option<PathBuf>> {
    let mut components = path
        .components()
        .filter(|component| !matches!(component, Component::RootDir | Component::CurDir));
    components.next();
    let rest: PathBuf = components.collect();
    if rest
        .components()
        .any(|component| !matches!(component, Component::Normal(_)))
    {
        return Err(io::Error::other(format!(
            "the container has sent the file name `{}`",
            path.display()
        )));
    }
    Ok(Some(rest).filter(|rest| !rest.as_os_str().is_empty()))
}

/// A link that the container has made must not lead what follows out of the folder.
fn refuse_way_out(folder: &Path, target: &Path) -> io::Result<()> {
    match target.parent() {
        Some(parent)
            if parent != folder
                && parent.symlink_metadata().is_ok()
                && paths::leads_outside(folder, parent) =>
        {
            Err(io::Error::other(format!(
                "`{}` leads out of the working directory",
                parent.display()
            )))
        }
        _ => Ok(()),
    }
}

fn remove_folder(target: &Path) -> io::Result<()> {
    match target.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(target),
        _ => Ok(()),
    }
}

fn remove_unseen(folder: &Path, seen: &HashSet<PathBuf>) -> io::Result<()> {
    let mut open = vec![folder.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory)? {
            let (path, kind) = {
                let entry = entry?;
                (entry.path(), entry.file_type()?)
            };
            let is_seen = path
                .strip_prefix(folder)
                .is_ok_and(|name| seen.contains(name));
            match (is_seen, kind.is_dir()) {
                (true, true) => open.push(path),
                (true, false) => {}
                (false, true) => fs::remove_dir_all(path)?,
                (false, false) => fs::remove_file(path)?,
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    async fn packed(folder: &Path, owner: Owner) -> Vec<u8> {
        let chunks: Vec<_> = pack(folder.to_owned(), owner).collect().await;
        chunks
            .into_iter()
            .flat_map(|chunk| chunk.unwrap().to_vec())
            .collect()
    }

    /// As the daemon answers: names below the last part of the folder's path.
    fn answered(entries: &[(&str, EntryType, &str)]) -> Vec<u8> {
        let mut archive = Builder::new(Vec::new());
        for (name, kind, content) in entries {
            let mut header = Header::new_gnu();
            header.set_entry_type(*kind);
            header.set_mode(0o640);
            header.set_size(0);
            if matches!(kind, EntryType::Symlink | EntryType::Link) {
                archive.append_link(&mut header, name, content).unwrap();
            } else {
                header.set_size(content.len() as u64);
                // not `append_data`, which refuses the names that are tested
                header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
                header.set_cksum();
                archive.append(&header, content.as_bytes()).unwrap();
            }
        }
        archive.into_inner().unwrap()
    }

    async fn unpacked(bytes: Vec<u8>, folder: &Path) -> io::Result<()> {
        let chunks = bytes
            .chunks(1000)
            .map(|chunk| Ok(Bytes::copy_from_slice(chunk)))
            .collect::<Vec<_>>();
        unpack(futures::stream::iter(chunks), folder.to_owned()).await
    }

    #[tokio::test]
    async fn a_folder_goes_there_and_comes_back() {
        let (there, back) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::create_dir(there.path().join("data")).unwrap();
        fs::write(there.path().join("data/a.csv"), "x".repeat(200_000)).unwrap();
        fs::write(there.path().join("run.sh"), "").unwrap();
        fs::set_permissions(
            there.path().join("run.sh"),
            fs::Permissions::from_mode(0o755),
        )
        .unwrap();
        symlink("run.sh", there.path().join("link")).unwrap();
        let bytes = packed(there.path(), Owner::Root).await;
        // The daemon's answer begins with the last part only.
        let depth = there.path().components().count() - 2;
        let mut stripped = Builder::new(Vec::new());
        for entry in Archive::new(&bytes[..]).entries().unwrap() {
            let entry = entry.unwrap();
            let name: PathBuf = entry.path().unwrap().components().skip(depth).collect();
            let mut header = entry.header().clone();
            match entry.link_name().unwrap().map(std::borrow::Cow::into_owned) {
                Some(link) => stripped.append_link(&mut header, name, link).unwrap(),
                None => stripped.append_data(&mut header, name, entry).unwrap(),
            }
        }
        fs::write(back.path().join("removed-in-the-container"), "").unwrap();
        unpacked(stripped.into_inner().unwrap(), back.path())
            .await
            .unwrap();
        assert_eq!(
            fs::metadata(back.path().join("data/a.csv")).unwrap().len(),
            200_000
        );
        assert_eq!(
            fs::metadata(back.path().join("run.sh"))
                .unwrap()
                .permissions()
                .mode()
                & 0o777,
            0o755
        );
        assert_eq!(
            fs::read_link(back.path().join("link")).unwrap(),
            Path::new("run.sh")
        );
        assert!(!back.path().join("removed-in-the-container").exists());
    }

    #[tokio::test]
    async fn an_archive_cannot_write_outside_of_the_folder() {
        let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let error = unpacked(
            answered(&[("w/../../x", EntryType::Regular, "x")]),
            folder.path(),
        )
        .await
        .unwrap_err();
        assert!(error.to_string().contains("file name"), "{error}");
        let way = outside.path().to_str().unwrap();
        let by_link = answered(&[
            ("w/way", EntryType::Symlink, way),
            ("w/way/x", EntryType::Regular, "x"),
        ]);
        let error = unpacked(by_link, folder.path()).await.unwrap_err();
        assert!(error.to_string().contains("leads out"), "{error}");
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn files_of_an_unknown_user_can_be_written_by_anybody() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), "").unwrap();
        for (owner, mode, user) in [(Owner::Anybody, 0o666, 0), (Owner::Numbers(7, 8), 0o600, 7)] {
            let bytes = packed(folder.path(), owner).await;
            let mut archive = Archive::new(&bytes[..]);
            let file = archive.entries().unwrap().nth(1).unwrap().unwrap();
            assert_eq!(file.header().mode().unwrap() & mode, mode);
            assert_eq!(file.header().uid().unwrap(), user);
        }
        assert_eq!(
            [Owner::of(""), Owner::of("root:x"), Owner::of("0")],
            [Owner::Root; 3]
        );
        assert_eq!(
            [Owner::of("1000"), Owner::of("7:8"), Owner::of("node")],
            [
                Owner::Numbers(1000, 1000),
                Owner::Numbers(7, 8),
                Owner::Anybody
            ]
        );
    }
}
