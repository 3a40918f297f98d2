//! What a clone without a build knows of the files that packages compile.

use std::collections::BTreeSet;

use crate::support::Project;

/// Files of packages, with what these depend on. Packages `r_*` compile their file `hit.*` (or
/// `HIT.*`), `k_*` do not, and `h_*` have macros and functions for others.
const FILES: &str = include_str!("cold_reads.txt");

#[test]
fn files_that_conditions_macros_and_variables_name_are_found_without_records() {
    let project = Project::without_members();
    let (mut hits, mut reading) = (Vec::new(), BTreeSet::new());
    for entry in FILES.split("//- ").skip(1) {
        let (file, text) = entry.split_once('\n').unwrap();
        let (file, on) = file.split_once(" -> ").unwrap_or((file, ""));
        let (name, below) = file.split_once('/').unwrap();
        let manifest = project.path(format!("crates/{name}/Cargo.toml"));
        if !manifest.exists() {
            project.library(name, &on.split_whitespace().collect::<Vec<_>>());
        }
        match below {
            "Cargo.toml" => project.append(&manifest, text),
            _ => project.write(format!("crates/{file}"), text),
        }
        if below.to_lowercase().contains("hit.") {
            hits.push(format!("crates/{file}"));
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
    assert_eq!(named.lines().collect::<BTreeSet<_>>(), reading);
}
