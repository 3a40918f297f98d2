//! Decides which records in a build directory belong to this checkout.
//!
//! A record counts if its unit was compiled from this checkout. A record of another checkout says
//! what the sources of the other checkout read. If a profile directory holds records of another
//! checkout, its records of unknown origin do not count either. Another workspace of this
//! repository may build in the same directory: a unit that was compiled from other files than those
//! of this workspace does not belong to this workspace, but is no sign of another checkout.
//!
//! The repository of the other place is not compared. A package with the same name at the same path
//! below its workspace root has the same hashes as this checkout's package, so cargo cannot tell
//! the two packages apart in any case.

use std::collections::HashMap;

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};

use super::layout::PackageDirectories;
use crate::build_dir::evidence::{ProfileRecords, RecordFilter, UnitRecord};
use crate::build_dir::unit_record::{RecordedKind, RecordedMode, UnitName};
use crate::build_dir::{Directories, dep_info, evidence};
use crate::paths::{normalized, resolved};
use crate::workspace::{PackageIx, Workspace};
use crate::{files, quote, state, usage};

/// The name of the file in which the kit caches records.
pub(crate) const STATE_NAME: &str = "records";

/// A profile directory that holds units which were compiled from another checkout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    /// The profile directory.
    pub directory: Utf8PathBuf,
    /// A package of this workspace that was compiled from another checkout.
    pub package: String,
    /// The file that the package was compiled from.
    pub source: Utf8PathBuf,
    /// True if this file exists. If no such file exists, the other checkout was deleted or this
    /// checkout was moved.
    pub is_there: bool,
}

/// Returns the records in a build directory that belong to this checkout, and the profile
/// directories that another checkout builds in too. The files of external packages do not change,
/// so their records are read only if `with_external` is true. `state` is the directory of the kit's
/// cache.
///
/// # Errors
/// Returns an error if the build directory cannot be listed or has an unknown layout.
pub fn read(
    (workspace, layout): (&Workspace, &PackageDirectories),
    directories: &Directories,
    with_external: bool,
    state: Option<&Utf8Path>,
) -> Result<(Vec<ProfileRecords>, Vec<Shared>)> {
    let mut named: HashMap<&str, Vec<&Utf8Path>> = HashMap::new();
    let mut own: HashMap<&str, Vec<PackageIx>> = HashMap::new();
    for (index, package) in workspace.packages() {
        let at = layout.directory(index);
        if at.is_some() {
            own.entry(&package.name).or_default().push(index);
        }
        if let Some(at) = at.or_else(|| with_external.then(|| package.directory())) {
            named.entry(&package.name).or_default().push(at);
        }
    }
    let wanted = RecordFilter {
        root: &workspace.root,
        directories: &named,
    };
    let name = if with_external {
        "all-records"
    } else {
        STATE_NAME
    };
    let kept = state.map(|state| state::of_workspace(state, name, &workspace.root));
    let mut places = evidence::read(&directories.build, &wanted, kept.as_deref())?;
    let mut checkout = Checkout::new(workspace, layout, own);
    let shared = places.iter_mut().filter_map(|place| {
        let below = place.path.strip_prefix(&directories.build);
        let outputs = directories.target.join(below.unwrap_or(&place.path));
        checkout.sift(place, &outputs)
    });
    let shared = shared.collect();
    Ok((places, shared))
}

/// Returns the profile directories of a workspace that another checkout builds in too.
///
/// # Errors
/// Returns an error if the build directory cannot be listed or has an unknown layout.
pub fn sharing(workspace: &Workspace) -> Result<Vec<Shared>> {
    let state = workspace.state_directory();
    let ours = (workspace, &PackageDirectories::new(workspace));
    Ok(read(ours, &workspace.directories(), false, state.as_deref())?.1)
}

impl Shared {
    /// Returns the error that explains why nothing is removed from this directory.
    pub fn refusal(&self) -> anyhow::Error {
        let Self {
            directory,
            package,
            source,
            ..
        } = self;
        usage!(
            "nothing removed from {directory}: another checkout also builds there (`{package}` was \
             last built from {source})\nhint: --allow-shared removes the artifacts of both \
             checkouts; `allow-shared = true` in [workspace.metadata.xtask.policy] always allows it"
        )
    }
}

