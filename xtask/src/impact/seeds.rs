//! From changed paths to seeds: the units that a change touches directly.
//!
//! Every changed path is asked the same questions: who reads it, which build script watches it,
//! does it start a target, does it set something. What no answer places is decided by the
//! configured rules, and where these are silent by [`Finder::unplaced`]. No rule takes back what
//! another has found.

use std::collections::HashSet;

use anyhow::Result;
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use super::layout::Layout;
use super::records::Records;
use super::rules::{Affects, Rules};
use super::sources::Sources;
use super::{Effect, Rule, Seed};
use crate::graph::{Mode, Unit, UnitGraph, UnitIx, Verb};
use crate::repo::git::{Change, Status};
use crate::repo::unit_inputs::Watch;
use crate::resolution;
use crate::workspace::{PackageIx, TargetKind, Workspace};

/// What the answer is found from.
pub struct Inputs<'a> {
    /// The workspace as it is now.
    pub workspace: &'a Workspace,
    /// Its units under the verb.
    pub graph: &'a UnitGraph,
    /// What is going to be run.
    pub verb: Verb,
    /// The top level that changed paths are relative to, without symbolic links.
    pub root: &'a Utf8Path,
    /// The paths that differ.
    pub changes: &'a [Change],
    /// Whether the two sides are two commits, so that git's own files differ too.
    pub head_moved: bool,
    /// Both sides of a changed file, given its path relative to the top level.
    pub contents: &'a dyn Fn(&Utf8Path) -> Contents,
    /// What cargo resolves differently.
    pub resolution: &'a Resolution,
    /// Where the packages lie.
    pub layout: &'a Layout,
    /// What builds recorded.
    pub records: &'a Records,
    /// What the workspace configured.
    pub rules: &'a Rules,
}

/// A changed file on both sides; nothing where a side has no such file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// At the base.
    pub before: Option<String>,
    /// Now.
    pub after: Option<String>,
}

/// Whether cargo resolves the two sides differently.
#[derive(Debug)]
pub enum Resolution {
    /// Nothing changed that it depends on.
    Unchanged,
    /// The units that cargo configures differently.
    Compared(resolution::Resolution),
    /// It could not be asked; this is why.
    Unknown(String),
}

/// The seeds of a change, and what the reader should know.
#[derive(Debug, Default)]
pub struct Found {
    /// Unsorted, and a unit may be there several times.
    pub seeds: Vec<Seed>,
    /// Whole sentences.
    pub notes: Vec<String>,
}

/// Finds the seeds of a change.
///
/// # Errors
/// When a file that decides cannot be read.
pub fn find(inputs: &Inputs<'_>) -> Result<Found> {
    let mut finder = Finder {
        inputs,
        sources: Sources::new(inputs.workspace, inputs.layout),
        found: Found::default(),
    };
    for change in inputs.changes {
        finder.change(change);
    }
    finder.standing();
    if let Resolution::Unknown(why) = inputs.resolution {
        finder.found.notes.push(format!(
            "cargo could not be asked what the change makes it resolve differently, so more is \
             selected than may be needed: {why}"
        ));
    }
    Ok(finder.found)
}

pub(super) struct Finder<'a> {
    pub(super) inputs: &'a Inputs<'a>,
    pub(super) sources: Sources<'a>,
    pub(super) found: Found,
}

