//! Damaged artifacts: files that no longer have the format that rustc gave them. Cargo compares
//! times and records, so cargo calls their units fresh.

use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::build_dir::unit_inputs::Roots;
use xtask_impact::build_dir::unit_record::{RecordedKind, RecordedMode};
use xtask_impact::workspace::Workspace;
use xtask_impact::{build_dir, files, parallel};

use super::file_format::{FileFault, FileFormat, fault_of};
use super::inventory::{BuiltIx, BuiltUnit, Inventory, is_one_file};

/// A damaged file of a unit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DamagedFile {
    /// The unit.
    pub(crate) unit: BuiltIx,
    /// The file.
    pub(crate) path: Utf8PathBuf,
    /// The fault of the file.
    pub(crate) fault: FileFault,
}

/// An incremental cache that holds a damaged file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DamagedCache {
    /// The directory of the incremental cache.
    pub(crate) directory: Utf8PathBuf,
    /// The first damaged file.
    pub(crate) path: Utf8PathBuf,
    /// The fault of the file.
    pub(crate) fault: FileFault,
}

/// Returns the damaged outputs of the finished units among `units`.
pub(crate) fn damaged(
    workspace: &Workspace,
    inventory: &Inventory,
    units: impl Iterator<Item = BuiltIx>,
) -> Vec<DamagedFile> {
    let files = units.flat_map(|unit| {
        let built = &inventory.units[unit];
        let outputs = built.outputs.iter();
        let checked =
            outputs.filter_map(move |path| Some((unit, path, format(workspace, built, path)?)));
        checked.filter(|_| built.record.is_some())
    });
    let files: Vec<(BuiltIx, &Utf8PathBuf, FileFormat)> = files.collect();
    let faults = parallel::parts(&files, |part| {
        let faults = part.iter().map(|(_, path, format)| fault_of(path, *format));
        // A file that cannot be read gives no fault here: cargo and rustc report it.
        faults.map(|fault| fault.ok().flatten()).collect()
    });
    let found = files.into_iter().zip(faults);
    let found = found.filter_map(|((unit, path, _), fault)| {
        Some(DamagedFile {
            unit,
            path: path.clone(),
            // The output was listed a moment ago. Cargo builds a unit without an output again.
            fault: fault.filter(|it| *it != FileFault::Missing)?,
        })
    });
    found.collect()
}

/// Returns the format of a unit's output; `None` if the output is not checked.
fn format(workspace: &Workspace, unit: &BuiltUnit, path: &Utf8Path) -> Option<FileFormat> {
    let format = FileFormat::of(path)?;
    let is_executable = || {
        let is_test = unit.name.mode == RecordedMode::Test;
        is_test || unit.name.kind != RecordedKind::Lib
    };
    let wanted = match format {
        // The metadata of a check is empty if no other crate can use the target.
        FileFormat::Metadata => {
            let package = workspace.package(unit.package);
            unit.is_library()
                && package
                    .library()
                    .is_some_and(|it| it.linkable || it.proc_macro)
        }
        FileFormat::RustLibrary | FileFormat::StaticLibrary => true,
        FileFormat::Executable => path.extension().is_some() || is_executable(),
        FileFormat::Object => false,
    };
    (wanted && path.is_file()).then_some(format)
}

/// Returns the incremental caches among `caches` that hold a damaged file.
pub(crate) fn damaged_caches<'a>(
    caches: impl Iterator<Item = &'a Utf8PathBuf>,
) -> Vec<DamagedCache> {
    let caches: Vec<&Utf8PathBuf> = caches.collect();
    let found = parallel::parts(&caches, |part| {
        part.iter().map(|cache| damaged_cache(cache)).collect()
    });
    found.into_iter().flatten().collect()
}

fn damaged_cache(directory: &Utf8Path) -> Option<DamagedCache> {
    let mut files = session_files(directory).into_iter();
    files.find_map(|path| {
        let fault = fault_of(&path, FileFormat::of(&path)?).ok()??;
        // Rustc removes old sessions at any time.
        (fault != FileFault::Missing).then(|| DamagedCache {
            directory: directory.to_owned(),
            path,
            fault,
        })
    })
}

