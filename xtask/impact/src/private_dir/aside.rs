//! Files that are written aside and put in place whole.

use std::fs;
use std::io::{self, Write as _};

use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use super::live;

/// Writes a file whole: a reader sees the old one or the new one. The permissions of a file that is
/// there stay.
///
/// # Errors
/// Where it cannot be written.
pub fn write_whole(path: &Utf8Path, text: impl AsRef<[u8]>) -> io::Result<()> {
    write(path, text.as_ref(), AsideKind::Data)
}

/// Writes a file whole that can be started as a program, whatever the permissions of a file that is
/// there.
///
/// # Errors
/// Where it cannot be written.
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
    // The user's umask is taken from that, as for every new file.
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
        // Windows renames no file that is open.
        drop(file);
        aside.persist(path).map_err(|error| error.error)
    });
    super::live().remove(&name);
    written
}
