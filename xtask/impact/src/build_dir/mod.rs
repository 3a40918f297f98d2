//! The layout of cargo's build directory: the place of every file. The contents of the records are
//! in [`crate::build_dir::unit_record`].
//!
//! This module runs no process, takes no lock and writes nothing.
//!
//! # The two layouts
//!
//! The layouts were observed on cargo 1.95 and 1.97-nightly, and read in the source of cargo 1.100.
//! Up to 1.99 cargo writes V1, or V2 with `-Zbuild-dir-new-layout`. From 1.100 on cargo writes V2.
//! In the table:
//!
//! - `P` is a profile directory: `debug`, `release` or the profile's own name, in the build
//!   directory or in `<triple>/` there;
//! - `C` is the target's name with `_` instead of `-`;
//! - `H` is a hash of 16 hexadecimal digits.
//!
//! | | [`Layout::V1`] | [`Layout::V2`] |
//! | --- | --- | --- |
//! | fingerprints | `P/.fingerprint/<pkg>-H/` | `P/build/<pkg>/H/fingerprint/` |
//! | directory of rustc's output | `P/deps/`, `P/examples/`; for build scripts `P/build/<pkg>-H/` | `P/build/<pkg>/H/out/` |
//! | files in it | `libC-H.rmeta`, `libC-H.rlib`, `libC-H.so`, `C-H`, `C-H.d` | as V1 |
//! | files without `-H` | dylibs of path packages, cdylibs; executables on MSVC | dylibs, cdylibs, executables |
//! | build script | `build_script_build-H`, linked as `build-script-build` | as V1 on 1.95; `build_script_build` on 1.97 |
//! | script run | `P/build/<pkg>-H/{output,stderr,root-output,invoked.timestamp}` | `P/build/<pkg>/H/run/{stdout,…}` |
//! | `OUT_DIR` | `P/build/<pkg>-H/out/` | `P/build/<pkg>/H/out/` |
//! | incremental | `P/incremental/<crate>-<another hash>/` | as V1 |
//! | uplifted files | `P/<bin>`, `P/libC.rlib`, `P/examples/<example>`, each with a `.d` written by cargo | as V1 |
//!
//! Files without a hash are shared: `dylib` targets of all feature sets overwrite one another. A
//! script run has a hash of its own, so `P/build/<pkg>-H` belongs either to a script or to a run,
//! never to both. With `--target`, build scripts and proc-macros are in the host's profile
//! directory. A script run is in the profile directory of the platform that the script runs for.
//!
//! One `P` can hold both layouts, each with units of its own. Before 1.96 both the target directory
//! and the build directory hold `P/.cargo-lock`. From 1.96 on the target directory holds
//! `P/.cargo-lock` and `P/.cargo-artifact-lock`, the build directory `P/.cargo-build-lock`. On a
//! network file system there are no lock files. If the two directories differ, only the build
//! directory holds records.
//!
//! The fingerprint directory of a unit `U` (see [`crate::build_dir::unit_record::UnitName`]) holds:
//! - `U`, the fingerprint. Cargo empties it before it builds the unit, so it stays empty if the
//!   build fails;
//! - `U.json`, the values that the fingerprint was computed from. While `U` is empty, `U.json`
//!   still belongs to the former build;
//! - `dep-U`, cargo's dep-info. Script runs, documentation and scraped examples have none;
//! - `output-U`, the saved warnings, if there were any;
//! - `invoked.timestamp`. A script run has it beside its output instead.
//!
//! Before the first unit of a build starts, cargo creates an empty fingerprint directory for every
//! unit of the build. All documentation units of a package share one fingerprint directory, and so
//! do V1 targets whose files have no hash. In a shared directory, `invoked.timestamp` belongs to
//! the unit that was built last. Only the mtime of `dep-U`, which cargo sets to the same instant,
//! belongs to one unit.

