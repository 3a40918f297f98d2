//! Seeds from settings files. The meaning of these files counts and not their text, so both sides
//! are compared.

use camino::{Utf8Path, Utf8PathBuf};

use super::settings::{BothSides, Setting};
use super::{Propagation, Rule, Seed};
use crate::seeds::{Resolution, SeedFinder, SeedInputs};
use crate::semantic_diff::config::{compare_config, compare_sole_config};
use crate::semantic_diff::lock::compare_locks;
use crate::semantic_diff::manifest::compare_manifest;
use crate::semantic_diff::toolchain::compare_toolchain;
use crate::semantic_diff::{SemanticChange as Meaning, TouchedUnits};
use crate::vcs::{Change, Seen};
use crate::workspace::PackageIx;
use crate::{files, observed};

const UNREADABLE: &str = "one version of it cannot be read";

impl SeedFinder<'_> {
    /// Seeds the units that a settings file touches. Returns `false` if the path is not a settings
    /// file.
    pub(super) fn setting(&mut self, change: &Change, path: &Utf8Path) -> bool {
        let inputs = self.inputs;
        let Some((setting, path)) = inputs.settings.of(path) else {
            return false;
        };
        let directory = path.parent().unwrap_or(path);
        let package = inputs.layout.at(directory);
        let is_root = inputs.settings.workspace_root == directory;
        if change.is_outside() {
            return self.outside(change, setting, directory);
        }
        let contents = (inputs.contents)(&change.path);
        if change.seen == Seen::Named && contents.before == contents.after {
            // The user named the file, but the file is identical in `HEAD`.
            let because = "it is named as changed, and the difference is unknown";
            match package {
                Some(package) if setting == Setting::Manifest && !is_root => {
                    self.seed_package(package, Rule::Doubt, change, because);
                }
                _ => self.everything(change, because),
            }
            return true;
        }
        match setting {
            Setting::Manifest => {
                return self.manifest(change, directory, (package, is_root), &contents);
            }
            Setting::Lock => self.lock(change, &contents),
            Setting::Toolchain => {
                let sides = (contents.before.as_deref(), contents.after.as_deref());
                let meanings = compare_toolchain(sides.0, sides.1);
                if !meanings.is_empty() && (inputs.is_same_compiler)(sides.0, sides.1) {
                    return true;
                }
                self.meanings(change, None, Rule::Toolchain, meanings);
            }
            Setting::Configuration => {
                let compare = match self.is_sole_configuration(path) {
                    true => compare_sole_config,
                    false => compare_config,
                };
                match contents.compare(compare) {
                    Some(meanings) => self.meanings(change, None, Rule::Configuration, meanings),
                    None => self.everything(change, UNREADABLE),
                }
            }
        }
        true
    }

    /// Returns true if target triples and flags can come only from this file, on both sides of the
    /// change. No other configuration file, environment variable or option of the query then sets
    /// any.
    fn is_sole_configuration(&self, path: &Utf8Path) -> bool {
        let SeedInputs {
            config,
            settings,
            targets,
            changes,
            root,
            ..
        } = *self.inputs;
        let Some(config) = config.filter(|_| targets.is_empty()) else {
            return false;
        };
        let mut variables = config.variables();
        let decides = |name: &str| {
            let ends = ["RUSTFLAGS", "RUSTDOCFLAGS"];
            name == "CARGO_BUILD_TARGET" || ends.iter().any(|end| name.ends_with(end))
        };
        if variables.any(|(name, _)| decides(name)) {
            return false;
        }
        let says_nothing = |file: &Utf8PathBuf| {
            let text = files::read_text(file, files::SETTINGS);
            let names = |text: String| text.contains("target") || text.contains("flags");
            !observed::exists(file) || text.is_ok_and(|text| !names(text))
        };
        let is_other = |change: &Change| {
            let changed = root.join(&change.path);
            let known = settings.of(&changed);
            known.is_some_and(|(setting, known)| setting == Setting::Configuration && known != path)
        };
        let mut others = settings.configuration().filter(|file| *file != path);
        others.all(says_nothing) && !changes.iter().any(is_other)
    }

    /// Seeds the units that a settings file outside the repository touches. The older side of the
    /// file is not known.
    fn outside(&mut self, change: &Change, setting: Setting, directory: &Utf8Path) -> bool {
        let because = "it lies outside the repository, so the difference is unknown";
        if setting != Setting::Manifest || self.inputs.settings.workspace_root == directory {
            self.everything(change, because);
            return true;
        }
        // The root manifest of a workspace holds settings for the packages below it.
        let packages: Vec<PackageIx> = self.inputs.layout.below(directory).collect();
        for &package in &packages {
            for (unit, _) in
                self.touched_units(Some(package), &TouchedUnits::PackageAndDependencies)
            {
                self.seed(unit, Rule::Doubt, change, because);
            }
        }
        !packages.is_empty()
    }

    fn manifest(
        &mut self,
        change: &Change,
        directory: &Utf8Path,
        (package, is_root): (Option<PackageIx>, bool),
        contents: &BothSides,
    ) -> bool {
        let SeedInputs {
            layout, workspace, ..
        } = *self.inputs;
        // A path package outside the workspace has a root manifest of its own.
        let is_others_root = layout.packages().any(|(package, at)| {
            !workspace.package(package).member && at.starts_with(directory) && at != directory
        });
        if package.is_none() && !is_root && !is_others_root {
            // The manifest is a fixture, or belongs to a deleted package. A comparison of
            // resolutions finds the dependents of a deleted package.
            return contents.after.is_none();
        }
        let Some(mut meanings) = contents.compare(compare_manifest) else {
            self.everything(change, UNREADABLE);
            return true;
        };
        if let Some(package) = package
            && contents.before.is_none()
        {
            self.seed_package(package, Rule::Manifest, change, "the package is new");
        }
        if !is_root {
            meanings.retain(|meaning| {
                !meaning.root_only()
                    || is_others_root && matches!(meaning.what, TouchedUnits::Inherited(_))
            });
        }
        self.meanings(change, package, Rule::Manifest, meanings);
        true
    }

    fn lock(&mut self, change: &Change, contents: &BothSides) {
        let sides = (contents.before.as_deref(), contents.after.as_deref());
        let Some(entries) = compare_locks(sides.0, sides.1) else {
            return self.everything(change, UNREADABLE);
        };
        // Cargo's unit graphs show every difference of the lock file except a changed checksum.
        let is_compared = matches!(self.inputs.resolution, Resolution::Compared(_));
        let untold = entries.iter().filter(|it| !is_compared || it.only_checksum);
        for entry in untold {
            for (index, package) in self.inputs.workspace.packages() {
                if package.name == entry.name && package.version == entry.version {
                    let because = "its entry in the lock differs";
                    self.seed_package(index, Rule::Resolution, change, because);
                }
            }
        }
    }

    fn everything(&mut self, change: &Change, because: &str) {
        let graph = self.inputs.graph;
        for (unit, _) in graph.units() {
            self.seed(unit, Rule::Doubt, change, because);
        }
    }

    fn meanings(
        &mut self,
        change: &Change,
        package: Option<PackageIx>,
        rule: Rule,
        meanings: Vec<Meaning>,
    ) {
        let is_compared = matches!(self.inputs.resolution, Resolution::Compared(_));
        for meaning in meanings {
            if is_compared && meaning.covered_by_unit_graph {
                continue;
            }
            let because = format!("`{}` {}", meaning.key, meaning.why);
            let spread = match self.spares_host(&meaning.what) {
                true => Propagation::NamedTriple,
                false => Propagation::All,
            };
            for (unit, effect) in self.touched_units(package, &meaning.what) {
                self.seeds.push(Seed {
                    effect,
                    spread,
                    path: Some(change.path.clone()),
                    ..Seed::new(unit, rule, &because)
                });
            }
        }
    }
}
