//! Evidence from sources: the files that each unit reads, as its sources say.
//!
//! Only the newer side is scanned. This is sound. Suppose that the older side of a unit read a
//! changed file, and the newer side does not read this file. Then a declaration was removed
//! somewhere on the way from the root of the target to the file. The first file on the way that
//! lost its declaration has itself changed, and the newer side still reads this first file. If a
//! deleted file is still declared, the scan reports the file as missing.

mod configured;
mod facts;
mod file_facts;
mod glue;
mod including_macros;
mod macro_inputs;
mod names;
mod outside_paths;
mod reach;
mod reads;
mod run_time;
mod script;
mod script_libraries;
mod search;
mod source_files;
mod texts;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use camino::{Utf8Path, Utf8PathBuf};
use configured::Configured;
pub use facts::SourceFacts;
pub use file_facts::{FileFacts, download_directories};
use glue::GlueCalls;
pub use glue::READMES;
use names::COMMON_NAMES;
use outside_paths::Far;
pub use outside_paths::{OutsidePaths, Outsides};
use reach::{Makers, NameMemo};
pub use reads::Reads;
pub use run_time::{Bases, RunTime};
pub use script::WatchedBySource;
pub use search::Lines;
use search::Search;
use source_files::{links_below, read};
use texts::{SourcePlaces, Texts};

use super::listing::TargetListing;
use crate::paths::{RealPaths, resolved};
use crate::records::layout::PackageDirectories;
use crate::source_scan;
use crate::source_scan::DoubtKind;
use crate::unit_graph::{Mode, Unit};
use crate::workspace::{PackageIx, Target, TargetKind, Workspace};

/// The scans made so far. Each target is scanned once.
pub struct Sources<'a> {
    workspace: &'a Workspace,
    layout: &'a PackageDirectories,
    facts: &'a RefCell<SourceFacts>,
    targets: HashMap<(PackageIx, Utf8PathBuf, Mode), Rc<Reads>>,
    scripts: HashMap<PackageIx, Option<Rc<WatchedBySource>>>,
    far: HashMap<PackageIx, Rc<Far>>,
    run_time: run_time::KnownNames,
    /// The paths outside packages that were found in advance, by the text of the sources.
    outsides: Outsides,
    /// True if the sources of all packages were searched for outside paths.
    has_looked_outside: bool,
    /// True if the names in the sources of all packages were collected.
    has_collected_names: bool,
    /// The packages with a source that was not read. Such a package may reach any path.
    unread: HashSet<PackageIx>,
    /// The packages that reach a path: see [`Self::reaching`].
    reaching: Option<Rc<HashMap<Utf8PathBuf, Vec<PackageIx>>>>,
    real: RealPaths,
    /// True for the packages whose macros make their callers read files.
    emitters: HashMap<PackageIx, bool>,
    /// The macros of downloaded packages that may make their callers read files.
    including_macros: HashMap<PackageIx, Option<Rc<[String]>>>,
    /// The packages that depend on a package, at any depth.
    dependents: HashMap<PackageIx, Rc<HashSet<PackageIx>>>,
    texts: Texts,
    /// True if the default profile is built.
    is_dev: bool,
    /// The text of all settings that can contain flags for every build.
    flags: Option<Rc<str>>,
    listings: HashMap<PackageIx, Option<TargetListing>>,
    /// The targets of the links below directories that scripts watch.
    links: HashMap<Utf8PathBuf, Vec<Utf8PathBuf>>,
    /// The packages that may make paths for a package.
    near: HashMap<PackageIx, Rc<[PackageIx]>>,
    /// The files that each unit reads through modules that a macro declares and that the scan does
    /// not see.
    unseen: HashMap<Unit, Rc<HashSet<Utf8PathBuf>>>,
    /// The files of the modules that would declare a source file.
    modules_above: HashMap<Utf8PathBuf, Rc<[Utf8PathBuf]>>,
    /// The files that a module reads, by the file of the module.
    module_scans: HashMap<Utf8PathBuf, Rc<[Utf8PathBuf]>>,
    /// The packages whose macros units can use.
    macro_packages: HashMap<Users, Rc<[PackageIx]>>,
    /// The packages whose macros may make units read files.
    emitters_of: HashMap<Users, Rc<[PackageIx]>>,
    /// The sources that may make paths for units.
    makers: HashMap<Unit, Option<Rc<Makers>>>,
    configured: Configured,
    /// The files that a key of a package's manifest may name; `None` for a manifest that cannot be
    /// read.
    paths_in_manifests: HashMap<(PackageIx, &'static str), Option<Rc<[Utf8PathBuf]>>>,
    /// The calls of macros that may glue names of files.
    glue_calls: HashMap<Unit, Rc<GlueCalls>>,
    /// The packages that name a component of a path in code.
    naming: NameMemo,
    /// The packages that name a component of a path in a file with macros.
    naming_in_macros: NameMemo,
    /// The packages whose sources contain a name that a macro may make.
    making: NameMemo,
}

