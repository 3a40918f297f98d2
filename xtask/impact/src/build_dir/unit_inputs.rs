//! The inputs of recorded units: the files and variables that a unit read in the last build.
//!
//! # Records of other checkouts
//!
//! The hash in the name of a unit's directory is computed from the package's name, version and
//! source (relative to the workspace root for a path package), features, profile, mode, target,
//! flags and the compiler (for a nightly only the fact that it is a nightly). The place of the
//! checkout is not part of the hash. Two checkouts with one build directory share directories and
//! records, and cargo accepts the records of the other checkout: measured, an unchanged copy was
//! Fresh throughout. So no record is refused because another checkout made it. What counts is what
//! cargo compares: each source of *this* checkout exists and is not newer than
//! [`StoredFingerprint::invoked`].
//!
//! Only rustc's `.d` ([`ProfileDir::rustc_dep_info`]) can show that another checkout made the
//! record: by absolute paths, which packages outside the workspace root have, and by
//! `CARGO_MANIFEST_DIR` if the code reads it. The uplifted `P/<bin>.d` names the checkout that ran
//! cargo last, which may not be the one that compiled.
//!
//! Records of Clippy have the variable `CLIPPY_ARGS`, and the manifest among their files.

use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::dep_info::{self, DepInfo, Local, ReadVariables, RecordedPath, ScriptOutput};
use super::unit_record::{RecordedMode, StoredFingerprint, UnitName};
use crate::build_dir::ProfileDir;
use crate::files;
use crate::paths::is_absent;

/// The directories of this checkout that recorded paths can be relative to.
#[derive(Debug, Clone, Copy)]
pub struct Roots<'a> {
    /// The workspace root.
    pub workspace: &'a Utf8Path,
    /// The directory of the package's manifest.
    pub package: &'a Utf8Path,
}

/// The inputs that cargo watches to decide if a build script must rerun, in addition to the script
/// itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Watch {
    /// Every file that cargo would package, because the script declared no input. Cargo compares
    /// only the newest file, by path and time.
    Package(Option<Newest>),
    /// The inputs that the script declared: absolute paths (with everything below a directory), and
    /// variables with their values at the last run.
    Declared(Vec<Utf8PathBuf>, ReadVariables),
    /// Nothing, because `[target.<triple>.<links>]` overrides the script.
    Overridden,
}

/// The newest file of a package, as cargo recorded it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Newest {
    /// The absolute path of the file.
    pub path: Utf8PathBuf,
    /// The mtime of the file.
    pub time: SystemTime,
}

impl Newest {
    /// Parses `<seconds>.<nanoseconds>s (<file>)`, in which the file is relative to the package.
    /// Seconds count from the epoch of the system: on Windows from the year 1601.
    pub fn parse(recorded: &str, package_root: &Utf8Path) -> Option<Self> {
        let (time, path) = recorded.split_once("s (")?;
        let (seconds, nanoseconds) = time.split_once('.')?;
        let since = if cfg!(windows) { 11_644_473_600 } else { 0 };
        let seconds = seconds.parse::<u64>().ok()?.checked_sub(since)?;
        let rest = Duration::from_nanos(nanoseconds.parse().ok()?);
        let time = Duration::from_secs(seconds).checked_add(rest)?;
        Some(Self {
            path: package_root.join(path.strip_suffix(')')?),
            time: SystemTime::UNIX_EPOCH.checked_add(time)?,
        })
    }
}

/// The recorded instructions of a build script's last run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptRun {
    /// The inputs of the script.
    pub watch: Watch,
    /// The variables that the script set for the units of its package.
    pub rustc_env: Vec<(String, String)>,
    /// True if fingerprint and output agree. If they do not agree, cargo reruns the script in any
    /// case.
    pub settled: bool,
}

impl ProfileDir {
    /// Returns the files and variables that a compiled unit read, files as sorted absolute paths.
    /// Reads cargo's dep-info, or rustc's if cargo's is not readable. Returns `None` if neither is
    /// readable (as for documentation and script runs): cargo then rebuilds the unit.
    ///
    /// Cargo's dep-info is preferred because cargo compares its entries, and because its mtime is
    /// the start of rustc. Rustc's dep-info has the same files, also those of registry and git
    /// packages, and more variables: also those that cargo or the build script set. In both, cargo
    /// ignores files below `registry` and `git` of `CARGO_HOME`.
    pub fn sources(&self, unit: &StoredFingerprint, roots: Roots<'_>) -> Option<DepInfo> {
        let cargos = self.cargo_sources(&unit.package, &unit.hash, &unit.name, roots);
        let mut found = match cargos {
            Some(found) => found,
            None => {
                let text = files::read_text(self.rustc_dep_info(unit)?, files::RECORD).ok()?;
                let mut found = dep_info::parse_rustc(&text)?;
                for file in &mut found.files {
                    *file = dep_info::recorded(roots.workspace, file);
                }
                found
            }
        };
        found
            .files
            .sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        found.files.dedup_by(|a, b| a.as_str() == b.as_str());
        Some(found)
    }

    /// Returns the files and variables in cargo's own dep-info of a unit; `None` if it is not
    /// readable.
    pub fn cargo_sources(
        &self,
        package: &str,
        hash: &str,
        name: &UnitName,
        roots: Roots<'_>,
    ) -> Option<DepInfo> {
        let path = self.cargo_dep_info(package, hash, name);
        let bytes = files::read(path, files::RECORD).ok()?;
        let found = dep_info::parse_cargo(&bytes)?;
        let files = found.files.iter().map(|file| match file {
            RecordedPath::Package(path) => dep_info::recorded(roots.package, path),
            RecordedPath::Build(path) => dep_info::recorded(&self.build_directory, path),
        });
        Some(DepInfo {
            files: files.collect(),
            env: found.env,
        })
    }

