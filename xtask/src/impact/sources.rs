//! Evidence from sources: which units read a file, as the sources themselves say.
//!
//! Only the newer side is scanned. That is sound: had the older side of a unit read a changed file
//! which the newer side does not read, then somewhere on the way to it, from the target's root
//! down, a declaration went; the first file on that way whose declaration went has itself changed,
//! and the newer side still reads it. A file that is still declared and was deleted is among the
//! scan's missing ones.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use super::layout::Layout;
use crate::graph::{Mode, Unit};
use crate::repo::resolved;
use crate::repo::rust_source::{self, BuildScriptScan, DoubtKind};
use crate::workspace::{PackageIx, Target, TargetKind, Workspace};

/// The scans made so far, so that each target is scanned once.
pub struct Sources<'a> {
    workspace: &'a Workspace,
    layout: &'a Layout,
    targets: HashMap<(PackageIx, Utf8PathBuf, bool), Rc<Reads>>,
    scripts: HashMap<PackageIx, Option<Rc<Script>>>,
    far: HashMap<PackageIx, Rc<Vec<Utf8PathBuf>>>,
    /// Whether the macros of a package make their callers read files.
    emitters: HashMap<PackageIx, bool>,
    /// Whether a package's text holds one of these words.
    held: HashMap<(PackageIx, Words), bool>,
    /// Where the links below directories that scripts watch lead.
    links: HashMap<Utf8PathBuf, Vec<Utf8PathBuf>>,
}

/// What the sources of one target say that it reads.
#[derive(Debug, Default)]
pub struct Reads {
    files: HashSet<Utf8PathBuf>,
    /// Variables that it reads by name.
    pub env: HashSet<String>,
    /// Whether the scan saw all that is read, as far as no macro of another package hides it.
    pub complete: bool,
    /// Whether its macros may make whoever calls them read files.
    gives_inclusions: bool,
}

/// What a build script's sources say that it watches.
#[derive(Debug)]
pub struct Script {
    scan: BuildScriptScan,
    /// All of the script's text, to look for names in.
    text: String,
}

impl<'a> Sources<'a> {
    /// Nothing scanned yet.
    pub fn new(workspace: &'a Workspace, layout: &'a Layout) -> Self {
        Self {
            workspace,
            layout,
            targets: HashMap::new(),
            scripts: HashMap::new(),
            far: HashMap::new(),
            emitters: HashMap::new(),
            held: HashMap::new(),
            links: HashMap::new(),
        }
    }

    /// What a unit's target reads.
    pub fn of(&mut self, unit: &Unit) -> Option<Rc<Reads>> {
        let package = self.workspace.package(unit.package);
        let is_it = |target: &&Target| target.kind == unit.kind && target.name == unit.target;
        let target = package.targets.iter().find(is_it)?;
        self.of_target(unit.package, target, unit.mode == Mode::Test)
    }

    fn of_target(&mut self, package: PackageIx, target: &Target, tests: bool) -> Option<Rc<Reads>> {
        let directory = self.layout.directory(package)?;
        let written = self.workspace.package(package).directory();
        let root = match target.src_path.strip_prefix(written) {
            Ok(below) => directory.join(below),
            Err(_) => target.src_path.clone(),
        };
        let key = (package, root, tests);
        if let Some(known) = self.targets.get(&key) {
            return Some(Rc::clone(known));
        }
        let scan = rust_source::scan(&key.1, directory, tests, &mut read);
        let all = |files: &std::collections::BTreeSet<Utf8PathBuf>| -> HashSet<Utf8PathBuf> {
            files
                .iter()
                .flat_map(|file| [file.clone(), resolved(file)])
                .collect()
        };
        let mut files = all(&scan.modules);
        files.extend(all(&scan.included));
        files.extend(scan.missing.iter().cloned());
        let reads = Rc::new(Reads {
            files,
            env: scan.env.into_iter().collect(),
            complete: scan.doubts.is_empty() && !scan.generated,
            gives_inclusions: scan.doubts.iter().any(|doubt| {
                matches!(
                    doubt.kind,
                    DoubtKind::MacroMadePath | DoubtKind::MacroMadeModule
                )
            }),
        });
        self.targets.insert(key, Rc::clone(&reads));
        Some(reads)
    }

