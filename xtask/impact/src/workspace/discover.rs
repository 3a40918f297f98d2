//! The workspaces of a repository: finds the root manifests, by cargo's rules for finding the
//! workspace of a package.

use std::collections::{BTreeSet, HashMap};

use camino::{Utf8Path, Utf8PathBuf};

use super::guess_members::listed;
use crate::files;
use crate::paths::normalized;

/// The root manifest of a workspace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RootManifest {
    /// The absolute path of the manifest.
    pub path: Utf8PathBuf,
    /// True if the path shows that the manifest is a fixture of tests or a template. It is no fault
    /// if cargo cannot load such a manifest.
    pub is_fixture: bool,
}

impl RootManifest {
    /// Returns the directory of the manifest.
    pub fn directory(&self) -> &Utf8Path {
        self.path.parent().unwrap_or(&self.path)
    }
}

/// Returns the nearest directory, `directory` itself or above, whose manifest has a `[workspace]`
/// table. That directory is usually the workspace root. The manifest is not parsed, so a caller has
/// to compare the result with cargo's answer.
pub fn likely_root(directory: &Utf8Path) -> Option<&Utf8Path> {
    directory.ancestors().find(|above| {
        let manifest = files::read_text(above.join("Cargo.toml"), files::SETTINGS);
        manifest.is_ok_and(|it| it.contains("[workspace"))
    })
}

/// Returns the root manifests of all workspaces below a repository's top level, sorted. `tracked`
/// are the paths that git tracks, relative to the top level.
///
/// A root manifest has a `[workspace]` table, or its package belongs to no workspace. A manifest
/// that cannot be read, or that has `[workspace]` and does not parse, counts as a root, so that
/// cargo reports what is wrong with it.
pub fn workspaces_below(
    top_level: &Utf8Path,
    tracked: impl IntoIterator<Item = impl AsRef<Utf8Path>>,
) -> Vec<RootManifest> {
    let mut manifests = Manifests::default();
    let tracked = tracked
        .into_iter()
        .map(|path| top_level.join(path.as_ref()));
    let tracked = tracked.filter(|path| path.file_name() == Some("Cargo.toml") && path.is_file());
    let roots: BTreeSet<_> = tracked.map(|path| manifests.root_of(&path)).collect();
    let below = roots.into_iter().filter_map(|path| {
        let is_fixture = is_fixture(path.strip_prefix(top_level).ok()?);
        Some(RootManifest { path, is_fixture })
    });
    below.collect()
}

/// Returns true if a manifest is in a directory of test projects or of templates.
fn is_fixture(relative: &Utf8Path) -> bool {
    let directories = relative.parent().into_iter().flat_map(|it| it.iter());
    directories
        .map(|name| name.replace('_', "-"))
        .any(|name| match &*name {
            "bench-data" | "test" | "test-data" | "testdata" | "tests" | "testsuite" => true,
            name => ["fixture", "template"].iter().any(|it| name.contains(it)),
        })
}

/// The manifests that decide which workspace a package belongs to. Each manifest is read once.
#[derive(Default)]
struct Manifests(HashMap<Utf8PathBuf, Option<ManifestRole>>);

#[derive(Clone)]
enum ManifestRole {
    Root {
        members: Vec<Utf8PathBuf>,
        exclude: Vec<Utf8PathBuf>,
    },
    /// A package that is no workspace root, with the root manifest that its key `workspace` names.
    Package(Option<Utf8PathBuf>),
    Unreadable,
}

impl Manifests {
    /// Returns the root manifest of the workspace that a manifest belongs to. Returns the manifest
    /// itself if it belongs to no workspace.
    fn root_of(&mut self, manifest: &Utf8Path) -> Utf8PathBuf {
        for directory in manifest.ancestors().skip(1) {
            if directory.ends_with("target/package") {
                break;
            }
            let above = directory.join("Cargo.toml");
            match self.role(&above) {
                Some(ManifestRole::Root { members, exclude }) => {
                    // Cargo compares these entries as plain paths here: an entry with a glob does
                    // not match.
                    let among =
                        |paths: &[Utf8PathBuf]| paths.iter().any(|path| manifest.starts_with(path));
                    if above == manifest || among(members) || !among(exclude) {
                        return above;
                    }
                }
                Some(ManifestRole::Package(Some(root))) if above == manifest => {
                    return root.clone();
                }
                Some(ManifestRole::Unreadable) => return above,
                Some(ManifestRole::Package(_)) | None => {}
            }
        }
        manifest.to_owned()
    }

    fn role(&mut self, manifest: &Utf8Path) -> Option<&ManifestRole> {
        let known = self.0.entry(manifest.to_owned());
        known.or_insert_with(|| role(manifest)).as_ref()
    }
}

