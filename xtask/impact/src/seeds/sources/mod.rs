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
mod macro_inputs;
mod names;
mod reach;
mod run_time;
mod script;
mod script_libraries;
mod texts;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use configured::Configured;
pub use facts::SourceFacts;
pub use file_facts::FileFacts;
use names::COMMON_NAMES;
use reach::{Makers, NameMemo};
pub use run_time::{Bases, RunTime};
pub use script::WatchedBySource;
use serde::{Deserialize, Serialize};
pub use texts::{Lines, OutsidePaths, Outsides};
use texts::{Texts, links_below, read};

use super::listing::Listing;
use crate::paths::{RealPaths, resolved};
use crate::records::layout::PackageDirectories;
use crate::source_scan::DoubtKind;
use crate::unit_graph::{Mode, Unit};
use crate::workspace::{PackageIx, Target, TargetKind, Workspace};
use crate::{parallel, source_scan};

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
    texts: Texts,
    /// True if the default profile is built.
    is_dev: bool,
    /// The text of all settings that can contain flags for every build.
    flags: Option<Rc<str>>,
    listings: HashMap<PackageIx, Option<Listing>>,
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

/// The paths that a package reaches outside its directory.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Far {
    /// The paths outside the directory that the sources name, and the targets of links. A source
    /// names such a path with `../`, so a text without `../` names none.
    paths: Vec<Utf8PathBuf>,
    /// The targets of links.
    linked: Vec<Utf8PathBuf>,
    /// True if the sources may learn the location of a package or of the workspace while they run.
    knows_location: bool,
    /// True if the package may step up to the directory above its own.
    may_climb: bool,
    /// True if code in a file without the extension `rs` is included. A module of such code may name
    /// paths that are not listed here.
    includes_others: bool,
}

