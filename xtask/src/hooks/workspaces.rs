//! Finds the workspaces of a repository that a hook checks.

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::process::Runner;
use xtask_impact::vcs::{Repository, TreeState};
use xtask_impact::workspace::{setting_in, workspaces_below};
use xtask_impact::{quote, usage};

use super::scene::{CheckedState, StepPlace};
use crate::checks::policy::subject::root_above;
use crate::hooks::model::Config;

/// A repository, and the workspaces in it that its hooks check.
pub(crate) struct CheckedRepository {
    pub(crate) repository: Repository,
    /// Starts programs in the workspace of the current directory, or in the top level if there is
    /// none.
    pub(crate) here: Runner,
    /// True if the repository has a workspace, even if no workspace is checked. A branch of web
    /// pages has no workspace.
    pub(crate) has_workspaces: bool,
    /// The workspaces that are checked, sorted by directory.
    pub(crate) places: Vec<StepPlace>,
}

impl CheckedRepository {
    /// Finds the workspaces without asking cargo. The result has every workspace that git tracks,
    /// except those that are disabled in the configuration, vendored or fixtures. The workspace of
    /// the current directory is always part of the result, unless it is disabled.
    ///
    /// # Errors
    /// Returns an error if there is no git repository.
    pub(crate) fn find(runner: &Runner) -> Result<Self> {
        let current = Utf8Path::from_path(runner.directory()).context("this path is not UTF-8")?;
        let repository = Repository::discover(runner, current)?
            .ok_or_else(|| usage!("{} is not in a git repository", quote::name(current)))?;
        let top = repository.top_level();
        let own = root_above(current).filter(|root| root.starts_with(top));
        let mut tracked = workspaces_below(top, repository.manifests()?);
        tracked.retain(|it| !it.directory().join(".cargo-checksum.json").exists());
        let place = |root: &Utf8Path| StepPlace {
            runner: runner.in_directory(root),
            top: top.to_owned(),
            root: root.to_owned(),
        };
        let configured: Vec<(StepPlace, Config, bool)> = tracked
            .iter()
            .map(|it| {
                let place = place(it.directory());
                // An error of the configuration is reported when the workspace is checked.
                let config = place.config().unwrap_or_default();
                (place, config, it.is_fixture)
            })
            .collect();
        let is_skipped = |root: &Utf8Path| {
            configured.iter().any(|(by, config, _)| {
                let below = root.strip_prefix(&by.root);
                below.is_ok_and(|below| config.skips(below))
            })
        };
        let is_own = |root: &Utf8Path| own.as_deref() == Some(root);
        let mut roots: Vec<&Utf8Path> = configured
            .iter()
            .filter(|(place, config, is_fixture)| {
                let default = is_own(&place.root) || !is_fixture && !is_skipped(&place.root);
                config.enabled.unwrap_or(default)
            })
            .map(|(place, ..)| place.root.as_path())
            .collect();
        let is_known = |root: &&Utf8Path| configured.iter().all(|(it, ..)| it.root != **root);
        roots.extend(own.as_deref().filter(is_known));
        roots.sort_unstable();
        Ok(Self {
            has_workspaces: own.is_some() || !configured.is_empty(),
            here: runner.in_directory(own.as_deref().unwrap_or(top)),
            places: roots.into_iter().map(place).collect(),
            repository,
        })
    }

    /// Returns the state that a hook checks in a workspace; `None` if nothing changed there. For a
    /// commit, only the files of this workspace are checked. For a push, all files are checked,
    /// because the workspace may also build packages of other workspaces.
    pub(crate) fn subject_in(
        &self,
        place: &StepPlace,
        subject: &CheckedState,
    ) -> Option<CheckedState> {
        let mut subject = subject.clone();
        if subject.state == TreeState::Index {
            let roots = self.places.iter().map(|it| it.root.as_path());
            let roots: Vec<&Utf8Path> = roots.collect();
            let is_own = |path: &Utf8PathBuf| is_of(&place.top.join(path), &place.root, &roots);
            subject.present.retain(is_own);
            subject.gone.retain(is_own);
        }
        let is_concerned = !subject.present.is_empty() || !subject.gone.is_empty();
        is_concerned.then_some(subject)
    }
}

/// Returns true if `root` is the nearest of the roots above a path, or if no root lies above the
/// path.
fn is_of(path: &Utf8Path, root: &Utf8Path, roots: &[&Utf8Path]) -> bool {
    let above = roots.iter().filter(|it| path.starts_with(it));
    let nearest = above.max_by_key(|it| it.as_str().len());
    nearest.is_none_or(|it| *it == root)
}

impl StepPlace {
    /// Returns the path of the root manifest.
    pub(crate) fn manifest(&self) -> Utf8PathBuf {
        self.root.join("Cargo.toml")
    }

    /// Returns the directory of the workspace relative to the repository; `.` for the top level.
    pub(crate) fn name(&self) -> &Utf8Path {
        match self.root.strip_prefix(&self.top) {
            Ok(below) if below != "" => below,
            Ok(_) => Utf8Path::new("."),
            Err(_) => &self.root,
        }
    }

