//! Which records in a build directory are of this checkout.
//!
//! A record counts where its unit was compiled from this checkout. One of another checkout says what
//! *that* one's sources read. Where a profile directory holds one of those, a record that does not
//! tell counts for nothing either. Another workspace of this repository may build in the same
//! directory: what it compiled from other files than ours is not ours, and no sign of danger.
//!
//! Which repository another place is of is not asked: a package of the same name at the same place
//! below the workspace's root has our hashes, so that cargo takes it for ours in any case.

use std::collections::HashMap;

use anyhow::Result;
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use super::layout::Layout;
use crate::repo::build_dir::Directories;
use crate::repo::evidence::{self, Evidence, Place, Wanted};
use crate::repo::resolved;
use crate::repo::rust_source::normalized;
use crate::repo::state;
use crate::repo::unit_record::{Mode, TargetKind, UnitName};
use crate::repo::{dep_info, files};
use crate::usage;
use crate::workspace::{PackageIx, Workspace};

/// The name under which records are kept.
pub(super) const KEPT: &str = "records";

/// A profile directory that holds what was compiled from another checkout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    /// The profile directory.
    pub directory: Utf8PathBuf,
    /// One of our packages that was compiled elsewhere.
    pub package: String,
    /// From which file.
    pub source: Utf8PathBuf,
    /// Whether that exists; where none of them does, the other checkout is gone, or was this one.
    pub is_there: bool,
}

/// The records of a build directory that are of this checkout, and the profile directories that hold
/// others. External packages' files do not change, so their records are read only where they are
/// asked for. `state` is where the kit keeps what it read.
///
/// # Errors
/// A build directory that cannot be listed, or has a layout that is not known.
pub fn read(
    (workspace, layout): (&Workspace, &Layout),
    directories: &Directories,
    with_external: bool,
    state: Option<&Utf8Path>,
) -> Result<(Vec<Place>, Vec<Shared>)> {
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
    let wanted = Wanted {
        root: &workspace.root,
        directories: &named,
    };
    let name = if with_external { "all-records" } else { KEPT };
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

/// The profile directories of a workspace that hold what was compiled from another checkout.
///
/// # Errors
/// As for [`read`].
pub fn sharing(workspace: &Workspace) -> Result<Vec<Shared>> {
    let state = workspace.kept();
    let ours = (workspace, &Layout::new(workspace));
    Ok(read(ours, &workspace.directories(), false, state.as_deref())?.1)
}

impl Shared {
    /// Why nothing is removed from here.
    pub fn refusal(&self) -> anyhow::Error {
        let Self {
            directory,
            package,
            source,
            ..
        } = self;
        usage!(
            "nothing is removed from {directory}, since another checkout builds there, too: \
             `{package}` was last built from {source}. --allow-shared removes for both, and \
             `allow-shared = true` in [workspace.metadata.xtask.policy] does for good"
        )
    }
}

/// What a reader should know who gets no evidence from directories.
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
            "{directory}{more} is shared with another checkout: `{package}` was last built there from \
             {source}. Cargo takes the one's artifacts for the other's, so each may run the other's \
             code, and what is recorded there counts for nothing here. {MEND}"
        ),
        false => format!(
            "{directory}{more} was built where this checkout is not: `{package}` was last built from \
             {source}, which does not exist. If the checkout was moved, what is recorded there \
             counts again once it is built anew: `cargo clean`"
        ),
    })
}

/// How checkouts come to build apart.
pub const MEND: &str = "Give each checkout a build directory of its own, in .cargo/config.toml: \
     [build] build-dir = \"{cargo-cache-home}/build/{workspace-path-hash}\"";

/// Where a unit was compiled.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Origin {
    Here,
    Unknown,
    /// From another file of this repository, or one of which cargo makes units with other hashes.
    Beside,
    /// Where another workspace has it where this one does, so that the hashes are the same.
    Elsewhere,
}

struct Checkout<'a> {
    workspace: &'a Workspace,
    layout: &'a Layout,
    /// The path packages by name.
    own: HashMap<&'a str, Vec<PackageIx>>,
    root: Utf8PathBuf,
    /// The top level of this repository.
    ours: Utf8PathBuf,
    /// Whether directories are of it.
    beside: HashMap<Utf8PathBuf, bool>,
}

