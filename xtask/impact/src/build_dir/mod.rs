//! What lies where in cargo's build directory. What the records in it say: [`crate::build_dir::unit_record`].
//!
//! Nothing here runs a process, takes a lock or writes.
//!
//! # The two layouts
//!
//! As seen on cargo 1.95 and 1.97-nightly and read in the source of 1.100. Up to 1.99 cargo writes
//! V1, and V2 with `-Zbuild-dir-new-layout`; 1.100 writes V2. `P` is a profile directory:
//! `debug`, `release` or the profile's own name, in the build directory or in `<triple>/` there.
//! `C` is the target's name with `_` for `-`, `H` are 16 hexadecimal digits.
//!
//! | | [`Layout::V1`] | [`Layout::V2`] |
//! | --- | --- | --- |
//! | fingerprints | `P/.fingerprint/<pkg>-H/` | `P/build/<pkg>/H/fingerprint/` |
//! | rustc's output | `P/deps/`, `P/examples/`; scripts' `P/build/<pkg>-H/` | `P/build/<pkg>/H/out/` |
//! | its names | `libC-H.rmeta`, `libC-H.rlib`, `libC-H.so`, `C-H`, `C-H.d` | the same |
//! | …without `-H` | path packages' dylibs, cdylibs; executables on MSVC | dylibs, cdylibs, executables |
//! | a script | `build_script_build-H`, linked as `build-script-build` | so on 1.95; 1.97: `build_script_build` |
//! | its run | `P/build/<pkg>-H/{output,stderr,root-output,invoked.timestamp}` | `P/build/<pkg>/H/run/{stdout,…}` |
//! | `OUT_DIR` | `P/build/<pkg>-H/out/` | `P/build/<pkg>/H/out/` |
//! | incremental | `P/incremental/<crate>-<another hash>/` | the same |
//! | uplifted | `P/<bin>`, `P/libC.rlib`, `P/examples/<example>`, each with a `.d` of cargo's | the same |
//!
//! Names without a hash are shared: `dylib` targets with all features overwrite one another. A run
//! has a hash of its own, so `P/build/<pkg>-H` is a script or a run, never both. Under `--target`
//! scripts and proc-macros lie with the host, a script's run with what it is for.
//!
//! Both layouts can lie in one `P`, each with units of its own. `P/.cargo-lock` is in target and
//! build directory; from 1.96 on the target directory has it with `.cargo-artifact-lock`, the build
//! directory `.cargo-build-lock`; on a network file system there is none. Where the two directories
//! are apart, only the build directory holds records.
//!
//! A fingerprint directory holds, for a unit `U` (see [`crate::build_dir::unit_record::UnitName`]):
//! - `U`, the fingerprint; emptied before the unit is built again, so empty if that failed;
//! - `U.json`, what the fingerprint was made of; still the former one while `U` is empty;
//! - `dep-U`, cargo's dep-info; none for runs, documentation and scraped examples;
//! - `output-U`, saved warnings, if there were any;
//! - `invoked.timestamp`, not for runs, which have it beside their output.
//!
//! It is created, empty, for every unit of a build before the first one starts. Documentation has
//! one directory a package, as have V1's targets without a hash: there `invoked.timestamp` is that
//! of whichever came last, and only `dep-U`'s mtime, set to the same instant, is a unit's own.

pub(crate) mod compiled_from;
pub mod dep_info;
pub mod evidence;
pub mod unit_inputs;
pub mod unit_record;

use super::files;
use crate::paths::{is_absent, is_link_loop};
use crate::quote;
use anyhow::{Context, Result, bail};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use std::collections::BTreeSet;
use std::fs;

/// How a profile directory is organised; see the [module](self).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layout {
    /// By kind of file: `.fingerprint`, `deps`, `build`.
    V1,
    /// By unit: `build/<package>/<hash>`.
    V2,
}

/// The part of a build directory that belongs to one profile and target, in one layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileDir {
    /// The directory itself.
    pub path: Utf8PathBuf,
    /// The build directory that it is part of, which recorded paths are relative to.
    pub build_directory: Utf8PathBuf,
    /// What `--target` named (a custom target's file stem); `None` for the host's.
    pub triple: Option<String>,
    /// The directory's name: `debug` for `dev` and `test`, `release`, or the profile's own.
    pub directory: String,
    /// How its records are laid out.
    pub layout: Layout,
}

/// Where a cargo builds, and where it puts what it built; mostly the same directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Directories {
    /// Intermediate artifacts, with the records.
    pub build: Utf8PathBuf,
    /// Final ones.
    pub target: Utf8PathBuf,
}

/// Where a cargo keeps what it asked of the compiler, in the directory that it was told to build in.
const COMPILER_CACHE: &str = ".rustc_info.json";

