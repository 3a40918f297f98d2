//! What manifests declare of features: which there are, and who asks whom for which. Only a question
//! about features needs it, so it lies in a file of its own beside what cargo said.

use std::collections::BTreeMap;

use cargo_metadata::DependencyKind;
use cargo_metadata::camino::Utf8PathBuf;
use cargo_metadata::semver::Version;
use serde::{Deserialize, Serialize};

use super::{PackageIx, Workspace};
use crate::state;
use crate::workspace::metadata_json::{DeclaredEdge, Declares, On, PackageIndexes};

/// What every package of a workspace declares, in the order of [`Workspace::packages`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Declared(pub Vec<Declaration>);

/// What one package declares.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Declaration {
    /// The features that the whole workspace activates, each with what it turns on, in the
    /// manifest's words.
    pub features: BTreeMap<String, Vec<String>>,
    /// What it asks of its dependencies.
    pub requests: Vec<DeclaredDependency>,
}

/// What a package asks of a dependency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeclaredDependency {
    /// The dependency's key in the manifest.
    pub name: String,
    /// Which package that is.
    pub package: PackageIx,
    /// In which table.
    pub table: DependencyTable,
    /// Whether it has to be turned on.
    pub optional: bool,
    /// The features that are asked for, `default` among them.
    pub features: Vec<String>,
    /// Whether it is certain that this is the package, on every platform that is built for.
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
    /// What stands in the answer that the workspace was made of.
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

    /// What was kept with the answer that the workspace is.
    pub fn read(workspace: &Workspace) -> Option<Self> {
        let file = file(workspace, workspace.ground?);
        let declared: Self = state::read(&file?)?;
        (declared.0.len() == workspace.packages.len()).then_some(declared)
    }

    pub(super) fn write(&self, workspace: &Workspace) {
        if let Some(file) = workspace.ground.and_then(|ground| file(workspace, ground)) {
            state::write(&file, self);
        }
    }
}

/// Where it is kept for a workspace on this ground.
pub(super) fn file(workspace: &Workspace, ground: u64) -> Option<Utf8PathBuf> {
    Some(workspace.kept()?.join(format!("declared-{ground:016x}")))
}

/// The requests of a package that cargo resolved; then, as doubtful ones, its resolved dependencies
/// for which none was found.
fn requests(
    asked: &[DeclaredEdge<'_>],
    on: &[On<'_>],
    workspace: &Workspace,
    places: &PackageIndexes<'_>,
) -> Vec<DeclaredDependency> {
    // Cargo leaves out dependencies that no platform asked for has: with one platform, what is left
    // in only one way is active on it. With several, it may be active on another one.
    let one_platform = workspace.platforms.as_ref().is_some_and(|it| it.len() == 1);
    let mut resolved = Vec::new();
    for on in on {
        let Some(&place) = places.get(&on.pkg) else {
            continue;
        };
        for way in &on.dep_kinds {
            if let Some(table) = table(way.kind) {
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
        // Which pre-release a requirement takes is a matter of its own.
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
            name: asked.rename.as_ref().unwrap_or(&asked.name).0.to_string(),
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