impl<'a> Checkout<'a> {
    fn new(
        workspace: &'a Workspace,
        layout: &'a Layout,
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

    /// Leaves of a profile directory's records those that count. `outputs` is where cargo puts up
    /// what it built there.
    fn sift(&mut self, place: &mut Place, outputs: &Utf8Path) -> Option<Shared> {
        let mut elsewhere = self.put_up_elsewhere(&place.units, outputs);
        let mut is_there = elsewhere.as_ref().is_some_and(|(_, it)| it.exists());
        let mut judged: Vec<(Origin, Evidence)> = Vec::new();
        for unit in std::mem::take(&mut place.units) {
            let mut origin = Origin::Unknown;
            if let Some(source) = &unit.compiled_from {
                origin = self.origin(&unit.package, source);
                // One that still exists is the better witness.
                if origin == Origin::Elsewhere && !is_there {
                    is_there = source.exists();
                    elsewhere = Some((unit.package.clone(), source.clone()));
                }
            }
            judged.push((origin, unit));
        }
        judged.retain(|(origin, _)| match origin {
            Origin::Here => true,
            Origin::Unknown => elsewhere.is_none(),
            Origin::Beside | Origin::Elsewhere => false,
        });
        place.units = judged.into_iter().map(|(_, unit)| unit).collect();
        elsewhere.map(|(package, source)| Shared {
            directory: place.path.clone(),
            package,
            source,
            is_there,
        })
    }

    /// The package and root file of the binary that was put up last, if it was built elsewhere.
    fn put_up_elsewhere(
        &mut self,
        units: &[Evidence],
        outputs: &Utf8Path,
    ) -> Option<(String, Utf8PathBuf)> {
        let dep_infos = units.iter().filter_map(|unit| {
            let UnitName { mode, kind, target } = &unit.name;
            let dep_info = outputs.join(format!("{target}.d"));
            let is_binary = (*mode, *kind) == (Mode::Compile, TargetKind::Bin);
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
        let is_elsewhere = self.origin(&unit.package, &source) == Origin::Elsewhere;
        is_elsewhere.then(|| (unit.package.clone(), source))
    }

    fn origin(&mut self, package: &str, source: &Utf8Path) -> Origin {
        let Some(own) = self.own.get(package) else {
            return Origin::Unknown;
        };
        if own.iter().any(|&package| self.is_of(package, source)) {
            return Origin::Here;
        }
        let packages = own.iter().map(|&it| self.workspace.package(it));
        let mut roots = packages.flat_map(|it| &it.targets).map(|it| &it.src_path);
        let ends_as = |root: &Utf8PathBuf| {
            let below = root.strip_prefix(&self.workspace.root);
            below.is_ok_and(|below| source.ends_with(below))
        };
        if is_download(source) || !roots.any(ends_as) {
            return Origin::Beside;
        }
        // Cargo may have been started by a link to this checkout.
        let real = resolved(source);
        if own.iter().any(|&package| self.is_of(package, &real)) {
            return Origin::Here;
        }
        let is_beside = source.parent().is_some_and(|it| self.is_beside(it));
        // A worktree can lie in here, too; one that is gone has left no sign of it.
        match is_beside && source.exists() {
            true => Origin::Beside,
            false => Origin::Elsewhere,
        }
    }

    /// Whether a directory is of this repository.
    fn is_beside(&mut self, directory: &Utf8Path) -> bool {
        if let Some(&known) = self.beside.get(directory) {
            return known;
        }
        let theirs = top_level(directory);
        let is_beside = theirs.map_or(directory.starts_with(&self.ours), |it| it == self.ours);
        self.beside.insert(directory.to_owned(), is_beside);
        is_beside
    }

    /// Whether a package has a target with this root file, by whatever path.
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

/// The nearest directory with a `.git`, which is a file in a worktree.
pub fn top_level(directory: &Utf8Path) -> Option<&Utf8Path> {
    let mut above = directory.ancestors();
    above.find(|it| it.join(".git").exists())
}

/// Whether a file is of a registry's package, or of a git repository that cargo checked out.
fn is_download(source: &Utf8Path) -> bool {
    let names: Vec<&str> = source.iter().collect();
    let mut pairs = names.windows(2);
    pairs.any(|pair| matches!(pair, ["registry", "src"] | ["git", "checkouts"]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::workspace;

    #[test]
    fn where_a_unit_was_compiled_says_whose_it_is() {
        let mut workspace = workspace("network: lib\nlog@0.3.0: lib\nfar: lib");
        let far = workspace.find("far").unwrap();
        // A path package outside of the root.
        workspace.packages[far.0 as usize].targets[0].src_path = "/far/src/lib.rs".into();
        let layout = Layout::new(&workspace);
        let mut own: HashMap<&str, Vec<PackageIx>> = HashMap::new();
        for (index, package) in workspace.packages() {
            own.entry(&package.name).or_default().push(index);
        }
        let mut checkout = Checkout::new(&workspace, &layout, own);
        let cases = [
            ("network", "/w/network/src/lib.rs", Origin::Here),
            ("network", "/w/crates/../network/src/lib.rs", Origin::Here),
            ("network", "/w2/network/src/lib.rs", Origin::Elsewhere),
            // Another workspace of the repository that is no more, or a worktree; and a target.
            ("network", "/w/tools/network/src/lib.rs", Origin::Elsewhere),
            ("network", "/w/network/src/old.rs", Origin::Beside),
            // Elsewhere, but not where the hashes would be the same.
            ("network", "/w2/crates/network/src/main.rs", Origin::Beside),
            ("far", "/far/src/lib.rs", Origin::Here),
            ("far", "/further/src/lib.rs", Origin::Beside),
            (
                "log",
                "/home/.cargo/registry/src/i/log/src/lib.rs",
                Origin::Beside,
            ),
            ("serde", "/w2/serde/src/lib.rs", Origin::Unknown),
        ];
        for (package, source, expected) in cases {
            assert_eq!(
                checkout.origin(package, source.into()),
                expected,
                "{source}"
            );
        }
    }

    #[test]
    fn what_does_not_tell_where_it_is_from_counts_only_where_all_is_from_here() {
        let workspace = workspace("network: lib\nfares: lib");
        let layout = Layout::new(&workspace);
        let mut own: HashMap<&str, Vec<PackageIx>> = HashMap::new();
        for (index, package) in workspace.packages() {
            own.entry(&package.name).or_default().push(index);
        }
        let record = |package: &str, from: Option<&str>| {
            let name = serde_json::json!({ "mode": "compile", "kind": "lib", "target": package });
            serde_json::json!({
                "package": package, "name": name, "rustc": 1, "features": [], "invoked": null,
                "inputs": [], "compiled_from": from, "hash": "", "value": 1, "likeness": 1,
                "dependencies": [], "names": [], "stamp": null,
            })
        };
        let here = Some("/w/network/src/lib.rs");
        let elsewhere = Some("/w2/network/src/lib.rs");
        for (from, kept) in [(here, vec!["network", "fares"]), (elsewhere, vec![])] {
            let place = serde_json::json!({
                "directory": "debug", "path": "/w/target/debug", "is_v1": true, "marks": [],
                "wanted": 0, "units": [record("network", from), record("fares", None)],
            });
            let mut place: Place = serde_json::from_value(place).unwrap();
            let mut checkout = Checkout::new(&workspace, &layout, own.clone());
            let shared = checkout.sift(&mut place, "/w/target/debug".into());
            assert_eq!(shared.is_some(), from == elsewhere);
            let units: Vec<_> = place.units.iter().map(|it| &*it.package).collect();
            assert_eq!(units, kept, "{from:?}");
        }
    }

    /// `cargo build --manifest-path link/Cargo.toml`, and then the question without the link.
    #[test]
    #[cfg(unix)]
    fn a_link_to_this_checkout_is_no_other() {
        let (_temporary, top) = crate::testing::scratch();
        let mut workspace = workspace("network: lib");
        workspace.root = top.join("checkout");
        for checkout in ["checkout", "other"] {
            let source = top.join(checkout).join("network/src/lib.rs");
            std::fs::create_dir_all(source.parent().unwrap()).unwrap();
            std::fs::write(source, "").unwrap();
        }
        workspace.packages[0].targets[0].src_path = workspace.root.join("network/src/lib.rs");
        for name in ["checkout", "other"] {
            let link = top.join(format!("link-to-{name}"));
            std::os::unix::fs::symlink(top.join(name), link).unwrap();
        }
        let layout = Layout::new(&workspace);
        let own = HashMap::from([("network", vec![PackageIx(0)])]);
        let mut checkout = Checkout::new(&workspace, &layout, own);
        let mut origin = |from: &str| checkout.origin("network", &top.join(from));
        assert_eq!(origin("link-to-checkout/network/src/lib.rs"), Origin::Here);
        assert_eq!(
            origin("link-to-other/network/src/lib.rs"),
            Origin::Elsewhere
        );
    }
}
