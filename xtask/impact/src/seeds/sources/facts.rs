//! What sources said, kept for packages that are as a commit has them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::run_time::RunTime;
use super::{Far, WatchedBySource};

/// What the sources of packages say, by the packages' directories.
#[derive(Default, Serialize, Deserialize)]
pub struct SourceFacts {
    /// The commit of which it is known; empty for none.
    pub commit: String,
    /// By text, of which there is one for each directory here: paths are hashed part by part.
    known: HashMap<String, PackageFacts>,
    /// The packages that are not as the commit has them, of which nothing is kept.
    #[serde(skip)]
    changed: HashSet<String>,
    /// Whether something came to be known.
    #[serde(skip)]
    pub has_grown: bool,
}

/// What is known of one package.
#[derive(Default, Serialize, Deserialize)]
struct PackageFacts {
    far: Option<Far>,
    run_time: Option<RunTime>,
    script: Option<Option<WatchedBySource>>,
    /// What the script's sources are outside of the package.
    script_files: Vec<Utf8PathBuf>,
}

impl PackageFacts {
    /// Whether what is known rests on one of these paths beside the package's own, or on what lies
    /// in one.
    fn reaches(&self, changes: &HashSet<&str>) -> bool {
        let far = self.far.iter().flat_map(|far| &far.paths);
        let far = far.chain(&self.script_files);
        far.flat_map(|far| far.ancestors())
            .any(|above| changes.contains(above.as_str()))
    }
}

/// Paths by their text. A changed link leads what is read elsewhere, and says not whose: then
/// nothing that was known counts.
fn texts(changes: &[Utf8PathBuf]) -> Option<HashSet<&str>> {
    let has_link = changes.iter().any(|change| change.is_symlink());
    (!has_link).then(|| changes.iter().map(|it| it.as_str()).collect())
}

impl SourceFacts {
    /// Moves on to another commit. `changes` are the paths that differ, `owners` the directories of
    /// the packages that they lie in.
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

    /// Nothing is kept of packages that are not as the commit has them.
    pub fn pass_over(&mut self, changes: &[Utf8PathBuf], owners: BTreeSet<Utf8PathBuf>) {
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

    /// Keeps what a script says, and which of its sources lie outside of the package.
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
    fn what_is_kept_goes_with_what_it_rests_on() {
        let cases = [
            ("/w/shared/m.rs", false),
            // A submodule, or a directory of which no more is known.
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
    #[cfg(unix)]
    fn a_changed_link_takes_everything_away() {
        let directory = tempfile::tempdir().unwrap();
        let link = Utf8Path::from_path(directory.path()).unwrap().join("link");
        std::os::unix::fs::symlink("elsewhere", &link).unwrap();
        let mut facts = SourceFacts::default();
        facts.move_on("one".to_owned(), &[], &BTreeSet::new());
        facts.keep_far("/w/a".into(), &Far::default());
        facts.pass_over(&[link], BTreeSet::new());
        assert!(facts.far("/w/a".into()).is_none());
        facts.keep_far("/w/a".into(), &Far::default());
        assert!(facts.far("/w/a".into()).is_none(), "nothing is kept now");
    }
}
