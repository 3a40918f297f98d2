//! One manifest: the package as `cargo metadata` prints it, with what it inherits from the root
//! manifest of its workspace.

use std::borrow::Cow;
use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use cargo_metadata::DependencyKind;
use cargo_metadata::cargo_platform::Platform;
use cargo_metadata::semver::Version;

use super::dependencies::{check_sources, edge, features, inherit};
use super::targets::TargetSearch;
use super::toml_manifest::{
    Inheritable, InheritablePackage, TomlDependencies, TomlLint, TomlLints, TomlManifest,
    TomlPackage, TomlWorkspace,
};
use super::{CRATES_IO, ReadOrAsk, ask, profiles};
use crate::files;
use crate::workspace::metadata_json::{Manifest, Reduced, Text};

/// The editions, each with the first version of Rust that has it.
pub(super) const EDITIONS: [(&str, (u64, u64)); 4] = [
    ("2015", (1, 0)),
    ("2018", (1, 31)),
    ("2021", (1, 56)),
    ("2024", (1, 85)),
];

/// Reads and parses a manifest.
pub(super) fn parsed(path: &Utf8Path) -> ReadOrAsk<TomlManifest> {
    let text = files::read_text(path, files::SETTINGS)
        .map_err(|error| ask(format!("{path} cannot be read: {error}")))?;
    toml::from_str(&text).map_err(|error| {
        // Serde lists all keys that it knows.
        let message = error.message();
        let message = message.split(", expected").next().unwrap_or(message);
        ask(format!("{path}: {message}"))
    })
}

/// The origin of a package.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// A directory on disk.
    Path,
    /// crates.io.
    Registry,
}

/// Converts a parsed manifest at `path`. `root` is the `[workspace]` table that the package
/// inherits from, with the directory of that table.
pub(super) fn package(
    path: &Utf8Path,
    manifest: &TomlManifest,
    root: Option<(&TomlWorkspace, &Utf8Path)>,
    origin: Origin,
) -> ReadOrAsk<Manifest<'static>> {
    let directory = path.parent().unwrap_or(path);
    let read = |package| converted(directory, manifest, package, root, origin);
    let Some(package) = &manifest.package else {
        return Err(ask(format!("{path} has no package")));
    };
    if manifest.patch.is_some() && origin == Origin::Path {
        return Err(ask(format!("{path} has [patch]")));
    }
    if manifest.replace.is_some() && origin == Origin::Path {
        return Err(ask(format!("{path} has [replace]")));
    }
    let mut package = read(package).map_err(|because| ask(format!("{path}: {}", because.0)))?;
    package.manifest_path = path.to_owned();
    Ok(package)
}

fn converted(
    directory: &Utf8Path,
    manifest: &TomlManifest,
    package: &TomlPackage,
    root: Option<(&TomlWorkspace, &Utf8Path)>,
    origin: Origin,
) -> ReadOrAsk<Manifest<'static>> {
    let inheritable = root.map(|(root, _)| &root.package);
    check_inherited(package, inheritable)?;
    check_name(&package.name)?;
    if let Some(lints) = &manifest.lints {
        check_lints(lints, root.map(|(root, _)| root))?;
    }
    profiles::check(&manifest.profile)?;
    let edition = inherited(&package.edition, inheritable, |it| it.edition.as_ref())?;
    let edition = edition.map_or("2015", String::as_str);
    let rust_version = inherited(&package.rust_version, inheritable, |it| {
        it.rust_version.as_ref()
    })?;
    check_edition(edition, rust_version)?;
    let version = inherited(&package.version, inheritable, |it| it.version.as_ref())?;
    let version = version.map_or("0.0.0", |it| it.trim());
    let version: Version = version.parse().map_err(|_| ask("a version is not valid"))?;
    let is_2024 = edition == "2024";
    let mut dependencies = Vec::new();
    let mut gather = |table: &TomlDependencies, kind, target: Option<&Platform>| -> ReadOrAsk<()> {
        for (key, dependency) in table {
            let dependency = inherit(key, dependency, root, directory, is_2024)?;
            if is_2024 && dependency.old_default_features.is_some() {
                return Err(ask("a dependency has an old key"));
            }
            let mut dependency = edge(key, &dependency, directory, origin)?;
            dependency.kind = Some(kind);
            dependency.target = target.cloned();
            dependencies.push(dependency);
        }
        Ok(())
    };
    gather(&manifest.dependencies, DependencyKind::Normal, None)?;
    gather(
        &manifest.dev_dependencies,
        DependencyKind::Development,
        None,
    )?;
    gather(&manifest.build_dependencies, DependencyKind::Build, None)?;
    for (name, platform) in &manifest.target {
        let target: Platform = name.parse().map_err(|_| ask("a platform is not known"))?;
        let target = Some(&target);
        gather(&platform.dependencies, DependencyKind::Normal, target)?;
        gather(&platform.build_dependencies, DependencyKind::Build, target)?;
        gather(
            &platform.dev_dependencies,
            DependencyKind::Development,
            target,
        )?;
    }
    check_sources(&dependencies)?;
    let targets = TargetSearch {
        directory,
        package,
        edition,
    };
    let targets = targets.targets(manifest)?;
    Ok(Manifest {
        id: id(directory, &package.name, &version, origin)?,
        name: package.name.clone(),
        version: version.to_string(),
        source: (origin == Origin::Registry).then(|| CRATES_IO.to_owned()),
        manifest_path: Utf8PathBuf::new(),
        links: package.links.clone(),
        targets: targets.into_iter().map(|it| Reduced(Some(it))).collect(),
        features: features(manifest.features.clone(), &dependencies)?,
        dependencies: dependencies.into(),
    })
}