    /// Returns rustc's `.d` of a compiled unit. The paths in it also show the version of a registry
    /// package.
    pub fn rustc_dep_info(&self, unit: &StoredFingerprint) -> Option<Utf8PathBuf> {
        self.find_dep_info(&unit.package, &unit.hash, &unit.name, unit.plain)
    }

    /// Returns rustc's `.d` of a unit whose record was not read. `plain` is true if a file name
    /// without the hash is accepted too.
    pub fn find_dep_info(
        &self,
        package: &str,
        hash: &str,
        name: &UnitName,
        plain: bool,
    ) -> Option<Utf8PathBuf> {
        if matches!(name.mode, RecordedMode::Run | RecordedMode::Doc) {
            return None;
        }
        let [hashed, without_hash] = self.dep_info_paths(package, hash, name);
        let without_hash = plain.then_some(without_hash);
        let mut paths = std::iter::once(hashed).chain(without_hash);
        paths.find(|path| path.is_file())
    }

    /// Reads rustc's `.d` of a unit whose record was not read. Returns the file's path and text. A
    /// file name without the hash is accepted too.
    pub fn read_dep_info(
        &self,
        package: &str,
        hash: &str,
        name: &UnitName,
    ) -> Option<(Utf8PathBuf, String)> {
        if matches!(name.mode, RecordedMode::Run | RecordedMode::Doc) {
            return None;
        }
        for path in self.dep_info_paths(package, hash, name) {
            match files::read_text(&path, files::RECORD) {
                Ok(text) => return Some((path, text)),
                Err(error) if is_absent(&error) => {}
                Err(_) => return None,
            }
        }
        None
    }

    /// Returns the paths of rustc's `.d` of a unit, with and without the hash in the name.
    pub fn dep_info_paths(&self, package: &str, hash: &str, name: &UnitName) -> [Utf8PathBuf; 2] {
        let directory = self.output_dir(package, hash, name.kind);
        dep_info_names(hash, name).map(|it| directory.join(it))
    }

    /// Returns the instructions that the last run of a build script printed; `None` if the run left
    /// no output.
    pub fn read_script_output(&self, package: &str, hash: &str) -> Option<ScriptOutput> {
        let path = self.script_output(package, hash);
        let output = files::read(&path, files::RECORD).ok()?;
        let then = path.with_file_name("root-output");
        let then = files::read_text(then, files::RECORD).unwrap_or_default();
        let now = self.out_dir(package, hash);
        Some(ScriptOutput::parse(&output, &then, now.as_str()))
    }

    /// Returns the instructions of a build script's last run. Returns `None` if the run left no
    /// output: cargo then reruns the script.
    ///
    /// Two records describe a run. Cargo reads the recorded output *before* the next run to know
    /// which paths and variables to compare, so the paths come from the output. The fingerprint
    /// holds the values that were compared at the last run, so the values of variables come from
    /// the fingerprint. The two differ if a script no longer declares inputs (cargo then keeps the
    /// former list in the fingerprint and reruns the script once), or if a run stopped between
    /// writing the two. For an overridden script only the fingerprint counts, because any output is
    /// older than the override.
    pub fn script_run(
        &self,
        unit: &StoredFingerprint,
        package_root: &Utf8Path,
    ) -> Option<ScriptRun> {
        let local = &unit.fingerprint.local;
        if matches!(&local[..], [Local::Precalculated(what)] if what.starts_with("overridden ")) {
            return Some(ScriptRun {
                watch: Watch::Overridden,
                rustc_env: Vec::new(),
                settled: true,
            });
        }
        let output = self.read_script_output(&unit.package, &unit.hash)?;
        let resolve = |path: &Utf8PathBuf| dep_info::absolute(package_root, path);
        let (mut paths, mut env) = (Vec::new(), ReadVariables::new());
        for input in local {
            match input {
                Local::RerunIfChanged { paths: named, .. } => {
                    paths.extend(named.iter().map(resolve))
                }
                Local::RerunIfEnvChanged { var, val } => env.push((var.clone(), val.clone())),
                Local::Precalculated(_) | Local::CheckDepInfo { .. } => {}
            }
        }
        let named: Vec<_> = output.rerun_if_changed.iter().map(resolve).collect();
        let variables = &output.rerun_if_env_changed;
        let settled = named == paths && variables.iter().eq(env.iter().map(|(name, _)| name));
        let watch = if named.is_empty() && variables.is_empty() {
            Watch::Package(match &local[..] {
                [Local::Precalculated(newest)] => Newest::parse(newest, package_root),
                _ => None,
            })
        } else {
            let value_of = |name: &String| env.iter().find(|(it, _)| it == name)?.1.clone();
            let values = variables.iter().map(|name| (name.clone(), value_of(name)));
            Watch::Declared(named, values.collect())
        };
        Some(ScriptRun {
            watch,
            rustc_env: output.rustc_env,
            settled,
        })
    }
}

/// Returns the names of rustc's `.d` of a unit, with and without the hash.
pub fn dep_info_names(hash: &str, name: &UnitName) -> [String; 2] {
    let crate_name = name.target.replace('-', "_");
    [format!("{crate_name}-{hash}.d"), format!("{crate_name}.d")]
}

#[cfg(test)]
mod tests;
