//! Compares the bound with cargo's own unit graphs: wherever the bound is certain, cargo must
//! agree.

use std::fs;

use camino::Utf8Path;

use super::super::*;
use crate::process::Runner;
use crate::resolve_diff::selection::{FeaturePreserver, Preserved, UnitGraphQuery};
use crate::workspace::LoadOptions;

/// Returns the number of certain selections: of single members, and of all selections of one or two
/// members. Checks each certain selection against cargo.
fn certain(root: &Utf8Path, command: &[&str]) -> (usize, usize) {
    let runner = Runner::new().unwrap().in_directory(root);
    let options = LoadOptions {
        offline: true,
        ..LoadOptions::default()
    };
    let (workspace, declared, _) = Workspace::ask(&runner, &options).unwrap();
    let members: Vec<PackageIx> = workspace.members().map(|(member, _)| member).collect();
    let id = |member: &PackageIx| workspace.package(*member).id.clone();
    let scratch = tempfile::tempdir().unwrap();
    let mut words = command.to_vec();
    words.push("--offline");
    let preserver = FeaturePreserver::new(UnitGraphQuery {
        runner: &runner,
        cache: scratch.path().join("rustc").try_into().unwrap(),
        command: words.into_iter().map(str::to_owned).collect(),
        whole: vec!["--workspace".to_owned()],
        members: members.iter().map(id).collect(),
    });
    let preserver = preserver.unwrap();
    let with_tests = command.contains(&"--all-targets");
    let (mut alone, mut all) = (0, 0);
    for (at, &one) in members.iter().enumerate() {
        for &other in members[at..].iter().step_by(members.len().div_ceil(6)) {
            let selected = BTreeSet::from([one, other]);
            if is_as_in_whole(&workspace, &declared, &selected, with_tests) {
                let ids = selected.iter().map(id).collect();
                let said = preserver.keep(&ids).unwrap();
                assert_eq!(said, Preserved::With(Vec::new()), "{command:?} of {ids:?}");
                all += 1;
                alone += usize::from(one == other);
            }
        }
    }
    (alone, all)
}

#[test]
fn the_bound_agrees_with_cargo_on_the_sample() {
    let root = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let (alone, all) = certain(root, &["build", "--all-targets"]);
    assert!(alone > 3 && all > alone, "{alone} {all}");
}

#[test]
fn the_bound_agrees_with_cargo_on_random_workspaces() {
    let mut found = Vec::new();
    for seed in 1..=6 {
        let scratch = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(scratch.path()).unwrap();
        Dice(seed).write_workspace(root);
        let command: &[&str] = match seed % 3 {
            0 => &["build"],
            _ => &["build", "--all-targets"],
        };
        found.push(certain(root, command));
    }
    let (alone, all) = found.iter().fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
    assert!(alone > 3 && all > alone, "{found:?}");
}

/// A random number generator that returns the same numbers in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        let next = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = next.wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn one_of<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    /// Writes a workspace of seven packages, with features and dependencies of every sort.
    fn write_workspace(&mut self, root: &Utf8Path) {
        let resolver = self.one_of(&["1", "2", "3"]);
        let manifest = format!("[workspace]\nmembers = ['p*']\nresolver = '{resolver}'\n");
        fs::write(root.join("Cargo.toml"), manifest).unwrap();
        for at in 0..7 {
            let directory = root.join(format!("p{at}"));
            fs::create_dir_all(directory.join("src")).unwrap();
            fs::create_dir_all(directory.join("tests")).unwrap();
            fs::write(directory.join("Cargo.toml"), self.manifest(at)).unwrap();
            for source in ["src/lib.rs", "tests/it.rs", "build.rs"] {
                fs::write(directory.join(source), "").unwrap();
            }
        }
    }

    fn manifest(&mut self, at: usize) -> String {
        let mut dependencies = String::new();
        let mut turned_on = vec!["'b'".to_owned()];
        for on in 0..7 {
            let table = match () {
                () if on == at || self.below(2) == 0 => continue,
                // Only dev-dependencies may close a cycle.
                () if on > at => match self.below(4) {
                    0 => "dev-dependencies",
                    _ => continue,
                },
                () => self.one_of(&["dependencies", "dependencies", "build-dependencies"]),
            };
            let platform = match self.below(8) {
                0 => "target.'cfg(unix)'.",
                1 => "target.'cfg(windows)'.",
                _ => "",
            };
            let key = format!("{}{on}", self.one_of(&["p", "p", "renamed"]));
            let is_optional = table != "dev-dependencies" && self.below(3) == 0;
            let wanted = self.one_of(&["", "", "", "'b'", "'a', 'b'"]);
            dependencies += &format!(
                "[{platform}{table}.{key}]\npackage = 'p{on}'\npath = '../p{on}'\n\
                 optional = {is_optional}\ndefault-features = {}\nfeatures = [{wanted}]\n",
                self.below(4) > 0,
            );
            match is_optional {
                true => {
                    turned_on.push(format!("'{key}?/b'"));
                    let strong = self.below(2) == 0;
                    let name = if strong {
                        format!("'{key}/a'")
                    } else {
                        format!("'dep:{key}'")
                    };
                    turned_on.push(name);
                }
                false if table != "dev-dependencies" => turned_on.push(format!("'{key}/b'")),
                false => {}
            }
        }
        let some = |dice: &mut Self| -> String {
            let kept: Vec<&String> = turned_on.iter().filter(|_| dice.below(2) == 0).collect();
            kept.into_iter().map(|it| format!("{it}, ")).collect()
        };
        let (default, a) = (some(self), some(self));
        // Never both: `dep:key` removes the implicit feature that `key/a` needs.
        let library = self.one_of(&["", "", "[lib]\nproc-macro = true\n"]);
        format!(
            "[package]\nname = 'p{at}'\nedition = '2021'\n{library}[features]\n\
             default = [{default}]\na = [{a}]\nb = []\n{dependencies}"
        )
    }
}
