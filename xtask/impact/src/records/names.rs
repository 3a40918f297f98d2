//! Maps the names of records to units of the graph: both have their own names for the same targets.

use std::collections::HashMap;

use camino::Utf8PathBuf;

use super::layout::PackageDirectories;
use crate::build_dir::evidence::UnitRecord;
use crate::build_dir::unit_record;
use crate::build_dir::unit_record::UnitName;
use crate::paths::{normalized, resolved};
use crate::unit_graph::{Mode, Unit, UnitGraph, UnitIx};
use crate::workspace::{TargetKind, Workspace};

/// Returns true if clippy made a record with these variables. Such a record also lists files that
/// rustc does not read.
pub(super) fn is_by_clippy(env: &[String]) -> bool {
    env.iter().any(|name| name == "CLIPPY_ARGS")
}

/// Returns true if a record with these files belongs to a unit.
pub(super) fn is_its(workspace: &Workspace, unit: &Unit, files: &[Utf8PathBuf]) -> bool {
    // Packages with the same name are distinguished by the root file. Every record lists the root
    // file, except the records of external packages.
    let package = workspace.package(unit.package);
    package.targets.iter().any(|target| {
        let root = &target.src_path;
        target.kind == unit.kind
            && target.name == unit.target
            && (package.source.is_some()
                || files.contains(root)
                || files.contains(&normalized(root))
                || files.contains(&resolved(root)))
    })
}

/// The units of path packages, by the names that records have for them.
pub(super) struct UnitsByName(HashMap<(String, TargetKind, String, Mode), Vec<UnitIx>>);

impl UnitsByName {
    pub(super) fn new(
        workspace: &Workspace,
        graph: &UnitGraph,
        layout: &PackageDirectories,
        with_external: bool,
    ) -> Self {
        let mut units: HashMap<_, Vec<_>> = HashMap::new();
        for (index, unit) in graph.units() {
            if with_external || layout.directory(unit.package).is_some() {
                let name = workspace.package(unit.package).name.clone();
                let target = crate_name(unit.kind, &unit.target);
                units
                    .entry((name, unit.kind, target, unit.mode))
                    .or_default()
                    .push(index);
            }
        }
        Self(units)
    }

    pub(super) fn of(&self, record: &UnitRecord) -> &[UnitIx] {
        match in_graph(&record.name) {
            Some((kind, target, mode)) => self.find(record, kind, target, mode),
            None => &[],
        }
    }

    /// Returns the documentation units that a record of documentation belongs to.
    pub(super) fn documented_by(&self, record: &UnitRecord) -> &[UnitIx] {
        if record.name.mode != unit_record::RecordedMode::Doc {
            return &[];
        }
        let kind = target_kind(record.name.kind);
        let target = crate_name(kind, &record.name.target);
        self.find(record, kind, target, Mode::Doc)
    }

    fn find(&self, record: &UnitRecord, kind: TargetKind, target: String, mode: Mode) -> &[UnitIx] {
        self.0
            .get(&(record.package.clone(), kind, target, mode))
            .map_or(&[], Vec::as_slice)
    }
}

/// Returns the kind, the target (see [`crate_name`]) and the mode of the unit that a record names;
/// `None` for documentation, whose records are not mapped.
pub fn in_graph(name: &UnitName) -> Option<(TargetKind, String, Mode)> {
    let mode = match name.mode {
        unit_record::RecordedMode::Compile => Mode::Build,
        unit_record::RecordedMode::Test => Mode::Test,
        unit_record::RecordedMode::Run => Mode::RunCustomBuild,
        unit_record::RecordedMode::Doc => return None,
    };
    let kind = target_kind(name.kind);
    Some((kind, crate_name(kind, &name.target), mode))
}

/// Returns the graph's kind of target for a kind in a record.
pub fn target_kind(kind: unit_record::RecordedKind) -> TargetKind {
    match kind {
        unit_record::RecordedKind::Lib => TargetKind::Lib,
        unit_record::RecordedKind::Bin => TargetKind::Bin,
        unit_record::RecordedKind::Example => TargetKind::Example,
        unit_record::RecordedKind::Test => TargetKind::Test,
        unit_record::RecordedKind::Bench => TargetKind::Bench,
        unit_record::RecordedKind::BuildScript => TargetKind::CustomBuild,
    }
}

/// Returns the name of a target in records. A library has the name of its crate there (`my_lib` for
/// `my-lib`); older metadata has either name.
pub fn crate_name(kind: TargetKind, target: &str) -> String {
    if kind == TargetKind::Lib {
        target.replace('-', "_")
    } else {
        target.to_owned()
    }
}

#[cfg(test)]
mod tests;
