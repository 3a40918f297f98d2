//! The nightly suites: `.ci/nightly`, the workflow and the table of CONTRIBUTING.md name the same
//! suites, and each suite runs tests that exist.

use std::collections::BTreeSet;
use std::fs;

use crate::architecture::{all_sources, package};

fn read(path: &str) -> String {
    fs::read_to_string(package().join("..").join(path)).unwrap()
}

/// Returns the text between two texts.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text
        .split_once(start)
        .unwrap_or_else(|| panic!("no {start}"));
    rest.split_once(end).unwrap_or_else(|| panic!("no {end}")).0
}

/// Returns the suites that `.ci/nightly` runs without arguments.
fn suites(script: &str) -> BTreeSet<&str> {
    between(script, "\nall=\"", "\"").split(' ').collect()
}

#[test]
fn the_table_of_suites_is_complete() {
    let (script, page) = (read(".ci/nightly"), read("CONTRIBUTING.md"));
    let table = between(&page, "| suite | runs |", "\n\n");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    let rows: BTreeSet<_> = rows.map(|row| row.split('`').next().unwrap()).collect();
    assert_eq!(rows, suites(&script));
}

#[test]
fn the_workflow_runs_each_suite() {
    let (script, workflow) = (read(".ci/nightly"), read(".github/workflows/nightly.yml"));
    let in_matrix = between(&workflow, " suite: [", "]").split(", ");
    let jobs = workflow.split("- run: .ci/nightly ").skip(1);
    let jobs = jobs.map(|job| job.split('\n').next().unwrap());
    let mut run: Vec<_> = jobs
        .filter(|job| !job.starts_with("${{"))
        .chain(in_matrix)
        .collect();
    run.sort_unstable();
    let mut wanted: Vec<_> = suites(&script).into_iter().collect();
    wanted.push("worlds_sum");
    wanted.sort_unstable();
    assert_eq!(run, wanted, "each suite is run by one job");
}

#[test]
fn the_workflow_has_each_part_of_a_suite() {
    let (script, workflow) = (read(".ci/nightly"), read(".github/workflows/nightly.yml"));
    let parts = between(&workflow, " part: [", "]").split(", ");
    let expected = between(&script, "SPEED_PART:-", "}").split(' ');
    assert_eq!(parts.collect::<Vec<_>>(), expected.collect::<Vec<_>>());

    let targets = between(&workflow, " target:\n", "    runs-on");
    let targets = targets.split_whitespace().filter(|word| *word != "-");
    let manifest = read("xtask/fuzz/Cargo.toml");
    let names = manifest.lines().filter_map(|line| {
        let name = line.strip_prefix("name = \"")?.strip_suffix('"')?;
        (name != "xtask-fuzz").then_some(name)
    });
    let names: BTreeSet<_> = names.collect();
    assert_eq!(targets.collect::<Vec<_>>(), Vec::from_iter(names));
}

#[test]
fn each_suite_runs_tests_that_exist() {
    let script = read(".ci/nightly");
    let sources = all_sources(&package().join("tests/e2e"));
    let sources: Vec<_> = sources
        .iter()
        .map(|path| (path.as_str(), fs::read_to_string(path).unwrap()))
        .collect();
    let filters = script.split(" e2e ").skip(1);
    let filters: Vec<_> = filters
        .map(|rest| rest.split([';', '\n']).next().unwrap())
        .filter(|filters| !filters.starts_with("--"))
        .flat_map(str::split_whitespace)
        .map(|filter| filter.trim_end_matches("::"))
        .collect();
    assert!(filters.len() > 10, "{filters:?}");
    for filter in filters {
        let module = format!("/{}.rs", filter.replace("::", "/"));
        let has_test = |(path, text): &(&str, String)| {
            let names = text.split("fn ").skip(1);
            let mut names = names.map(|rest| rest.split('(').next().unwrap());
            path.ends_with(&module) || names.any(|name| name.contains(filter))
        };
        assert!(sources.iter().any(has_test), "no test for `{filter}`");
    }
}
