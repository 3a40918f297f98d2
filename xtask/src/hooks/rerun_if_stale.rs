//! Builds the kit again and starts the new binary, if the running binary is older than its sources.
//!
//! A hook starts the built binary directly, because `cargo xtask` costs more time. The dep-info
//! file that cargo wrote next to the binary lists the source files. The manifests, lock files and
//! configuration at the time of the last build are known as a hash, which the kit writes next to the
//! binary (`xtask.settings`).

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::build_dir::dep_info;
use xtask_impact::private_dir::write_whole;
use xtask_impact::process::Runner;
use xtask_impact::{files, process, quote};

use crate::cargo_runs::interruptible;
use crate::cli::status::Status;
use crate::cli::{global, output};

/// The exit status of cargo if cargo could not build or start the program.
const CARGO_FAILED: u8 = 101;

/// Builds and starts the kit again by `cargo xtask`, if the running kit is older than its sources.
/// Returns `None` if the running kit is current, or if `cargo xtask` does not exist here.
///
/// # Errors
/// Returns an error if cargo cannot be started.
pub(crate) fn rerun_if_stale(runner: &Runner, arguments: &[String]) -> Result<Option<Status>> {
    let binary = std::env::current_exe().ok();
    let binary = binary.and_then(|path| Utf8PathBuf::try_from(path).ok());
    let Some(record) = binary.as_deref().and_then(BinaryRecord::of) else {
        return Ok(None);
    };
    if std::env::var_os("CARGO_PKG_NAME").is_some() {
        // `cargo run` has just built the binary.
        record.note();
        return Ok(None);
    }
    if record.is_current() {
        return Ok(None);
    }
    let Some(alias) = alias(runner, record.binary)? else {
        output::note(format_args!(
            "{} is older than its sources, and there is no alias `cargo {}` to rebuild it",
            quote::name(record.binary),
            record.binary.file_stem().unwrap_or_default()
        ));
        return Ok(None);
    };
    let mut command = runner.cargo();
    // During `git commit -a`, `GIT_INDEX_FILE` names the index that is going to be committed.
    if let Some(index) = std::env::var_os("GIT_INDEX_FILE") {
        command.env("GIT_INDEX_FILE", index);
    }
    command.args(["--locked", &alias]);
    command.args(global::forwarded()).args(arguments);
    let status = interruptible(&mut command)?;
    if status == Status::Forwarded(CARGO_FAILED) {
        output::plain(
            "hint: if Cargo.lock is stale or missing, run `cargo update --workspace`; hooks do not \
             write it",
        );
    }
    Ok(Some(status))
}

/// Returns the alias that builds and starts a binary: the command of cargo with the name of the
/// binary. `None` for an installed binary, and if there is no such command in the runner's directory.
///
/// # Errors
/// Returns an error if cargo cannot be started.
pub(crate) fn alias(runner: &Runner, binary: &Utf8Path) -> Result<Option<String>> {
    let alias = binary.file_stem().unwrap_or_default();
    if !binary.with_extension("d").is_file() {
        return Ok(None);
    }
    let listed = process::checked(runner.cargo().arg("--list"))?;
    let listed = String::from_utf8_lossy(&listed);
    let mut names = listed.lines().map(|line| line.split_whitespace().next());
    Ok(names
        .any(|name| name == Some(alias))
        .then(|| alias.to_owned()))
}

/// The facts that are known about the build of a binary.
struct BinaryRecord<'a> {
    binary: &'a Utf8Path,
    /// The files that the binary was built from.
    sources: Vec<Utf8PathBuf>,
    /// The file that holds the hash of the settings at the time of the build.
    settings: Utf8PathBuf,
}

impl<'a> BinaryRecord<'a> {
    /// Returns the record of a binary in a target directory; `None` for an installed binary, which
    /// has no dep-info file.
    fn of(binary: &'a Utf8Path) -> Option<Self> {
        let text = files::read_text(binary.with_extension("d"), files::RECORD).ok()?;
        Some(Self {
            binary,
            sources: dep_info::first_rule(&text),
            settings: binary.with_extension("settings"),
        })
    }

    fn is_current(&self) -> bool {
        let modified = |path: &Utf8Path| fs::metadata(path).and_then(|it| it.modified()).ok();
        let built = modified(self.binary);
        // A missing source may have been missing at build time too: cargo writes the list of
        // sources only for builds, but also builds the binary for tests. So the time of the nearest
        // directory above decides.
        let is_older = |path: &Utf8PathBuf| match modified(path) {
            Some(time) => Some(time) <= built,
            None => {
                let went = path.ancestors().skip(1).find_map(modified);
                went.is_some() && went < built
            }
        };
        let known = files::read_text(&self.settings, files::SETTINGS);
        self.sources.iter().all(is_older)
            && known.map_or(true, |known| known == self.settings_now())
    }

    fn note(&self) {
        let now = self.settings_now();
        if files::read_text(&self.settings, files::SETTINGS).is_ok_and(|known| known == now) {
            return;
        }
        // Without this file, the check uses only the times of the sources.
        drop(write_whole(&self.settings, now));
    }

    /// Returns a hash of the manifests, lock files and configuration files above the sources.
    fn settings_now(&self) -> String {
        let mut above: Vec<&Utf8Path> = Vec::new();
        for source in &self.sources {
            above.extend(source.ancestors().skip(1).take(8));
        }
        above.sort_unstable();
        above.dedup();
        let mut hasher = DefaultHasher::new();
        for directory in above {
            for name in [
                "Cargo.toml",
                "Cargo.lock",
                ".cargo/config",
                ".cargo/config.toml",
                "rust-toolchain",
                "rust-toolchain.toml",
            ] {
                if let Ok(content) = files::read(directory.join(name), files::SETTINGS) {
                    (directory, name, content).hash(&mut hasher);
                }
            }
        }
        format!("{:016x}", hasher.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binary_is_current_until_a_source_or_a_setting_changes() {
        let directory = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(directory.path()).unwrap();
        let (source, manifest) = (root.join("main.rs"), root.join("Cargo.toml"));
        let binary = root.join("kit");
        assert!(BinaryRecord::of(&binary).is_none(), "it was installed");
        fs::write(&source, "").unwrap();
        fs::write(&manifest, "[package]").unwrap();
        fs::write(&binary, "").unwrap();
        fs::write(root.join("kit.d"), format!("{binary}: {source}\n")).unwrap();
        let is_current = || BinaryRecord::of(&binary).unwrap().is_current();
        assert!(is_current());
        BinaryRecord::of(&binary).unwrap().note();
        assert!(is_current());
        fs::write(&manifest, "[package] # edited").unwrap();
        assert!(!is_current());
        BinaryRecord::of(&binary).unwrap().note();
        assert!(is_current());
        fs::write(root.join("rust-toolchain"), "1.95").unwrap();
        assert!(!is_current());
        BinaryRecord::of(&binary).unwrap().note();
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
        let file = fs::File::options().append(true).open(&source).unwrap();
        file.set_modified(later).unwrap();
        assert!(!is_current());
        fs::remove_file(&source).unwrap();
        assert!(!is_current(), "cargo would not build it so");
    }
}
