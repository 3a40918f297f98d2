//! Reads from cargo's records what build scripts printed in their last run.

use std::collections::HashMap;
use std::time::SystemTime;

use anyhow::Result;
use camino::Utf8PathBuf;
use xtask_impact::build_dir::ProfileDir;
use xtask_impact::build_dir::unit_inputs::ScriptRun;
use xtask_impact::build_dir::unit_record::{RecordedMode, StoredFingerprint};
use xtask_impact::workspace::{Package, Workspace};

/// Returns the packages by name. A name that several packages have is left out, because records
/// contain only the name of a package.
pub(crate) fn unique(workspace: &Workspace) -> HashMap<&str, &Package> {
    // The packages are sorted by name.
    let by_name = workspace.packages.chunk_by(|a, b| a.name == b.name);
    let unique = by_name.filter_map(|same| match same {
        [package] => Some((&*package.name, package)),
        _ => None,
    });
    unique.collect()
}

/// A recorded run of a build script.
#[derive(Debug)]
pub(crate) struct RecordedRun {
    pub(crate) said: ScriptRun,
    pub(crate) started: SystemTime,
    /// The file that holds the output of the run.
    pub(crate) output: Utf8PathBuf,
}

/// Returns the recorded runs of the build scripts of the given packages.
pub(crate) fn runs<'a>(
    profile: &ProfileDir,
    packages: &HashMap<&str, &'a Package>,
) -> Result<Vec<(&'a Package, RecordedRun)>> {
    let mut found = Vec::new();
    for (name, hash, units) in profile.unit_names(&|name| packages.contains_key(name))? {
        let package = packages[&*name];
        for unit in units.into_iter().filter(|it| it.mode == RecordedMode::Run) {
            let Some((value, fingerprint)) = profile.fingerprint(&name, &hash, &unit) else {
                continue;
            };
            let output = profile.script_output(&name, &hash);
            let invoked = output.metadata().and_then(|it| it.modified()).ok();
            let unit = StoredFingerprint {
                package: name.clone(),
                hash: hash.clone(),
                name: unit,
                value,
                fingerprint,
                invoked,
                plain: false,
            };
            let said = profile.script_run(&unit, package.directory());
            if let (Some(said), Some(started)) = (said, invoked) {
                let run = RecordedRun {
                    said,
                    started,
                    output,
                };
                found.push((package, run));
            }
        }
    }
    Ok(found)
}
