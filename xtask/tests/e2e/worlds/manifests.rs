//! The reader of manifests on generated workspaces: before and after each edit, the reader's answer
//! must equal the answer of `cargo metadata`.
//!
//! `XTASK_WORLDS_SEED` is the number of the first workspace, and `XTASK_WORLDS_READ` is the number
//! of workspaces. Nothing is built.

use std::collections::BTreeMap;
use std::env;

use xtask_impact::workspace::{AskedWorkspace, LoadOptions, Workspace};
use xtask_impact::{Platforms, Runner};

use super::World;
use crate::support::Project;

#[test]
#[ignore = "`.ci/nightly manifests` runs it"]
fn generated_workspaces_are_read_as_cargo_reads_them() {
    let number = |name, default| env::var(name).map_or(default, |value| value.parse().unwrap());
    let first: u64 = number("XTASK_WORLDS_SEED", 0);
    let worlds: u64 = number("XTASK_WORLDS_READ", 2);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for world in first..first + worlds {
        let mut world = World::generate(world, 0);
        let lock = ["generate-lockfile", "--offline"];
        world.project.cargo(&lock).done();
        let mut edits = std::mem::take(&mut world.edits);
        let mut story = format!("world {}", world.number);
        *counts.entry(read(&world.project, &story)).or_default() += 1;
        // A few of the edits, one on top of the other.
        for _ in 0..EDITS {
            if edits.is_empty() {
                break;
            }
            let edit = edits.swap_remove(world.random.below(edits.len()));
            if edit.apply(&world.project) {
                story += &format!("; {}", edit.what);
                *counts.entry(read(&world.project, &story)).or_default() += 1;
            }
        }
    }
    for (said, count) in &counts {
        println!("{count:5} {said}");
    }
    let all: usize = counts.values().sum();
    let equal = counts.get("equal").copied().unwrap_or_default();
    assert!(equal * 2 >= all, "{equal} of {all} workspaces are read");
}

/// The number of edits of one workspace.
const EDITS: usize = 6;

/// Compares the reader with cargo. Returns a summary for counting.
fn read(project: &Project, story: &str) -> String {
    let runner = Runner::new().unwrap().in_directory(project.root());
    let options = LoadOptions {
        platforms: Platforms::Configured,
        offline: true,
        ..LoadOptions::default()
    };
    let ours = match Workspace::by_manifests(&runner, &options).unwrap() {
        Ok(ours) => ours,
        Err(because) => {
            let root = project.root().to_str().unwrap();
            return format!("cargo is asked, since {}", because.replace(root, "…"));
        }
    };
    let cargos = Workspace::by_cargo(&runner, &options).expect(story);
    let sorted = |(workspace, declared, mut named): AskedWorkspace| {
        named.sort();
        (workspace, declared, named)
    };
    let (ours, cargos) = (sorted(ours), sorted(cargos));
    assert!(ours == cargos, "{story}:\n{ours:#?}\n\ncargo:\n{cargos:#?}");
    "equal".to_owned()
}
