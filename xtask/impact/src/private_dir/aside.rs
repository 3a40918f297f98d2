//! Atomic writes: a file is written under a temporary name and then renamed.

use std::fs;
use std::io::{self, Write as _};

use camino::{Utf8Path, Utf8PathBuf};

use super::live;

/// Writes a file atomically: a reader sees the old content or the new content. The permissions of
/// an existing file are kept.
///
/// # Errors
/// Returns an error if the file cannot be written.
pub fn write_whole(path: &Utf8Path, text: impl AsRef<[u8]>) -> io::Result<()> {
    write(path, text.as_ref(), AsideKind::Data)
}

/// Writes an executable file atomically. The permissions of an existing file are not kept.
///
/// # Errors
/// Returns an error if the file cannot be written.
pub fn write_program(path: &Utf8Path, text: impl AsRef<[u8]>) -> io::Result<()> {
    write(path, text.as_ref(), AsideKind::Program)
}

#[derive(Clone, Copy, PartialEq)]
enum AsideKind {
    Data,
    Program,
}

fn write(path: &Utf8Path, text: &[u8], kind: AsideKind) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if parent != "" => parent,
        _ => Utf8Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".xtask-kit-").suffix(".new");
    // The system removes the bits of the user's umask, as for every new file.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(match kind {
        AsideKind::Data => 0o666,
        AsideKind::Program => 0o777,
    }));
    let mut live = live();
    let (mut file, aside) = builder.tempfile_in(directory)?.into_parts();
    let name = Utf8PathBuf::try_from(aside.to_path_buf()).map_err(io::Error::other)?;
    live.insert(name.clone());
    drop(live);
    let written = file.write_all(text).and_then(|()| {
        if kind == AsideKind::Data
            && let Ok(metadata) = fs::metadata(path)
        {
            file.set_permissions(metadata.permissions())?;
        }
        // Windows does not rename an open file.
        drop(file);
        aside.persist(path).map_err(|error| error.error)
    });
    super::live().remove(&name);
    written
}
