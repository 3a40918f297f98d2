//! Finds dependencies that several manifests declare and that could be declared once, in
//! `[workspace.dependencies]`.

use std::collections::BTreeMap;

use anyhow::Result;
use cargo_metadata::semver::{Version, VersionReq};
use toml::de::{DeTable, DeValue};
use xtask_impact::files;
use xtask_impact::workspace::Package;

use super::dependencies::listed;
use crate::checks::{Check, Finding, Level};
use crate::cli::output::count;
use crate::doctor::context::Context;

pub(crate) const CHECKS: &[&Check] = &[&INHERIT];

static INHERIT: Check = Check {
    code: "could-inherit",
    level: Level::Note,
    finds: "Dependencies that could be inherited from the workspace",
    cost: "If a version is written in several manifests, it is often updated only in some of them. \
           Then the dependency is compiled several times.",
    explanation: "Read: the manifests of a workspace that has `[workspace.dependencies]`. Reported \
                  if a member requires a registry package that is also in this table, with a \
                  compatible version; or if several members require the same package, and it is \
                  not in the table. Not reported if `default-features` differ.\n\nFix: write \
                  `name.workspace = true`.",
};

/// The declaration of a dependency in a manifest.
#[derive(Debug, PartialEq)]
struct DeclaredRequirement {
    line: usize,
    package: String,
    requirement: VersionReq,
    default_features: bool,
}

pub(crate) fn check(context: &Context<'_>) -> Result<Vec<Finding>> {
    let workspace = context.workspace;
    let manifest = workspace.root.join("Cargo.toml");
    let Ok(root) = files::read_text(&manifest, files::SETTINGS) else {
        return Ok(Vec::new());
    };
    let shared = requirements_in(&root, &["workspace", "dependencies"]);
    if shared.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    let (mut first, mut declared_twice) = (None, Vec::new());
    let mut unshared: BTreeMap<String, Vec<(&str, &str)>> = BTreeMap::new();
    for (_, member) in workspace.members() {
        let Ok(text) = files::read_text(&member.manifest_path, files::SETTINGS) else {
            continue;
        };
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for declared in requirements_in(&text, &[kind]) {
                let dependencies = member.dependencies.iter();
                let mut resolved = dependencies.map(|it| workspace.package(it.package));
                // A member may depend on two versions of a package, one of them under another name.
                let is_it = |it: &&Package| {
                    it.name == declared.package
                        && it.source.is_some()
                        && it
                            .version
                            .parse()
                            .is_ok_and(|it| declared.requirement.matches(&it))
                };
                let Some(Package { version, .. }) = resolved.find(is_it) else {
                    continue;
                };
                match shared.iter().find(|it| it.package == declared.package) {
                    Some(shared) if would_serve(shared, &declared, version) => {
                        let place = context.below(&member.manifest_path);
                        let file = place.unwrap_or_else(|| member.manifest_path.clone());
                        first = first.or(Some(context.place(&file, Some(declared.line))));
                        declared_twice.push(format!(
                            "{file}:{}: {} = \"{}\"; the workspace says \"{}\", and {version} is both",
                            declared.line, declared.package, declared.requirement, shared.requirement
                        ));
                    }
                    Some(_) => {}
                    None => {
                        let says = unshared.entry(declared.package).or_default();
                        if says.iter().all(|(by, _)| *by != member.name) {
                            says.push((&member.name, version));
                        }
                    }
                }
            }
        }
    }
    if let Some(place) = first {
        let message = "members repeat versions of `[workspace.dependencies]`";
        let fix = "Write `name.workspace = true`, with the features that the member adds.";
        let impact = lines_of(declared_twice.len());
        let finding = INHERIT.found(place, message, fix).evidence(declared_twice);
        found.push(finding.impact(impact));
    }
    let evidence = unshared.iter().filter_map(|(package, says)| {
        let version = says[0].1;
        let is_one = says.len() > 1 && says.iter().all(|it| it.1 == version);
        let members = listed(says.iter().map(|it| it.0));
        is_one.then(|| format!("{package} {version} in {members}"))
    });
    let evidence: Vec<_> = evidence.collect();
    if !evidence.is_empty() {
        let message = "several members repeat versions that `[workspace.dependencies]` could hold";
        let fix = "Write the version there, and `name.workspace = true` in the members.";
        let finding = INHERIT.found(context.place(&manifest, None), message, fix);
        let lines = unshared.values().filter(|says| says.len() > 1);
        let impact = lines_of(lines.map(Vec::len).sum());
        found.push(finding.evidence(evidence).impact(impact));
    }
    Ok(found)
}

