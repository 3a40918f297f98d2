//! The features that manifests declare, and the features that packages request of their
//! dependencies. Only few commands need them, so they have a cache file of their own, separate from
//! the cached workspace.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use cargo_metadata::DependencyKind;
use cargo_metadata::semver::Version;
use serde::{Deserialize, Serialize};

use super::{PackageIx, Workspace};
use crate::state;
use crate::workspace::metadata_json::{DeclaredEdge, Declares, On, PackageIndexes};

/// The declarations of all packages of a workspace, in the order of [`Workspace::packages`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Declared(pub Vec<Declaration>);

/// The features and requests that a package declares.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Declaration {
    /// The features that the whole workspace activates. Maps each feature to the entries that it
    /// turns on, as written in the manifest.
    pub features: BTreeMap<String, Vec<String>>,
    /// The requests of the package to its dependencies.
    pub requests: Vec<DeclaredDependency>,
}

/// A request of a package to a dependency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeclaredDependency {
    /// The key of the dependency in the manifest. Empty if no declaration was found for a resolved
    /// dependency.
    pub name: String,
    /// The package that cargo resolved for the request.
    pub package: PackageIx,
    /// The table that declares the dependency.
    pub table: DependencyTable,
    /// True if the dependency is optional: a feature has to turn it on.
    pub optional: bool,
    /// The requested features, including `default` if the request uses the default features.
    pub features: Vec<String>,
    /// True if it is certain that cargo resolves the request to this package on every platform that
    /// it builds for.
    pub certain: bool,
}

/// The table that declares a dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DependencyTable {
    /// `[dependencies]`.
    Normal,
    /// `[dev-dependencies]`.
    Dev,
    /// `[build-dependencies]`.
    Build,
}

impl Declared {
    /// Reduces the output of `cargo metadata` that `workspace` was made from.
    pub(super) fn of(
        declare: Vec<Declares<'_>>,
        workspace: &Workspace,
        places: &PackageIndexes<'_>,
    ) -> Self {
        let each = declare.into_iter().zip(&workspace.packages);
        let each = each.map(|((mut features, asked, resolved), package)| {
            features.retain(|name, _| package.features.binary_search(name).is_ok());
            Declaration {
                features,
                requests: requests(&asked, &resolved, workspace, places),
            }
        });
        Self(each.collect())
    }

    /// Reads the declarations that were cached together with `workspace`.
    pub fn read(workspace: &Workspace) -> Option<Self> {
        let file = file(workspace, workspace.inputs_hash?);
        let declared: Self = state::read(&file?)?;
        (declared.0.len() == workspace.packages.len()).then_some(declared)
    }

    pub(super) fn write(&self, workspace: &Workspace) {
        if let Some(file) = workspace
            .inputs_hash
            .and_then(|inputs_hash| file(workspace, inputs_hash))
        {
            state::write(&file, self);
        }
    }
}

/// Returns the cache file of the declarations for a workspace with the hash `inputs_hash`.
pub(super) fn file(workspace: &Workspace, inputs_hash: u64) -> Option<Utf8PathBuf> {
    Some(
        workspace
            .state_directory()?
            .join(format!("declared-{inputs_hash:016x}")),
    )
}

/// Returns the requests of a package that cargo resolved. Each resolved dependency without a
/// matching request follows as an uncertain request.
fn requests(
    asked: &[DeclaredEdge<'_>],
    on: &[On<'_>],
    workspace: &Workspace,
    places: &PackageIndexes<'_>,
) -> Vec<DeclaredDependency> {
    // Cargo leaves out dependencies that are for none of the selected platforms. With one platform,
    // a dependency that is left in exactly one way is active on that platform. With several
    // platforms, it may be active on another platform only.
    let one_platform = workspace.platforms.as_ref().is_some_and(|it| it.len() == 1);
    let mut resolved = Vec::new();
    for on in on {
        let Some(&place) = places.get(&on.pkg) else {
            continue;
        };
        for way in &on.dep_kinds {
            if let Some(table) = table(way.kind.unwrap_or_default()) {
                resolved.push((place, table, way.target.as_ref()));
            }
        }
    }
    let mut requests = Vec::new();
    for asked in asked {
        let Some(table) = table(asked.kind.unwrap_or_default()) else {
            continue;
        };
        let version = |place: PackageIx| workspace.package(place).version.parse::<Version>();
        let of_name = |place: PackageIx| workspace.package(place).name == asked.name.0;
        let ways = resolved.iter().filter(|(place, ..)| of_name(*place));
        let way = (table, asked.target.as_ref());
        let mut found: Vec<PackageIx> = ways
            .clone()
            .filter(|(_, table, target)| (*table, *target) == way)
            .map(|(place, ..)| *place)
            .collect();
        found.sort_unstable();
        found.dedup();
        let matches = |place| version(place).is_ok_and(|it| asked.req.matches(&it));
        // The rules by which a requirement matches a pre-release are not modelled here.
        let is_plain = found
            .iter()
            .all(|&place| version(place).is_ok_and(|it| it.pre.is_empty()));
        if is_plain && found.iter().any(|&place| matches(place)) {
            found.retain(|&place| matches(place));
        }
        let is_known = found.len() == 1 && matches(found[0]);
        let is_active = asked.target.is_none()
            || one_platform && ways.clone().all(|(_, _, target)| *target == way.1);
        let mut features = asked.features.clone();
        features.extend(asked.uses_default_features.then(|| "default".to_owned()));
        requests.extend(found.iter().map(|&package| DeclaredDependency {
            name: asked.key().to_owned(),
            package,
            table,
            optional: asked.optional,
            features: features.clone(),
            certain: is_plain && is_known && is_active,
        }));
    }
    for (package, table, _) in resolved {
        let is_it = |it: &DeclaredDependency| (it.package, it.table) == (package, table);
        if !requests.iter().any(is_it) {
            requests.push(DeclaredDependency {
                name: String::new(),
                package,
                table,
                optional: false,
                features: Vec::new(),
                certain: false,
            });
        }
    }
    requests
}

fn table(kind: DependencyKind) -> Option<DependencyTable> {
    match kind {
        DependencyKind::Normal => Some(DependencyTable::Normal),
        DependencyKind::Development => Some(DependencyTable::Dev),
        DependencyKind::Build => Some(DependencyTable::Build),
        _ => None,
    }
}
