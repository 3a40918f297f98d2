//! The targets of a package, by cargo's rules for finding them (`util/toml/targets.rs` in cargo):
//! the targets that the manifest lists, and the files in the directories that cargo looks in.

use std::collections::HashSet;
use std::fs;

use camino::{Utf8Path, Utf8PathBuf};

use super::package::EDITIONS;
use super::toml_manifest::{StringOrBool, TomlManifest, TomlPackage, TomlTarget};
use super::{ReadOrAsk, ask};
use crate::paths::normalized;
use crate::workspace::{Target, TargetKind};

/// A package whose targets are searched for.
pub(super) struct TargetSearch<'a> {
    pub(super) directory: &'a Utf8Path,
    pub(super) package: &'a TomlPackage,
    pub(super) edition: &'a str,
}

/// A file that cargo would take as a target of this name. The path is relative to the package.
struct Inferred {
    name: String,
    path: String,
}

impl TargetSearch<'_> {
    /// Returns the targets of a manifest, in cargo's order.
    pub(super) fn targets(&self, manifest: &TomlManifest) -> ReadOrAsk<Vec<Target>> {
        let mut targets = Vec::new();
        targets.extend(self.library(manifest.lib.as_ref())?);
        let package = self.package;
        for (kind, listed, autodiscover) in [
            (TargetKind::Bin, &manifest.bin, package.autobins),
            (TargetKind::Example, &manifest.example, package.autoexamples),
            (TargetKind::Test, &manifest.test, package.autotests),
            (TargetKind::Bench, &manifest.bench, package.autobenches),
        ] {
            let found = self.of_kind(kind, listed.as_deref(), autodiscover)?;
            targets.extend(found);
        }
        let script = self.script()?;
        if targets.is_empty() {
            return Err(ask("a package has no target"));
        }
        if package.links.is_some() && script.is_none() {
            return Err(ask("a package with `links` has no build script"));
        }
        if let Some(run) = &package.default_run {
            let is_it = |it: &Target| it.kind == TargetKind::Bin && it.name == *run;
            if !targets.iter().any(is_it) {
                return Err(ask("`default-run` names no binary"));
            }
        }
        targets.extend(script);
        Ok(targets)
    }

    fn library(&self, listed: Option<&TomlTarget>) -> ReadOrAsk<Option<Target>> {
        let inferred = || {
            let path = "src/lib.rs";
            self.directory.join(path).exists().then(|| path.to_owned())
        };
        let is_searched = self.package.autolib != Some(false)
            || listed.is_some_and(|it| it.name.is_none() || it.path.is_none());
        let mut library = match (listed, is_searched) {
            (Some(listed), _) => listed.clone(),
            (None, false) => return Ok(None),
            (None, true) => match inferred() {
                Some(path) => TomlTarget {
                    path: Some(path),
                    ..TomlTarget::default()
                },
                None => return Ok(None),
            },
        };
        let default_name = || self.package.name.replace('-', "_");
        let name = library.name.take().unwrap_or_else(default_name);
        if name.contains('-') || name.trim().is_empty() {
            return Err(ask("the name of a library has a hyphen"));
        }
        let path = library.path.take().or_else(inferred);
        let path = path.ok_or_else(|| ask("a library has no file"))?;
        let crate_type = library
            .crate_type
            .as_ref()
            .or(library.old_crate_type.as_ref());
        let kinds = match (crate_type, library.proc_macro.or(library.old_proc_macro)) {
            (None, Some(true)) => vec!["proc-macro".to_owned()],
            (None, _) => vec!["lib".to_owned()],
            (Some(kinds), Some(false) | None) => kinds.clone(),
            (Some(_), Some(true)) => return Err(ask("a procedural macro has a crate type")),
        };
        let has = |kind: &str| kinds.iter().any(|it| it == kind);
        let known = ["lib", "rlib", "dylib", "cdylib", "staticlib", "proc-macro"];
        if kinds.is_empty() || !kinds.iter().all(|it| known.contains(&&**it)) {
            return Err(ask("a library has an unknown crate type"));
        }
        if has("dylib") && has("cdylib") || has("proc-macro") && kinds.len() > 1 {
            return Err(ask("a library has crate types that exclude each other"));
        }
        let is_linkable = |kind: &String| !["cdylib", "staticlib"].contains(&&**kind);
        let is_doctestable = ["lib", "rlib", "proc-macro"].into_iter().any(has);
        self.check(&library)?;
        Ok(Some(Target {
            name,
            kind: TargetKind::Lib,
            src_path: self.place(&path),
            linkable: kinds.iter().any(is_linkable),
            proc_macro: has("proc-macro"),
            test: library.test.unwrap_or(true),
            bench: true,
            doctest: is_doctestable && library.doctest.unwrap_or(true),
            doc: library.doc.unwrap_or(true),
            required_features: Vec::new(),
        }))
    }

    /// Returns the targets of a kind other than a library or a build script.
    fn of_kind(
        &self,
        kind: TargetKind,
        listed: Option<&[TomlTarget]>,
        autodiscover: Option<bool>,
    ) -> ReadOrAsk<Vec<Target>> {
        let is_complete = |it: &TomlTarget| it.name.is_some() && it.path.is_some();
        let is_normalized = autodiscover == Some(false)
            && listed.is_none_or(|listed| listed.iter().all(is_complete));
        let mut targets = listed.unwrap_or_default().to_vec();
        let mut inferred = Vec::new();
        if !is_normalized {
            inferred = self.inferred(kind)?;
            let is_searched = match (autodiscover, listed) {
                (Some(autodiscover), _) => autodiscover,
                (None, None) => true,
                (None, Some(_)) => self.edition != "2015",
            };
            if is_searched {
                targets.extend(self.remaining(&inferred, listed));
            }
            targets.sort_by(|a, b| a.name.cmp(&b.name));
        }
        let mut names = HashSet::new();
        let mut found = Vec::new();
        for target in &targets {
            let name = target.name.clone().unwrap_or_default();
            if name.trim().is_empty() || !names.insert(name.clone()) {
                return Err(ask("a target has no name, or two have one name"));
            }
            found.push(self.target(kind, name, target, &inferred)?);
        }
        Ok(found)
    }

    fn target(
        &self,
        kind: TargetKind,
        name: String,
        target: &TomlTarget,
        inferred: &[Inferred],
    ) -> ReadOrAsk<Target> {
        let mut files = inferred.iter().filter(|it| it.name == name);
        let path = match (&target.path, files.next(), files.next()) {
            (Some(path), ..) => path,
            (None, Some(file), None) => &file.path,
            _ => return Err(ask("a target has no file, or several")),
        };
        let is_reserved = ["deps", "examples", "build", "incremental"].contains(&&*name);
        let crate_type = target
            .crate_type
            .as_ref()
            .or(target.old_crate_type.as_ref());
        let is_plain = target.proc_macro.or(target.old_proc_macro) != Some(true)
            && match (kind, crate_type) {
                (_, None) => true,
                (TargetKind::Example, Some(kinds)) => !kinds.iter().any(|it| it == "proc-macro"),
                (_, Some(_)) => false,
            };
        if kind == TargetKind::Bin && is_reserved || !is_plain {
            return Err(ask(
                "a target has a reserved name, or an unusual crate type",
            ));
        }
        self.check(target)?;
        Ok(Target {
            name,
            kind,
            src_path: self.place(path),
            linkable: false,
            proc_macro: false,
            test: target
                .test
                .unwrap_or(matches!(kind, TargetKind::Bin | TargetKind::Test)),
            bench: matches!(kind, TargetKind::Bin | TargetKind::Bench),
            doctest: false,
            doc: target.doc.unwrap_or(kind == TargetKind::Bin),
            required_features: target.required_features.clone().unwrap_or_default(),
        })
    }

    fn check(&self, target: &TomlTarget) -> ReadOrAsk<()> {
        let edition = target.edition.as_deref();
        let is_known = |it: &str| EDITIONS.iter().any(|(known, _)| *known == it);
        let has_old_key = target.old_crate_type.is_some() || target.old_proc_macro.is_some();
        match edition.is_none_or(is_known) && !(has_old_key && self.edition == "2024") {
            true => Ok(()),
            false => Err(ask("a target has an unknown edition or an old key")),
        }
    }

    /// Returns the inferred targets that the manifest does not list, by name or by path.
    fn remaining(&self, inferred: &[Inferred], listed: Option<&[TomlTarget]>) -> Vec<TomlTarget> {
        let listed = listed.unwrap_or_default();
        let is_listed = |it: &&Inferred| {
            let place = self.directory.join(&it.path);
            listed.iter().any(|listed| {
                let path = listed.path.as_ref();
                listed.name.as_ref() == Some(&it.name)
                    || path.is_some_and(|path| self.directory.join(path) == place)
            })
        };
        let remaining = inferred.iter().filter(|it| !is_listed(it));
        let remaining = remaining.map(|it| TomlTarget {
            name: Some(it.name.clone()),
            path: Some(it.path.clone()),
            ..TomlTarget::default()
        });
        remaining.collect()
    }

    fn inferred(&self, kind: TargetKind) -> ReadOrAsk<Vec<Inferred>> {
        let mut found = Vec::new();
        let below = match kind {
            TargetKind::Bin => {
                let path = "src/main.rs";
                if self.directory.join(path).exists() {
                    found.push(Inferred {
                        name: self.package.name.clone(),
                        path: path.to_owned(),
                    });
                }
                "src/bin"
            }
            TargetKind::Example => "examples",
            TargetKind::Test => "tests",
            _ => "benches",
        };
        // A directory that cannot be listed has no targets.
        let Ok(entries) = fs::read_dir(self.directory.join(below)) else {
            return Ok(found);
        };
        for entry in entries.flatten() {
            let Ok(name) = entry.file_name().into_string() else {
                return Err(ask("the name of a file is not UTF-8"));
            };
            if name.starts_with('.') {
                continue;
            }
            let path = format!("{below}/{name}");
            if entry.file_type().is_ok_and(|it| it.is_dir()) {
                let path = format!("{path}/main.rs");
                if self.directory.join(&path).exists() {
                    found.push(Inferred { name, path });
                }
            } else if let Some(stem) = name.strip_suffix(".rs").filter(|it| !it.is_empty()) {
                let name = stem.to_owned();
                found.push(Inferred { name, path });
            }
        }
        Ok(found)
    }

    fn script(&self) -> ReadOrAsk<Option<Target>> {
        let path = match &self.package.build {
            Some(StringOrBool::Bool(false)) => return Ok(None),
            None if !self.directory.join("build.rs").is_file() => return Ok(None),
            None | Some(StringOrBool::Bool(true)) => "build.rs",
            Some(StringOrBool::String(path)) => path,
        };
        let stem = Utf8Path::new(path).file_stem();
        let stem = stem.ok_or_else(|| ask("a build script has no name"))?;
        Ok(Some(Target {
            name: format!("build-script-{stem}"),
            kind: TargetKind::CustomBuild,
            src_path: self.place(path),
            linkable: false,
            proc_macro: false,
            test: false,
            bench: false,
            doctest: false,
            doc: false,
            required_features: Vec::new(),
        }))
    }

    fn place(&self, path: &str) -> Utf8PathBuf {
        self.directory.join(normalized(Utf8Path::new(path)))
    }
}
