//! Procedural macros, which can read files that no record lists: `include_dir`, `rust-embed`,
//! `sqlx::migrate!`.

use xtask_impact::build_dir::unit_record::{RecordedKind, RecordedMode};
use xtask_impact::workspace::Workspace;

use super::config::FreshnessConfig;
use super::declared::InputFinder;
use super::script;
use super::units::DiskUnits;

/// The files that the procedural macros of a unit may read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MacroReach {
    /// The files of the unit's package.
    pub package: bool,
    /// All files of the repository.
    pub work_tree: bool,
    /// The state of git.
    pub git: bool,
}

impl MacroReach {
    fn join(&mut self, other: Self) {
        self.package |= other.package;
        self.work_tree |= other.work_tree;
        self.git |= other.git;
    }
}

/// Macros that only transform the tokens that they get.
const PURE: &[&str] = &[
    "arbitrary-derive",
    "async-recursion",
    "async-stream-impl",
    "async-trait",
    "auto_impl",
    "bitflags-derive",
    "bon-macros",
    "borsh-derive",
    "bytecheck_derive",
    "bytemuck_derive",
    "clap_derive",
    "const-random-macro",
    "const_format_proc_macros",
    "ctor",
    "darling_macro",
    "data-encoding-macro-internal",
    "delegate",
    "derivative",
    "derive-new",
    "derive-where",
    "derive_arbitrary",
    "derive_builder_macro",
    "derive_more",
    "derive_more-impl",
    "displaydoc",
    "dtor-proc-macro",
    "educe",
    "enum-iterator-derive",
    "enum_dispatch",
    "enumflags2_derive",
    "equator-macro",
    "foreign-types-macros",
    "futures-macro",
    "getset",
    "indoc",
    "linktime-proc-macro",
    "logos-derive",
    "maybe-async",
    "miette-derive",
    "mockall_derive",
    "monostate-impl",
    "num-derive",
    "num_enum_derive",
    "openssl-macros",
    "ouroboros_macro",
    "paste",
    "phf_macros",
    "pin-project-internal",
    "proc-macro-error-attr",
    "proc-macro-error-attr2",
    "proc-macro-hack",
    "prost-derive",
    "ptr_meta_derive",
    "ref-cast-impl",
    "rkyv_derive",
    "rustversion",
    "schemars_derive",
    "scroll_derive",
    "serde_derive",
    "serde_repr",
    "serde_with_macros",
    "serial_test_derive",
    "smart-default",
    "snafu-derive",
    "strum_macros",
    "structopt-derive",
    "synstructure",
    "test-case-macros",
    "test-log-macros",
    "thiserror-impl",
    "thiserror-impl-no-std",
    "time-macros",
    "tokio-macros",
    "tracing-attributes",
    "typed-builder-macro",
    "typenum-derive",
    "unindent",
    "valuable-derive",
    "windows-implement",
    "windows-interface",
    "yoke-derive",
    "zerocopy-derive",
    "zerofrom-derive",
    "zeroize_derive",
    "zerovec-derive",
];

/// Libraries of pure macros.
const PURE_LIBRARIES: &[&str] = &[
    "convert_case",
    "darling",
    "darling_core",
    "either",
    "fnv",
    "heck",
    "ident_case",
    "itertools",
    "proc-macro-error",
    "proc-macro-error2",
    "proc-macro2",
    "quote",
    "strsim",
    "syn",
    "synstructure",
    "unicode-ident",
    "unicode-segmentation",
    "unicode-xid",
];

/// Parts of a source by which a macro reads files, variables or the answers of programs.
const READS: [&str; 12] = [
    "fs::",
    "std::fs",
    "File",
    "read_dir",
    "env::",
    "std::env",
    "process::",
    "Command",
    "net::",
    "std::path",
    "PathBuf",
    "include_dir",
];

/// Parts of a source by which a macro reads files.
const READS_FILES: [&str; 5] = ["fs::", "std::fs", "File", "read_dir", "include_dir"];

/// Parts of a source by which a macro leaves the directory that it was given.
const LEAVES: [&str; 4] = ["\"..", "/..", ".parent()", ".ancestors()"];

/// Returns for each unit what the macros of its dependencies may read. Libraries re-export macros,
/// so the whole closure counts.
pub(crate) fn reaches(
    workspace: &Workspace,
    finder: &InputFinder<'_>,
    config: &FreshnessConfig,
) -> Vec<MacroReach> {
    let units = finder.units();
    let is_macro = |name: &str| {
        let mut packages = workspace.packages.iter();
        packages.any(|it| it.name == name && it.is_proc_macro())
    };
    let own: Vec<MacroReach> = (0..units.units.len())
        .map(|at| {
            let unit = &units.units[at];
            let is_library = unit.name.kind == RecordedKind::Lib;
            let compiles = unit.name.mode == RecordedMode::Compile;
            match is_library && compiles && is_macro(&unit.package) {
                true => of_macro(finder, config, at),
                false => MacroReach::default(),
            }
        })
        .collect();
    let mut reaches = own.clone();
    for at in in_order(units) {
        for dependency in units.dependencies_on_disk(at) {
            let reach = reaches[dependency];
            reaches[at].join(reach);
        }
    }
    // A macro reads files while its dependents are compiled, not while the macro is.
    for (at, own) in own.iter().enumerate() {
        if *own != MacroReach::default() {
            let dependencies = units.dependencies_on_disk(at);
            let mut reach = MacroReach::default();
            dependencies.for_each(|it| reach.join(reaches[it]));
            reaches[at] = reach;
        }
    }
    reaches
}