    /// The packages whose sources may read a path: the one that it lies in, and those that name
    /// paths outside their own directory, if one of these is the path or a module beside which
    /// the path could lie.
    pub fn may_read(&mut self, path: &Utf8Path) -> Vec<PackageIx> {
        let owner = self.layout.owner(path);
        let packages: Vec<_> = self.layout.packages().collect();
        packages
            .into_iter()
            .filter(|&package| {
                Some(package) == owner
                    || self.far(package).iter().any(|far| {
                        far == path
                            || path.starts_with(far)
                            || far.extension() == Some("rs")
                                && far.parent().is_some_and(|beside| path.starts_with(beside))
                    })
            })
            .collect()
    }

    /// The paths outside its directory that a package reaches: those that its sources name, which
    /// have to climb, so that a text without `../` names none, and those that its links lead to.
    fn far(&mut self, package: PackageIx) -> Rc<Vec<Utf8PathBuf>> {
        if let Some(known) = self.far.get(&package) {
            return Rc::clone(known);
        }
        let mut far = Vec::new();
        if let Some(directory) = self.layout.directory(package) {
            // A target's root may lie anywhere, and its modules beside it.
            let targets = &self.workspace.package(package).targets;
            let roots = targets.iter().map(|target| resolved(&target.src_path));
            far.extend(roots.filter(|root| !root.starts_with(directory)));
            far.extend(links_below(directory));
            each_source(directory, &mut |file| {
                let Some(text) = read(file).filter(|text| text.contains("../")) else {
                    return;
                };
                for literal in climbing_literals(&text) {
                    for from in [file.parent().unwrap_or(directory), directory] {
                        let path =
                            rust_source::normalized(&from.join(literal.trim_start_matches('/')));
                        if !path.starts_with(directory) {
                            far.push(resolved(&path));
                        }
                    }
                }
            });
        }
        // What lies outside may name more, and lie beside more.
        if !far.is_empty() {
            let targets = self.workspace.package(package).targets.clone();
            for target in &targets {
                let reads = self.of_target(package, target, true);
                let files = reads.iter().flat_map(|reads| &reads.files);
                let is_foreign = |file: &&Utf8PathBuf| self.layout.owner(file) != Some(package);
                far.extend(files.filter(is_foreign).cloned());
            }
        }
        far.sort();
        far.dedup();
        let far = Rc::new(far);
        self.far.insert(package, Rc::clone(&far));
        far
    }

    /// Whether a package's sources name, climbing out of its directory, anything below a path.
    pub fn names_below(&mut self, package: PackageIx, path: &Utf8Path) -> bool {
        self.far(package).iter().any(|far| far.starts_with(path))
    }

    /// Whether the text of a package's sources holds the path's name, or that of a directory
    /// between it and `within`.
    pub fn mentions(&mut self, package: PackageIx, path: &Utf8Path, within: &Utf8Path) -> bool {
        let Some(directory) = self.layout.directory(package) else {
            return false;
        };
        let below = path.strip_prefix(within).unwrap_or(path);
        let stem = path.file_stem().unwrap_or_default();
        // Short names and those of every package's own directories say nothing.
        let says_something = |name: &&str| name.len() > 2 && !COMMON_NAMES.contains(name);
        let names: Vec<&str> = below.iter().chain([stem]).filter(says_something).collect();
        let mut found = false;
        each_source(directory, &mut |file| {
            found = found
                || read(file).is_some_and(|text| names.iter().any(|name| names_in(&text, name)));
        });
        found
    }

    /// Whether macros that a package takes from others may make it read files that its own sources
    /// do not show. For cargo to know of such a file, the code that a macro emits has to include
    /// it, or declare it as a module; so the macro's sources hold a word for that.
    pub fn is_given_inclusions(&mut self, package: PackageIx) -> bool {
        let users: Vec<PackageIx> = std::iter::once(package).collect();
        let direct = self.dependencies(&users, |_| true);
        // A macro is often handed on by the library that one depends on.
        let handed_on = self.dependencies(&direct, |_| true);
        direct
            .into_iter()
            .chain(handed_on)
            .any(|package| self.emits_inclusions(package))
    }

    /// Whether macros that a package takes from others may make it read a variable. Any macro
    /// may, unless its package's sources hold no `env!` at all.
    pub fn is_given_variables(&mut self, package: PackageIx) -> bool {
        let direct = self.dependencies(&[package], |_| true);
        let handed_on = self.dependencies(&direct, |_| true);
        direct
            .into_iter()
            .chain(handed_on)
            .any(|package| self.text_holds(package, &["env!", "option_env", "env !"]))
    }

