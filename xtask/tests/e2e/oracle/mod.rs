//! The first oracle: random edits of the sample with a fixed seed. The units that the kit predicts
//! are compared with the units that real cargo rebuilds, external packages included.
//!
//! A few edits turn the sample into a world, which is built. One to three further edits are the
//! change that the kit is asked about. `XTASK_ORACLE_CASES` is the number of changes, and
//! `XTASK_ORACLE_SEED` is the first seed. Example: `XTASK_ORACLE_SEED=17 XTASK_ORACLE_CASES=1`
//! repeats the case of seed 17.

mod edits;
mod predictions;
pub(crate) mod random;
mod spoil;
pub(crate) mod tally;

use std::collections::BTreeSet;
use std::{env, fs};

use edits::{Edit, random_edit};
use random::Random;
use spoil::Spoiled;
use tally::Tally;

use crate::support::clean::CHECK;
use crate::support::{Project, Unit, tree};

/// The minimum precision in per cent: the share of predicted units that cargo really rebuilds.
const FLOORS: [(&str, f64); 2] = [("records", 98.0), ("no records", 95.0)];

/// The number of changes to one world. The world itself takes longest to build.
const CASES_A_WORLD: u64 = 5;

#[test]
fn the_kit_predicts_what_cargo_rebuilds() {
    let first: u64 = number("XTASK_ORACLE_SEED", 0);
    let cases: u64 = number("XTASK_ORACLE_CASES", 10);
    let project = built_sample();
    let mut tally = Tally::default();
    let mut world: Option<World> = None;
    for seed in first..first + cases {
        let number = seed / CASES_A_WORLD;
        let world = match &mut world {
            Some(world) if world.number == number => world,
            known => known.insert(World::new(&project, number)),
        };
        world.case(seed, &mut tally);
    }
    print!("{tally}");
    assert!(
        tally.misses.is_empty(),
        "cargo rebuilt what was not named:\n{}",
        tally.misses.concat()
    );
    for (evidence, floor) in FLOORS {
        // A few cases prove little about precision, because one case in which cargo rebuilds every
        // unit outweighs the others.
        let precision = tally.precision(evidence);
        assert!(
            cases < 100 || precision >= floor,
            "with {evidence}: {precision:.1}%"
        );
    }
}

/// Makes the sample and builds everything. The result is kept in the directory `built`. The
/// artifacts after `check` alone are kept in `checked`.
fn built_sample() -> Project {
    let (project, _) = Project::sample_with_dependencies();
    project.write(
        "rust-toolchain.toml",
        "[toolchain]\nprofile = \"minimal\"\n",
    );
    project.commit("Add the toolchain");
    build(&project, "check").unwrap();
    tree::copy(&project.path("target"), &project.beside("checked"), &|_| {
        true
    });
    build(&project, "test").unwrap();
    build(&project, "build").unwrap();
    tree::copy(project.root(), &project.beside("built"), &|_| true);
    project
}

fn build(project: &Project, verb: &str) -> Result<BTreeSet<Unit>, String> {
    project.build(arguments(verb))
}

/// Returns the arguments of cargo for a verb.
fn arguments(verb: &str) -> &'static [&'static str] {
    match verb {
        "check" => CHECK,
        "build" => &["build", "--workspace", "--all-targets"],
        _ => &["test", "--workspace", "--no-run"],
    }
}

/// Returns the number in a variable.
fn number(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |value| value.parse().unwrap())
}

/// The sample after a few edits, built and committed. The world is kept in the directory `world`.
struct World<'a> {
    project: &'a Project,
    number: u64,
    edits: Vec<Edit>,
}

impl<'a> World<'a> {
    fn new(project: &'a Project, number: u64) -> Self {
        let mut random = Random::new(!number);
        loop {
            restore(project, "built");
            let edits = some_edits(&mut random, project, number.min(4) as usize, &[]);
            if ["check", "test", "build"]
                .iter()
                .any(|verb| build(project, verb).is_err())
            {
                continue;
            }
            project.commit("Make a world");
            let kept = project.beside("world");
            fs::create_dir_all(&kept).unwrap();
            tree::restore(project.root(), &kept);
            println!("world {number}: {}", story(&edits));
            return Self {
                project,
                number,
                edits,
            };
        }
    }

    /// Runs one case: one change, one verb, and the kit's answers with each kind of evidence.
    fn case(&self, seed: u64, tally: &mut Tally) {
        let mut random = Random::new(seed);
        let spoiled = Spoiled::any(&mut random);
        let verb = random.pick(&["check", "check", "test", "build"]).unwrap();
        let is_committed = random.one_in(3);
        let apply = |change: &[Edit]| {
            change.iter().for_each(|edit| edit.apply(self.project));
            if is_committed {
                self.project.git(&["checkout", "--quiet", "-B", "topic"]);
                self.project.commit("Change");
            }
        };
        let ask = |more: &[&str]| self.project.affected(&[&["--verb", verb], more].concat());

        restore(self.project, "world");
        let number = 1 + random.below(3) / 2 * (1 + random.below(2));
        let change = some_edits(&mut random, self.project, number, &self.edits);
        restore(self.project, "world");
        apply(&change);
        let mut answers = vec![
            ("records", ask(&[])),
            ("no records", ask(&["--no-records"])),
        ];
        spoiled.apply(&mut random, self.project);
        answers.push((spoiled.name(), ask(&[])));

        restore(self.project, "world");
        apply(&change);
        let story = format!("seed {seed}, {verb}, {spoiled:?}: {}", story(&change));
        match build(self.project, verb) {
            Ok(rebuilt) => tally.count(&story, &rebuilt, answers),
            Err(_) => tally.discard(&story),
        }
    }
}

/// Replaces the present state of the project by a kept state.
fn restore(project: &Project, kept: &str) {
    tree::restore(&project.beside(kept), project.root());
}

/// Makes a number of edits, one after the other.
fn some_edits(
    random: &mut Random,
    project: &Project,
    number: usize,
    earlier: &[Edit],
) -> Vec<Edit> {
    let mut edits = Vec::new();
    for _ in 0..number {
        let edit = random_edit(random, project, earlier);
        edit.apply(project);
        edits.push(edit);
    }
    edits
}

fn story(edits: &[Edit]) -> String {
    edits
        .iter()
        .map(|edit| edit.what.as_str())
        .collect::<Vec<_>>()
        .join("; ")
}
