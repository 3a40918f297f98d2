//! The inputs that a build script declares, according to its literals.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::called::Called;
use super::certain::printed_for_certain;
use super::functions::Functions;
use super::names::Names;
use super::scanner::Scanner;
use super::texts::TextFinder;
use super::token_tree::TokenStream;
use super::{DoubtKind, SourceDoubt, SourceText};
use crate::paths::normalized;

/// The inputs that the string literals of a build script tell cargo to watch.
///
/// Instructions that a library prints appear here only if the library is one of the given
/// [`ScriptLibrary`]s.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildScriptScan {
    /// The paths of `rerun-if-changed`, files or directories, joined to the package's directory and
    /// normalized.
    pub rerun_if_changed: BTreeSet<Utf8PathBuf>,
    /// The variables of `rerun-if-env-changed`.
    pub rerun_if_env_changed: BTreeSet<String>,
    /// True if any literal contains one of the two instructions, even if the value is made at run
    /// time. The script may not print the instruction in each run.
    pub says_any: bool,
    /// True if the script prints one of the two instructions in every run.
    pub says_for_certain: bool,
    /// The paths of `rerun-if-changed` that the script prints in every run.
    pub always: BTreeSet<Utf8PathBuf>,
    /// The paths of `rerun-if-changed` of which only the first directories are known.
    pub partial: BTreeSet<PartialPath>,
    /// The instructions that the script makes at run time, and the code that cannot be read;
    /// sorted.
    pub doubts: Vec<SourceDoubt>,
}

/// A path of which the middle is made at run time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PartialPath {
    /// The known directory, joined to the package's directory and normalized.
    pub directory: Utf8PathBuf,
    /// The known end of the file's name, from its first dot; empty if no extension is known.
    pub end: String,
}

impl PartialPath {
    /// Returns the path whose unknown parts are in braces; `None` if no directory is known.
    fn of(value: &str, manifest_dir: &Utf8Path) -> Option<Self> {
        let (known, _) = value.split_once('{')?;
        let (directory, _) = known.rsplit_once('/')?;
        let (_, end) = value.rsplit_once('}')?;
        let has_extension = end.starts_with('.') && !end.contains('/');
        Some(Self {
            directory: normalized(&manifest_dir.join(directory)),
            end: end
                .to_owned()
                .split_off(if has_extension { 0 } else { end.len() }),
        })
    }

    /// Returns true if a file may have this path, or lie in a directory with this path.
    pub fn may_be(&self, file: &Utf8Path) -> bool {
        file.starts_with(&self.directory) && file.as_str().ends_with(&self.end)
    }
}

/// A library of the workspace that a build script may call.
#[derive(Clone, Debug)]
pub struct ScriptLibrary {
    /// The name of the library in code.
    pub name: String,
    /// The root file of the library.
    pub root: Utf8PathBuf,
    /// The directory of the library's package.
    pub directory: Utf8PathBuf,
}

/// The files that the scan of a build script read in the libraries of the script.
#[derive(Clone, Debug, Default)]
pub struct LibraryFiles {
    /// The sources, and the modules that do not exist.
    pub files: BTreeSet<Utf8PathBuf>,
    /// The sources in which the script calls a function.
    pub called: BTreeSet<Utf8PathBuf>,
}

/// Scans a build script and all its modules for the instructions that it prints. The functions of
/// `libraries` that the script may call are scanned too.
///
/// The instructions are `cargo::rerun-if-changed=PATH` and the older `cargo:rerun-if-changed=PATH`;
/// see the Cargo book, "Outputs of the Build Script".
pub fn scan_build_script(
    root: &Utf8Path,
    manifest_dir: &Utf8Path,
    libraries: &[ScriptLibrary],
    read: &mut dyn FnMut(&Utf8Path) -> Option<SourceText>,
) -> (BuildScriptScan, LibraryFiles) {
    let mut script = ScannedCrate::of("", root, manifest_dir, read);
    let mut libraries: Vec<ScannedCrate> = libraries
        .iter()
        .map(|it| ScannedCrate::of(&it.name, &it.root, &it.directory, read))
        .collect();
    let library_files = keep_called(&script.tokens, &mut libraries);
    let mut scan = BuildScriptScan::default();
    for library in &mut libraries {
        script.included.append(&mut library.included);
        script.doubts.append(&mut library.doubts);
    }
    let streams = || {
        let all = std::iter::once(&script).chain(&libraries);
        all.flat_map(|it| it.tokens.iter().cloned())
    };
    let names = Names::constants(manifest_dir, streams());
    let mut certain = BuildScriptScan::default();
    let of_libraries = libraries.iter().map(|it| (&*it.name, &*it.tokens));
    for text in printed_for_certain(&script.tokens, of_libraries, &names) {
        certain.instructions(&text, manifest_dir, manifest_dir);
    }
    scan.says_for_certain = certain.says_any;
    scan.always = certain.rerun_if_changed;
    let functions = Functions::called(streams());
    let all = std::iter::once(&script).chain(&libraries);
    for (file, tokens) in all.flat_map(|it| it.files.iter().zip(&it.tokens)) {
        let found = TextFinder::find(tokens.clone(), &functions, &names);
        for text in found.texts {
            scan.instructions(&text, file, manifest_dir);
        }
        if found.is_cut_short {
            let reason = "its functions call each other too often to be followed";
            let doubt = SourceDoubt::new(file, DoubtKind::RunTimeInstruction, reason);
            scan.doubts.push(doubt);
        }
    }
    // A script may print the content of an included file.
    for (file, text) in &script.included {
        scan.instructions(text, file, manifest_dir);
    }
    scan.doubts.append(&mut script.doubts);
    scan.doubts.sort();
    scan.doubts.dedup();
    (scan, library_files)
}