/// Returns the objects and the metadata in the finished sessions of an incremental cache.
fn session_files(directory: &Utf8Path) -> Vec<Utf8PathBuf> {
    let is_session = |name: &str| {
        name.starts_with("s-") && !name.ends_with("-working") && !name.ends_with(".lock")
    };
    let sessions = build_dir::entries_such(directory, &is_session).unwrap_or_default();
    let files = sessions.iter().flat_map(|session| {
        let session = directory.join(session);
        let is_checked = |name: &str| name.ends_with(".o") || name.ends_with(".rmeta");
        let names = build_dir::entries_such(&session, &is_checked).unwrap_or_default();
        names.into_iter().map(move |name| session.join(name))
    });
    files.collect()
}

/// Returns the incremental caches from which rustc would take bad metadata again. `bad` are the bad
/// files of the unit. Rustc links the metadata of a library from its incremental cache, so damage of
/// one file is damage of both.
pub(crate) fn caches_to_distrust<'a>(
    inventory: &Inventory,
    unit: &BuiltUnit,
    bad: impl IntoIterator<Item = &'a Utf8PathBuf>,
) -> Vec<Utf8PathBuf> {
    let mut bad = bad.into_iter();
    let Some(metadata) = bad.find(|it| it.extension() == Some("rmeta")) else {
        return Vec::new();
    };
    let holds_copy = |cache: &Utf8Path| {
        let files = session_files(cache).into_iter();
        let mut copies = files.filter(|it| it.extension() == Some("rmeta"));
        copies.any(|copy| is_equal(&copy, metadata))
    };
    // The copy in the cache may be damaged in another way, so that its bytes differ.
    let is_bad = |cache: &Utf8PathBuf| holds_copy(cache) || damaged_cache(cache).is_some();
    let caches = inventory.incremental_of(unit);
    caches.filter(|it| is_bad(it)).cloned().collect()
}

fn is_equal(one: &Utf8Path, other: &Utf8Path) -> bool {
    if is_one_file(one, other) {
        return true;
    }
    let length = |path: &Utf8Path| path.metadata().map(|it| it.len()).ok();
    length(one).is_some()
        && length(one) == length(other)
        && matches!(
            (files::read(one, files::LARGE), files::read(other, files::LARGE)),
            (Ok(one), Ok(other)) if one == other
        )
}

/// Returns true if a script ran before a unit was compiled. A later run may have left out a file
/// that the unit no longer reads.
fn is_older(inventory: &Inventory, run: &BuiltUnit, unit: &BuiltUnit) -> bool {
    let time = |unit: &BuiltUnit| {
        let place = inventory.place(unit);
        let reference = place.reference(&unit.package_name, &unit.hash, &unit.name);
        reference.metadata().and_then(|it| it.modified()).ok()
    };
    matches!((time(run), time(unit)), (Some(ran), Some(compiled)) if ran <= compiled)
}

/// Returns the files in `OUT_DIR` that a unit of `units` was compiled from and that do not
/// exist any more, each with the run of the build script that wrote it.
pub(crate) fn missing_generated(
    workspace: &Workspace,
    inventory: &Inventory,
    units: impl Iterator<Item = BuiltIx>,
) -> Vec<DamagedFile> {
    let mut found = Vec::new();
    for unit in units.map(|unit| &inventory.units[unit]) {
        let (place, package) = (inventory.place(unit), workspace.package(unit.package));
        let roots = Roots {
            workspace: &workspace.root,
            package: package.directory(),
        };
        if unit.is_run() {
            continue;
        }
        let sources = place.cargo_sources(&unit.package_name, &unit.hash, &unit.name, roots);
        for path in sources.into_iter().flat_map(|it| it.files) {
            if path.starts_with(place.path.join("build")) && !path.exists() {
                let runs = inventory.units_at(&path).into_iter();
                let runs = runs.filter(|&run| {
                    let run = &inventory.units[run];
                    run.is_run() && run.record.is_some() && is_older(inventory, run, unit)
                });
                found.extend(runs.map(|unit| DamagedFile {
                    unit,
                    path: path.clone(),
                    fault: FileFault::Missing,
                }));
            }
        }
    }
    found.sort();
    found.dedup();
    found
}
