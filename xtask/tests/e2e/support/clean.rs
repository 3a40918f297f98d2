//! What `clean-affected` says that it removes, what it removes, and what cargo makes of it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::{Output, Project, Unit, tree};

/// For layout v2, which no stable cargo of this version offers.
pub(crate) const SECOND_LAYOUT: &str = "[unstable]\nbuild-dir-new-layout = true\n";

/// Everything, checked.
pub(crate) const CHECK: &[&str] = &["check", "--workspace", "--all-targets"];

/// Cleans after a change of a library in the middle.
pub(crate) const MIDDLE: &[&str] = &["clean-affected", "--assume-changed", "middle"];

/// The same, with these arguments, too.
pub(crate) fn middle<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [MIDDLE, arguments].concat()
}

/// A plan, as JSON.
pub(crate) struct Plan(Value);

impl Plan {
    /// What goes, in its order.
    pub(crate) fn removals(&self) -> Vec<&Value> {
        let directories = self.0["directories"].as_array().unwrap().iter();
        let removals = directories.map(|it| it["removals"].as_array().unwrap());
        removals.flatten().collect()
    }

    /// Where it is.
    pub(crate) fn paths(&self) -> Vec<&Path> {
        let removals = self.removals().into_iter();
        removals
            .map(|it| Path::new(it["path"].as_str().unwrap()))
            .collect()
    }
}

impl Project {
    /// Libraries of which one is below the others, and one is in the middle.
    pub(crate) fn chain() -> Self {
        let project = Self::with_libraries(&[
            ("base", &[]),
            ("middle", &["base"]),
            ("top", &["middle"]),
            ("beside", &["base"]),
        ]);
        // Names and number of the files there are rustc's own.
        project.write(".cargo/config.toml", "[profile.dev]\nincremental = false\n");
        project
    }

    /// The same, checked.
    pub(crate) fn checked_chain() -> Self {
        let project = Self::chain();
        project.build(CHECK).unwrap();
        project
    }

    /// What `clean-affected` would remove, by a dry run.
    pub(crate) fn plan(&self, arguments: &[&str]) -> Result<Plan, Output> {
        let dry_run = ["clean-affected", "--dry-run", "--format", "json"];
        self.json(&[&dry_run, arguments].concat()).map(Plan)
    }

    /// Every file below `target` and `built`, by its whole path, without what the kit keeps there.
    pub(crate) fn artifacts(&self) -> BTreeSet<PathBuf> {
        let directories = ["target", "built"].map(|name| self.path(name));
        let present = directories.iter().filter(|it| it.is_dir());
        let files = |root: &PathBuf| {
            tree::files(root)
                .into_iter()
                .filter(|it| !it.starts_with("xtask/"))
                .map(|it| root.join(it))
                .collect()
        };
        present.flat_map(|root| -> Vec<_> { files(root) }).collect()
    }

    /// Cleans, and holds what a dry run listed against the files that are gone.
    #[track_caller]
    pub(crate) fn clean_as_planned(&self, arguments: &[&str]) {
        let before = self.artifacts();
        let plan = self.plan(arguments).unwrap();
        let listed = plan.paths();
        assert_eq!(self.artifacts(), before, "a dry run removes nothing");
        self.xtask(&[&["clean-affected"], arguments].concat())
            .done();
        let after = self.artifacts();
        let removed: BTreeSet<_> = before.difference(&after).collect();
        let is_listed = |file: &&PathBuf| listed.iter().any(|path| file.starts_with(path));
        assert_eq!(removed, before.iter().filter(is_listed).collect());
        assert!(listed.iter().all(|path| !path.exists()));
    }

    /// Builds with each of these arguments; gives what was built, an argument list each.
    #[track_caller]
    pub(crate) fn build_each<'a>(&self, builds: &[Vec<&'a str>]) -> Vec<Built<'a>> {
        let builds = builds.iter().map(|arguments| {
            let units = self.build(arguments).unwrap();
            (arguments.clone(), units)
        });
        builds.collect()
    }

    /// Cleans after a change of these, and holds dry run, removed files and the next builds
    /// together: of what each of `builds` built from nothing it builds again what is affected.
    #[track_caller]
    pub(crate) fn clean_exactly(&self, changed: &[&str], builds: &[Built<'_>]) {
        let asked = [&["--verb", "build"], changed].concat();
        let affected = self.named(&asked);
        self.clean_as_planned(&asked);
        self.builds_again(&affected, builds);
    }

    /// Builds again, and finds that it is the affected of what each built from nothing.
    #[track_caller]
    pub(crate) fn builds_again(&self, affected: &BTreeSet<Unit>, builds: &[Built<'_>]) {
        for (arguments, everything) in builds {
            let expected: BTreeSet<_> = everything.intersection(affected).cloned().collect();
            assert!(!expected.is_empty());
            assert_eq!(self.build(arguments).unwrap(), expected, "{arguments:?}");
        }
    }
}

/// Arguments for cargo, and the units that it built.
pub(crate) type Built<'a> = (Vec<&'a str>, BTreeSet<Unit>);

/// The host's triple.
pub(crate) fn host() -> String {
    let output = Command::new("rustc")
        .args(["--print", "host-tuple"])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
