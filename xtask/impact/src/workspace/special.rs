//! Checks of the files that cargo and rustup find by their names. They run before the first cargo
//! is started.
//!
//! Cargo would wait for ever on a pipe, and would read a device until the memory is full.

use std::fs;

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};

use crate::cargo_config::toolchain_file;
use crate::workspace::discover::likely_root;
use crate::{cargo_config, files, quote, usage};

/// Checks that cargo can read the following files to their ends: the configuration and toolchain
/// files of `directory`, and the manifests and lock files from `start` up to the workspace root.
///
/// # Errors
/// Returns a usage error if a file is a pipe, a device or too large.
pub fn check_special_files(directory: &Utf8Path, start: &Utf8Path) -> Result<()> {
    for path in cargo_config::configuration_files(directory) {
        check_file(&path, files::SETTINGS)?;
    }
    for above in directory.ancestors() {
        for name in toolchain_file::NAMES {
            check_file(&above.join(name), files::SETTINGS)?;
        }
    }
    // Cargo reads no manifest above the workspace root.
    let root = likely_root(start);
    let below_root = |above: &&Utf8Path| root.is_none_or(|root| above.starts_with(root));
    for above in start.ancestors().take_while(below_root) {
        check_file(&above.join("Cargo.toml"), files::SETTINGS)?;
        check_file(&above.join("Cargo.lock"), files::RECORD)?;
    }
    Ok(())
}

fn check_file(path: &Utf8PathBuf, limit: files::Limit) -> Result<()> {
    // Cargo itself reports a file that is missing or cannot be opened.
    let Ok(metadata) = fs::metadata(path) else {
        return Ok(());
    };
    if metadata.is_dir() || is_null(&metadata) {
        return Ok(());
    }
    let why = match metadata.is_file() {
        false => "not a regular file".to_owned(),
        true if metadata.len() > limit.0 => format!("larger than {} MiB", limit.0 >> 20),
        true => return Ok(()),
    };
    Err(usage!(
        "cannot read {}: {why}\nhint: cargo or rustup reads this file to its end; replace it with a \
         regular file, or remove it",
        quote::name(path)
    ))
}

/// Returns true for `/dev/null`, which cargo reads as an empty file.
#[cfg(unix)]
fn is_null(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
    metadata.file_type().is_char_device()
        && fs::metadata("/dev/null").is_ok_and(|null| null.rdev() == metadata.rdev())
}

#[cfg(not(unix))]
fn is_null(_: &fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the first line of the error, without the path of the scratch directory.
    fn checked(top: &Utf8Path, directory: &Utf8Path) -> String {
        let error = check_special_files(directory, directory)
            .err()
            .map(|it| it.to_string());
        let line = error.unwrap_or_default();
        let line = line.lines().next().unwrap_or_default();
        line.replace(&format!("{top}/"), "")
    }

    #[test]
    #[cfg(unix)]
    fn special_files_and_huge_files_are_refused_before_cargo_starts() {
        use std::os::unix::fs::symlink;
        let (_scratch, top) = crate::testing::scratch();
        let package = top.join("workspace/crates/a");
        fs::create_dir_all(package.join(".cargo")).unwrap();
        crate::testing::write(&package.join("Cargo.toml"), "[package]");
        crate::testing::write(&top.join("workspace/Cargo.toml"), "[workspace]");
        assert_eq!(checked(&top, &package), "");
        for (name, limit) in [
            ("workspace/rust-toolchain", 16),
            ("workspace/rust-toolchain.toml", 16),
            ("rust-toolchain", 16),
            ("workspace/crates/a/.cargo/config.toml", 16),
            ("workspace/crates/a/.cargo/config", 16),
            ("workspace/Cargo.lock", 128),
            ("workspace/crates/a/Cargo.toml", 16),
            ("workspace/Cargo.toml", 16),
        ] {
            let path = top.join(name);
            let before = fs::read(&path);
            drop(fs::remove_file(&path));
            symlink("/dev/zero", &path).unwrap();
            let expected = format!("cannot read {name}: not a regular file");
            assert_eq!(checked(&top, &package), expected);
            fs::remove_file(&path).unwrap();
            symlink("/dev/null", &path).unwrap();
            assert_eq!(checked(&top, &package), "", "{name}");
            fs::remove_file(&path).unwrap();
            let sparse = fs::File::create(&path).unwrap();
            sparse.set_len(20 << 30).unwrap();
            let expected = format!("cannot read {name}: larger than {limit} MiB");
            assert_eq!(checked(&top, &package), expected);
            fs::remove_file(&path).unwrap();
            if let Ok(before) = before {
                fs::write(&path, before).unwrap();
            }
        }
        // Cargo reads no manifest above the workspace root.
        symlink("/dev/zero", top.join("Cargo.toml")).unwrap();
        assert_eq!(checked(&top, &package), "");
    }
}
