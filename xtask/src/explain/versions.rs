//! Errors about types of several builds of one package.

use std::collections::BTreeMap;

use xtask_impact::quote;
use xtask_impact::workspace::{Package, PackageIx, Workspace};

use super::diagnostics::Diagnostic;
use super::verdict::{ErrorReport, ErrorVerdict};

/// Explains E0308 and E0277 with "multiple different versions of crate". Artifacts are not the
/// cause.
pub(super) fn explain(workspace: &Workspace, error: &Diagnostic, crate_name: &str) -> ErrorReport {
    let is_it = |package: &Package| {
        let library = package.library();
        library.is_some_and(|it| it.name.replace('-', "_") == crate_name)
    };
    let packages = workspace.packages().filter(|(_, package)| is_it(package));
    let mut by_version: BTreeMap<&str, Vec<PackageIx>> = BTreeMap::new();
    for (index, package) in packages {
        by_version.entry(&package.version).or_default().push(index);
    }
    let shown = quote::name(crate_name).into_owned();
    let mut found = ErrorReport::new(error, ErrorVerdict::TwoVersions);
    let all: Vec<PackageIx> = by_version.values().flatten().copied().collect();
    for &index in &all {
        let package = workspace.package(index);
        let users = workspace
            .packages()
            .filter(|(_, user)| user.dependencies.iter().any(|it| it.package == index));
        let users: Vec<String> = users
            .map(|(_, it)| format!("{} {}", it.name, it.version))
            .collect();
        let source = package
            .source
            .as_deref()
            .unwrap_or(package.directory().as_str());
        found = found.evidence(format!(
            "{} {} from {source}: a dependency of {}",
            package.name,
            package.version,
            users.join(", ")
        ));
    }
    let versions: Vec<&str> = by_version.keys().copied().collect();
    match (all.len(), versions.len()) {
        (0 | 1, _) => {
            // One package, so rustc met two builds of it: for the host and the target, or with
            // different features.
            found.verdict = ErrorVerdict::TwoBuilds;
            found
                .says(format!(
                    "two builds of one `{shown}` meet, with different features"
                ))
                .advice("`cargo xtask doctor --only features-differ` shows the features of both")
        }
        (_, 1) => {
            found.verdict = ErrorVerdict::TwoBuilds;
            found
                .says(format!("`{shown}` {} comes from two sources", versions[0]))
                .advice("use one source in all packages: one `path` or `git`, or `[patch]`")
        }
        _ => {
            let name = &workspace.package(all[0]).name;
            let (old, new) = (versions[0], versions[versions.len() - 1]);
            let advice = match compatible(old, new) {
                true => format!("`cargo update -p {name}@{old} --precise {new}`"),
                false => format!(
                    "require the same version of {name} in all these packages: {new}; cleaning \
                     does not help"
                ),
            };
            found
                .says(format!(
                    "the build uses several versions of `{shown}`: {}",
                    versions.join(" and ")
                ))
                .advice(advice)
        }
    }
}

/// Returns true if cargo counts two versions as compatible.
fn compatible(one: &str, other: &str) -> bool {
    let parse = |text: &str| cargo_metadata::semver::Version::parse(text).ok();
    let key = |it: &cargo_metadata::semver::Version| match (it.major, it.minor) {
        (0, 0) => (0, 0, it.patch),
        (0, minor) => (0, minor, 0),
        (major, _) => (major, 0, 0),
    };
    matches!((parse(one), parse(other)), (Some(one), Some(other)) if key(&one) == key(&other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::diagnostics::read;

    #[test]
    fn versions_and_sources_are_told_apart() {
        let text = "error[E0308]: mismatched types\n --> app/src/main.rs:1:23\nnote: there are multiple \
                    different versions of crate `base` in the dependency graph\n";
        let error = &read(text)[0];
        let workspaces = ["base: lib\nbase@0.2.0: lib", "base: lib\nmid: lib -> base"];
        let told = workspaces.map(|it| {
            let workspace = xtask_impact::testing::workspace(it);
            let found = explain(&workspace, error, "base");
            format!(
                "{:?}: {}\n  {:?}\n  {:?}\n",
                found.verdict, found.says, found.evidence, found.advice
            )
        });
        expect_test::expect![[r#"
            TwoVersions: the build uses several versions of `base`: 0.1.0 and 0.2.0
              ["base 0.1.0 from /w/base: a dependency of ", "base 0.2.0 from /w/base: a dependency of "]
              Some("require the same version of base in all these packages: 0.2.0; cleaning does not help")
            TwoBuilds: two builds of one `base` meet, with different features
              ["base 0.1.0 from /w/base: a dependency of mid 0.1.0"]
              Some("`cargo xtask doctor --only features-differ` shows the features of both")
        "#]].assert_eq(&told.concat());
        assert!(compatible("1.2.0", "1.3.1") && !compatible("0.1.0", "0.2.0"));
    }
}
