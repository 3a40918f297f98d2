//! Whether the running kit is what its sources would be built to, and starting the one that is.
//!
//! A hook starts the built binary, since `cargo xtask` costs a tenth of a second and more. What
//! cargo wrote beside the binary says from which files it was built; what was set when cargo last
//! built it, the manifests and the lock file, is known by a number in a file of the kit's own.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use anyhow::Result;
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use crate::cargo_runs::interruptible;
use crate::cli::output;
use xtask_impact::build_dir::dep_info;
use xtask_impact::error::Status;
use xtask_impact::files;
use xtask_impact::private_dir::write_whole;
use xtask_impact::process;
use xtask_impact::process::Runner;
use xtask_impact::quote;

/// The status of a cargo that did not come to run the program.
const CARGO_FAILED: u8 = 101;

/// Has cargo build the kit and starts that, where the running one is not current; `None` where it
/// is, or nobody can build another.
///
/// # Errors
/// When cargo cannot be started.
pub(crate) fn rerun_if_stale(runner: &Runner, arguments: &[String]) -> Result<Option<Status>> {
    let binary = std::env::current_exe().ok();
    let binary = binary.and_then(|path| Utf8PathBuf::try_from(path).ok());
    let Some(record) = binary.as_deref().and_then(BinaryRecord::of) else {
        return Ok(None);
    };
    if std::env::var_os("CARGO_PKG_NAME").is_some() {
        // `cargo run` has just seen to it.
        record.note();
        return Ok(None);
    }
    if record.is_current() {
        return Ok(None);
    }
    if !is_alias(runner)? {
        output::note(format_args!(
            "{} is older than its sources, and `cargo xtask`, which would build it, is no alias here",
            quote::name(record.binary)
        ));
        return Ok(None);
    }
    let mut command = runner.cargo();
    // During `git commit -a` it names the index that is going to be committed.
    if let Some(index) = std::env::var_os("GIT_INDEX_FILE") {
        command.env("GIT_INDEX_FILE", index);
    }
    command.args(["--locked", "xtask"]).args(arguments);
    let status = interruptible(&mut command)?;
    if status == Status::Forwarded(CARGO_FAILED) {
        output::plain(
            "hint: where Cargo.lock is stale or missing, run `cargo update --workspace`; hooks do \
             not write it",
        );
    }
    Ok(Some(status))
}

/// Whether `cargo xtask` is a command here.
///
/// # Errors
/// When cargo cannot be started.
pub(crate) fn is_alias(runner: &Runner) -> Result<bool> {
    let listed = process::checked(runner.cargo().arg("--list"))?;
    let listed = String::from_utf8_lossy(&listed);
    let mut names = listed.lines().map(|line| line.split_whitespace().next());
    Ok(names.any(|name| name == Some("xtask")))
}

/// What is known of how a binary was built.
struct BinaryRecord<'a> {
    binary: &'a Utf8Path,
    /// The files that it was built from.
    sources: Vec<Utf8PathBuf>,
    /// Where a number stands for what was set when it was built.
    settings: Utf8PathBuf,
}

impl<'a> BinaryRecord<'a> {
    /// That of a binary which cargo put where it is; an installed one has none.
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
        // A file that is gone may have been gone before: cargo writes the list of sources for
        // builds alone, and builds the binary for tests, too.
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
        // Without it the kit is started as before.
        drop(write_whole(&self.settings, now));
    }

    /// The contents of the manifests, lock files and configuration above the sources, as a number.
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
                ".cargo/config.toml",
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
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
        let file = fs::File::options().append(true).open(&source).unwrap();
        file.set_modified(later).unwrap();
        assert!(!is_current());
        fs::remove_file(&source).unwrap();
        assert!(!is_current(), "cargo would not build it so");
    }
}