/// Returns the note for the reader about shared directories, whose records are not used.
pub fn note(shared: &[Shared]) -> Option<String> {
    let first = shared.iter().find(|it| it.is_there).or(shared.first())?;
    let Shared {
        directory,
        package,
        source,
        ..
    } = first;
    let more = match shared.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    Some(match first.is_there {
        true => format!(
            "{directory}{more} is shared with another checkout: `{package}` was last built there \
             from {source}. Cargo may use artifacts of the other checkout, so the records \
             there are not used. {FIX}"
        ),
        false => format!(
            "{directory}{more} was built for another place: `{package}` was last built from \
             {source}, which does not exist. If the checkout was moved, run `cargo clean` and \
             build again, so that its records are used"
        ),
    })
}

/// The fix for checkouts that share a build directory.
pub const FIX: &str = "Give each checkout its own build directory in .cargo/config.toml: [build] \
                       build-dir = \"{cargo-cache-home}/build/{workspace-path-hash}\"";

/// The place that a unit was compiled from, compared with this checkout.
#[derive(Clone, Copy, Debug, PartialEq)]
enum CompiledWhere {
    Here,
    Unknown,
    /// Another file of this repository, or a file for which cargo computes other hashes.
    Beside,
    /// Another checkout, at the same path below its workspace root, so that cargo computes the same
    /// hashes.
    Elsewhere,
}

struct Checkout<'a> {
    workspace: &'a Workspace,
    layout: &'a PackageDirectories,
    /// The path packages by name.
    own: HashMap<&'a str, Vec<PackageIx>>,
    root: Utf8PathBuf,
    /// The top level of this repository.
    ours: Utf8PathBuf,
    /// The known directories, each with true if it belongs to this repository.
    beside: HashMap<Utf8PathBuf, bool>,
}

impl<'a> Checkout<'a> {
    fn new(
        workspace: &'a Workspace,
        layout: &'a PackageDirectories,
        own: HashMap<&'a str, Vec<PackageIx>>,
    ) -> Self {
        let root = resolved(&workspace.root);
        Self {
            workspace,
            layout,
            own,
            ours: top_level(&root).unwrap_or(&root).to_owned(),
            root,
            beside: HashMap::new(),
        }
    }

    /// Removes the records that do not count from a profile directory, and returns the directory if
    /// another checkout builds there too. `outputs` is the directory where cargo puts the final
    /// artifacts.
    fn sift(&mut self, place: &mut ProfileRecords, outputs: &Utf8Path) -> Option<Shared> {
        let mut elsewhere = self.uplifted_by_other_checkouts(&place.units, outputs);
        let mut is_there = elsewhere.as_ref().is_some_and(|(_, it)| it.exists());
        let mut judged: Vec<(CompiledWhere, UnitRecord)> = Vec::new();
        for unit in std::mem::take(&mut place.units) {
            let mut origin = CompiledWhere::Unknown;
            if let Some(source) = &unit.compiled_from {
                origin = self.origin(&unit.package, source);
                // A source file that exists is better evidence than a file that was deleted.
                if origin == CompiledWhere::Elsewhere && !is_there {
                    is_there = source.exists();
                    elsewhere = Some((unit.package.clone(), source.clone()));
                }
            }
            judged.push((origin, unit));
        }
        judged.retain(|(origin, unit)| {
            let counts = match origin {
                CompiledWhere::Here => true,
                CompiledWhere::Unknown => elsewhere.is_none(),
                CompiledWhere::Beside | CompiledWhere::Elsewhere => false,
            };
            if !counts {
                log_foreign(unit, *origin);
            }
            counts
        });
        place.units = judged.into_iter().map(|(_, unit)| unit).collect();
        elsewhere.map(|(package, source)| Shared {
            directory: place.path.clone(),
            package,
            source,
            is_there,
        })
    }

    /// Returns the package and the root file of the binary that cargo put in `outputs` last, if
    /// another checkout built this binary.
    fn uplifted_by_other_checkouts(
        &mut self,
        units: &[UnitRecord],
        outputs: &Utf8Path,
    ) -> Option<(String, Utf8PathBuf)> {
        let dep_infos = units.iter().filter_map(|unit| {
            let UnitName { mode, kind, target } = &unit.name;
            let dep_info = outputs.join(format!("{target}.d"));
            let is_binary = (*mode, *kind) == (RecordedMode::Compile, RecordedKind::Bin);
            let written = is_binary.then(|| dep_info.metadata().and_then(|it| it.modified()))?;
            Some((written.ok()?, dep_info, unit))
        });
        let (_, dep_info, unit) = dep_infos.max_by_key(|it| it.0)?;
        let files = dep_info::first_rule(&files::read_text(dep_info, files::RECORD).ok()?);
        let packages = self.own.get(unit.package.as_str())?.iter();
        let targets = packages.flat_map(|&it| &self.workspace.package(it).targets);
        let roots = targets.filter(|it| it.name == unit.name.target);
        let roots: Vec<_> = roots
            .filter_map(|it| it.src_path.strip_prefix(&self.workspace.root).ok())
            .collect();
        let is_root = |file: &Utf8PathBuf| roots.iter().any(|root| file.ends_with(root));
        let source = files.into_iter().find(is_root)?;
        let is_elsewhere = self.origin(&unit.package, &source) == CompiledWhere::Elsewhere;
        is_elsewhere.then(|| (unit.package.clone(), source))
    }