fn role(manifest: &Utf8Path) -> Option<ManifestRole> {
    let text = match files::read_text(manifest, files::SETTINGS) {
        Ok(text) => text,
        Err(_) if !manifest.is_file() => return None,
        Err(_) => return Some(ManifestRole::Unreadable),
    };
    let Ok(table) = text.parse::<toml::Table>() else {
        // A member that is being edited (its TOML does not parse) stays in its workspace.
        let mut lines = text.lines().map(str::trim_start);
        let is_root = lines.any(|line| line.starts_with("[workspace"));
        return Some(if is_root {
            ManifestRole::Unreadable
        } else {
            ManifestRole::Package(None)
        });
    };
    let directory = manifest.parent()?;
    if !table.contains_key("workspace") {
        let root = table.get("package").and_then(|it| it.get("workspace"));
        let root = root.and_then(toml::Value::as_str);
        return Some(ManifestRole::Package(
            root.map(|root| normalized(&directory.join(root).join("Cargo.toml"))),
        ));
    }
    let paths = |key| listed(&table, key).map(|it| directory.join(it)).collect();
    Some(ManifestRole::Root {
        members: paths("members"),
        exclude: paths("exclude"),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use camino::{Utf8Path, Utf8PathBuf};

    use super::{RootManifest, workspaces_below};
    use crate::process::{self, Runner};
    use crate::testing::{scratch, write};

    const MANIFESTS: &[(&str, &str)] = &[
        (
            "",
            "[workspace]\nmembers = ['a', 'x/in']\nexclude = ['x', 'glob*', 'tests/data']",
        ),
        ("a", "[package]\nname = 'a'"),
        ("x/out", "[package]\nname = 'out'"),
        ("x/in", "[package]\nname = 'in'"),
        ("glob-no", "[package]\nname = 'glob-no'"),
        (
            "own",
            "[package]\nname = 'own'\n[workspace]\nexclude = ['deep']",
        ),
        ("own/deep", "[package]\nname = 'deep'"),
        (
            "pointer",
            "[package]\nname = 'p'\nworkspace = '../x/../own'",
        ),
        ("pointer/under", "[package]\nname = 'under'"),
        ("tests/data/one", "[package]\nname = 'one'"),
        ("tests/data/bad", "[package"),
    ];

    /// Returns the directory of the root manifest that cargo finds. Cargo's error message names the
    /// root of a package that is not a member there.
    fn by_cargo(top: &Utf8Path, directory: &str) -> Option<Utf8PathBuf> {
        let runner = Runner::new().unwrap().in_directory(top.join(directory));
        let mut command = runner.cargo();
        command.args(["locate-project", "--workspace", "--message-format", "plain"]);
        let output = process::output(&mut command).unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let refused = String::from_utf8(output.stderr).unwrap();
        let refused = refused.lines().find_map(|it| it.strip_prefix("workspace:"));
        let root = Utf8PathBuf::from(refused.unwrap_or(&said).trim());
        Some(root.parent()?.strip_prefix(top).ok()?.to_owned())
    }

    #[test]
    fn a_manifest_has_the_root_that_cargo_finds() {
        let (_temporary, top) = scratch();
        for (directory, manifest) in MANIFESTS {
            let directory = top.join(directory);
            fs::create_dir_all(directory.join("src")).unwrap();
            fs::write(directory.join("src/lib.rs"), "").unwrap();
            fs::write(directory.join("Cargo.toml"), manifest).unwrap();
        }
        fs::remove_file(top.join("src/lib.rs")).unwrap();
        let mut of_each = Vec::new();
        for (directory, _) in MANIFESTS {
            let manifest = Utf8Path::new(directory).join("Cargo.toml");
            let [RootManifest { path, .. }] = &workspaces_below(&top, [manifest])[..] else {
                panic!("one root of {directory}");
            };
            let root = path.parent().unwrap().strip_prefix(&top).unwrap();
            // Cargo names no root for a manifest that it cannot read.
            let cargos = by_cargo(&top, directory).unwrap_or(directory.into());
            assert_eq!(root, cargos, "{directory}");
            of_each.push(format!("{directory} < {root}"));
        }
        expect_test::expect![[r#"
             < 
            a < 
            x/out < x/out
            x/in < 
            glob-no < 
            own < own
            own/deep < 
            pointer < own
            pointer/under < 
            tests/data/one < tests/data/one
            tests/data/bad < tests/data/bad"#]]
        .assert_eq(&of_each.join("\n"));
    }

    #[test]
    fn a_member_that_is_being_edited_stays_in_its_workspace() {
        let (_temporary, top) = scratch();
        write(&top.join("Cargo.toml"), "[workspace]\nmembers = ['a']");
        write(&top.join("a/Cargo.toml"), "[package]\nname = 'a");
        write(&top.join("own/Cargo.toml"), "[workspace]\nmembers = ['");
        for (directory, root) in [("a", ""), ("own", "own")] {
            let found = workspaces_below(&top, [Utf8Path::new(directory).join("Cargo.toml")]);
            let found: Vec<_> = found.iter().map(RootManifest::directory).collect();
            assert_eq!(found, [top.join(root)], "{directory}");
        }
    }

    #[test]
    fn every_root_is_listed_once_and_fixtures_are_marked() {
        let temporary = tempfile::tempdir().unwrap();
        let top = Utf8Path::from_path(temporary.path()).unwrap();
        for (directory, manifest) in MANIFESTS {
            fs::create_dir_all(top.join(directory)).unwrap();
            fs::write(top.join(directory).join("Cargo.toml"), manifest).unwrap();
        }
        let tracked = MANIFESTS.iter().map(|(it, _)| format!("{it}/Cargo.toml"));
        let tracked = tracked.map(|it| it.trim_start_matches('/').to_owned());
        let others = ["gone/Cargo.toml", "a/MyCargo.toml"].map(str::to_owned);
        let found = workspaces_below(top, tracked.chain(others));
        let found: Vec<_> = found
            .iter()
            .map(|it| (it.path.strip_prefix(top).unwrap().as_str(), it.is_fixture))
            .collect();
        assert_eq!(
            found,
            [
                ("Cargo.toml", false),
                ("own/Cargo.toml", false),
                ("tests/data/bad/Cargo.toml", true),
                ("tests/data/one/Cargo.toml", true),
                ("x/out/Cargo.toml", false),
            ]
        );
    }
}