pub(crate) mod compiled_from;
pub mod dep_info;
pub mod evidence;
pub mod unit_inputs;
pub mod unit_record;

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};

use self::unit_record::{RecordedMode, UnitName};
use super::files;
use crate::paths::{is_absent, is_link_loop};
use crate::quote;

/// The layout of a profile directory; see the [module](self).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layout {
    /// Files are grouped by kind: `.fingerprint`, `deps`, `build`.
    V1,
    /// Files are grouped by unit: `build/<package>/<hash>`.
    V2,
}

/// The part of a build directory that belongs to one profile, one platform and one layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileDir {
    /// The path of the profile directory.
    pub path: Utf8PathBuf,
    /// The build directory that holds the profile directory. Recorded paths are relative to the
    /// build directory.
    pub build_directory: Utf8PathBuf,
    /// The platform given to `--target` (the file stem for a custom target); `None` for the host.
    pub triple: Option<String>,
    /// The name of the profile directory: `debug` for the profiles `dev` and `test`, `release` for
    /// `release` and `bench`, otherwise the profile's name.
    pub directory: String,
    /// The layout of the records.
    pub layout: Layout,
}

/// The directory that cargo builds in and the directory of the final artifacts. Usually they are
/// the same directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Directories {
    /// The build directory: intermediate artifacts and records.
    pub build: Utf8PathBuf,
    /// The target directory: final artifacts.
    pub target: Utf8PathBuf,
}

impl Directories {
    /// Returns the directories that lie in no other one of them: one directory if they are the
    /// same, or if one contains the other.
    pub fn outer(&self) -> Vec<&Utf8Path> {
        let (build, target) = (&*self.build, &*self.target);
        match (build.starts_with(target), target.starts_with(build)) {
            (true, _) => vec![target],
            (false, true) => vec![build],
            (false, false) => vec![build, target],
        }
    }
}

/// The file in which cargo caches what it asked the compiler. Cargo writes it to the directory
/// given as target directory.
const COMPILER_CACHE: &str = ".rustc_info.json";

/// Returns true if `profile`, a profile directory of the build or target directory `root`,
/// certainly belongs to cargo: `root` has cargo's tag, or `profile` has a lock file of cargo.
///
/// Cargo writes the tag only if cargo itself creates the directory. The compiler cache proves
/// nothing, because `cargo metadata` writes it to any directory that it is given.
pub fn is_cargos(root: &Utf8Path, profile: &Utf8Path) -> bool {
    is_tagged(root) || is_locked(profile)
}

/// Returns true if the directory has the `CACHEDIR.TAG` that cargo writes when it creates a
/// directory.
pub fn is_tagged(directory: &Utf8Path) -> bool {
    files::read_text(directory.join("CACHEDIR.TAG"), files::SETTINGS).is_ok_and(|tag| {
        tag.starts_with("Signature: 8a477f597d28d172789f06886806bc55") && tag.contains("cargo")
    })
}

/// Returns the other target directories, into which cargo builds with `--target-dir`, for example
/// for editors and coverage tools. Searches the workspace root and the workspace's own build and
/// target directory for directories that cargo created. Follows no symbolic link.
///
/// # Errors
/// Returns an error if a directory cannot be listed.
pub fn others(root: &Utf8Path, own: &Directories) -> Result<Vec<Directories>> {
    let mut found = BTreeSet::new();
    for parent in [root, &own.build, &own.target] {
        for name in entries(parent)? {
            let path = parent.join(name);
            let is_own = [&own.build, &own.target].contains(&&path);
            // A directory with the tag, but without the compiler cache, is the directory of a
            // target triple.
            let is_whole = is_tagged(&path) && path.join(COMPILER_CACHE).is_file();
            if !is_own && !path.is_symlink() && is_whole {
                let target = path.clone();
                found.insert(Directories {
                    build: path,
                    target,
                });
            }
        }
    }
    Ok(found.into_iter().collect())
}

