//! The second oracle: random edits of random workspaces. The units that the kit predicts are
//! compared with the units that real cargo builds.
//!
//! A workspace has 6 to 14 packages with random edges, targets, build scripts, macros, features,
//! profiles and configuration. Each workspace is built once; then a few edits are made in turn.
//! Before each build, the kit is asked, with and without records of builds. The answer is compared
//! with the units that cargo then builds. A case is an edit and a verb.
//!
//! `XTASK_WORLDS_CASES` is the number of cases, and `XTASK_WORLDS_SEED` is the number of the first
//! workspace. One workspace has 15 cases. With 1,000 or more cases, the test also requires the
//! precision of [`FLOORS`], and at least 20 cases for every class of change, every rule and every
//! kind of edge. Several runs can share the cases: each run writes its counts to the file
//! `XTASK_WORLDS_COUNTS`. [`generated_workspaces_add_up`] then adds up the counts of all files in
//! the directory `XTASK_WORLDS_SUM`, and requires the same goals.

mod draft;
mod manifests;
mod scripts;
mod settings;
mod skeleton;
mod sources;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};
use std::{env, fs};

use draft::{Draft, Edge, Edit};
use serde_json::Value;
use table::Table;

use crate::oracle::random::Random;
use crate::oracle::tally::{Answer, Tally};
use crate::support::{Project, Unit, UnitsWithReasons, tree};

/// A class of change: its name, and a function that adds to a draft everything that an edit of this
/// class needs.
type Class = (&'static str, fn(&mut Draft<'_>) -> Option<()>);

/// The minimum share of predicted units that cargo really builds, in per cent.
const FLOORS: [(&str, f64); 6] = [
    ("check, with records", 99.5),
    ("check, without records", 97.0),
    ("test, with records", 99.5),
    ("test, without records", 97.0),
    ("doc, with records", 99.5),
    ("doc, without records", 97.0),
];

/// The verbs of each edit. Each verb is built from the state before the edit.
const VERBS: [&str; 3] = ["check", "test", "doc"];

/// The number of edits of one workspace.
const EDITS: u64 = 5;

/// The first random number of [`shuffled`]. With this number every class has places for 24 cases
/// of 1,000, so a few cases that do not build are no loss.
const SHUFFLE: u64 = 13;

/// The directories that cargo builds in.
const OUTPUTS: [&str; 2] = ["target", "build-files"];

#[test]
fn generated_workspaces_are_answered_as_cargo_builds_them() {
    let number = |name, default| env::var(name).map_or(default, |value| value.parse().unwrap());
    let first: u64 = number("XTASK_WORLDS_SEED", 0);
    let cases: u64 = number("XTASK_WORLDS_CASES", 15);
    let edits = cases.div_ceil(VERBS.len() as u64);
    let mut tally = Tally::default();
    let mut table = Table::default();
    for world in 0..edits.div_ceil(EDITS) {
        let left = edits - world * EDITS;
        World::new(first + world).run(left.min(EDITS), &mut tally, &mut table);
        // A run that is stopped leaves the counts of its finished workspaces.
        if let Ok(file) = env::var("XTASK_WORLDS_COUNTS") {
            let counts = serde_json::json!({ "tally": tally.counts(), "table": table.counts() });
            fs::write(file, counts.to_string()).unwrap();
        }
    }
    print!("{table}{tally}");
    assert!(
        tally.misses.is_empty(),
        "cargo built units that the kit did not name:\n{}",
        tally.misses.concat()
    );
    if cases >= 1000 {
        assert_goals(&tally, &table);
    }
}

/// Requires the goals of 1,000 cases from several runs that shared the cases.
#[test]
fn generated_workspaces_add_up() {
    let Ok(directory) = env::var("XTASK_WORLDS_SUM") else {
        return;
    };
    let mut tally = Tally::default();
    let mut table = Table::default();
    for entry in fs::read_dir(directory).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let counts: Value = serde_json::from_str(&text).unwrap();
        tally.add(&counts["tally"]);
        table.add(&counts["table"]);
    }
    print!("{table}{tally}");
    assert_goals(&tally, &table);
}

fn assert_goals(tally: &Tally, table: &Table) {
    for (evidence, floor) in FLOORS {
        let precision = tally.precision(evidence);
        assert!(precision >= floor, "{evidence}: {precision:.2}%");
    }
    let classes = classes().map(|(name, _)| name);
    let rare = table.rows_below(20, classes, skeleton::EDGE_ROWS);
    assert!(rare.is_empty(), "in fewer than 20 cases: {rare:?}");
}

fn classes() -> impl Iterator<Item = Class> {
    let all = sources::CLASSES.iter().chain(scripts::CLASSES);
    all.chain(settings::CLASSES).copied()
}

/// Returns the host triple of the compiler that runs the tests.
fn host() -> String {
    static HOST: LazyLock<String> = LazyLock::new(|| {
        let output = Command::new("rustc").arg("-vV").output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let line = said.lines().find_map(|line| line.strip_prefix("host: "));
        line.unwrap().to_owned()
    });
    HOST.clone()
}

