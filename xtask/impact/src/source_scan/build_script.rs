//! The inputs that a build script declares, according to its literals.

use std::collections::BTreeSet;

use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::certain::printed_for_certain;
use super::functions::Functions;
use super::names::Names;
use super::scanner::Scanner;
use super::texts::TextFinder;
use super::{DoubtKind, SourceDoubt};
use crate::paths::normalized;

/// The inputs that the string literals of a build script tell cargo to watch.
///
/// If a library prints the instructions (a wrapper of a C compiler, a code generator), none of them
/// appear here.
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
    /// The instructions that the script makes at run time, and the code that cannot be read;
    /// sorted.
    pub doubts: Vec<SourceDoubt>,
}

/// Scans a build script and all its modules for the instructions that it prints.
///
/// The instructions are `cargo::rerun-if-changed=PATH` and the older `cargo:rerun-if-changed=PATH`;
/// see the Cargo book, "Outputs of the Build Script".
pub fn scan_build_script(
    root: &Utf8Path,
    manifest_dir: &Utf8Path,
    read: &mut dyn FnMut(&Utf8Path) -> Option<String>,
) -> BuildScriptScan {
    let mut scanner = Scanner::new(manifest_dir, &|_, _| None, read);
    scanner.run(root);
    let mut scan = BuildScriptScan::default();
    let mut files: Vec<_> = scanner.scanned().collect();
    files.sort_by_key(|(file, _)| *file != root);
    let names = Names::constants(manifest_dir, files.iter().map(|(_, tokens)| tokens.clone()));
    let mut certain = BuildScriptScan::default();
    for text in printed_for_certain(&files, &names) {
        certain.instructions(&text, manifest_dir, manifest_dir);
    }
    scan.says_for_certain = certain.says_any;
    scan.always = certain.rerun_if_changed;
    let functions = Functions::called(files.iter().map(|(_, tokens)| tokens.clone()));
    for (file, tokens) in files {
        let found = TextFinder::find(tokens, &functions, &names);
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
    let included = std::mem::take(&mut scanner.found.included);
    for file in included.iter().filter(|it| it.extension() != Some("rs")) {
        let text = scanner.text(file).unwrap_or_default();
        scan.instructions(text, file, manifest_dir);
    }
    let hiding = [DoubtKind::Unlexable, DoubtKind::MacroMadeModule];
    let doubts = scanner.found.doubts.into_iter();
    scan.doubts
        .extend(doubts.filter(|doubt| hiding.contains(&doubt.kind)));
    scan.doubts.sort();
    scan.doubts.dedup();
    scan
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
                _ => {
                    let doubt = SourceDoubt::new(file, DoubtKind::RunTimeInstruction, line);
                    self.doubts.push(doubt);
                }
            }
        }
    }
}