/// Returns every profile directory below a build directory, sorted, the host's before those of
/// target triples. A directory with both layouts is returned twice. Returns nothing if the build
/// directory does not exist.
///
/// # Errors
/// Returns an error if a directory cannot be listed, or if a profile directory has an unknown
/// layout.
pub fn profile_dirs(build_directory: &Utf8Path) -> Result<Vec<ProfileDir>> {
    let (mut found, mut by_triple) = (Vec::new(), Vec::new());
    for name in entries(build_directory)? {
        let profiles = profiles(build_directory, None, &name)?;
        let path = build_directory.join(&name);
        // Tools put whole target directories into the build directory. These are no directories of
        // target triples.
        let foreign = path.join(COMPILER_CACHE).is_file()
            || ["doc", "package", "tmp", "cargo-timings"].contains(&name.as_str());
        if profiles.is_empty() && !foreign && !is_locked(&path) {
            for directory in entries(&path)? {
                by_triple.extend(self::profiles(build_directory, Some(&name), &directory)?);
            }
        }
        found.extend(profiles);
    }
    found.append(&mut by_triple);
    Ok(found)
}

/// Returns the directory once for each layout that it holds. Returns nothing if it is no profile
/// directory.
fn profiles(root: &Utf8Path, triple: Option<&str>, directory: &str) -> Result<Vec<ProfileDir>> {
    let path = root.join(triple.unwrap_or_default()).join(directory);
    let profile = |layout| ProfileDir {
        path: path.clone(),
        build_directory: root.to_owned(),
        triple: triple.map(str::to_owned),
        directory: directory.to_owned(),
        layout,
    };
    Ok(layouts(&path)?.into_iter().map(profile).collect())
}

/// Returns the layouts that a directory holds. Returns nothing if the path is no profile directory,
/// or if the build directory is elsewhere, so that this directory holds only final artifacts.
fn layouts(path: &Utf8Path) -> Result<Vec<Layout>> {
    let build = path.join("build");
    let mut layouts = Vec::new();
    let packages = entries(&build)?;
    if path.join(".fingerprint").is_dir() || packages.iter().any(|it| split_hash(it).is_some()) {
        layouts.push(Layout::V1);
    }
    let mut neither = None;
    for package in packages.iter().filter(|name| split_hash(name).is_none()) {
        let units = entries(&build.join(package))?;
        if units.iter().any(|unit| is_hash(unit)) {
            layouts.push(Layout::V2);
            break;
        } else if !units.is_empty() {
            neither = Some(package);
        }
    }
    let prepared = ["deps", "incremental"]
        .iter()
        .any(|name| path.join(name).is_dir());
    if layouts.is_empty() && is_locked(path) && prepared {
        match neither {
            Some(package) => bail!(
                "unknown layout of the build directory `{}`: see `build/{package}`\nhint: update \
                 xtask-kit, or run `cargo clean`",
                quote::name(&path)
            ),
            None if build.is_dir() => layouts.push(Layout::V2),
            None => bail!(
                "unknown layout of the build directory `{}`: no `.fingerprint`, no `build`\nhint: \
                 update xtask-kit, or run `cargo clean`",
                quote::name(&path)
            ),
        }
    }
    Ok(layouts)
}

fn is_locked(path: &Utf8Path) -> bool {
    [".cargo-lock", ".cargo-build-lock"]
        .iter()
        .any(|lock| path.join(lock).exists())
}

/// Returns true if the text is 16 hexadecimal digits, as in the name of a unit's directory.
pub fn is_hash(text: &str) -> bool {
    // Every name in a build directory is tested. Without optimization, a closure for each byte would
    // take three times as long as this loop.
    if text.len() != 16 {
        return false;
    }
    for byte in text.as_bytes() {
        if !byte.is_ascii_hexdigit() {
            return false;
        }
    }
    true
}