    fn emits_inclusions(&mut self, package: PackageIx) -> bool {
        if let Some(&known) = self.emitters.get(&package) {
            return known;
        }
        let emits = match self.workspace.package(package).library() {
            Some(library) if library.proc_macro => {
                // What a proc-macro emits is often put together by a library of its own.
                let mut makers =
                    self.dependencies(&[package], |name| !TOKEN_LIBRARIES.contains(&name));
                makers.push(package);
                makers
                    .into_iter()
                    .any(|maker| self.text_holds(maker, &INCLUSIONS))
            }
            // A macro of a path package that includes a file for its callers is a doubt there.
            Some(library) if self.layout.directory(package).is_some() => {
                let library = library.clone();
                let reads = self.of_target(package, &library, false);
                reads.is_some_and(|reads| reads.gives_inclusions)
            }
            _ => false,
        };
        self.emitters.insert(package, emits);
        emits
    }

    /// Whether a library that a package's build script is built with prints what to watch.
    pub fn is_given_watches(&mut self, package: PackageIx) -> bool {
        let dependencies = &self.workspace.package(package).dependencies;
        let for_script: Vec<PackageIx> = dependencies
            .iter()
            .filter(|known| known.build)
            .map(|known| known.package)
            .collect();
        for_script
            .into_iter()
            .any(|library| self.text_holds(library, &["rerun-if-changed"]))
    }

    fn dependencies(&self, of: &[PackageIx], wanted: impl Fn(&str) -> bool) -> Vec<PackageIx> {
        let edges = of
            .iter()
            .flat_map(|&package| &self.workspace.package(package).dependencies);
        let packages = edges.map(|dependency| dependency.package);
        packages
            .filter(|&package| wanted(&self.workspace.package(package).name))
            .collect()
    }

    /// Whether a package's sources hold one of the words, but for the line that includes a README
    /// as documentation.
    fn text_holds(&mut self, package: PackageIx, words: Words) -> bool {
        if let Some(&known) = self.held.get(&(package, words)) {
            return known;
        }
        let mut found = false;
        each_source(self.workspace.package(package).directory(), &mut |file| {
            found = found
                || read(file).is_some_and(|text| {
                    text.lines()
                        .filter(|line| !line.contains("doc = include_str"))
                        .any(|line| words.iter().any(|word| line.contains(word)))
                });
        });
        self.held.insert((package, words), found);
        found
    }

    /// Whether a path that a build script watches is the changed one, or a directory that holds
    /// it; cargo follows links.
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

    /// What a package's build script says that it watches.
    pub fn script(&mut self, package: PackageIx) -> Option<Rc<Script>> {
        if let Some(known) = self.scripts.get(&package) {
            return known.clone();
        }
        let script = self.scan_script(package);
        self.scripts.insert(package, script.clone());
        script
    }

    fn scan_script(&mut self, package: PackageIx) -> Option<Rc<Script>> {
        let targets = &self.workspace.package(package).targets;
        let target = targets
            .iter()
            .find(|target| target.kind == TargetKind::CustomBuild)?;
        let directory = self.layout.directory(package)?;
        let scan = rust_source::scan_build_script(&target.src_path, directory, &mut read);
        let reads = self.of_target(package, target, false)?;
        let text = reads.files.iter().filter_map(|file| read(file)).collect();
        Some(Rc::new(Script { scan, text }))
    }
}

impl Reads {
    /// Whether the file is among them.
    pub fn has(&self, path: &Utf8Path) -> bool {
        self.files.contains(path)
    }
}

impl Script {
    /// The paths that it names to be watched.
    pub fn named(&self) -> impl Iterator<Item = &Utf8Path> {
        self.scan.rerun_if_changed.iter().map(Utf8PathBuf::as_path)
    }

    /// Whether it says nothing of what it watches, so that cargo watches the package.
    pub fn is_silent(&self) -> bool {
        !self.scan.says_any
    }

    /// Whether it is known to print what it makes as it runs.
    pub fn has_doubts(&self) -> bool {
        !self.scan.doubts.is_empty()
    }