/// A generated workspace, built and committed.
struct World {
    number: u64,
    project: Project,
    random: Random,
    names: Vec<String>,
    edges: Vec<Edge>,
    edits: Vec<Edit>,
}

impl World {
    /// Generates a workspace that has edits of the classes of its steps (see [`turn`]).
    fn new(number: u64) -> Self {
        for attempt in 0..10 {
            let world = Self::generate(number, attempt);
            let failure = VERBS.iter().find_map(|verb| world.build(verb).err());
            match failure {
                None => {
                    world.project.commit("Build");
                    return world;
                }
                Some(said) => println!("world {number} does not build:\n{said}"),
            }
        }
        panic!("world {number} cannot be generated");
    }

    fn generate(number: u64, attempt: u64) -> Self {
        let mut random = Random::new(number.wrapping_mul(1009) + attempt);
        let mut draft = Draft::new(&mut random);
        for class in fill(&mut draft, number) {
            println!("world {number} has no place for {class}");
        }
        let project = Project::empty();
        draft.write(&project);
        let names = draft.packages.iter().map(|it| it.name.clone()).collect();
        let (edges, edits) = (draft.edges, draft.edits);
        let project = project.in_git();
        project.append(".gitignore", "/build-files/\n");
        project.commit("Generate");
        Self {
            number,
            project,
            random,
            names,
            edges,
            edits,
        }
    }

    /// Makes a number of edits in turn.
    fn run(mut self, edits: u64, tally: &mut Tally, table: &mut Table) {
        for step in 0..edits {
            self.step(step, tally, table);
        }
    }

    fn step(&mut self, step: u64, tally: &mut Tally, table: &mut Table) {
        let mut made = Vec::new();
        for (class, _) in turn(self.number, step) {
            made.extend(self.edit(class));
        }
        let what: Vec<&str> = made.iter().map(|edit| &*edit.what).collect();
        let story = format!("world {}, step {step}: {}", self.number, what.join("; "));
        let answers: Vec<Vec<Answer>> = VERBS.iter().map(|verb| self.ask(verb, table)).collect();
        match self.build_each() {
            Ok(built) => {
                for ((verb, (built, reasons)), answers) in VERBS.iter().zip(built).zip(answers) {
                    let misses = tally.misses.len();
                    tally.count(&format!("{story} ({verb})"), &built, answers);
                    if tally.misses.len() > misses {
                        println!("  cargo's reasons:\n    {}", reasons.join("\n    "));
                    }
                    table.count_classes(made.iter().map(|edit| edit.class));
                    table.count_edges(self.edges_within(&built));
                }
                // Later cases need current records of every verb.
                for verb in VERBS {
                    self.build(verb).unwrap();
                }
            }
            Err(said) => {
                println!("{said}");
                tally.discard(&story);
                move_outputs(&self.project.beside("kept"), self.project.root());
                self.project.git(&["checkout", "--quiet", "--force", "."]);
                self.project.git(&["clean", "--quiet", "-d", "--force"]);
                for verb in VERBS {
                    self.build(verb).unwrap();
                }
            }
        }
        self.project.commit("Edit");
    }

    /// Makes one of the edits of a class.
    fn edit(&mut self, class: &str) -> Option<Edit> {
        let mut edits: Vec<Edit> = self.edits.clone();
        edits.retain(|edit| edit.class == class);
        while !edits.is_empty() {
            let edit = edits.swap_remove(self.random.below(edits.len()));
            if edit.apply(&self.project) {
                return Some(edit);
            }
        }
        None
    }

    /// Asks the kit about a verb, with and without records.
    fn ask(&self, verb: &'static str, table: &mut Table) -> Vec<Answer> {
        let evidence = match verb {
            "check" => ["check, with records", "check, without records"],
            "doc" => ["doc, with records", "doc, without records"],
            _ => ["test, with records", "test, without records"],
        };
        let more: [&[&str]; 2] = [&[], &["--no-records"]];
        let asked = evidence.into_iter().zip(more);
        let mut understood = Vec::new();
        let answers = asked
            .map(|(evidence, more)| {
                let question = [
                    "affected", "--format", "json", "--since", "HEAD", "--verb", verb,
                ];
                let answer = self.project.json(&[&question[..], more].concat());
                understood.extend(answer.as_ref().ok().cloned());
                (
                    evidence,
                    answer.map(|answer| crate::support::rebuilt(&answer)),
                )
            })
            .collect();
        table.count_rules(&understood);
        answers
    }