fn id(
    directory: &Utf8Path,
    name: &str,
    version: &Version,
    origin: Origin,
) -> ReadOrAsk<Text<'static>> {
    if origin == Origin::Registry {
        return Ok(text(format!("{CRATES_IO}#{name}@{version}")));
    }
    let is_named_like_it = directory.file_name() == Some(name);
    let directory = url_path(directory)?;
    Ok(text(match is_named_like_it {
        true => format!("path+file://{directory}#{version}"),
        false => format!("path+file://{directory}#{name}@{version}"),
    }))
}

/// Returns a directory as it stands in a URL. Blanks and characters outside ASCII are escaped byte
/// by byte.
fn url_path(directory: &Utf8Path) -> ReadOrAsk<String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte);
    let mut escaped = String::new();
    for byte in directory.as_str().bytes() {
        match byte {
            _ if is_plain(byte) => escaped.push(char::from(byte)),
            b' ' | 128.. => escaped += &format!("%{byte:02X}"),
            _ => return Err(ask("the path has special characters")),
        }
    }
    match escaped.starts_with('/') {
        true => Ok(escaped),
        false => Err(ask("the path has special characters")),
    }
}

pub(super) fn text(owned: String) -> Text<'static> {
    Text(Cow::Owned(owned))
}

fn inherited<'a, T>(
    value: &'a Option<Inheritable<T>>,
    root: Option<&'a InheritablePackage>,
    of_root: impl FnOnce(&'a InheritablePackage) -> Option<&'a T>,
) -> ReadOrAsk<Option<&'a T>> {
    match value {
        None => Ok(None),
        Some(Inheritable::Value(value)) => Ok(Some(value)),
        Some(Inheritable::Inherit(inherit)) if inherit.workspace => {
            let value = root.and_then(of_root);
            let missing = || ask("a key is inherited that the workspace does not set");
            value.map(Some).ok_or_else(missing)
        }
        Some(Inheritable::Inherit(_)) => Err(ask("a key has `workspace = false`")),
    }
}

/// Checks that the workspace sets every key that the package inherits.
fn check_inherited(package: &TomlPackage, root: Option<&InheritablePackage>) -> ReadOrAsk<()> {
    inherited(&package.authors, root, |it| it.authors.as_ref())?;
    inherited(&package.exclude, root, |it| it.exclude.as_ref())?;
    inherited(&package.include, root, |it| it.include.as_ref())?;
    inherited(&package.publish, root, |it| it.publish.as_ref())?;
    inherited(&package.readme, root, |it| it.readme.as_ref())?;
    inherited(&package.keywords, root, |it| it.keywords.as_ref())?;
    inherited(&package.categories, root, |it| it.categories.as_ref())?;
    inherited(&package.description, root, |it| it.description.as_ref())?;
    inherited(&package.homepage, root, |it| it.homepage.as_ref())?;
    inherited(&package.documentation, root, |it| it.documentation.as_ref())?;
    inherited(&package.license, root, |it| it.license.as_ref())?;
    inherited(&package.license_file, root, |it| it.license_file.as_ref())?;
    inherited(&package.repository, root, |it| it.repository.as_ref())?;
    Ok(())
}

/// Checks the name of a package or of a dependency.
pub(super) fn check_name(name: &str) -> ReadOrAsk<()> {
    let mut characters = name.chars();
    let is_start = |it: char| it.is_ascii_alphabetic() || it == '_';
    let is_next = |it: char| it.is_ascii_alphanumeric() || "-_".contains(it);
    match characters.next().is_some_and(is_start) && characters.all(is_next) {
        true => Ok(()),
        false => Err(ask("a name has special characters")),
    }
}

fn check_edition(edition: &str, rust_version: Option<&String>) -> ReadOrAsk<()> {
    let known = EDITIONS.iter().find(|(known, _)| *known == edition);
    let &(_, first) = known.ok_or_else(|| ask("an edition is not known"))?;
    let Some(rust_version) = rust_version else {
        return Ok(());
    };
    let parts: Vec<Option<u64>> = rust_version.split('.').map(|it| it.parse().ok()).collect();
    match parts[..] {
        [Some(major), Some(minor)] | [Some(major), Some(minor), Some(_)]
            if (major, minor) >= first =>
        {
            Ok(())
        }
        _ => Err(ask("`rust-version` does not fit the edition")),
    }
}

fn check_lints(lints: &TomlLints, root: Option<&TomlWorkspace>) -> ReadOrAsk<()> {
    let tools = match lints {
        TomlLints::Own(tools) => tools,
        TomlLints::Inherit(inherit) if inherit.workspace => {
            let tools = root.and_then(|root| root.lints.as_ref());
            tools.ok_or_else(|| ask("lints are inherited that the workspace does not set"))?
        }
        TomlLints::Inherit(_) => return Err(ask("`lints` has `workspace = false`")),
    };
    let is_known = |(tool, lints): (&String, &BTreeMap<String, TomlLint>)| {
        ["rust", "clippy", "rustdoc"].contains(&&**tool)
            && lints.keys().all(|it| !it.contains("::"))
    };
    match tools.iter().all(is_known) {
        true => Ok(()),
        false => Err(ask("a lint is not known")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_and_umlauts_are_escaped_in_the_url_of_a_directory() {
        for (directory, escaped) in [
            ("/w/app-1.0_x", Some("/w/app-1.0_x")),
            ("/w/Fahrpläne 1", Some("/w/Fahrpl%C3%A4ne%201")),
            ("/w/50%", None),
            ("C:\\w", None),
        ] {
            assert_eq!(url_path(directory.into()).ok().as_deref(), escaped);
        }
    }
}
