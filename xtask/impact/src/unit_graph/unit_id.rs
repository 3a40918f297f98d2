//! The name of a unit that is the same in every graph and in cargo's messages.

use std::fmt;

use serde::Serialize;

use super::{Mode, Unit, target_name};
use crate::quote;
use crate::workspace::{TargetKind, Workspace, name_and_version};

/// The name of a unit, independent of a graph, so that units of several answers and of cargo's
/// messages can be compared. It is shown as the package, its version and the label of the unit:
/// `app 1.0.0: bin app test`.
#[cfg_attr(feature = "testing", derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct UnitId {
    /// Cargo's package id.
    pub package: String,
    /// The kind of the target.
    pub kind: TargetKind,
    /// The name of the target. Empty for a build script: a package has one build script, and
    /// cargo's messages about its runs do not name it.
    pub target: String,
    /// The mode in which the target is built or run.
    pub mode: Mode,
}

impl UnitId {
    /// Returns the name of a unit, given cargo's package id and the target.
    #[must_use]
    pub fn new(package: &str, kind: TargetKind, target: &str, mode: Mode) -> Self {
        Self {
            package: package.to_owned(),
            kind,
            target: match kind {
                TargetKind::CustomBuild => String::new(),
                _ => target.to_owned(),
            },
            mode,
        }
    }

    /// Returns the name of a unit of the unit graph.
    #[must_use]
    pub fn of(workspace: &Workspace, unit: &Unit) -> Self {
        let package = &workspace.package(unit.package).id;
        Self::new(package, unit.kind, &unit.target, unit.mode)
    }
}

impl fmt::Display for UnitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, version) = name_and_version(&self.package);
        let target = target_name(self.kind, self.mode, &self.target);
        f.write_str(&quote::line(&format!("{name} {version}: {target}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_shown_by_package_version_and_label() {
        let package = "path+file:///w/app#1.0.0";
        let test = UnitId::new(package, TargetKind::Bin, "tool", Mode::Test);
        assert_eq!(test.to_string(), "app 1.0.0: bin tool test");
        let kind = TargetKind::CustomBuild;
        let run = UnitId::new(package, kind, "build-script-build", Mode::RunCustomBuild);
        assert_eq!(run, UnitId::new(package, kind, "", Mode::RunCustomBuild));
        assert_eq!(run.to_string(), "app 1.0.0: build script run");
    }
}
