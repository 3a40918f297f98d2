//! Compares the files that `clean-affected` lists, the files that it removes, and the units that
//! cargo then rebuilds.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::{Output, Project, Unit, tree};

/// The configuration for layout v2. No stable cargo of this version has layout v2 by default.
pub(crate) const SECOND_LAYOUT: &str = "[unstable]\nbuild-dir-new-layout = true\n";

/// The arguments that check everything.
pub(crate) const CHECK: &[&str] = &["check", "--workspace", "--all-targets"];

/// The arguments that clean after a change of a library in the middle of the chain.
pub(crate) const MIDDLE: &[&str] = &["clean-affected", "--assume-changed", "middle"];

/// Returns the arguments of [`MIDDLE`] with further arguments.
pub(crate) fn middle<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [MIDDLE, arguments].concat()
}

/// A plan of `clean-affected`, as JSON.
pub(crate) struct Plan(Value);

impl Plan {
    /// Returns the planned removals, in their order.
    pub(crate) fn removals(&self) -> Vec<&Value> {
        let directories = self.0["directories"].as_array().unwrap().iter();
        let removals = directories.map(|it| it["removals"].as_array().unwrap());
        removals.flatten().collect()
    }

    /// Returns the paths of the planned removals.
    pub(crate) fn paths(&self) -> Vec<&Path> {
        let removals = self.removals().into_iter();
        removals
            .map(|it| Path::new(it["path"].as_str().unwrap()))
            .collect()
    }
}

impl Project {
    /// Makes a chain of libraries: `base`, `middle` and `top`. The library `beside` also depends on
    /// `base`.
    pub(crate) fn chain() -> Self {
        let project = Self::with_libraries(&[
            ("base", &[]),
            ("middle", &["base"]),
            ("top", &["middle"]),
            ("beside", &["base"]),
        ]);
        // Rustc chooses the names and the number of incremental files, so a test cannot compare
        // them.
        project.write(".cargo/config.toml", "[profile.dev]\nincremental = false\n");
        project
    }

    /// Makes the chain of libraries, and checks it with cargo.
    pub(crate) fn checked_chain() -> Self {
        let project = Self::chain();
        project.build(CHECK).unwrap();
        project
    }

    /// Returns the plan of `clean-affected`, from a dry run.
    pub(crate) fn plan(&self, arguments: &[&str]) -> Result<Plan, Output> {
        let dry_run = ["clean-affected", "--dry-run", "--format", "json"];
        self.json(&[&dry_run, arguments].concat()).map(Plan)
    }

    /// Returns the absolute paths of all files below `target` and `built`, without the kit's cache.
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

    /// Runs `clean-affected`, and compares the files that are gone with the files that a dry run
    /// listed.
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

    /// Builds with each of these argument lists. Returns the units that each build compiled.
    #[track_caller]
    pub(crate) fn build_each<'a>(&self, builds: &[Vec<&'a str>]) -> Vec<Built<'a>> {
        let builds = builds.iter().map(|arguments| {
            let units = self.build(arguments).unwrap();
            (arguments.clone(), units)
        });
        builds.collect()
    }

    /// Cleans after a change of these packages or files, and checks that the dry run, the removed
    /// files and the next builds agree. Each of `builds` must rebuild exactly the affected units
    /// among the units that its first build compiled.
    #[track_caller]
    pub(crate) fn clean_exactly(&self, changed: &[&str], builds: &[Built<'_>]) {
        let asked = [&["--verb", "build"], changed].concat();
        let affected = self.named(&asked);
        self.clean_as_planned(&asked);
        self.builds_again(&affected, builds);
    }

    /// Repeats each build, and checks that the build compiles exactly the affected units among the
    /// units of the first build.
    #[track_caller]
    pub(crate) fn builds_again(&self, affected: &BTreeSet<Unit>, builds: &[Built<'_>]) {
        for (arguments, everything) in builds {
            let expected: BTreeSet<_> = everything.intersection(affected).cloned().collect();
            assert!(!expected.is_empty());
            assert_eq!(self.build(arguments).unwrap(), expected, "{arguments:?}");
        }
    }
}

/// The arguments of a cargo command, and the units that the command built.
pub(crate) type Built<'a> = (Vec<&'a str>, BTreeSet<Unit>);

/// Returns the triple of the host.
pub(crate) fn host() -> String {
    let output = Command::new("rustc")
        .args(["--print", "host-tuple"])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
