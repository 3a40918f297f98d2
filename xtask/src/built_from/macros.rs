//! Procedural macros, which can read files that no record lists: `include_dir`, `rust-embed`,
//! `sqlx::migrate!`.

use camino::Utf8Path;
use xtask_impact::build_dir::unit_record::{RecordedKind, RecordedMode};
use xtask_impact::workspace::Workspace;

use super::config::FreshnessConfig;
use super::declared::InputFinder;
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
    "const_format_proc_macros",
    "ctor",
    "darling_macro",
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
    if is_configured || PURE.contains(&name) || is_pure_source(finder, at) {
        return MacroReach::default();
    }
    MacroReach {
        package: true,
        // It reads `.env` and `.sqlx` at the workspace root.
        work_tree: name.starts_with("sqlx"),
        git: name.contains("git") || name.contains("shadow") || name.contains("vergen"),
    }
}

/// Returns true if the sources of a macro and of its libraries read nothing.
fn is_pure_source(finder: &InputFinder<'_>, at: usize) -> bool {
    let units = finder.units();
    let (mut pending, mut seen) = (vec![at], vec![at]);
    while let Some(at) = pending.pop() {
        let unit = &units.units[at];
        if PURE_LIBRARIES.contains(&unit.package.as_str()) {
            continue;
        }
        let sources = finder.sources(unit);
        let reads = |it: &String| READS.iter().any(|word| it.contains(word));
        let is_local = finder.local_root(unit).is_some_and(Utf8Path::is_dir);
        let is_complete = units
            .dependencies(at)
            .all(|it| !units.of_value(it).is_empty());
        if !is_local || sources.is_empty() || sources.iter().any(reads) || !is_complete {
            return false;
        }
        for dependency in units.dependencies_on_disk(at) {
            if !seen.contains(&dependency) {
                seen.push(dependency);
                pending.push(dependency);
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

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