    /// Whether it may print more than its literals show, and its text holds the path's name or
    /// that of a directory on the way to it.
    pub fn may_name(&self, path: &Utf8Path, within: &Utf8Path, package: &Utf8Path) -> bool {
        let Ok(below) = path.strip_prefix(within) else {
            return false;
        };
        let is_shared = |name: &&str| package.iter().any(|own| own == *name);
        let says_something =
            |name: &&str| name.len() > 2 && !COMMON_NAMES.contains(name) && !is_shared(name);
        (self.is_silent() || !self.scan.doubts.is_empty())
            && below
                .iter()
                .filter(says_something)
                .any(|name| names_in(&self.text, name))
    }

    /// Whether it may watch git's own files, by itself or through a library that is known to.
    pub fn may_watch_git(&self) -> bool {
        let has = |names: &[&str]| names.iter().any(|name| self.text.contains(name));
        has(&[".git/", "vergen", "shadow_rs", "built::"])
            || !self.scan.doubts.is_empty() && has(&[".git", "git-dir", "rev-parse", "git2", "gix"])
    }

    /// Whether it names a file to be watched that is not there.
    pub fn watches_missing_file(&self) -> bool {
        self.scan
            .rerun_if_changed
            .iter()
            .any(|named| !named.exists())
    }

    /// Variables that it names to be watched.
    pub fn env(&self) -> impl Iterator<Item = &str> {
        self.scan.rerun_if_env_changed.iter().map(String::as_str)
    }
}

/// Words to look for in a package's text.
type Words = &'static [&'static str];

/// What code that makes its caller read a file holds.
const INCLUSIONS: [&str; 8] = [
    "include_str",
    "include_bytes",
    "include!",
    "include !",
    "tracked_path",
    "tracked::path",
    "mod #",
    "\"mod ",
];

/// Names that every package has, so that their mention says nothing.
const COMMON_NAMES: [&str; 8] = [
    "src", "tests", "examples", "benches", "build.rs", "lib.rs", "main.rs", "mod.rs",
];

/// What every proc-macro is made with, and what emits nothing by itself.
const TOKEN_LIBRARIES: [&str; 6] = [
    "heck",
    "proc-macro-crate",
    "proc-macro2",
    "quote",
    "syn",
    "unicode-ident",
];

/// A file's text; replacement characters stand in what is not UTF-8, since such a file, too, can
/// be included.
fn read(path: &Utf8Path) -> Option<String> {
    let bytes = std::fs::read(path).ok()?;
    Some(
        String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
    )
}

/// Where the symbolic links below a directory lead, if not back into it.
fn links_below(directory: &Utf8Path) -> Vec<Utf8PathBuf> {
    let mut leads = Vec::new();
    each_entry(directory, &mut |path, is_link| {
        if is_link {
            leads.push(resolved(path));
        }
    });
    leads.retain(|to| !to.starts_with(directory));
    leads
}

/// The Rust files below a package's directory.
fn each_source(directory: &Utf8Path, see: &mut dyn FnMut(&Utf8Path)) {
    each_entry(directory, &mut |path, _| {
        if path.extension() == Some("rs") {
            see(path);
        }
    });
}

/// The files and links below a directory, and whether each is a link; those of packages, hidden
/// and target directories in it are left out.
fn each_entry(directory: &Utf8Path, see: &mut dyn FnMut(&Utf8Path, bool)) {
    let Ok(entries) = directory.read_dir_utf8() else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if kind.is_dir() {
            let skipped = entry.file_name().starts_with('.')
                || path.join("Cargo.toml").exists()
                || path.join("CACHEDIR.TAG").exists();
            if !skipped {
                each_entry(path, see);
            }
        } else {
            see(path, kind.is_symlink());
        }
    }
}

/// Whether a text holds a name as a part of a path in a string literal: after a quote or a
/// separator, and before one or an extension.
fn names_in(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + name.len()..].chars().next();
        matches!(before, Some('"' | '/' | '\\')) && matches!(after, Some('"' | '/' | '\\' | '.'))
    })
}

/// The string literals of a text that hold `../`, roughly: what stands between the nearest quotes
/// around it. It is a first sieve; the scan of the target decides.
fn climbing_literals(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("../").filter_map(|(at, climb)| {
        let start = text[..at].rfind('"')? + 1;
        let end = at + climb.len() + text[at + climb.len()..].find('"')?;
        text.get(start..end)
    })
}