/// The units of a package with the same dependencies: the package, true for the build script, and
/// true for units with dev-dependencies.
type Users = (PackageIx, bool, bool);

impl<'a> Sources<'a> {
    /// Starts without scans. `outsides` holds the paths that were found in advance.
    pub fn new(
        workspace: &'a Workspace,
        layout: &'a PackageDirectories,
        facts: &'a RefCell<SourceFacts>,
        outsides: Outsides,
    ) -> Self {
        Self {
            workspace,
            layout,
            facts,
            targets: HashMap::new(),
            scripts: HashMap::new(),
            far: HashMap::new(),
            run_time: run_time::KnownNames::default(),
            outsides,
            unread: HashSet::new(),
            reaching: None,
            real: RealPaths::default(),
            emitters: HashMap::new(),
            including_macros: HashMap::new(),
            dependents: HashMap::new(),
            texts: Texts::default(),
            is_dev: true,
            flags: None,
            listings: HashMap::new(),
            links: HashMap::new(),
            near: HashMap::new(),
            unseen: HashMap::new(),
            modules_above: HashMap::new(),
            module_scans: HashMap::new(),
            has_looked_outside: false,
            has_collected_names: false,
            macro_packages: HashMap::new(),
            emitters_of: HashMap::new(),
            makers: HashMap::new(),
            configured: Configured::default(),
            paths_in_manifests: HashMap::new(),
            glue_calls: HashMap::new(),
            naming: NameMemo::default(),
            naming_in_macros: NameMemo::default(),
            making: NameMemo::default(),
        }
    }

    /// Logs how many targets and build scripts were scanned.
    pub(super) fn log_scans(&self) {
        let (scanned, cached) = self.facts.borrow().files.scans;
        log::info!("sources: scanned {scanned} targets; {cached} scans are in the scan cache");
    }

    /// Sets the profile in which units are built; `None` is the default profile.
    #[must_use]
    pub fn in_profile(self, profile: Option<&str>) -> Self {
        Self {
            is_dev: profile.is_none(),
            ..self
        }
    }

    /// Returns the files and variables that a unit's target reads.
    pub fn of(&mut self, unit: &Unit) -> Option<Rc<Reads>> {
        let package = self.workspace.package(unit.package);
        let is_it = |target: &&Target| target.kind == unit.kind && target.name == unit.target;
        let target = package.targets.iter().find(is_it)?;
        self.of_target(unit.package, target, unit.mode)
    }

