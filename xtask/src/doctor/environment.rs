//! Checks the environment variables that builds read and whose values are not the same everywhere.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use camino::Utf8PathBuf;
use xtask_impact::build_dir;
use xtask_impact::build_dir::ProfileDir;
use xtask_impact::build_dir::dep_info::ReadVariables;
use xtask_impact::build_dir::unit_inputs::{Roots, Watch};
use xtask_impact::cargo_config::{CargoConfig, ValueKind};
use xtask_impact::workspace::{Package, Workspace};

use super::cost::{self, RebuildStart};
use super::recorded::{runs, unique};
use crate::checks::{Check, Finding, Level, Place};
use crate::doctor::context::Context;

pub(crate) const CHECKS: &[&Check] = &[&ENVIRONMENT];

static ENVIRONMENT: Check = Check {
    code: "environment-differs",
    level: Level::Warning,
    finds: "Variables that recorded builds saw with other values",
    cost: "If a shell, a hook and an editor build in turn with different values of the variable, \
           packages that read it are rebuilt each time.",
    explanation: "Read: the variables that recorded units and build scripts asked for, in every \
                  build directory of the workspace, with their values at that time, compared with \
                  the environment of this command. Variables that cargo or its `[env]` tables set \
                  do not count, and neither does `PATH`, which rustup changes.\n\nFix: set the \
                  variable in `[env]` of `.cargo/config.toml`, so that everyone has the same \
                  value.",
};

/// The recorded values by variable, package and build directory, each with the time when it was
/// read.
type RecordedValues = BTreeMap<(String, String, Utf8PathBuf), (SystemTime, Option<String>)>;

/// Finds the variables that recorded units read with another value than the value in this
/// environment.
pub(crate) fn check(context: &Context<'_>) -> Result<Vec<Finding>> {
    let workspace = context.workspace;
    let mut directories = vec![workspace.directories()];
    directories.extend(build_dir::others(&workspace.root, &directories[0])?);
    let mut recorded = RecordedValues::new();
    let unique = unique(workspace);
    for directory in &directories {
        for profile in build_dir::profile_dirs(&directory.build)? {
            let mut read = Vec::new();
            for (package, run) in runs(&profile, &unique)? {
                if let Watch::Declared(_, variables) = run.said.watch {
                    read.push((package, run.started, variables));
                }
            }
            read.extend(compiled(workspace, &profile, &unique)?);
            for (package, time, variables) in read {
                for (name, value) in variables {
                    let key = (name, package.name.clone(), directory.build.clone());
                    let known = recorded.entry(key).or_insert((UNIX_EPOCH, None));
                    if known.0 <= time {
                        *known = (time, value);
                    }
                }
            }
        }
    }
    let config = CargoConfig::of(context.runner)?;
    let table = config.written().get("env").map(|it| &it.kind);
    let mut set: BTreeSet<String> = match table {
        Some(ValueKind::Table(table)) => table.keys().cloned().collect(),
        _ => BTreeSet::new(),
    };
    set.extend(
        [
            "PATH",
            "HOST",
            "TARGET",
            "PROFILE",
            "NUM_JOBS",
            "OPT_LEVEL",
            "DEBUG",
        ]
        .map(str::to_owned),
    );
    let here: BTreeMap<String, String> = context
        .runner
        .environment()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let mut found = differing(&recorded, &here, &set);
    for finding in &mut found {
        let Place::Variable(variable) = &finding.place else {
            continue;
        };
        let readers = recorded.keys().filter(|(name, _, _)| name == variable);
        let readers = readers.map(|(_, package, _)| package.as_str());
        finding.impact = Some(cost::rebuilt(context, readers, RebuildStart::Sources));
    }
    Ok(found)
}

/// A package, the time when it was compiled, and the variables that its code read.
type CompiledPackage<'a> = (&'a Package, SystemTime, ReadVariables);

/// Returns the variables that the code of path packages read when it was compiled (`env!`,
/// `option_env!`).
fn compiled<'a>(
    workspace: &Workspace,
    profile: &ProfileDir,
    unique: &HashMap<&str, &'a Package>,
) -> Result<Vec<CompiledPackage<'a>>> {
    let own = |name: &str| unique.get(name).copied().filter(|it| it.source.is_none());
    let mut read = Vec::new();
    for (name, hash, units) in profile.unit_names(&|name| own(name).is_some())? {
        let Some(package) = own(&name) else { continue };
        let roots = Roots {
            workspace: &workspace.root,
            package: package.directory(),
        };
        for unit in &units {
            let Some(found) = profile.cargo_sources(&name, &hash, unit, roots) else {
                continue;
            };
            if !found.env.is_empty() {
                let dep_info = format!("dep-{}", unit.file_name());
                let dep_info = profile.fingerprint_dir(&name, &hash).join(dep_info);
                let invoked = dep_info.metadata().and_then(|it| it.modified());
                read.push((package, invoked.unwrap_or(UNIX_EPOCH), found.env));
            }
        }
    }
    Ok(read)
}

fn differing(
    recorded: &RecordedValues,
    here: &BTreeMap<String, String>,
    set: &BTreeSet<String>,
) -> Vec<Finding> {
    let mut by_name: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for ((name, package, directory), (_, value)) in recorded {
        let is_cargos = name.starts_with("CARGO") || name.starts_with("RUSTC") || name == "OUT_DIR";
        if is_cargos || set.contains(name) || here.get(name) == value.as_ref() {
            continue;
        }
        let was = shown(value.as_ref());
        let evidence = format!("{package} was built last in {directory} with {name} {was}");
        by_name.entry(name).or_default().push(evidence);
    }
    let found = by_name.into_iter().map(|(name, evidence)| {
        let is = shown(here.get(name));
        let message = format!("{name} is {is} here, and had another value in the last build");
        let fix = format!("Set {name} in `[env]` of `.cargo/config.toml`, the same for everyone.");
        let place = Place::Variable(name.to_owned());
        ENVIRONMENT.found(place, message, fix).evidence(evidence)
    });
    found.collect()
}

/// Describes a value by its length, because the value may be a secret. A value of at most four
/// bytes is shown.
fn shown(value: Option<&String>) -> String {
    match value {
        None => "not set".to_owned(),
        Some(value) if value.len() <= 4 => format!("`{value}`"),
        Some(value) => format!("set to a text of {} bytes", value.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_that_differ_are_found() {
        let recorded = |name: &str, value: Option<&str>| {
            let key = (name.to_owned(), "a".to_owned(), "/w/target".into());
            (key, (UNIX_EPOCH, value.map(str::to_owned)))
        };
        let recorded = RecordedValues::from([
            recorded("SAME", Some("1")),
            recorded("UNSET", None),
            recorded("MODE", Some("on")),
            recorded("TOKEN", Some("a long secret")),
            recorded("CONFIGURED", Some("x")),
            recorded("CARGO_TERM_COLOR", Some("always")),
        ]);
        let here = BTreeMap::from(
            [("SAME", "1"), ("MODE", "off")]
                .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        let set = BTreeSet::from(["CONFIGURED".to_owned()]);
        let found = differing(&recorded, &here, &set);
        let shown: Vec<_> = found
            .iter()
            .map(|it| format!("{}\n{}", it.message, it.evidence.join("\n")))
            .collect();
        assert_eq!(
            shown,
            [
                "MODE is `off` here, and had another value in the last build\na was built last in \
                 /w/target with MODE `on`",
                "TOKEN is not set here, and had another value in the last build\na was built last \
                 in /w/target with TOKEN set to a text of 13 bytes",
            ]
        );
    }
}
