//! Random histories of a generated workspace. One target directory is carried through fresh clones
//! in every form of archive. After each restore and build, the binary prints what a build from
//! nothing prints.
//!
//! `XTASK_FRESHNESS_STEPS`, `XTASK_FRESHNESS_SEED` and `XTASK_FRESHNESS_PACKAGES` set the length of
//! the long test.

use std::collections::BTreeSet;
use std::env;
use std::fs::File;
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};

use super::carry::ARCHIVES;
use super::world::{Random, World};
use crate::support::Unit;
use crate::support::clean::SECOND_LAYOUT;

/// The counts of one history.
#[derive(Debug, Default)]
struct Counts {
    restores: usize,
    kills: usize,
    builds: usize,
    stale: usize,
    built: usize,
    built_in_place: usize,
    missed: usize,
    extra: usize,
}

/// One target directory, and the random history that it is carried through.
struct History {
    world: World,
    /// A checkout that is edited in place, where plain cargo builds.
    ///
    /// Such a history has no kills, saves after each build and brings no content back, so both
    /// checkouts must build the same units.
    in_place: Option<World>,
    random: Random,
    counts: Counts,
    /// The duration of a run of the kit that was not killed.
    run: Duration,
    edits: usize,
}

/// The commands between two builds of everything.
const PARTS: [&[&str]; 5] = [
    &["check", "--workspace"],
    &["build", "--package", "c1"],
    &["build", "--package", "c3", "--package", "c5"],
    &["test", "--workspace", "--no-run"],
    &["doc", "--package", "c2", "--no-deps"],
];

impl History {
    fn new(count: usize, settings: &str, seed: u64, compares: bool) -> Self {
        let world = World::new(count, settings);
        world.project.build(&["build", "--workspace"]).unwrap();
        world.project.xtask(&["freshness", "save"]).done();
        let in_place = compares.then(|| {
            let world = World::new(count, settings);
            world.project.build(&["build", "--workspace"]).unwrap();
            world
        });
        Self {
            world,
            in_place,
            random: Random(seed * 2 + 1),
            counts: Counts::default(),
            run: Duration::from_millis(60),
            edits: 0,
        }
    }

    /// Returns a value for an edit: a former one often, or one that was never there.
    fn value(&mut self) -> String {
        self.edits += 1;
        match self.in_place {
            Some(_) => (2 + self.edits).to_string(),
            None => self.random.below(3).to_string(),
        }
    }

    /// Runs the kit to its end.
    fn run(&mut self, arguments: &[&str]) {
        let start = Instant::now();
        self.world.project.xtask(arguments).done();
        self.run = start.elapsed();
    }

    /// Changes the sources, carries the target directory to a fresh clone, restores it and builds.
    fn step(&mut self) {
        let edits = self.random.choose(&[0, 1, 1, 2, 3]);
        for _ in 0..edits {
            let value = self.value();
            let seed = self.random.0;
            _ = self.world.edit(&mut self.random, &value);
            let Some(in_place) = &self.in_place else {
                continue;
            };
            if let Some(source) = in_place.edit(&mut Random(seed), &value) {
                // Without this, plain cargo leaves the package stale.
                let source = in_place.project.path(source);
                let source = File::open(source).unwrap();
                source.set_modified(SystemTime::now()).unwrap();
            }
        }
        self.world.project.commit("Change");
        let archive = self.random.choose(&ARCHIVES);
        self.world.project.clone_afresh(archive);
        let touch = self.random.below(3) > 0 || self.in_place.is_some();
        let restore: &[&str] = match touch {
            true => &["freshness", "restore", "--touch"],
            false => &["freshness", "restore"],
        };
        let may_kill = self.in_place.is_none();
        if may_kill && self.random.below(3) == 0 {
            self.kill(restore);
        }
        self.run(restore);
        self.counts.restores += 1;
        if self.random.below(2) == 0 {
            let part = self.random.choose(&PARTS);
            self.build(part);
        } else {
            let built = self.build(&["build", "--workspace"]);
            self.compare(&built, archive);
        }
        match self.random.below(4) {
            0 if may_kill => {}
            1 if may_kill => self.kill(&["freshness", "save"]),
            _ => self.run(&["freshness", "save"]),
        }
    }