/// The sources of a build script or of a library.
struct ScannedCrate {
    /// The name of the library; empty for a build script.
    name: String,
    /// The sources, the root first.
    files: Vec<Utf8PathBuf>,
    /// The tokens of each source.
    tokens: Vec<TokenStream>,
    /// The module files that are declared, but do not exist.
    missing: BTreeSet<Utf8PathBuf>,
    /// The included files that are no code, with their texts.
    included: BTreeMap<Utf8PathBuf, String>,
    /// The places that may hide sources.
    doubts: Vec<SourceDoubt>,
}

impl ScannedCrate {
    fn of(
        name: &str,
        root: &Utf8Path,
        manifest_dir: &Utf8Path,
        read: &mut dyn FnMut(&Utf8Path) -> Option<SourceText>,
    ) -> Self {
        let mut scanner = Scanner::new(manifest_dir, &|_, _| None, read);
        scanner.run(root);
        let mut scanned: Vec<_> = scanner.scanned().collect();
        scanned.sort_by_key(|(file, _)| *file != root);
        let scanned = scanned.into_iter();
        let (files, tokens) = scanned.map(|(file, it)| (file.to_owned(), it)).unzip();
        let mut included = BTreeMap::new();
        for file in std::mem::take(&mut scanner.found.included) {
            if file.extension() != Some("rs") {
                let text = scanner.text(&file);
                let text = text.map(|it| it.text().to_owned()).unwrap_or_default();
                included.insert(file, text);
            }
        }
        let hiding = [DoubtKind::Unlexable, DoubtKind::MacroMadeModule];
        let mut doubts = scanner.found.doubts;
        doubts.retain(|doubt| hiding.contains(&doubt.kind));
        Self {
            name: name.to_owned(),
            files,
            tokens,
            missing: scanner.found.missing,
            included,
            doubts,
        }
    }
}

/// Empties the functions of libraries that a script does not call. A function counts as called if
/// the script, or a function that counts as called, contains its name.
fn keep_called(script: &[TokenStream], libraries: &mut [ScannedCrate]) -> LibraryFiles {
    let sources = || libraries.iter().flat_map(|it| &it.tokens);
    let called = Called::by(script, sources());
    let mut files = LibraryFiles::default();
    for library in libraries {
        files.files.extend(library.files.iter().cloned());
        files.files.extend(std::mem::take(&mut library.missing));
        for (file, tokens) in library.files.iter().zip(&mut library.tokens) {
            let (kept, has_called) = called.kept(tokens);
            *tokens = kept;
            if has_called {
                files.called.insert(file.clone());
            }
        }
    }
    files
}

impl BuildScriptScan {
    fn instructions(&mut self, text: &str, file: &Utf8Path, manifest_dir: &Utf8Path) {
        // The last key stands for keys whose end is made at run time.
        const KEYS: [&str; 3] = ["rerun-if-changed", "rerun-if-env-changed", "rerun-if-{"];
        for line in text.lines().map(str::trim) {
            if !KEYS.iter().any(|key| line.contains(key)) {
                continue;
            }
            self.says_any = true;
            let instruction = line
                .strip_prefix("cargo::")
                .or_else(|| line.strip_prefix("cargo:"));
            match instruction.and_then(|instruction| instruction.split_once('=')) {
                Some((key, value)) if !value.is_empty() && !line.contains('{') => match key {
                    "rerun-if-changed" => {
                        let path = normalized(&manifest_dir.join(value));
                        self.rerun_if_changed.insert(path);
                    }
                    "rerun-if-env-changed" => {
                        self.rerun_if_env_changed.insert(value.to_owned());
                    }
                    _ => {}
                },
                of => {
                    let path = of.filter(|(key, _)| *key == "rerun-if-changed");
                    let path = path.and_then(|(_, it)| PartialPath::of(it, manifest_dir));
                    self.partial.extend(path);
                    let doubt = SourceDoubt::new(file, DoubtKind::RunTimeInstruction, line);
                    self.doubts.push(doubt);
                }
            }
        }
    }
}