    fn of_target(&mut self, package: PackageIx, target: &Target, mode: Mode) -> Option<Rc<Reads>> {
        let directory = self.layout.directory(package)?;
        let written = self.workspace.package(package).directory();
        let root = match target.src_path.strip_prefix(written) {
            Ok(below) => directory.join(below),
            Err(_) => target.src_path.clone(),
        };
        let key = (package, root, mode);
        if let Some(known) = self.targets.get(&key) {
            return Some(Rc::clone(known));
        }
        let is_built_for_host = target.proc_macro || target.kind == TargetKind::CustomBuild;
        let features_known =
            target.kind == TargetKind::CustomBuild || !self.may_set_features(package);
        let workspace = self.workspace;
        let flags = self.flags();
        let is_set_by_hand = |option: &str| {
            // The compilation of a build script comes before any output of the script.
            let script = match target.kind {
                TargetKind::CustomBuild => None,
                _ => self.script(package),
            };
            flags.contains(option) || script.is_some_and(|script| script.holds(&[option]))
        };
        let is_unset = !["miri", "docsrs"].map(is_set_by_hand).contains(&true);
        let leaves = |keys: [&str; 2]| self.is_dev && !keys.iter().any(|key| flags.contains(key));
        let asserts = leaves(["debug-assertions", "DEBUG_ASSERTIONS"]);
        // On other systems a panic may abort without a setting of the user.
        let systems = ["unix", "windows"].map(|it| workspace.is_set(it, None, is_built_for_host));
        // Cargo ignores the profile's `panic` for tests and for the units of the host.
        let ignores_profile = (mode == Mode::Test || is_built_for_host)
            && !["panic=", "panic-abort-tests"]
                .iter()
                .any(|it| flags.contains(it));
        let unwinds =
            (ignores_profile || leaves(["panic", "PANIC"])) && systems.contains(&Some(true));
        let holds = |option: &str, value: Option<&str>| match (option, value) {
            ("test", None) => Some(mode == Mode::Test),
            ("doc", None) if mode == Mode::Doc => Some(true),
            ("doc" | "doctest", None) if mode != Mode::Doctest => Some(false),
            ("miri" | "docsrs", None) if is_unset => Some(false),
            ("proc_macro", None) => Some(target.proc_macro),
            ("debug_assertions", None) => asserts.then_some(true),
            ("panic", Some(strategy)) => unwinds.then_some(strategy == "unwind"),
            ("feature", Some(feature)) if features_known => {
                // A package may be built several times, and one of the builds may lack a feature of
                // another.
                let package = workspace.package(package);
                match package.features.iter().any(|on| on == feature) {
                    false => Some(false),
                    true => package.has_always(feature).then_some(true),
                }
            }
            _ => workspace.is_set(option, value, is_built_for_host),
        };
        let scan = self
            .facts
            .borrow_mut()
            .files
            .scan(&key.1, directory, &holds);
        let known = scan.modules.iter().chain(&scan.included);
        let mut files: HashSet<Utf8PathBuf> = known.cloned().collect();
        let real: Vec<_> = files.iter().filter_map(|it| self.real.of(it)).collect();
        files.extend(real);
        files.extend(scan.missing);
        let doubts = |kinds: &[DoubtKind]| scan.doubts.iter().any(|it| kinds.contains(&it.kind));
        let is_code = |doubt: &source_scan::SourceDoubt| doubt.reason.starts_with("include!(");
        let sources = files.iter().filter(|it| it.extension() == Some("rs"));
        let beside = sources.filter_map(|it| it.parent());
        let reads = Rc::new(Reads {
            source_directories: beside.map(Utf8Path::to_owned).collect(),
            files,
            includes_made_code: scan.doubts.iter().any(is_code),
            env: scan.env.into_iter().collect(),
            complete: scan.doubts.is_empty(),
            generated: scan.generated,
            calls_macros: scan.calls_macros || scan.generated || !scan.doubts.is_empty(),
            by_environment: doubts(&[DoubtKind::UnknownEnv]),
            unlexable: doubts(&[DoubtKind::Unlexable]),
            directory: directory.to_owned(),
            passed_to_macros: scan.passed_to_macros,
            calls: scan.calls,
            has_including_macros: doubts(&[DoubtKind::MacroMadePath, DoubtKind::MacroMadeModule]),
        });
        self.targets.insert(key, Rc::clone(&reads));
        Some(reads)
    }

    /// Returns true if these lines of a package's sources contain the name of the path, or of a
    /// directory between `within` and the path.
    pub fn mentions(
        &mut self,
        package: PackageIx,
        lines: Lines,
        path: &Utf8Path,
        within: &Utf8Path,
    ) -> bool {
        let below = path.strip_prefix(within).unwrap_or(path);
        // Short names, and the names of files and directories that every package has, are no
        // evidence.
        let is_evidence = |name: &&str| name.len() > 1 && !COMMON_NAMES.contains(name);
        let file = path.file_name().filter(is_evidence);
        let stem = file.and(path.file_stem());
        let names: Vec<&str> = below.iter().chain(stem).filter(is_evidence).collect();
        self.names_any(package, lines, &names)
    }

    /// Returns true if these lines of a package's sources contain one of the names as a component
    /// of a path.
    fn names_any(&mut self, package: PackageIx, lines: Lines, names: &[&str]) -> bool {
        let Some(directory) = self.layout.directory(package) else {
            return false;
        };
        if !self.texts.has_parts(package) {
            self.collect_names();
            let far = self.far(package);
            let mut places = SourcePlaces::new(directory, &far.paths, &self.workspace.root);
            let includes_code = Search::Any(&["include!", "include !"]);
            places.has_unlisted = places.has_unlisted && self.text_holds(package, &includes_code);
            let files = &mut self.facts.borrow_mut().files;
            self.texts.collect_parts(files, package, &places);
        }
        self.texts.name_any(package, lines, names)
    }

    /// Collects the names in the sources of all packages, once.
    fn collect_names(&mut self) {
        if std::mem::replace(&mut self.has_collected_names, true) {
            return;
        }
        let packages = self.layout.packages();
        let listed = packages.map(|(_, directory)| self.texts.sources_below(directory));
        let listed: Vec<Rc<[Utf8PathBuf]>> = listed.collect();
        let sources = listed.iter().flat_map(|listed| listed.iter());
        self.facts.borrow_mut().files.collect_names(sources);
    }