/// The files and variables that one target reads, according to its sources.
#[derive(Debug, Default)]
pub struct Reads {
    /// The directory of the target's package.
    directory: Utf8PathBuf,
    files: HashSet<Utf8PathBuf>,
    /// The directories that contain Rust sources of the target.
    source_directories: HashSet<Utf8PathBuf>,
    /// The variables that the target reads by name.
    pub env: HashSet<String>,
    /// True if the scan saw every file that the target reads. Macros of other packages and
    /// generated code may still hide files.
    pub complete: bool,
    /// True if the target includes code that its build script generates.
    pub generated: bool,
    /// True if a path in the sources depends on a variable.
    pub by_environment: bool,
    /// True if the target includes code by a path that a macro or a variable makes.
    includes_made_code: bool,
    /// True if a source of the target cannot be read as Rust.
    unlexable: bool,
    /// True if the macros of the target may make their callers read files.
    has_including_macros: bool,
    /// True if the target may use macros of other packages.
    calls_macros: bool,
    /// The texts that the target passes to macros and that may name a file, a directory or a
    /// module.
    passed_to_macros: BTreeSet<String>,
}

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
        let known = known.flat_map(|file| [file.clone(), resolved(file)]);
        let mut files: HashSet<Utf8PathBuf> = known.collect();
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
            has_including_macros: doubts(&[DoubtKind::MacroMadePath, DoubtKind::MacroMadeModule]),
        });
        self.targets.insert(key, Rc::clone(&reads));
        Some(reads)
    }

    /// Returns the packages whose sources may read a path. One of them is the package that contains
    /// the path. The others name a path outside their own directory: the path itself, a directory
    /// above the path, or a module whose directory contains the path.
    pub fn may_read(&mut self, path: &Utf8Path) -> Vec<PackageIx> {
        let reaching = self.reaching();
        let mut found: BTreeSet<PackageIx> = self.unread.iter().copied().collect();
        found.extend(self.layout.owner(path));
        let leading = path.ancestors().filter_map(|above| reaching.get(above));
        found.extend(leading.flatten());
        found.into_iter().collect()
    }

    /// Returns true if a package may reach a path outside its directory: see [`Self::may_read`].
    fn reaches(&mut self, package: PackageIx, path: &Utf8Path) -> bool {
        let reaching = self.reaching();
        let mut leading = path.ancestors().filter_map(|above| reaching.get(above));
        self.unread.contains(&package) || leading.any(|packages| packages.contains(&package))
    }

    /// Returns the packages that reach a path outside their directory, by this path. A source
    /// stands for its directory too, which may contain modules.
    fn reaching(&mut self) -> Rc<HashMap<Utf8PathBuf, Vec<PackageIx>>> {
        if let Some(known) = &self.reaching {
            return Rc::clone(known);
        }
        self.look_outside();
        let mut reaching: HashMap<Utf8PathBuf, Vec<PackageIx>> = HashMap::new();
        for (package, _) in self.layout.packages() {
            for far in &self.far(package).paths {
                let beside = far.parent().filter(|_| far.extension() == Some("rs"));
                for to in [Some(far.as_path()), beside].into_iter().flatten() {
                    reaching.entry(to.to_owned()).or_default().push(package);
                }
            }
        }
        let reaching = Rc::new(reaching);
        self.reaching = Some(Rc::clone(&reaching));
        reaching
    }

    /// Returns the paths that a package reaches outside its directory.
    fn far(&mut self, package: PackageIx) -> Rc<Far> {
        if let Some(known) = self.far.get(&package) {
            return Rc::clone(known);
        }
        let Some(directory) = self.layout.directory(package) else {
            return Rc::default();
        };
        let kept = self.facts.borrow().far(directory);
        let far = Rc::new(kept.unwrap_or_else(|| {
            let far = self.find_far(package, directory);
            self.facts.borrow_mut().keep_far(directory, &far);
            far
        }));
        self.far.insert(package, Rc::clone(&far));
        far
    }

    /// Reads the sources of all packages without known facts, once.
    fn look_outside(&mut self) {
        if std::mem::replace(&mut self.has_looked_outside, true) {
            return;
        }
        let facts = self.facts.borrow();
        let unknown = self.layout.packages().filter(|(package, directory)| {
            !self.far.contains_key(package)
                && facts.far(directory).is_none()
                && !self.outsides.contains_key(*directory)
        });
        let unknown: Vec<&Utf8Path> = unknown.map(|(_, directory)| directory).collect();
        let found = parallel::parts(&unknown, |part| {
            part.iter()
                .map(|directory| OutsidePaths::of(directory))
                .collect()
        });
        let unknown = unknown.into_iter().map(Utf8Path::to_owned);
        self.outsides.extend(unknown.zip(found));
    }

    fn find_far(&mut self, package: PackageIx, directory: &Utf8Path) -> Far {
        let outside = self.outsides.remove(directory);
        let outside = outside.unwrap_or_else(|| OutsidePaths::of(directory));
        let OutsidePaths {
            knows_location,
            may_climb,
            linked,
            ..
        } = &outside;
        let (knows_location, may_climb, linked) = (*knows_location, *may_climb, linked.clone());
        let has_no_links = outside.has_no_links();
        let includes_others = outside.includes_others;
        if outside.has_unread {
            self.unread.insert(package);
        }
        let mut far = outside.reached;
        let declared = self.workspace.package(package);
        // The root of a target may lie anywhere, with its modules in the same directory.
        for Target { src_path, .. } in &declared.targets {
            let is_below = src_path.starts_with(declared.directory());
            if has_no_links && is_below && !src_path.as_str().contains("..") {
                continue;
            }
            let root = self.real.resolved(src_path);
            if !root.starts_with(directory) {
                far.push(root);
            }
        }
        // A file outside the package may name more files, or have modules in its own directory.
        if !far.is_empty() || includes_others {
            for target in &declared.targets {
                // The result is cached for other features too.
                let root = self.real.resolved(&target.src_path);
                let mut facts = self.facts.borrow_mut();
                let scan = facts.files.scan(&root, directory, &|_, _| None);
                let named = [scan.modules, scan.included, scan.missing];
                let files = named.iter().flatten();
                let files = files.flat_map(|file| [file.clone(), resolved(file)]);
                far.extend(files.filter(|file| self.layout.owner(file) != Some(package)));
            }
        }
        far.sort();
        far.dedup();
        Far {
            paths: far,
            linked,
            knows_location,
            may_climb,
            includes_others,
        }
    }

    /// Returns true if a package's sources name a path outside the package at or below `path`.
    pub fn names_below(&mut self, package: PackageIx, path: &Utf8Path) -> bool {
        self.far(package)
            .paths
            .iter()
            .any(|far| far.starts_with(path))
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
        // Short names, and the names of files and directories that every package has, say nothing.
        let says_something = |name: &&str| name.len() > 1 && !COMMON_NAMES.contains(name);
        let file = path.file_name().filter(says_something);
        let stem = file.and(path.file_stem());
        let names: Vec<&str> = below.iter().chain(stem).filter(says_something).collect();
        self.names_any(package, lines, &names)
    }

    /// Returns true if these lines of a package's sources contain one of the names as a component
    /// of a path.
    fn names_any(&mut self, package: PackageIx, lines: Lines, names: &[&str]) -> bool {
        let Some(directory) = self.layout.directory(package) else {
            return false;
        };
        self.collect_names();
        let far = self.far(package);
        let files = &mut self.facts.borrow_mut().files;
        self.texts
            .name_any(files, package, directory, &far.paths, lines, names)
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
        let listing = listing.or_insert_with(|| Listing::of(&read(manifest)?));
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
            source_scan::scan_build_script(&target.src_path, directory, &libraries, &mut read);
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

impl Reads {
    /// Returns true if the target reads the file.
    pub fn has(&self, path: &Utf8Path) -> bool {
        self.files.contains(path)
    }

    /// Returns the sources that a search of the package's directory does not find: they lie
    /// elsewhere or have another extension than `rs`.
    fn far_sources(&self) -> impl Iterator<Item = &Utf8Path> {
        let is_far = |file: &&Utf8PathBuf| {
            !file.starts_with(&self.directory) || file.extension() != Some("rs")
        };
        self.files.iter().filter(is_far).map(Utf8PathBuf::as_path)
    }

    /// Returns the part of a file's path that the target passes to macros. A file also counts as
    /// passed by name if the target passes the name of another file that lies in a directory above
    /// the file. The package's directory and `src` do not count as such directories. A macro that
    /// reads one file of a directory may read its neighbours too. For example, templates include
    /// one another.
    fn passes(&self, file: &Utf8Path, package: &Utf8Path, root: &Utf8Path) -> PassedTo {
        let Ok(below) = file.strip_prefix(package) else {
            return PassedTo::Nothing;
        };
        let whole: Vec<&str> = file.strip_prefix(root).unwrap_or(below).iter().collect();
        let (above, stem) = (&whole[..whole.len() - 1], below.file_stem());
        let bare: Vec<&str> = above.iter().copied().chain(stem).collect();
        let outside = whole.len() - below.iter().count();
        // The matching part must end inside the package.
        let names = |way: &[&str], parts: &[&str]| {
            let mut places = way.windows(parts.len()).enumerate();
            places.any(|(at, some)| some == parts && at + some.len() > outside)
        };
        let of = |passed: &String| {
            let parts: Vec<&str> = Utf8Path::new(passed)
                .iter()
                .filter(|part| !matches!(*part, "." | ".." | "/" | "$CARGO_MANIFEST_DIR"))
                .take_while(|part| !part.contains('*'))
                .collect();
            let has_neighbour = || {
                let mut above = below.ancestors().skip(1);
                parts.last().is_some_and(|last| last.contains('.'))
                    && above.any(|above| {
                        !matches!(above.as_str(), "" | "src")
                            && package.join(above).join(passed).is_file()
                    })
            };
            let is_named = match parts[..] {
                [] => true,
                [name] => below
                    .parent()
                    .is_some_and(|it| it.iter().any(|dir| dir == name)),
                _ => names(&whole, &parts) || names(&bare, &parts),
            };
            let is_last = || {
                let name = Some(parts[0]).filter(|_| parts.len() == 1);
                name.is_some() && [below.file_name(), below.file_stem()].contains(&name)
            };
            if is_named {
                PassedTo::Path
            } else if is_last() || has_neighbour() {
                PassedTo::Name
            } else {
                PassedTo::Nothing
            }
        };
        self.passed_to_macros
            .iter()
            .map(of)
            .max()
            .unwrap_or(PassedTo::Nothing)
    }
}

/// The part of a file's path that a target passes to macros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum PassedTo {
    Nothing,
    /// Only the file's name, or the name of a neighbour of the file.
    Name,
    /// The file's name with directories, or the name of a directory above the file.
    Path,
}
