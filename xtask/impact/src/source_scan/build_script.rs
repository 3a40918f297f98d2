//! What a build script says about its inputs, by its literals.

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

/// What the string literals of a build script instruct cargo to watch.
///
/// A script that leaves its instructions to a library (a wrapper of a C compiler, a code
/// generator) shows none of them here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildScriptScan {
    /// The paths of `rerun-if-changed`, files or directories, joined to the package's directory
    /// and normalized.
    pub rerun_if_changed: BTreeSet<Utf8PathBuf>,
    /// The variables of `rerun-if-env-changed`.
    pub rerun_if_env_changed: BTreeSet<String>,
    /// Whether any literal speaks of either, even one whose value is made at run time. No promise
    /// that the script prints it on each run.
    pub says_any: bool,
    /// Whether one of them is printed whatever happens.
    pub says_for_certain: bool,
    /// The paths of `rerun-if-changed` that are printed whatever happens.
    pub always: BTreeSet<Utf8PathBuf>,
    /// What the script makes at run time, and what of its code cannot be read; sorted.
    pub doubts: Vec<SourceDoubt>,
}

/// Scans a build script, with all its modules, for the instructions it prints.
///
/// The instructions, `cargo::rerun-if-changed=PATH` and the older `cargo:rerun-if-changed=PATH`,
/// are those of the Cargo book, "Outputs of the Build Script".
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
    // A script may print a text that it includes.
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
        // The rest of a key may be made at run time.
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