    /// Builds each verb from the state before the edit. Returns the units that cargo built, and
    /// cargo's reasons. Leaves the artifacts of all builds.
    fn build_each(&self) -> Result<Vec<UnitsWithReasons>, String> {
        let root = self.project.root();
        let kept = self.project.beside("kept");
        let start = SystemTime::now() - Duration::from_secs(1);
        let is_new = |path: &Path| {
            let metadata = fs::symlink_metadata(path).unwrap();
            metadata.is_dir() || metadata.modified().unwrap() >= start
        };
        let mut built = Vec::new();
        move_outputs(root, &kept);
        for verb in VERBS {
            copy_outputs(&kept, root, &|_| true);
            built.push(self.project.build_with_reasons(arguments(verb))?);
            move_outputs(root, &self.project.beside(verb));
        }
        // Several builds make the same build scripts and macros. Those of the first build remain, so
        // that no artifact is older than its dependencies.
        let [first, second, third] = VERBS.map(|verb| self.project.beside(verb));
        move_outputs(&third, root);
        copy_outputs(&second, root, &is_new);
        copy_outputs(&first, root, &is_new);
        Ok(built)
    }

    fn build(&self, verb: &str) -> Result<BTreeSet<Unit>, String> {
        self.project.build(arguments(verb))
    }

    /// Returns the kinds of the edges whose two packages were built.
    fn edges_within(&self, built: &BTreeSet<Unit>) -> BTreeSet<&'static str> {
        let is_built = |package: usize| {
            let end = format!("/{}#", self.names[package]);
            built.iter().any(|unit| unit.package.contains(&end))
        };
        let edges = self.edges.iter();
        edges
            .filter(|edge| is_built(edge.from) && is_built(edge.to))
            .map(|edge| edge.kind)
            .collect()
    }
}

/// Returns the arguments with which cargo builds a verb.
fn arguments(verb: &str) -> &'static [&'static str] {
    match verb {
        "check" => &["check", "--workspace", "--all-targets"],
        "doc" => &["doc", "--workspace", "--no-deps"],
        _ => &["test", "--workspace", "--no-run"],
    }
}

/// Moves the directories that cargo builds in.
fn move_outputs(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for output in OUTPUTS {
        let _ = fs::remove_dir_all(to.join(output));
        if from.join(output).exists() {
            fs::rename(from.join(output), to.join(output)).unwrap();
        }
    }
}

/// Copies the wanted files of the directories that cargo builds in.
fn copy_outputs(from: &Path, to: &Path, wanted: &dyn Fn(&Path) -> bool) {
    for output in OUTPUTS {
        if from.join(output).exists() {
            tree::copy(&from.join(output), &to.join(output), wanted);
        }
    }
}

/// Fills a draft with packages and with the classes of change of the world's steps. Returns the
/// names of the classes that have no place in the world.
fn fill(draft: &mut Draft<'_>, world: u64) -> Vec<&'static str> {
    skeleton::draft(draft);
    let mut wanted: Vec<Class> = (0..EDITS).flat_map(|step| turn(world, step)).collect();
    let all: Vec<Class> = classes().collect();
    for _ in 0..4 {
        wanted.extend(draft.random.pick(&all));
    }
    wanted.sort_by_key(|(name, _)| !settings::FIRST.contains(name));
    let mut placed = BTreeSet::new();
    for &(name, add) in &wanted {
        // A class draws random packages, which may not suit the class.
        if (0..20).any(|_| add(draft).is_some()) {
            placed.insert(name);
        }
    }
    skeleton::layout(draft);
    let names = wanted.into_iter().map(|(name, _)| name);
    names.filter(|name| !placed.contains(name)).collect()
}

/// Returns the classes of change of a step: one class in every second step, and three classes in
/// the other steps. All classes have their turn before a class has its next turn.
fn turn(world: u64, step: u64) -> Vec<Class> {
    let number = world * EDITS + step;
    let (first, end) = match number.is_multiple_of(2) {
        true => (number * 2, number * 2 + 1),
        false => (number * 2 - 1, number * 2 + 2),
    };
    let count = classes().count() as u64;
    (first..end)
        .map(|place| shuffled(place / count)[(place % count) as usize])
        .collect()
}

/// Returns all classes in an order that differs from round to round. Some classes exclude each
/// other, so two classes must not always meet in a workspace.
fn shuffled(round: u64) -> Vec<Class> {
    let mut random = Random::new(SHUFFLE + round);
    let mut all: Vec<Class> = classes().collect();
    for place in (1..all.len()).rev() {
        all.swap(place, random.below(place + 1));
    }
    all
}

/// Requires places for at least 20 cases of every class in the workspaces of 1,000 cases.
#[test]
fn classes_of_changes_have_places() {
    let worlds = 1000_u64.div_ceil(VERBS.len() as u64 * EDITS);
    let mut cases: BTreeMap<&str, usize> = classes().map(|(name, _)| (name, 0)).collect();
    for world in 0..worlds {
        let mut random = Random::new(world.wrapping_mul(1009));
        let without_place = fill(&mut Draft::new(&mut random), world);
        for (name, _) in (0..EDITS).flat_map(|step| turn(world, step)) {
            if !without_place.contains(&name) {
                *cases.entry(name).or_default() += VERBS.len();
            }
        }
    }
    cases.retain(|_, count| *count < 20);
    assert!(cases.is_empty(), "in fewer than 20 cases: {cases:?}");
}
