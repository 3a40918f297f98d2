//! Stale artifacts: libraries that their dependents were not compiled against, although cargo's
//! records and times say so. Cargo calls such units fresh, and rustc refuses them or uses old code.
//!
//! A library's metadata holds the hash of the crate, and the hashes of the crates that the library
//! was compiled against (see [`super::crate_metadata`]).

use std::time::SystemTime;

use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::files;

use super::crate_metadata::{CrateHeader, header_of};
use super::inventory::{BuiltIx, BuiltUnit, Inventory};

/// A library that does not belong to another artifact.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct StaleArtifact {
    /// The unit of the library.
    pub(crate) unit: BuiltIx,
    /// The file of the library.
    pub(crate) path: Utf8PathBuf,
    /// The disagreement.
    pub(crate) disagreement: Disagreement,
}

/// The artifact that a library disagrees with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Disagreement {
    /// A dependent was compiled against another build of the library.
    Dependent(BuiltIx, Utf8PathBuf),
    /// The `.rmeta` and the `.rlib` of the library are of different builds.
    OwnLibrary(Utf8PathBuf),
}

/// Returns the libraries that disagree with themselves or with a dependent among `dependents`.
pub(crate) fn stale(
    inventory: &Inventory,
    dependents: impl Iterator<Item = BuiltIx>,
) -> Vec<StaleArtifact> {
    let mut found = Vec::new();
    for dependent in dependents {
        let unit = &inventory.units[dependent];
        if !unit.is_library() || unit.record.is_none() {
            continue;
        }
        found.extend(own_disagreement(inventory, dependent, unit));
        let Some(path) = metadata_file(unit) else {
            continue;
        };
        let dependencies = inventory.dependencies(dependent).into_iter();
        let libraries = dependencies.filter(|&it| inventory.units[it].is_library());
        let libraries: Vec<BuiltIx> = libraries.collect();
        if libraries.is_empty() {
            continue;
        }
        let Ok(metadata) = files::read(path, files::LARGE) else {
            continue;
        };
        for on in libraries {
            let library = &inventory.units[on];
            let Some(file) = metadata_file(library) else {
                continue;
            };
            let is_other = header(library, file)
                .is_some_and(|header| was_compiled_against_another(&metadata, library, &header));
            // Cargo builds a dependent again that is older than the library.
            if is_other && modified(library) <= modified(unit) {
                found.push(StaleArtifact {
                    unit: on,
                    path: file.clone(),
                    disagreement: Disagreement::Dependent(dependent, path.clone()),
                });
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

/// Returns true if metadata names a library among its dependencies and does not hold the library's
/// hash.
fn was_compiled_against_another(
    metadata: &[u8],
    library: &BuiltUnit,
    header: &CrateHeader,
) -> bool {
    let holds = |bytes: &[u8]| memchr::memmem::find(metadata, bytes).is_some();
    // Next to the hash, rustc writes the part of the file name after the crate's name. A dependency
    // that the code does not use is not in the metadata.
    let name = format!("-{}", library.hash);
    header
        .hash
        .is_some_and(|hash| holds(name.as_bytes()) && !holds(&hash))
}

/// Returns the disagreement of a library's `.rmeta` with its `.rlib`. The bad file is the `.rlib` if a
/// dependent was compiled against the `.rmeta`.
fn own_disagreement(inventory: &Inventory, at: BuiltIx, unit: &BuiltUnit) -> Option<StaleArtifact> {
    let (metadata, library) = (unit.output("rmeta")?, unit.output("rlib")?);
    let hash = |path| header(unit, path)?.hash;
    let known = hash(metadata)?;
    if known == hash(library)? {
        return None;
    }
    let (path, other) = match is_known_to_dependents(inventory, at, known) {
        true => (library, metadata),
        false => (metadata, library),
    };
    Some(StaleArtifact {
        unit: at,
        path: path.clone(),
        disagreement: Disagreement::OwnLibrary(other.clone()),
    })
}

/// Returns true if the metadata of a dependent holds a hash of the unit.
fn is_known_to_dependents(inventory: &Inventory, unit: BuiltIx, hash: [u8; 16]) -> bool {
    let mut dependents = inventory.all().filter(|(at, it)| {
        it.is_library() && it.record.is_some() && inventory.dependencies(*at).contains(&unit)
    });
    dependents.any(|(_, dependent)| {
        let metadata = metadata_file(dependent).and_then(|it| files::read(it, files::LARGE).ok());
        metadata.is_some_and(|it| memchr::memmem::find(&it, &hash).is_some())
    })
}

/// Returns the file that holds the metadata of a library.
pub(crate) fn metadata_file(unit: &BuiltUnit) -> Option<&Utf8PathBuf> {
    unit.output("rmeta").or_else(|| unit.output("rlib"))
}

/// Returns the head of the metadata in a library's file.
pub(crate) fn header(unit: &BuiltUnit, path: &Utf8Path) -> Option<CrateHeader> {
    header_of(path, &unit.crate_name())
}

/// Returns the time of the unit's newest metadata or library.
fn modified(unit: &BuiltUnit) -> Option<SystemTime> {
    let files = ["rmeta", "rlib"]
        .into_iter()
        .filter_map(|it| unit.output(it));
    let times = files.filter_map(|it| it.metadata().and_then(|it| it.modified()).ok());
    times.max()
}