    /// Starts the kit, and kills it at a random moment of its run.
    fn kill(&mut self, arguments: &[&str]) {
        let mut command = self.world.project.kit(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut kit = command.spawn().unwrap();
        let thousandth = u32::try_from(self.random.below(1000)).unwrap();
        std::thread::sleep(self.run * thousandth / 1000);
        kit.kill().unwrap();
        kit.wait().unwrap();
        self.counts.kills += 1;
    }

    fn build(&mut self, arguments: &[&str]) -> BTreeSet<Unit> {
        self.counts.builds += 1;
        let built = self.world.project.build(arguments).unwrap();
        self.counts.built += built.len();
        if let Some(in_place) = &self.in_place {
            let truth = in_place.project.build(arguments).unwrap();
            self.counts.built_in_place += truth.len();
            let short = |units: &BTreeSet<Unit>| -> BTreeSet<String> {
                units.iter().map(ToString::to_string).collect()
            };
            let (built, truth) = (short(&built), short(&truth));
            let missed: Vec<_> = truth.difference(&built).collect();
            // Documentation is never proven, so each restore makes cargo write it again.
            let extra = built.difference(&truth).filter(|it| !it.ends_with(" doc"));
            let extra: Vec<_> = extra.collect();
            if !missed.is_empty() || !extra.is_empty() {
                eprintln!("{arguments:?}: missed {missed:?}, extra {extra:?}");
            }
            self.counts.missed += missed.len();
            self.counts.extra += extra.len();
        }
        built
    }

    /// Compares the output of the built binary with the output of a build from nothing.
    fn compare(&mut self, built: &BTreeSet<Unit>, archive: impl std::fmt::Debug) {
        let project = &self.world.project;
        let mut binary = std::process::Command::new(project.path("target/debug/top"));
        let printed = project.run(&mut binary).done();
        if printed != self.world.expected() {
            self.counts.stale += 1;
            let built: Vec<_> = built.iter().map(ToString::to_string).collect();
            eprintln!(
                "stale after {archive:?}, built {built:?}\nprinted\n{printed}expected\n{}",
                self.world.expected()
            );
        }
    }
}

/// Returns a number from the environment, or the default.
pub(super) fn number(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |it| it.parse().unwrap())
}

fn short(settings: &str, seed: u64) {
    let mut history = History::new(9, settings, seed, false);
    for _ in 0..4 {
        history.step();
    }
    assert_eq!(history.counts.stale, 0, "{:?}", history.counts);
}

#[test]
fn a_carried_directory_is_never_stale() {
    short("", 3);
}

#[test]
fn a_carried_directory_of_the_second_layout_is_never_stale() {
    short(SECOND_LAYOUT, 5);
}

/// Runs long histories: half of them in the second layout, half of them beside a checkout that is
/// edited in place.
#[test]
#[ignore = "takes hours; the nightly job runs it"]
fn long_histories_are_never_stale() {
    let steps = number("XTASK_FRESHNESS_STEPS", 100);
    let packages = usize::try_from(number("XTASK_FRESHNESS_PACKAGES", 30)).unwrap();
    let seed = number("XTASK_FRESHNESS_SEED", 1);
    let mut faults = 0;
    for (run, (settings, compares)) in [
        ("", true),
        (SECOND_LAYOUT, true),
        ("", false),
        (SECOND_LAYOUT, false),
    ]
    .into_iter()
    .enumerate()
    {
        let seed = seed * 4 + u64::try_from(run).unwrap();
        let mut history = History::new(packages, settings, seed, compares);
        for _ in 0..steps {
            history.step();
        }
        println!("{settings:?} compares {compares}: {:?}", history.counts);
        faults += history.counts.stale + history.counts.missed + history.counts.extra;
    }
    assert_eq!(faults, 0);
}