/// Whether a profile directory of a build or target directory is provably cargo's: that directory
/// is tagged by it, which cargo does only where it creates it itself, or cargo has locked this one.
/// Its compiler cache proves nothing: `cargo metadata` writes it to any directory it is told.
pub fn is_cargos(root: &Utf8Path, profile: &Utf8Path) -> bool {
    is_tagged(root) || is_locked(profile)
}

/// Returns true for a directory with a tag as cargo writes one where it creates the directory.
pub fn is_tagged(directory: &Utf8Path) -> bool {
    files::read_text(directory.join("CACHEDIR.TAG"), files::SETTINGS).is_ok_and(|tag| {
        tag.starts_with("Signature: 8a477f597d28d172789f06886806bc55") && tag.contains("cargo")
    })
}

/// Other directories in which cargo was told to build with `--target-dir`, as editors and coverage
/// tools do: those that cargo made, in the workspace's root or in one of its own two. No link is
/// followed.
///
/// # Errors
/// A directory that cannot be listed.
pub fn others(root: &Utf8Path, own: &Directories) -> Result<Vec<Directories>> {
    let mut found = BTreeSet::new();
    for parent in [root, &own.build, &own.target] {
        for name in entries(parent)? {
            let path = parent.join(name);
            let is_own = [&own.build, &own.target].contains(&&path);
            // The tag alone is a triple's directory.
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

/// Every profile directory below a build directory, the host's before the triples', sorted; one
/// with both layouts comes twice. A build directory that does not exist has none.
///
/// # Errors
/// A directory that cannot be listed, or a profile directory of an unknown layout.
pub fn profile_dirs(build_directory: &Utf8Path) -> Result<Vec<ProfileDir>> {
    let (mut found, mut by_triple) = (Vec::new(), Vec::new());
    for name in entries(build_directory)? {
        let profiles = profiles(build_directory, None, &name)?;
        let path = build_directory.join(&name);
        // Tools keep whole target directories in here, and those are not triples.
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

/// One profile directory, if it is one, as often as it has layouts.
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

/// The layouts found in what may be a profile directory; none if it is not one, or is one of a
/// target directory whose build directory is elsewhere.
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
                "`{}` has a layout not known here: see `build/{package}`",
                quote::name(&path)
            ),
            None if build.is_dir() => layouts.push(Layout::V2),
            None => bail!(
                "`{}` has a layout not known here: no `.fingerprint`, no `build`",
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

/// Returns true for the 16 hexadecimal digits that name a unit.
pub fn is_hash(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Splits `my-lib-0123456789abcdef` into name and hash.
pub fn split_hash(name: &str) -> Option<(&str, &str)> {
    let (name, hash) = name.split_at_checked(name.len().checked_sub(16)?)?;
    Some((name.strip_suffix('-')?, hash)).filter(|_| is_hash(hash))
}

/// The name of the directory that a profile is built in.
pub fn directory_of(profile: &str) -> &str {
    match profile {
        "dev" | "test" => "debug",
        "bench" => "release",
        other => other,
    }
}

/// The hash in the name of a file of a unit's: `libmy_lib-0123456789abcdef.rlib`.
pub fn hash_in(file_name: &str) -> Option<&str> {
    let stem = file_name.split('.').next()?;
    split_hash(stem).map(|(_, hash)| hash)
}

impl ProfileDir {
    /// Where a cargo with this target directory puts what it built here; the same directory unless
    /// target and build directory are apart.
    pub fn outputs(&self, target: &Utf8Path) -> Utf8PathBuf {
        let triple = self.triple.as_deref().unwrap_or_default();
        target.join(triple).join(&self.directory)
    }

    /// The directory of a unit's fingerprint.
    pub fn fingerprint_dir(&self, package: &str, hash: &str) -> Utf8PathBuf {
        self.path.join(match self.layout {
            Layout::V1 => format!(".fingerprint/{package}-{hash}"),
            Layout::V2 => format!("build/{package}/{hash}/fingerprint"),
        })
    }

    /// What a build script's run printed to stdout.
    pub fn script_output(&self, package: &str, hash: &str) -> Utf8PathBuf {
        self.path.join(match self.layout {
            Layout::V1 => format!("build/{package}-{hash}/output"),
            Layout::V2 => format!("build/{package}/{hash}/run/stdout"),
        })
    }
}

/// The names in a directory that are UTF-8, sorted. A directory that does not exist (any more: cargo may be at
/// work), or whose symbolic links lead in a circle, is empty.
///
/// # Errors
/// A directory that is there and cannot be listed.
pub fn entries(directory: &Utf8Path) -> Result<Vec<String>> {
    entries_such(directory, &|_| true)
}

/// Lists of a directory what is wanted.
///
/// # Errors
/// As for [`entries`].
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