    fn origin(&mut self, package: &str, source: &Utf8Path) -> CompiledWhere {
        let Some(own) = self.own.get(package) else {
            return CompiledWhere::Unknown;
        };
        if own.iter().any(|&package| self.is_of(package, source)) {
            return CompiledWhere::Here;
        }
        let packages = own.iter().map(|&it| self.workspace.package(it));
        let mut roots = packages.flat_map(|it| &it.targets).map(|it| &it.src_path);
        let ends_as = |root: &Utf8PathBuf| {
            let below = root.strip_prefix(&self.workspace.root);
            below.is_ok_and(|below| source.ends_with(below))
        };
        if is_download(source) || !roots.any(ends_as) {
            return CompiledWhere::Beside;
        }
        // The user may have started cargo through a symbolic link to this checkout.
        let real = resolved(source);
        if own.iter().any(|&package| self.is_of(package, &real)) {
            return CompiledWhere::Here;
        }
        let is_beside = source.parent().is_some_and(|it| self.is_beside(it));
        // A worktree can lie inside this checkout. A deleted worktree leaves no `.git` file to
        // recognize it by.
        match is_beside && source.exists() {
            true => CompiledWhere::Beside,
            false => CompiledWhere::Elsewhere,
        }
    }

    /// Returns true if a directory belongs to this repository.
    fn is_beside(&mut self, directory: &Utf8Path) -> bool {
        if let Some(&known) = self.beside.get(directory) {
            return known;
        }
        let theirs = top_level(directory);
        let is_beside = theirs.map_or(directory.starts_with(&self.ours), |it| it == self.ours);
        self.beside.insert(directory.to_owned(), is_beside);
        is_beside
    }

    /// Returns true if a package has a target with this root file, in any spelling of the path.
    fn is_of(&self, package: PackageIx, source: &Utf8Path) -> bool {
        let known = self.workspace.package(package);
        let real = self.layout.directory(package);
        known.targets.iter().any(|target| {
            let path = &target.src_path;
            let below = |directory: &Utf8Path, real: &Utf8Path| {
                path.strip_prefix(directory)
                    .is_ok_and(|it| source.strip_prefix(real).is_ok_and(|other| it == other))
            };
            path.as_str() == source.as_str()
                || below(&self.workspace.root, &self.root)
                || real.is_some_and(|real| below(known.directory(), real))
                || normalized(path) == normalized(source)
        })
    }
}

/// Logs a record that does not count, because its unit was not compiled from this checkout.
fn log_foreign(unit: &UnitRecord, origin: CompiledWhere) {
    if !log::log_enabled!(log::Level::Debug) {
        return;
    }
    let UnitName { mode, kind, target } = &unit.name;
    let (package, target) = (quote::name(&unit.package), quote::name(target));
    let source = unit.compiled_from.as_deref().map(quote::name);
    let source = source.unwrap_or("an unknown file".into());
    let why = match origin {
        CompiledWhere::Beside => "which starts no target of this workspace",
        _ => "and another checkout builds in this directory",
    };
    log::debug!(
        "record refused: {package} ({kind:?} {target}, {mode:?}): compiled from {source}, {why}"
    );
}

/// Returns the nearest directory at or above `directory` with an entry `.git`. In a worktree this
/// entry is a file.
pub fn top_level(directory: &Utf8Path) -> Option<&Utf8Path> {
    let mut above = directory.ancestors();
    above.find(|it| it.join(".git").exists())
}

/// Returns true if a file belongs to a registry package, or to a git repository that cargo checked
/// out.
fn is_download(source: &Utf8Path) -> bool {
    let names: Vec<&str> = source.iter().collect();
    let mut pairs = names.windows(2);
    pairs.any(|pair| matches!(pair, ["registry", "src"] | ["git", "checkouts"]))
}

#[cfg(test)]
mod tests;
