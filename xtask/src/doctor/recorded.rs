//! What build scripts said when they last ran, by cargo's records.

use std::collections::BTreeMap;

use anyhow::Result;
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use crate::repo::build_dir::ProfileDir;
use crate::repo::unit_inputs::ScriptRun;
use crate::repo::unit_record::{Mode, UnitRecord};
use crate::workspace::{Package, Workspace};

/// The packages by name; none of those whose name another one has too, since records name packages
/// by their name alone.
pub(super) fn unique(workspace: &Workspace) -> BTreeMap<&str, Option<&Package>> {
    let mut unique: BTreeMap<&str, Option<&Package>> = BTreeMap::new();
    for package in &workspace.packages {
        let known = unique.entry(&package.name);
        known.and_modify(|it| *it = None).or_insert(Some(package));
    }
    unique
}

/// A recorded run of a build script.
pub(super) struct Recorded<'a> {
    pub(super) unit: UnitRecord,
    profile: &'a ProfileDir,
}

impl Recorded<'_> {
    /// What the script of the package in this directory said.
    pub(super) fn of(&self, package: &Utf8Path) -> Option<ScriptRun> {
        self.profile.script_run(&self.unit, package)
    }

    /// The file that holds it.
    pub(super) fn output(&self) -> Utf8PathBuf {
        self.profile
            .script_output(&self.unit.package, &self.unit.hash)
    }
}

/// The recorded runs of the packages that are wanted.
pub(super) fn runs<'a>(
    profile: &'a ProfileDir,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<Vec<Recorded<'a>>> {
    let mut found = Vec::new();
    for (package, hash, names) in profile.unit_names(wanted)? {
        for name in names.into_iter().filter(|it| it.mode == Mode::Run) {
            let Some((value, fingerprint)) = profile.fingerprint(&package, &hash, &name) else {
                continue;
            };
            let output = profile.script_output(&package, &hash);
            let unit = UnitRecord {
                invoked: output.metadata().and_then(|it| it.modified()).ok(),
                package: package.clone(),
                hash: hash.clone(),
                name,
                value,
                fingerprint,
                plain: false,
            };
            found.push(Recorded { unit, profile });
        }
    }
    Ok(found)
}