/// Returns the units, dependencies before their dependents.
pub(crate) fn in_order(units: &DiskUnits) -> Vec<usize> {
    let count = units.units.len();
    let (mut order, mut seen) = (Vec::with_capacity(count), vec![false; count]);
    let mut pending: Vec<(usize, bool)> = (0..count).rev().map(|it| (it, false)).collect();
    while let Some((at, is_done)) = pending.pop() {
        if is_done {
            order.push(at);
        } else if !std::mem::replace(&mut seen[at], true) {
            pending.push((at, true));
            let unseen = units.dependencies_on_disk(at).filter(|it| !seen[*it]);
            pending.extend(unseen.map(|it| (it, false)));
        }
    }
    order
}

fn of_macro(finder: &InputFinder<'_>, config: &FreshnessConfig, at: usize) -> MacroReach {
    let name = finder.units().units[at].package.as_str();
    let is_configured = config.pure_macros.iter().any(|it| it == name);
    if is_configured || PURE.contains(&name) {
        return MacroReach::default();
    }
    let (sources, is_complete) = local_sources(finder, at);
    if is_complete && !sources.iter().any(|it| reads(it)) {
        return MacroReach::default();
    }
    let holds = |words: &[&str]| {
        sources
            .iter()
            .any(|it| words.iter().any(|w| it.contains(w)))
    };
    // Without the package's directory, paths are relative to the workspace root.
    let starts_at_root = holds(&READS_FILES) && !holds(&["CARGO_MANIFEST_DIR"]);
    let asks_git = ["git", "shadow", "vergen"]
        .iter()
        .any(|it| name.contains(it));
    MacroReach {
        package: true,
        // They read `.env`, `.sqlx` or `migrations` at the workspace root.
        work_tree: ["sqlx", "dotenv", "migrations_macros"]
            .iter()
            .any(|it| name.starts_with(it))
            || starts_at_root
            || holds(&LEAVES),
        git: asks_git || sources.iter().any(|it| script::names_git(it)),
    }
}

/// Returns true if a source reads files, variables or the answers of programs.
fn reads(source: &str) -> bool {
    let is_part = |word: &str| ["env", "fs", "net", "path", "process"].contains(&word);
    let groups = source.split("std::{").skip(1);
    let mut imported = groups.map(|it| it.split(';').next().unwrap_or_default());
    READS.iter().any(|word| source.contains(word))
        || imported.any(|it| it.split(|it: char| !it.is_alphanumeric()).any(is_part))
}

/// Returns the sources of a macro and of its libraries that lie in the repository, and true if the
/// other libraries read nothing.
fn local_sources(finder: &InputFinder<'_>, at: usize) -> (Vec<String>, bool) {
    let units = finder.units();
    let (mut pending, mut seen) = (vec![at], vec![at]);
    let (mut found, mut is_complete) = (Vec::new(), true);
    while let Some(at) = pending.pop() {
        let unit = &units.units[at];
        if PURE_LIBRARIES.contains(&unit.package.as_str()) {
            continue;
        }
        if finder.local_root(unit).is_none_or(|it| !it.is_dir()) {
            is_complete = false;
            continue;
        }
        let sources = finder.sources(unit);
        let mut dependencies = units.dependencies(at);
        is_complete &= !sources.is_empty();
        is_complete &= dependencies.all(|it| !units.of_value(it).is_empty());
        found.extend(sources);
        for dependency in units.dependencies_on_disk(at) {
            if !seen.contains(&dependency) {
                seen.push(dependency);
                pending.push(dependency);
            }
        }
    }
    (found, is_complete)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_macro_that_reads_is_found() {
        for (source, expected) in [
            ("let text = std::fs::read(path);", true),
            ("use std::{fs as files, iter};", true),
            ("use std::{\n    iter,\n    path::Path,\n};", true),
            ("use std::{iter, fmt};\nlet path = item.path;", false),
            ("fn process(env: &Env) { env.path() }", false),
        ] {
            assert_eq!(reads(source), expected, "{source}");
        }
    }

    #[test]
    fn known_macros_are_sorted_and_named_once() {
        for list in [PURE, PURE_LIBRARIES] {
            let mut sorted = list.to_vec();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), list.len());
        }
    }
}
