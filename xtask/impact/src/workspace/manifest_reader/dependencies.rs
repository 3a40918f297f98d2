//! The dependencies and features of a manifest, and what a dependency inherits from the workspace.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use camino::Utf8Path;
use cargo_metadata::semver::VersionReq;

use super::package::{Origin, check_name, text};
use super::toml_manifest::{DetailedDependency, TomlDependency, TomlWorkspace};
use super::{ReadOrAsk, ask};
use crate::paths::normalized;
use crate::workspace::metadata_json::DeclaredEdge;

/// Returns a dependency with what it inherits.
pub(super) fn inherit<'a>(
    key: &str,
    dependency: &'a TomlDependency,
    root: Option<(&TomlWorkspace, &Utf8Path)>,
    directory: &Utf8Path,
    is_2024: bool,
) -> ReadOrAsk<Cow<'a, DetailedDependency>> {
    let own = match dependency {
        TomlDependency::Version(version) => {
            return Ok(Cow::Owned(DetailedDependency {
                version: Some(version.clone()),
                ..DetailedDependency::default()
            }));
        }
        TomlDependency::Detailed(own) => own,
    };
    match own.workspace {
        None => return Ok(Cow::Borrowed(own)),
        Some(false) => return Err(ask("a dependency has `workspace = false`")),
        Some(true) => {}
    }
    let others = [
        &own.version,
        &own.path,
        &own.package,
        &own.git,
        &own.branch,
        &own.tag,
        &own.rev,
        &own.registry,
        &own.registry_index,
    ];
    if others.iter().any(|it| it.is_some()) {
        return Err(ask("an inherited dependency has keys of its own"));
    }
    let (root, root_directory) = root.ok_or_else(|| ask("a dependency has no workspace"))?;
    let missing = || ask("a dependency is inherited that the workspace does not set");
    let mut merged = match root.dependencies.get(key).ok_or_else(missing)? {
        TomlDependency::Version(version) => DetailedDependency {
            version: Some(version.clone()),
            ..DetailedDependency::default()
        },
        TomlDependency::Detailed(merged) => (**merged).clone(),
    };
    if merged.optional.is_some() || merged.workspace.is_some() {
        return Err(ask(
            "a dependency of the workspace is optional or inherited",
        ));
    }
    match (own.uses_default_features(), merged.uses_default_features()) {
        (Some(true), Some(false)) => merged.default_features = Some(true),
        (Some(false), Some(true) | None) if is_2024 => {
            return Err(ask(
                "a dependency cannot turn off inherited default features",
            ));
        }
        _ => {}
    }
    let own_features = own.features.iter().flatten();
    let features = merged.features.take().into_iter().flatten();
    merged.features = Some(features.chain(own_features.cloned()).collect());
    merged.optional = own.optional;
    // The path of the workspace's table is relative to the root manifest.
    if let Some(path) = &mut merged.path
        && root_directory != directory
    {
        *path = normalized(&root_directory.join(&*path)).into_string();
    }
    Ok(Cow::Owned(merged))
}

impl DetailedDependency {
    fn uses_default_features(&self) -> Option<bool> {
        self.default_features.or(self.old_default_features)
    }
}

