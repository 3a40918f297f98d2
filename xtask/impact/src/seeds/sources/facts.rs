//! Facts about sources, cached for the packages whose files are the same as in a commit.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::WatchedBySource;
use super::file_facts::FileFacts;
use super::outside_paths::Far;
use super::run_time::RunTime;
use crate::observed;

/// The facts about the sources of packages, by the directories of the packages.
#[derive(Default, Serialize, Deserialize)]
pub struct SourceFacts {
    /// The commit that the facts describe; empty if there is none.
    pub commit: String,
    /// The facts by the text of a directory's path. Each directory has one spelling here, and
    /// hashing a text is faster than hashing a path component by component.
    known: HashMap<String, PackageFacts>,
    /// The packages that differ from the commit. Facts about these packages are neither used nor
    /// cached.
    #[serde(skip)]
    changed: HashSet<String>,
    /// True if facts were added since the cache was read.
    #[serde(skip)]
    pub has_grown: bool,
    /// The facts about single files, which have a cache of their own.
    #[serde(skip)]
    pub files: FileFacts,
}

/// The facts about one package.
#[derive(Default, Serialize, Deserialize)]
struct PackageFacts {
    far: Option<Far>,
    run_time: Option<RunTime>,
    script: Option<Option<WatchedBySource>>,
    /// The sources of the build script that lie outside the package.
    script_files: Vec<Utf8PathBuf>,
}

impl PackageFacts {
    /// Returns true if the facts depend on a file outside the package that changed, or that lies in
    /// a changed directory.
    fn reaches(&self, changes: &HashSet<&str>) -> bool {
        let far = self.far.iter().flat_map(|far| &far.paths);
        let far = far.chain(&self.script_files);
        far.flat_map(|far| far.ancestors())
            .any(|above| changes.contains(above.as_str()))
    }
}

/// Returns the texts of the changed paths. Returns `None` if a changed path is a symbolic link: a
/// link can redirect reads of any package, so no known fact may be used.
fn texts(changes: &[Utf8PathBuf]) -> Option<HashSet<&str>> {
    let has_link = changes.iter().any(|change| observed::is_link(change));
    (!has_link).then(|| changes.iter().map(|it| it.as_str()).collect())
}

impl SourceFacts {
    /// Moves the facts to another commit, and removes the facts that the changes invalidate.
    /// `changes` are the paths that differ, `owners` the directories of the packages that contain
    /// these paths.
    pub fn move_on(
        &mut self,
        commit: String,
        changes: &[Utf8PathBuf],
        owners: &BTreeSet<Utf8PathBuf>,
    ) {
        match texts(changes) {
            Some(changes) => self.known.retain(|package, known| {
                !owners.contains(Utf8Path::new(package)) && !known.reaches(&changes)
            }),
            None => self.known.clear(),
        }
        self.commit = commit;
        self.has_grown = true;
    }

    /// Leaves out the packages that differ from the commit: their facts are neither used nor
    /// cached.
    pub fn exclude_changed(&mut self, changes: &[Utf8PathBuf], owners: BTreeSet<Utf8PathBuf>) {
        let Some(changes) = texts(changes) else {
            self.known.clear();
            self.commit.clear();
            self.has_grown = false;
            return;
        };
        let reaching = self
            .known
            .iter()
            .filter(|(_, known)| known.reaches(&changes));
        self.changed = reaching.map(|(package, _)| package.clone()).collect();
        self.changed
            .extend(owners.into_iter().map(Utf8PathBuf::into_string));
    }

    /// Returns the number of packages with facts that may be used.
    pub fn usable(&self) -> usize {
        let packages = self.known.keys();
        packages.filter(|it| !self.changed.contains(*it)).count()
    }

    pub(super) fn far(&self, package: &Utf8Path) -> Option<Far> {
        self.of(package)?.far.clone()
    }

    pub(super) fn run_time(&self, package: &Utf8Path) -> Option<RunTime> {
        self.of(package)?.run_time.clone()
    }

    pub(super) fn keep_run_time(&mut self, package: &Utf8Path, run_time: &RunTime) {
        if let Some(known) = self.keep(package) {
            known.run_time = Some(run_time.clone());
        }
    }

    pub(super) fn script(&self, package: &Utf8Path) -> Option<Option<Rc<WatchedBySource>>> {
        let script = self.of(package)?.script.as_ref()?;
        Some(script.clone().map(Rc::new))
    }

    pub(super) fn keep_far(&mut self, package: &Utf8Path, far: &Far) {
        if let Some(known) = self.keep(package) {
            known.far = Some(far.clone());
        }
    }

    /// Caches the facts about a build script, and the sources of the script outside the package.
    pub(super) fn keep_script(
        &mut self,
        package: &Utf8Path,
        script: Option<&WatchedBySource>,
        files: Vec<Utf8PathBuf>,
    ) {
        if let Some(known) = self.keep(package) {
            known.script = Some(script.cloned());
            known.script_files = files;
        }
    }

    fn of(&self, package: &Utf8Path) -> Option<&PackageFacts> {
        let is_known = !self.changed.contains(package.as_str());
        is_known.then(|| self.known.get(package.as_str())).flatten()
    }

    fn keep(&mut self, package: &Utf8Path) -> Option<&mut PackageFacts> {
        if self.commit.is_empty() || self.changed.contains(package.as_str()) {
            return None;
        }
        self.has_grown = true;
        Some(self.known.entry(package.to_string()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_dropped_with_the_files_that_they_depend_on() {
        let cases = [
            ("/w/shared/m.rs", false),
            // A submodule, or a directory whose changed files are not known.
            ("/w/shared", false),
            ("/w/script.rs", false),
            ("/w/shared/m.rs.orig", true),
            ("/w/other.rs", true),
        ];
        for (change, stays) in cases {
            let mut facts = SourceFacts::default();
            facts.move_on("one".to_owned(), &[], &BTreeSet::new());
            let far = Far {
                paths: vec!["/w/shared/m.rs".into()],
                ..Far::default()
            };
            facts.keep_far("/w/a".into(), &far);
            facts.keep_script("/w/a".into(), None, vec!["/w/script.rs".into()]);
            facts.move_on("two".to_owned(), &[change.into()], &BTreeSet::new());
            assert_eq!(facts.far("/w/a".into()).is_some(), stays, "{change}");
        }
    }

    #[test]
    fn facts_about_changed_packages_are_not_used() {
        let mut facts = SourceFacts::default();
        facts.move_on("one".to_owned(), &[], &BTreeSet::new());
        for package in ["/w/a", "/w/b", "/w/c"] {
            facts.keep_far(package.into(), &Far::default());
        }
        assert_eq!(facts.usable(), 3);
        facts.exclude_changed(&["/w/b/x.rs".into()], BTreeSet::from(["/w/b".into()]));
        assert_eq!(facts.usable(), 2);
        assert!(facts.far("/w/b".into()).is_none());
    }

    #[test]
    #[cfg(unix)]
    fn a_changed_link_drops_all_facts() {
        let directory = tempfile::tempdir().unwrap();
        let link = Utf8Path::from_path(directory.path()).unwrap().join("link");
        std::os::unix::fs::symlink("elsewhere", &link).unwrap();
        let mut facts = SourceFacts::default();
        facts.move_on("one".to_owned(), &[], &BTreeSet::new());
        facts.keep_far("/w/a".into(), &Far::default());
        facts.exclude_changed(&[link], BTreeSet::new());
        assert!(facts.far("/w/a".into()).is_none());
        facts.keep_far("/w/a".into(), &Far::default());
        assert!(facts.far("/w/a".into()).is_none(), "nothing is kept now");
    }
}
