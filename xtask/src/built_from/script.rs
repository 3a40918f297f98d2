//! Inputs of build scripts that cargo does not track: git's state, and the files that the linker
//! reads.

use std::collections::BTreeSet;
use std::fs;

use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::build_dir::entries;
use xtask_impact::files;
use xtask_impact::paths::resolved;
use xtask_impact::source_scan::script_inputs;

use super::declared::InputFinder;
use super::units::{DiskUnit, DiskUnits};

/// Packages and modules that read git's state for a build script.
const READ_GIT: [&str; 7] = [
    "vergen",
    "gix",
    "git2",
    "shadow_rs",
    "built::",
    "git_version",
    "gitversion",
];

/// The number of digits by which programs shorten a commit.
const SHORT_COMMIT: usize = 7;

/// The largest generated file that is searched for the commit. A larger file counts as holding it.
const LARGE: u64 = 8 << 20;

/// Returns true if the script of a run may read git's state: its source names git, or its output
/// holds the commit.
pub(super) fn knows_git(finder: &InputFinder<'_>, run: usize) -> bool {
    let units = finder.units();
    let mut pending: Vec<&DiskUnit> = units.scripts(&units.units[run]).collect();
    let mut seen = BTreeSet::new();
    while let Some(unit) = pending.pop() {
        if finder.sources(unit).iter().any(|it| names_git(it)) {
            return true;
        }
        // The script may call a library of the repository that starts git.
        let on = units.of_unit(unit).map(|at| &units.units[at]);
        let is_local = |it: &&DiskUnit| finder.local_root(it).is_some() && !it.is_run();
        pending.extend(on.filter(|it| is_local(it) && seen.insert(it.key.as_str())));
    }
    let commit = finder.head().and_then(|it| it.get(..SHORT_COMMIT));
    commit.is_some_and(|commit| holds(units, &units.units[run], commit))
}

/// Returns true if a source names git, or a library that reads git's state.
pub(super) fn names_git(source: &str) -> bool {
    let is_word = |at: usize| {
        let letter = |it: Option<char>| it.is_some_and(|it| it.is_alphanumeric() || it == '_');
        let (before, behind) = (&source[..at], &source[at + 3..]);
        !letter(before.chars().next_back()) && !letter(behind.chars().next())
    };
    READ_GIT.iter().any(|it| source.contains(it))
        || source.match_indices("git").any(|(at, _)| is_word(at))
}

/// Returns the paths below the workspace root that a script reads by name, apart from the build
/// directory and directories that contain it or the package. Cargo does not watch a path that the
/// script does not declare.
pub(super) fn read_paths(
    finder: &InputFinder<'_>,
    run: &DiskUnit,
    root: &Utf8Path,
    package: &Utf8Path,
) -> BTreeSet<Utf8PathBuf> {
    let sources = finder
        .units()
        .scripts(run)
        .flat_map(|it| finder.sources(it));
    let read = sources.flat_map(|it| script_inputs(&it).paths);
    let read = read.map(|it| package.join(it));
    let built = finder.units().build_directory.as_path();
    let is_source = |path: &Utf8PathBuf| {
        let real = resolved(path);
        let is_around = [package, built]
            .iter()
            .any(|it| resolved(it).starts_with(&real));
        path.starts_with(root) && !is_around && !real.starts_with(resolved(built))
    };
    read.filter(is_source).collect()
}

/// Returns true if a run's standard output or a file in `OUT_DIR` holds a text.
fn holds(units: &DiskUnits, run: &DiskUnit, text: &str) -> bool {
    let mut pending = vec![units.out_dir(run)];
    pending.extend(run.files.reference.clone());
    while let Some(path) = pending.pop() {
        if path.is_dir() && !path.is_symlink() {
            let names = entries(&path).unwrap_or_default();
            pending.extend(names.iter().map(|it| path.join(it)));
            continue;
        }
        let Ok(metadata) = fs::metadata(&path) else {
            continue;
        };
        let found = || {
            let content = files::read(&path, files::RECORD).unwrap_or_default();
            memchr::memmem::find(&content, text.as_bytes()).is_some()
        };
        if metadata.len() > LARGE || found() {
            return true;
        }
    }
    false
}

/// Returns the files and directories below the workspace root that a script passes to the linker.
pub(super) fn linked_paths(
    units: &DiskUnits,
    run: &DiskUnit,
    root: &Utf8Path,
    package: &Utf8Path,
) -> Vec<Utf8PathBuf> {
    let place = &units.places[run.place];
    let output = place.read_script_output(&run.package, &run.hash);
    let flags = output.into_iter().flat_map(|it| it.linker_flags);
    let found = flags.flat_map(|it| paths_in(&it, &[package, root]));
    found
        .filter(|it| it.starts_with(root) || it.starts_with(package))
        .collect()
}

/// Returns the existing paths that a flag names: its words, without the option in front.
pub(super) fn paths_in(flag: &str, bases: &[&Utf8Path]) -> Vec<Utf8PathBuf> {
    let mut found = Vec::new();
    for word in flag
        .split([' ', ',', '=', '\x1f'])
        .filter(|it| !it.is_empty())
    {
        let stripped = ["-T", "-L", "-l", "@"].map(|option| word.strip_prefix(option));
        for candidate in stripped.into_iter().flatten().chain([word]) {
            let paths = bases.iter().map(|base| base.join(candidate));
            found.extend(paths.filter(|it| !candidate.is_empty() && it.exists()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_that_names_git_is_found() {
        for (source, expected) in [
            ("Command::new(\"git\")", true),
            ("gix::open(\".\")", true),
            ("fn digit() { legit() }", false),
            ("use vergen::Emitter;", true),
            ("git_hash()", false),
            ("run(\"git rev-parse HEAD\")", true),
        ] {
            assert_eq!(names_git(source), expected, "{source}");
        }
    }

    #[test]
    fn paths_of_the_linker_are_found() {
        let (_scratch, top) = xtask_impact::testing::scratch();
        for file in ["link.x", "native/libz.a"] {
            xtask_impact::testing::write(&top.join(file), "");
        }
        let found = |flag: &str| {
            let paths = paths_in(flag, &[&top]).into_iter();
            let names = paths.map(|it| it.strip_prefix(&top).unwrap().to_string());
            names.collect::<Vec<_>>().join(" ")
        };
        let shown = [
            "-Clink-arg=-Tlink.x",
            "native=native",
            "-Wl,-T,link.x",
            "-L native",
            "z",
            "-O2",
        ];
        let shown = shown
            .map(|flag| format!("{flag} => {}\n", found(flag)))
            .concat();
        expect_test::expect![[r#"
            -Clink-arg=-Tlink.x => link.x
            native=native => native native
            -Wl,-T,link.x => link.x
            -L native => native
            z => 
            -O2 => 
        "#]]
        .assert_eq(&shown);
    }
}