/// Splits `my-lib-0123456789abcdef` into name and hash. Returns `None` if the text does not end
/// with a hash.
pub fn split_hash(name: &str) -> Option<(&str, &str)> {
    let (name, hash) = name.split_at_checked(name.len().checked_sub(16)?)?;
    Some((name.strip_suffix('-')?, hash)).filter(|_| is_hash(hash))
}

/// Returns the name of the directory that cargo builds a profile in: `debug` for `dev`.
pub fn directory_of(profile: &str) -> &str {
    match profile {
        "dev" | "test" => "debug",
        "bench" => "release",
        other => other,
    }
}

/// Returns the hash in the name of a unit's file, such as `libmy_lib-0123456789abcdef.rlib`.
pub fn hash_in(file_name: &str) -> Option<&str> {
    let stem = file_name.split('.').next()?;
    split_hash(stem).map(|(_, hash)| hash)
}

impl ProfileDir {
    /// Returns the directory of the final artifacts of this profile, below the target directory
    /// `target`. It is the profile directory itself if target and build directory are the same.
    pub fn outputs(&self, target: &Utf8Path) -> Utf8PathBuf {
        let triple = self.triple.as_deref().unwrap_or_default();
        target.join(triple).join(&self.directory)
    }

    /// Returns the directory of a unit's fingerprint.
    pub fn fingerprint_dir(&self, package: &str, hash: &str) -> Utf8PathBuf {
        self.path.join(match self.layout {
            Layout::V1 => format!(".fingerprint/{package}-{hash}"),
            Layout::V2 => format!("build/{package}/{hash}/fingerprint"),
        })
    }

    /// Returns cargo's own dep-info of a unit. Documentation and script runs usually have none.
    pub fn cargo_dep_info(&self, package: &str, hash: &str, name: &UnitName) -> Utf8PathBuf {
        let directory = self.fingerprint_dir(package, hash);
        directory.join(format!("dep-{}", name.file_name()))
    }

    /// Returns the file whose time cargo compares with the inputs of a unit: the stdout of a script
    /// run, or cargo's own dep-info.
    pub fn reference(&self, package: &str, hash: &str, name: &UnitName) -> Utf8PathBuf {
        match name.mode {
            RecordedMode::Run => self.script_output(package, hash),
            _ => self.cargo_dep_info(package, hash, name),
        }
    }

    /// Returns the `OUT_DIR` of a build script's run.
    pub fn out_dir(&self, package: &str, hash: &str) -> Utf8PathBuf {
        self.path.join(match self.layout {
            Layout::V1 => format!("build/{package}-{hash}/out"),
            Layout::V2 => format!("build/{package}/{hash}/out"),
        })
    }

    /// Returns the file that holds the stdout of a build script's run.
    pub fn script_output(&self, package: &str, hash: &str) -> Utf8PathBuf {
        self.path.join(match self.layout {
            Layout::V1 => format!("build/{package}-{hash}/output"),
            Layout::V2 => format!("build/{package}/{hash}/run/stdout"),
        })
    }
}

/// Returns the UTF-8 names in a directory, sorted. Returns nothing if the directory does not exist
/// (a running cargo may have removed it), or if its symbolic links form a loop.
///
/// # Errors
/// Returns an error if the directory exists and cannot be listed.
pub fn entries(directory: &Utf8Path) -> Result<Vec<String>> {
    entries_such(directory, &|_| true)
}

/// Returns the UTF-8 names in a directory for which `wanted` is true, sorted.
///
/// # Errors
/// Returns the errors of [`entries`].
pub fn entries_such(directory: &Utf8Path, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let listing = match fs::read_dir(directory) {
        Err(error) if is_absent(&error) || is_link_loop(&error) => return Ok(found),
        listing => listing.with_context(|| format!("cannot list `{}`", quote::name(&directory)))?,
    };
    for entry in listing {
        let entry = entry.with_context(|| format!("cannot list `{}`", quote::name(&directory)))?;
        found.extend(entry.file_name().into_string().ok().filter(|it| wanted(it)));
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests;