    /// Reads the hooks configuration of the workspace.
    ///
    /// # Errors
    /// Returns an error if the manifest cannot be read or the configuration is wrong.
    pub(crate) fn config(&self) -> Result<Config> {
        setting_in(&self.manifest(), "hooks")
    }
}

#[cfg(test)]
mod tests {
    use xtask_impact::process;
    use xtask_impact::testing::{scratch, write};

    use super::*;

    #[test]
    fn a_path_belongs_to_the_nearest_workspace_or_to_all() {
        let roots = ["/r", "/r/a", "/r/b"].map(Utf8Path::new);
        let of = |path: &str, roots: &[&Utf8Path]| {
            let of = roots.iter().filter(|root| is_of(path.into(), root, roots));
            of.map(|it| it.as_str()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(of("/r/a/src/lib.rs", &roots), "/r/a");
        assert_eq!(of("/r/ab/src/lib.rs", &roots), "/r");
        assert_eq!(of("/r/x.rs", &roots[1..]), "/r/a /r/b");
    }

    /// Makes a repository in which git tracks the given manifests.
    fn repository(manifests: &[(&str, &str)]) -> (tempfile::TempDir, Utf8PathBuf, Runner) {
        let (directory, top) = scratch();
        for (at, manifest) in manifests {
            write(&top.join(at).join("Cargo.toml"), manifest);
        }
        let runner = Runner::new().unwrap().in_directory(&top);
        process::checked(runner.git().args(["init", "--quiet"])).unwrap();
        process::checked(runner.git().args(["add", "--all"])).unwrap();
        (directory, top, runner)
    }

    fn names(checked: Result<CheckedRepository>) -> String {
        match checked {
            Ok(checked) => {
                let names = checked.places.iter().map(|it| it.name().to_string());
                names.collect::<Vec<_>>().join(" ")
            }
            Err(error) => format!("{error:#}"),
        }
    }

    #[test]
    fn every_tracked_workspace_is_checked_from_any_directory() {
        let (_directory, top, runner) = repository(&[
            ("a", "[workspace]\nmembers = ['in']\nexclude = ['out']"),
            ("a/in", "[package]\nname = 'in'"),
            ("a/out", "[package]\nname = 'out'"),
            ("b", "[workspace]"),
            ("b/tests/fixtures/x", "[workspace]"),
            ("b/vendor/x", "[package]\nname = 'x'"),
        ]);
        write(&top.join("b/vendor/x/.cargo-checksum.json"), "{}");
        write(&top.join("untracked/Cargo.toml"), "[workspace]");
        for (directory, expected) in [
            ("", "a a/out b"),
            ("a/in", "a a/out b"),
            ("b", "a a/out b"),
            ("untracked", "a a/out b untracked"),
            ("b/tests/fixtures/x", "a a/out b b/tests/fixtures/x"),
        ] {
            let found = CheckedRepository::find(&runner.in_directory(top.join(directory)));
            assert_eq!(names(found), expected, "from {directory:?}");
        }
    }

    #[test]
    fn a_branch_without_a_workspace_has_nothing_to_check() {
        let (_directory, top, runner) = repository(&[]);
        let checked = CheckedRepository::find(&runner);
        assert!(checked.as_ref().is_ok_and(|it| !it.has_workspaces));
        assert_eq!(names(checked), "");
        let hooks = crate::hooks::install::Hooks::of(&runner).unwrap();
        let refused = format!("{:#}", hooks.configured().unwrap_err());
        assert_eq!(
            refused.replace(top.as_str(), "TOP"),
            "no Cargo.toml in TOP or above it, and git tracks none below it"
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_message_quotes_the_directory() {
        let (_directory, top) = scratch();
        let odd = top.join("a\nb");
        std::fs::create_dir(&odd).unwrap();
        let runner = Runner::new().unwrap().in_directory(&odd);
        let told = names(CheckedRepository::find(&runner)).replace(top.as_str(), "TOP");
        assert_eq!(told, "\"TOP/a\\nb\" is not in a git repository");
    }

    #[test]
    fn a_workspace_is_skipped_only_if_configured() {
        let (_directory, top, runner) = repository(&[
            (
                "",
                "[workspace]\nexclude = ['fuzz', 'c', 'd', 'tests']\n\
                 [workspace.metadata.xtask.hooks]\nskip-workspaces = ['fu*', 'x/**']",
            ),
            ("fuzz", "[package]\nname = 'fuzz'"),
            (
                "c",
                "[workspace.metadata.xtask.hooks]\nenabled = false\n[workspace]",
            ),
            (
                "d",
                "[workspace]\n[workspace.metadata.xtask.hooks]\nwrong = 1",
            ),
            ("x/y", "[workspace]"),
            (
                "tests/e",
                "[workspace.metadata.xtask.hooks]\nenabled = true\n[workspace]",
            ),
        ]);
        assert_eq!(names(CheckedRepository::find(&runner)), ". d tests/e");
        let from_fuzz = CheckedRepository::find(&runner.in_directory(top.join("fuzz")));
        assert_eq!(names(from_fuzz), ". d fuzz tests/e");
        let found = CheckedRepository::find(&runner).unwrap();
        let error = format!("{:#}", found.places[1].config().unwrap_err());
        assert!(error.contains("unknown field `wrong`"), "{error}");
    }
}
