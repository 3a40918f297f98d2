//! Counts the instructions of the pure core. Other programs on the machine do not change this
//! number, so the number shows a regression that measured times would hide.

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;

use xtask_impact::process::Runner;
use xtask_impact::propagate::{Affected, propagate};
use xtask_impact::seeds::{Effect, Propagation, Rule, Seed};
use xtask_impact::unit_graph::{UnitGraph, Verb};
use xtask_impact::workspace::{LoadOptions, Workspace};
use xtask_kit::cargo_runs::build_times::BuildRecord;
use xtask_kit::timings::report::TimingsReport;
use xtask_kit::timings::text::page::page;

use crate::synthetic::Synthetic;
use crate::timings;

const PACKAGES: usize = 1000;
const UNITS: usize = 3000;

/// The parts that are counted, by the names of the functions below, each with its recorded count in
/// millions of instructions. The counts were recorded with rustc 1.95.
const PARTS: [(&str, f64); 4] = [
    ("unit_graph", 14.4),
    ("affected_units", 6.8),
    ("timings_report", 531.5),
    ("timings_page", 28.6),
];

/// The factor above which a count is a regression. Another compiler version generates other code.
const TOLERANCE: f64 = 1.15;

/// Counts the instructions of each part, and compares the counts with the recorded counts.
pub(crate) fn count() {
    // The workspace is built here, so that its building is not counted.
    Synthetic::new(PACKAGES, false);
    let mut is_slower = false;
    println!("| part | millions of instructions | recorded |");
    println!("| --- | --- | --- |");
    for (part, recorded) in PARTS {
        let counted = instructions(part);
        println!("| {part} | {counted:.1} | {recorded:.1} |");
        is_slower |= counted > recorded * TOLERANCE;
    }
    assert!(
        !is_slower,
        "one takes more than {TOLERANCE} times what is recorded"
    );
}

fn instructions(part: &str) -> f64 {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("callgrind.out");
    let counted = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no"])
        .arg(format!("--toggle-collect=*core::{part}*"))
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(std::env::current_exe().unwrap())
        .arg("counted")
        .output()
        .expect("valgrind is needed to count: `apt install valgrind`");
    let said = String::from_utf8_lossy(&counted.stderr);
    assert!(counted.status.success(), "{said}");
    let text = fs::read_to_string(&out).unwrap();
    let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
    let total: f64 = total
        .expect("callgrind writes totals")
        .trim()
        .parse()
        .unwrap();
    assert!(total > 0.0, "nothing was counted: has {part} been inlined?");
    total / 1e6
}

/// Runs every part once, under valgrind.
pub(crate) fn counted() {
    let synthetic = Synthetic::new(PACKAGES, false);
    let runner = Runner::new().unwrap().in_directory(synthetic.root());
    let workspace = Workspace::load(&runner, &LoadOptions::default()).unwrap();
    let graph = unit_graph(&workspace);
    black_box(affected_units(&graph));
    let record = timings::record(UNITS);
    let report = timings_report(&record);
    black_box(timings_page(&report));
}

#[inline(never)]
fn unit_graph(workspace: &Workspace) -> UnitGraph {
    UnitGraph::new(workspace, Verb::Test)
}

/// Propagates from the unit that most other units depend on.
#[inline(never)]
fn affected_units(graph: &UnitGraph) -> Affected {
    let (unit, _) = graph.units().next().unwrap();
    let seed = Seed {
        unit,
        effect: Effect::Rebuilt,
        rule: Rule::Source,
        path: None,
        because: String::new(),
        spread: Propagation::All,
    };
    propagate(graph, vec![seed])
}

#[inline(never)]
fn timings_report(record: &BuildRecord) -> TimingsReport {
    timings::report(record)
}

#[inline(never)]
fn timings_page(report: &TimingsReport) -> String {
    page(report).unwrap()
}
