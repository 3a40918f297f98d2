//! Tests that open a file of another package while they run, in every known shape of code.

use std::collections::BTreeSet;

use crate::support::Project;

/// The bodies of tests that read `fixtures/x.json` of the package `b`, each with the name of its
/// package.
const READING: &str = include_str!("run_time_paths/reading.txt");

/// The bodies of tests that read no file of `b`, each with the name of its package.
const OTHERS: &str = include_str!("run_time_paths/others.txt");

/// The files of packages, with the dependencies of each package. Packages `h_*` pass a path on, and
/// packages `k_*` read no file of `b`. All other packages read the file of `b`.
const FILES: &str = include_str!("run_time_paths/files.txt");

/// Returns the entries of a table, each with its heading.
fn entries(table: &str) -> Vec<(&str, &str)> {
    let entries = table.split("//- ").skip(1);
    entries.filter_map(|it| it.split_once('\n')).collect()
}

#[test]
fn tests_that_read_files_of_another_package_are_rerun() {
    let project = Project::without_members();
    let hands_on = "pub fn fixture(name: &str) -> std::path::PathBuf {\n    \
                    std::path::Path::new(env!(\"CARGO_MANIFEST_DIR\")).join(\"fixtures\").join(name)\n}\n";
    for owner in ["b", "c"] {
        project.library(owner, &[]);
        project.write(format!("crates/{owner}/src/lib.rs"), hands_on);
        project.write(format!("crates/{owner}/fixtures/x.json"), "1\n");
    }
    let mut reading = BTreeSet::new();
    for (name, body) in entries(READING).into_iter().chain(entries(OTHERS)) {
        project.library(name, &[]);
        let test = format!("use std::{{fs, path::*}};\n#[test]\nfn reads() {{\n{body}}}\n");
        project.write(format!("crates/{name}/tests/it.rs"), &test);
    }
    for (name, _) in project.write_libraries(FILES) {
        if !name.starts_with("h_") && !name.starts_with("k_") {
            reading.insert(name);
        }
    }
    reading.extend(entries(READING).into_iter().map(|(name, _)| name));
    project.write(
        ".cargo/config.toml",
        "[env]\nRT_ROOT = { value = \"crates\", relative = true }\n\
         RT_B = { value = \"crates/b\", relative = true }\n",
    );
    project.cargo(&["generate-lockfile", "--offline"]).done();
    let project = project.in_git();
    project.write("crates/b/fixtures/x.json", "2\n");

    let arguments = [
        "affected",
        "--verb",
        "test",
        "--no-records",
        "--format",
        "names",
    ];
    let named = project.xtask(&arguments).done();
    // The helper packages `h_*` and `b` may have tests of their own that read the file.
    let named = named
        .lines()
        .filter(|it| !it.starts_with("h_") && *it != "b");
    assert_eq!(named.collect::<BTreeSet<_>>(), reading);
}
