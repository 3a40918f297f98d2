//! Compiled files that the kit must find without records, as on a clone without a build.

use std::collections::BTreeSet;

use crate::support::Project;

/// The files of the packages, with the dependencies of each package. Packages `r_*` compile their
/// file `hit.*` (or `HIT.*`), packages `k_*` do not compile it, and packages `h_*` have macros and
/// functions for other packages.
const FILES: &str = include_str!("cold_reads.txt");

#[test]
fn files_that_conditions_macros_and_variables_name_are_found_without_records() {
    let project = Project::without_members();
    let (mut hits, mut reading) = (Vec::new(), BTreeSet::new());
    for (name, below) in project.write_libraries(FILES) {
        if below.to_lowercase().contains("hit.") {
            hits.push(format!("crates/{name}/{below}"));
            reading.extend(name.starts_with("r_").then_some(name));
        }
    }
    project.write(
        ".cargo/config.toml",
        "[env]\nSET_VARIABLE = { value = \"crates/r_set_variable/HIT.md\", relative = true }\n",
    );
    project.cargo(&["generate-lockfile", "--offline"]).done();
    let project = project.in_git();
    hits.iter()
        .for_each(|hit| project.append(hit, "// Edited.\n"));
    let arguments = ["affected", "--no-records", "--rebuilt", "--format", "names"];
    let named = project.xtask(&arguments).done();
    let named: BTreeSet<_> = named.lines().collect();
    assert_eq!(named, reading);
}