impl Finder<'_> {
    fn change(&mut self, change: &Change) {
        let path = self.inputs.root.join(&change.path);
        let before = self.found.seeds.len();
        if path.is_dir() {
            return self.directory(change, &path);
        }
        self.readers(change, &path);
        self.scripts(change, &path);
        self.target(change, &path);
        let is_setting = self.setting(change, &path);
        let is_placed = is_setting || self.found.seeds.len() > before;
        if !is_placed {
            self.unplaced(change, &path);
        }
    }

    /// Units that compile the file, by their records and, where these are not current, by their
    /// sources.
    fn readers(&mut self, change: &Change, path: &Utf8Path) {
        let Inputs { graph, records, .. } = *self.inputs;
        let mut seen = HashSet::new();
        for unit in records.readers(path) {
            if seen.insert(unit) {
                self.seed(unit, Rule::Source, change, "it is compiled from this file");
            }
        }
        for package in self.sources.may_read(path) {
            for &unit in graph.units_of(package) {
                let node = graph.unit(unit);
                if !node.is_compiled() || seen.contains(&unit) || records.is_current(unit) {
                    continue;
                }
                if self.sources.of(node).is_some_and(|reads| reads.has(path)) {
                    self.seed(unit, Rule::Source, change, "it is compiled from this file");
                }
            }
        }
    }

    /// Script runs that watch the file.
    fn scripts(&mut self, change: &Change, path: &Utf8Path) {
        let Inputs {
            graph,
            records,
            layout,
            root,
            ..
        } = *self.inputs;
        let owner = layout.owner(path);
        for package in layout.packages() {
            let run = graph.find(package, TargetKind::CustomBuild, Mode::RunCustomBuild);
            let Some(run) = run else { continue };
            let in_package = owner == Some(package) && !is_in_nested_package(layout, package, path);
            let mut because = None;
            for watch in records.watches(run) {
                match watch {
                    Watch::Package if in_package => {
                        because =
                            Some("its build script names no input, so it watches the package");
                    }
                    Watch::Declared(paths, _)
                        if paths
                            .iter()
                            .any(|watched| self.sources.covers(watched, path)) =>
                    {
                        because = Some("its build script watches this file");
                    }
                    _ => {}
                }
            }
            let script = graph.find(package, TargetKind::CustomBuild, Mode::Build);
            let is_recorded = script.is_some_and(|script| records.is_current(script))
                && !records.watches(run).is_empty();
            if because.is_none()
                && !is_recorded
                && let Some(script) = self.sources.script(package)
            {
                let within = if in_package {
                    layout.directory(package).unwrap_or(root)
                } else {
                    root
                };
                if script
                    .named()
                    .any(|watched| self.sources.covers(watched, path))
                {
                    because = Some("its build script watches this file");
                } else if in_package && script.is_silent() {
                    because = Some("its build script names no input, so it watches the package");
                } else if script.may_name(path, within) {
                    because = Some("its build script may watch this file");
                }
            }
            if let Some(because) = because {
                self.seed(run, Rule::BuildScriptInput, change, because);
            }
        }
    }

    /// Script runs that watch what no list of changed paths holds: git's own files, which move with
    /// `HEAD`, and files that do not exist, for which cargo runs the script at every build.
    fn standing(&mut self) {
        let Inputs {
            graph,
            records,
            layout,
            head_moved,
            ..
        } = *self.inputs;
        for package in layout.packages() {
            let run = graph.find(package, TargetKind::CustomBuild, Mode::RunCustomBuild);
            let Some(run) = run else { continue };
            let watches = records.watches(run);
            let declared: Vec<_> = watches
                .iter()
                .filter_map(|watch| match watch {
                    Watch::Declared(paths, _) => Some(paths),
                    Watch::Package | Watch::Overridden => None,
                })
                .flatten()
                .collect();
            let script = if watches.is_empty() {
                self.sources.script(package)
            } else {
                None
            };
            let is_gits = |path: &&Utf8PathBuf| path.iter().any(|name| name == ".git");
            let watches_git = declared.iter().any(is_gits)
                || script.as_ref().is_some_and(|script| script.may_watch_git());
            let watches_nothing = declared.iter().any(|path| !path.exists())
                || script
                    .as_ref()
                    .is_some_and(|script| script.watches_missing_file());
            let because = if head_moved && watches_git {
                "its build script watches git's HEAD, which moved"
            } else if watches_nothing {
                "its build script watches a file that does not exist, so it runs at every build"
            } else {
                continue;
            };
            self.found.seeds.push(Seed {
                unit: run,
                effect: Effect::Rebuilt,
                rule: Rule::BuildScriptInput,
                path: None,
                because: because.to_owned(),
                spreads: true,
            });
        }
    }

    /// A path that starts a target, or did.
    fn target(&mut self, change: &Change, path: &Utf8Path) {
        if change.status == Status::Modified {
            return;
        }
        let Inputs {
            graph,
            layout,
            verb,
            ..
        } = *self.inputs;
        let Some(package) = layout.owner(path) else {
            return;
        };
        let Some(directory) = layout.directory(package) else {
            return;
        };
        let Ok(below) = path.strip_prefix(directory) else {
            return;
        };
        let Some(kind) = conventional_target(below) else {
            return;
        };
        let came = change.status == Status::Added;
        let units: Vec<(UnitIx, Unit)> = graph
            .units_of(package)
            .iter()
            .map(|&unit| (unit, graph.unit(unit).clone()))
            .collect();
        for (index, unit) in units {
            let (is_reached, because) = match kind {
                // All of the package's units are built with its library and its script.
                TargetKind::Lib if !came => {
                    (unit.kind != TargetKind::CustomBuild, "the library went")
                }
                TargetKind::CustomBuild if !came => (true, "the build script went"),
                // Cargo tells tests where their package's binaries are.
                TargetKind::Bin if verb != Verb::Check => (
                    matches!(unit.kind, TargetKind::Test | TargetKind::Bench),
                    "it is told of its package's binaries",
                ),
                _ => (false, ""),
            };
            if is_reached {
                self.seed(index, Rule::Target, change, because);
            }
        }
    }

    /// A changed directory: a submodule, a repository in the repository, or one that was named.
    fn directory(&mut self, change: &Change, path: &Utf8Path) {
        let Inputs { graph, layout, .. } = *self.inputs;
        let mut packages: Vec<_> = layout.below(path).collect();
        packages.extend(layout.owner(path));
        let beside: Vec<_> = layout
            .packages()
            .filter(|package| !packages.contains(package))
            .collect();
        for package in packages {
            for &unit in graph.units_of(package) {
                self.seed(
                    unit,
                    Rule::Doubt,
                    change,
                    "what changed in this directory is not known",
                );
            }
        }
        for package in beside {
            if self.sources.names_below(package, path) {
                for &unit in graph.units_of(package) {
                    self.seed(
                        unit,
                        Rule::Source,
                        change,
                        "its sources name files in this directory",
                    );
                }
            }
        }
    }

    /// What no evidence places: the rules decide, then where the path lies.
    fn unplaced(&mut self, change: &Change, path: &Utf8Path) {
        let Inputs {
            rules,
            layout,
            graph,
            workspace,
            ..
        } = *self.inputs;
        if let Some(rule) = rules.of(&change.path) {
            let packages: Vec<PackageIx> = match &rule.affects {
                Affects::Nothing => return,
                Affects::Everything => workspace.packages().map(|(index, _)| index).collect(),
                Affects::Packages(packages) => packages.clone(),
            };
            let units: Vec<_> = packages
                .iter()
                .flat_map(|&package| graph.units_of(package))
                .copied()
                .collect();
            for unit in units {
                if rule.effect == Effect::Rebuilt || is_a_test(graph.unit(unit)) {
                    self.add(
                        unit,
                        rule.effect,
                        Rule::Configured,
                        change,
                        "a configured rule says so",
                    );
                }
            }
            return;
        }
        match layout.owner(path) {
            Some(package) => self.unplaced_in(package, change, path),
            None => self.unplaced_outside(change, path),
        }
    }

    /// A file of a package that no unit is known to compile. Cargo learns of a file only through a
    /// record or a build script, so what remains is what a macro may have read unseen; where that
    /// cannot be, the package's tests may read the file as they run.
    fn unplaced_in(&mut self, package: PackageIx, change: &Change, path: &Utf8Path) {
        let Inputs { graph, records, .. } = *self.inputs;
        let suspicious = path.extension() != Some("rs") && self.macros_may_read(package, path);
        for &unit in graph.units_of(package) {
            let node = graph.unit(unit);
            let is_unknown = node.is_compiled()
                && !records.is_current(unit)
                && (suspicious || !self.sources.of(node).is_some_and(|reads| reads.complete));
            if is_unknown {
                self.seed(
                    unit,
                    Rule::Doubt,
                    change,
                    "a macro of its may read this file",
                );
            } else if is_a_test(node) {
                let because = "its tests may read this file as they run";
                self.add(unit, Effect::Rerun, Rule::RuntimeInput, change, because);
            }
        }
    }

    /// A file outside every package. Whoever reads it has to name it, or a directory above it.
    fn unplaced_outside(&mut self, change: &Change, path: &Utf8Path) {
        let Inputs {
            graph,
            layout,
            records,
            root,
            ..
        } = *self.inputs;
        let packages: Vec<_> = layout.packages().collect();
        for package in packages {
            if !self.sources.mentions(package, path, root) {
                continue;
            }
            for &unit in graph.units_of(package) {
                let node = graph.unit(unit);
                if node.is_compiled() && !records.is_current(unit) {
                    self.seed(
                        unit,
                        Rule::Doubt,
                        change,
                        "its package's sources mention this name",
                    );
                } else if is_a_test(node) {
                    let because = "its tests may read this file as they run";
                    self.add(unit, Effect::Rerun, Rule::RuntimeInput, change, because);
                }
            }
        }
    }

    fn macros_may_read(&mut self, package: PackageIx, path: &Utf8Path) -> bool {
        let Inputs {
            workspace,
            rules,
            layout,
            ..
        } = *self.inputs;
        let uses = |package: PackageIx| {
            workspace
                .package(package)
                .dependencies
                .iter()
                .map(|dependency| dependency.package)
        };
        let reads_files = |package: PackageIx| {
            let package = workspace.package(package);
            package.library().is_some_and(|library| library.proc_macro)
                && !rules.is_blind(&package.name)
        };
        // A macro is often handed on by the library that one depends on.
        let has_macros = uses(package).any(|one| reads_files(one) || uses(one).any(reads_files));
        let Some(directory) = layout.directory(package) else {
            return true;
        };
        has_macros && self.sources.mentions(package, path, directory)
    }

    pub(super) fn seed(&mut self, unit: UnitIx, rule: Rule, change: &Change, because: &str) {
        self.add(unit, Effect::Rebuilt, rule, change, because);
    }

    fn add(&mut self, unit: UnitIx, effect: Effect, rule: Rule, change: &Change, because: &str) {
        let path: Option<Utf8PathBuf> = Some(change.path.clone());
        let because = because.to_owned();
        self.found.seeds.push(Seed {
            unit,
            effect,
            rule,
            path,
            because,
            spreads: true,
        });
    }
}

/// Whether cargo runs it under `cargo test`.
fn is_a_test(unit: &Unit) -> bool {
    unit.is_test() && unit.kind != TargetKind::Bench
}

/// Whether a directory between the package's and the path holds a manifest: cargo's scan of a
/// package leaves such directories out.
fn is_in_nested_package(layout: &Layout, package: PackageIx, path: &Utf8Path) -> bool {
    let Some(directory) = layout.directory(package) else {
        return false;
    };
    path.ancestors()
        .skip(1)
        .take_while(|above| *above != directory)
        .any(|above| above.join("Cargo.toml").exists())
}

/// The kind of target that cargo would discover at a path below a package's directory.
fn conventional_target(below: &Utf8Path) -> Option<TargetKind> {
    let parts: Vec<&str> = below.iter().collect();
    match parts[..] {
        ["build.rs"] => Some(TargetKind::CustomBuild),
        ["src", "lib.rs"] => Some(TargetKind::Lib),
        ["src", "main.rs"] => Some(TargetKind::Bin),
        ["src", "bin", file] if file.ends_with(".rs") => Some(TargetKind::Bin),
        ["src", "bin", _, "main.rs"] => Some(TargetKind::Bin),
        _ => None,
    }
}