    /// Returns true if cargo lists a file of a package. Cargo watches the listed files for a build
    /// script that declares no input.
    pub fn lists(&mut self, package: PackageIx, path: &Utf8Path) -> bool {
        let below = self.layout.directory(package);
        let Some(below) = below.and_then(|directory| path.strip_prefix(directory).ok()) else {
            return true;
        };
        let manifest = &self.workspace.package(package).manifest_path;
        let listing = self.listings.entry(package);
        let listing = listing.or_insert_with(|| TargetListing::of(&read(manifest)?));
        listing.as_ref().is_none_or(|listing| listing.has(below))
    }

    /// Returns true if a path that a build script watches is the changed path or a directory that
    /// contains the changed path. Symbolic links are followed, as cargo does.
    pub fn covers(&mut self, watched: &Utf8Path, path: &Utf8Path) -> bool {
        let real = resolved(watched);
        if path.starts_with(watched) || path.starts_with(&real) {
            return true;
        }
        let leads = self
            .links
            .entry(real)
            .or_insert_with_key(|real| links_below(real));
        leads.iter().any(|to| path.starts_with(to))
    }

    /// Returns the inputs that a package's build script watches, according to its sources.
    pub fn script(&mut self, package: PackageIx) -> Option<Rc<WatchedBySource>> {
        if let Some(known) = self.scripts.get(&package) {
            return known.clone();
        }
        let directory = self.layout.directory(package)?;
        let kept = self.facts.borrow().script(directory);
        let script = kept.unwrap_or_else(|| {
            let (script, outside) = self.scan_script(package, directory).unzip();
            let mut facts = self.facts.borrow_mut();
            facts.keep_script(directory, script.as_deref(), outside.unwrap_or_default());
            script
        });
        self.scripts.insert(package, script.clone());
        script
    }

    /// Returns cargo's configuration, the workspace's profiles and the variables that contain
    /// flags, as one text.
    fn flags(&mut self) -> Rc<str> {
        let texts = self.configuration_texts();
        let root = &self.workspace.root;
        let flags = self.flags.get_or_insert_with(|| {
            let has_flags =
                |name: &str| name.contains("RUSTFLAGS") || name.contains("CARGO_PROFILE");
            let variables = std::env::vars().filter(|(name, _)| has_flags(name));
            let variables = variables.map(|(name, value)| format!("{name}={value}\n"));
            let manifest = read(&root.join("Cargo.toml"));
            let manifest = manifest.and_then(|text| text.parse::<toml::Table>().ok());
            let profiles = manifest.and_then(|it| it.get("profile").map(ToString::to_string));
            variables
                .chain(texts.iter().cloned())
                .chain(profiles)
                .collect::<String>()
                .into()
        });
        Rc::clone(flags)
    }

    /// Returns true if the package's script or flags may set features that `cargo metadata` does
    /// not report.
    fn may_set_features(&mut self, package: PackageIx) -> bool {
        let flags = self.flags();
        let by_flags = flags.contains("--cfg") && flags.contains("feature=");
        let may_set = |script: Rc<WatchedBySource>| script.may_set_features();
        by_flags || self.script(package).is_some_and(may_set)
    }

    /// Scans a package's build script and the functions that it calls in libraries of the workspace.
    /// Returns the inputs that the script watches, and the files outside the package that the scan
    /// read.
    fn scan_script(
        &mut self,
        package: PackageIx,
        directory: &Utf8Path,
    ) -> Option<(Rc<WatchedBySource>, Vec<Utf8PathBuf>)> {
        let mut targets = self.workspace.package(package).targets.iter();
        let target = targets.find(|target| target.kind == TargetKind::CustomBuild)?;
        let libraries = self.followed_libraries(package);
        let (scan, of_libraries) =
            source_scan::scan_build_script(&target.src_path, directory, &libraries, &mut |path| {
                read(path).map(Into::into)
            });
        let reads = self.of_target(package, target, Mode::Build)?;
        let text = reads.files.iter().filter_map(|file| read(file)).collect();
        let called = of_libraries.called.iter();
        let text_of_libraries = called.filter_map(|file| read(file)).collect();
        let outside = reads.files.iter().filter(|it| !it.starts_with(directory));
        let mut outside: Vec<_> = outside.cloned().chain(of_libraries.files).collect();
        // The root manifest can name another package for a dependency.
        outside.push(self.workspace.root.join("Cargo.toml"));
        let script = WatchedBySource::new(scan, text, text_of_libraries);
        Some((Rc::new(script), outside))
    }
}

#[cfg(test)]
mod tests;