/// Converts a dependency with the key `key`.
pub(super) fn edge(
    key: &str,
    dependency: &DetailedDependency,
    directory: &Utf8Path,
    origin: Origin,
) -> ReadOrAsk<DeclaredEdge<'static>> {
    check_name(key)?;
    let name = dependency.package.as_deref().unwrap_or(key);
    check_name(name)?;
    let is_git = [
        &dependency.git,
        &dependency.branch,
        &dependency.tag,
        &dependency.rev,
    ];
    if is_git.iter().any(|it| it.is_some()) {
        return Err(ask(format!("`{key}` comes from git")));
    }
    if dependency.registry.is_some() || dependency.registry_index.is_some() {
        return Err(ask(format!("`{key}` comes from another registry")));
    }
    let path = dependency.path.as_ref().filter(|_| origin == Origin::Path);
    if path.is_none() && dependency.version.is_none() {
        return Err(ask(format!("`{key}` has neither a path nor a version")));
    }
    // Without a version, every version fits a path, and the requirement is shown as `*`. A written
    // `*` does not fit a pre-release.
    if path.is_some()
        && dependency
            .version
            .as_deref()
            .is_some_and(|it| it.trim() == "*")
    {
        return Err(ask(format!("`{key}` has a path and the version `*`")));
    }
    let features = dependency.features.clone().unwrap_or_default();
    if features
        .iter()
        .any(|it| it.contains('/') || it.starts_with("dep:"))
    {
        return Err(ask(format!(
            "`{key}` is asked for a feature of a dependency"
        )));
    }
    let req = dependency.version.as_deref().map(str::parse);
    let req = req
        .transpose()
        .map_err(|_| ask("a requirement is not valid"))?;
    Ok(DeclaredEdge {
        name: text(name.to_owned()),
        rename: dependency.package.as_ref().map(|_| text(key.to_owned())),
        req: req.unwrap_or(VersionReq::STAR),
        kind: None,
        target: None,
        optional: dependency.optional.unwrap_or(false),
        uses_default_features: dependency.uses_default_features().unwrap_or(true),
        features,
        path: path.map(|path| text(normalized(&directory.join(path)).into_string())),
    })
}

/// Checks that every dependency comes from one place, in all tables of the manifest.
pub(super) fn check_sources(dependencies: &[DeclaredEdge<'_>]) -> ReadOrAsk<()> {
    let mut paths = HashMap::new();
    for dependency in dependencies {
        let path = dependency.path.as_ref().map(|it| &*it.0);
        match paths.insert(dependency.key(), path) {
            Some(before) if before != path => return Err(ask("a dependency has two sources")),
            _ => {}
        }
    }
    Ok(())
}

/// Returns the features of a package: those that the manifest lists, and one for each optional
/// dependency that no feature names as `dep:NAME`.
pub(super) fn features(
    listed: BTreeMap<String, Vec<String>>,
    dependencies: &[DeclaredEdge<'_>],
) -> ReadOrAsk<BTreeMap<String, Vec<String>>> {
    let mut optional: HashMap<&str, bool> = HashMap::new();
    for dependency in dependencies {
        *optional.entry(dependency.key()).or_default() |= dependency.optional;
    }
    let values = listed.values().flatten();
    let explicit: BTreeSet<String> = values
        .filter(|it| !it.contains('/'))
        .filter_map(|it| it.strip_prefix("dep:").map(str::to_owned))
        .collect();
    let mut all = listed;
    for dependency in dependencies.iter().filter(|it| it.optional) {
        let key = dependency.key();
        if !all.contains_key(key) && !explicit.contains(key) {
            all.insert(key.to_owned(), vec![format!("dep:{key}")]);
        }
    }
    let mut named = BTreeSet::new();
    for (feature, values) in &all {
        let is_plain = |it: char| it.is_ascii_alphanumeric() || "-_+.".contains(it);
        if feature.is_empty() || !feature.chars().all(is_plain) {
            return Err(ask("a feature has an unusual name"));
        }
        for value in values {
            let fits = if let Some((name, of_it)) = value.split_once('/') {
                let strong = name.strip_suffix('?');
                let name = strong.unwrap_or(name);
                named.insert(name);
                let is_optional = optional.get(name);
                !of_it.contains('/')
                    && is_optional.is_some_and(|&optional| strong.is_none() || optional)
            } else if let Some(name) = value.strip_prefix("dep:") {
                named.insert(name);
                optional.get(name) == Some(&true)
            } else {
                value != feature && all.contains_key(value)
            };
            if !fits {
                return Err(ask(format!(
                    "feature `{feature}` turns on an unknown `{value}`"
                )));
            }
        }
    }
    let is_named = |(name, optional): (&&str, &bool)| !optional || named.contains(*name);
    match optional.iter().all(is_named) {
        true => Ok(all),
        false => Err(ask("no feature turns on an optional dependency")),
    }
}
