//! Evidence from a build: the files and variables that a recorded unit read.
//!
//! # Whose record it is
//!
//! The hash in a unit's directory is made of the package's name, version and source (a path
//! package's relative to the workspace root), features, profile, mode, target, flags and the
//! compiler (of a nightly only that it is one), not of the place of the checkout. Two checkouts
//! on one build directory share directories and records, and cargo takes the other's for its own:
//! an unchanged copy was Fresh throughout. So a record need not be refused for that. What counts
//! is what cargo compares: each source as it is in *this* checkout, there and no newer than
//! [`StoredFingerprint::invoked`].
//!
//! Only rustc's `.d` ([`ProfileDir::rustc_dep_info`]) can betray the other checkout: by absolute
//! paths, which packages outside the workspace root have, and by `CARGO_MANIFEST_DIR` where the
//! code asks for it. The uplifted `P/<bin>.d` names whoever ran cargo last, not who compiled.
//!
//! Clippy's records carry the variable `CLIPPY_ARGS`, and the manifest among their files.

use super::dep_info::{self, DepInfo, Local, ReadVariables, RecordedPath, ScriptOutput};
use super::unit_record::{RecordedMode, StoredFingerprint, UnitName};
use crate::build_dir::{Layout, ProfileDir};
use crate::files;
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime};

/// The directories that recorded paths can be relative to, as this checkout has them.
#[derive(Debug, Clone, Copy)]
pub struct Roots<'a> {
    /// The workspace root.
    pub workspace: &'a Utf8Path,
    /// The directory of the package's manifest.
    pub package: &'a Utf8Path,
}

/// What makes cargo run a build script again, besides a change of the script itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Watch {
    /// It named no input: every file that cargo would package. Of these cargo compares the newest,
    /// by path and time.
    Package(Option<Newest>),
    /// What it named: absolute paths (directories to the bottom), and variables with the value
    /// they had.
    Declared(Vec<Utf8PathBuf>, ReadVariables),
    /// Nothing: `[target.<triple>.<links>]` stands in for the script.
    Overridden,
}

/// The newest file of a package, as cargo recorded it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Newest {
    /// Absolute.
    pub path: Utf8PathBuf,
    /// When it was written.
    pub time: SystemTime,
}

impl Newest {
    /// Reads `<seconds>.<nanoseconds>s (<file>)`, where the file is relative to the package. Seconds
    /// count as the system does it: on Windows from the year 1601.
    fn parse(recorded: &str, package_root: &Utf8Path) -> Option<Self> {
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

/// What the last run of a build script said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptRun {
    /// Its inputs.
    pub watch: Watch,
    /// The variables it set for its package's units.
    pub rustc_env: Vec<(String, String)>,
    /// Whether fingerprint and output agree. If not, cargo runs the script again in any case.
    pub settled: bool,
}

impl ProfileDir {
    /// What a compiled unit read, in absolute paths, sorted: by cargo's dep-info, or by rustc's where
    /// cargo's is not readable. `None` if neither is (as for documentation and runs): cargo rebuilds
    /// it then.
    ///
    /// Cargo's is preferred since it is what cargo compares, and its mtime is rustc's start.
    /// Rustc's has the same files, those of registry and git packages too, and more variables: also
    /// those that cargo or the script set. In either, cargo passes over what lies below
    /// `CARGO_HOME`'s `registry` and `git`.
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

    /// What cargo's own dep-info says of a unit; `None` where it is not readable.
    pub fn cargo_sources(
        &self,
        package: &str,
        hash: &str,
        name: &UnitName,
        roots: Roots<'_>,
    ) -> Option<DepInfo> {
        let directory = self.fingerprint_dir(package, hash);
        let bytes = files::read(
            directory.join(format!("dep-{}", name.file_name())),
            files::RECORD,
        )
        .ok()?;
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

    /// Rustc's `.d` of a compiled unit. It also tells a registry package's version, by its paths.
    pub fn rustc_dep_info(&self, unit: &StoredFingerprint) -> Option<Utf8PathBuf> {
        self.find_dep_info(&unit.package, &unit.hash, &unit.name, unit.plain)
    }

    /// The same of a unit whose record was not read: its package, hash and name, and whether a name
    /// without a hash will do.
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
        let directory = self.output_dir(package, hash, name.kind);
        let crate_name = name.target.replace('-', "_");
        let hashed = directory.join(format!("{crate_name}-{hash}.d"));
        let plain = plain.then(|| directory.join(format!("{crate_name}.d")));
        let mut paths = std::iter::once(hashed).chain(plain);
        paths.find(|path| path.is_file())
    }

    /// What the last run of a build script said; `None` if it left no output: cargo runs it again.
    ///
    /// Two records tell of a run. The recorded output is what cargo reads *before* the next one:
    /// it decides which paths and variables are compared, so paths come from here. The fingerprint
    /// holds what was compared at the last run, so the variables' values come from there. They
    /// differ where a script stopped naming inputs (cargo then keeps the former list in the
    /// fingerprint and runs the script once more), or a run was cut short between the two. Of an
    /// overridden script only the fingerprint speaks: output would be of a time before.
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
        let path = self.script_output(&unit.package, &unit.hash);
        let output = files::read(&path, files::RECORD).ok()?;
        let run_dir = path.parent()?;
        let out_dir = match self.layout {
            Layout::V1 => run_dir.join("out"),
            Layout::V2 => run_dir.with_file_name("out"),
        };
        let then = files::read_text(run_dir.join("root-output"), files::RECORD).unwrap_or_default();
        let output = ScriptOutput::parse(&output, &then, out_dir.as_str());

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

#[cfg(test)]
mod tests;
