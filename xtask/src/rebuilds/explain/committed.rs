//! The committed lock file, which holds the versions of packages before an edit.

use camino::Utf8Path;
use xtask_impact::lock_file::LockFile;
use xtask_impact::process::Runner;
use xtask_impact::vcs::{Repository, TreeState};

/// Returns the name and the version of each package in the lock file of the last commit. Without a
/// repository, a commit or a lock file there are none.
pub(crate) fn packages(runner: &Runner, root: &Utf8Path) -> Vec<(String, String)> {
    read(runner, root).map_or_else(Vec::new, |text| in_lock_file(&text))
}

fn read(runner: &Runner, root: &Utf8Path) -> Option<String> {
    let repository = Repository::discover(runner, root).ok()??;
    let head = repository.head()?.clone();
    let path = LockFile::path(runner, root);
    let path = path.strip_prefix(repository.top_level()).ok()?.to_owned();
    let found = repository.read(&TreeState::Commit(head), &[path]).ok()?;
    String::from_utf8(found.into_iter().next()??).ok()
}

fn in_lock_file(text: &str) -> Vec<(String, String)> {
    let lock: toml::Table = toml::from_str(text).unwrap_or_default();
    let packages = lock.get("package").and_then(toml::Value::as_array);
    let packages = packages.into_iter().flatten().filter_map(|package| {
        let text = |key: &str| Some(package.get(key)?.as_str()?.to_owned());
        Some((text("name")?, text("version")?))
    });
    packages.collect()
}

#[test]
fn a_lock_file_names_versions() {
    let text = "version = 4\n[[package]]\nname = \"a\"\nversion = \"1.2.0\"\n";
    assert_eq!(in_lock_file(text), [("a".to_owned(), "1.2.0".to_owned())]);
    assert_eq!(in_lock_file("<<<<<<<"), []);
}