/// Returns a sentence about the cost of repeated declarations.
fn lines_of(number: usize) -> String {
    let lines = count(number, "line");
    format!("{lines} of manifests to edit for a new version; nothing is compiled twice today.")
}

/// Returns true if a member that inherits the dependency would have the same version and the same
/// default features.
fn would_serve(shared: &DeclaredRequirement, own: &DeclaredRequirement, resolved: &str) -> bool {
    let resolved = Version::parse(resolved);
    shared.default_features == own.default_features
        && resolved.is_ok_and(|it| shared.requirement.matches(&it))
}

/// Returns the dependencies on registry packages in a table of a manifest. Inherited dependencies
/// are left out.
fn requirements_in(manifest: &str, table: &[&str]) -> Vec<DeclaredRequirement> {
    let Ok(root) = DeTable::parse(manifest) else {
        return Vec::new();
    };
    let mut entries = root.get_ref();
    for key in table {
        match entries.get(*key).map(|it| it.get_ref()) {
            Some(DeValue::Table(inner)) => entries = inner,
            _ => return Vec::new(),
        }
    }
    let declared = entries.iter().filter_map(|(key, value)| {
        let (requirement, package, default_features) = match value.get_ref() {
            DeValue::String(requirement) => (requirement.as_ref(), None, true),
            DeValue::Table(entry) => {
                let text = |key: &str| entry.get(key).and_then(|it| it.get_ref().as_str());
                let other = ["path", "git", "registry", "registry-index", "workspace"];
                if other.iter().any(|key| entry.contains_key(*key)) {
                    return None;
                }
                let default_features = entry.get("default-features");
                let default_features = default_features.and_then(|it| it.get_ref().as_bool());
                let default_features = default_features.unwrap_or(true);
                (text("version")?, text("package"), default_features)
            }
            _ => return None,
        };
        Some(DeclaredRequirement {
            line: manifest[..key.span().start].matches('\n').count() + 1,
            package: package.unwrap_or(key.get_ref()).to_owned(),
            requirement: VersionReq::parse(requirement).ok()?,
            default_features,
        })
    });
    declared.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_on_registry_packages_are_read() {
        let manifest = "[dependencies]\nplain = \"1.0\"\nshared.workspace = true\nnear = { path = \"../near\" }\n\
                        called = { package = \"other\", version = \"2\", default-features = false }\n";
        let declared = requirements_in(manifest, &["dependencies"]);
        let declared: Vec<_> = declared
            .iter()
            .map(|it| {
                format!(
                    "{} {} {} {}",
                    it.line, it.package, it.requirement, it.default_features
                )
            })
            .collect();
        assert_eq!(declared, ["5 other ^2 false", "2 plain ^1.0 true"]);
    }

    #[test]
    fn inheriting_is_advised_only_if_it_changes_nothing() {
        let declared = |requirement: &str, default_features| DeclaredRequirement {
            line: 1,
            package: "x".to_owned(),
            requirement: VersionReq::parse(requirement).unwrap(),
            default_features,
        };
        for (shared, own, resolved, expected) in [
            (declared("1.2", true), declared("1", true), "1.3.0", true),
            (declared("2", true), declared("1", true), "1.3.0", false),
            (declared("1", true), declared("1", false), "1.3.0", false),
        ] {
            assert_eq!(would_serve(&shared, &own, resolved), expected);
        }
    }
}
