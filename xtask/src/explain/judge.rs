//! Judges an error by the state of the disk: the units of the build directory, their files and
//! their records.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::workspace::{PackageIx, Workspace};

use super::diagnostics::Diagnostic;
use super::situation::{self, Situation};
use super::verdict::{ErrorReport, ErrorVerdict};
use super::{codes, cycle, linker, metadata, names, native, refusals, runs, versions};
use crate::artifacts::inspect::damage::{
    DamagedFile, caches_to_distrust, damaged, damaged_caches, missing_generated,
};
use crate::artifacts::inspect::inventory::{BuiltIx, Inventory};
use crate::artifacts::inspect::stale::{self, StaleArtifact, stale};

/// The facts by which errors are judged.
pub(super) struct ErrorJudge<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) inventory: &'a Inventory,
    damaged: OnceCell<Vec<DamagedFile>>,
    stale: OnceCell<Vec<StaleArtifact>>,
}

impl<'a> ErrorJudge<'a> {
    pub(super) fn new(workspace: &'a Workspace, inventory: &'a Inventory) -> Self {
        Self {
            workspace,
            inventory,
            damaged: OnceCell::new(),
            stale: OnceCell::new(),
        }
    }

    /// Explains the errors of a build.
    pub(super) fn all(&self, errors: &[(Diagnostic, Situation)]) -> Vec<ErrorReport> {
        errors
            .iter()
            .map(|(error, situation)| self.judge(error, situation))
            .collect()
    }

    fn judge(&self, error: &Diagnostic, situation: &Situation) -> ErrorReport {
        let explanation = |verdict| ErrorReport::new(error, verdict);
        match situation {
            Situation::UnreadableMetadata { crate_name } => {
                metadata::unreadable(self, error, crate_name)
            }
            Situation::MissingCrate { crate_name } => metadata::missing(self, error, crate_name),
            Situation::OtherBuild {
                crate_name,
                dependent,
            } => metadata::other_build(self, error, (crate_name, dependent)),
            Situation::Colliding { crate_name } => metadata::colliding(self, error, crate_name),
            Situation::OtherCompiler { crate_name } => {
                metadata::other_compiler(self, error, crate_name)
            }
            Situation::MissingName { names } => names::missing(self, error, names),
            Situation::SeveralVersions { crate_name } => {
                versions::explain(self.workspace, error, crate_name)
            }
            Situation::Linker => linker::explain(self, error),
            Situation::UnreadableFile { path } => runs::unreadable_file(self, error, path),
            Situation::Script {
                package,
                executable,
                ended,
            } => runs::script(self, error, package, (executable.as_deref(), *ended)),
            Situation::Program { executable, ended } => {
                runs::program(self, error, (executable, *ended))
            }
            Situation::Compiler { ended } => runs::compiler(self, error, *ended),
            Situation::Cycle { packages } => cycle::explain(error, packages),
            Situation::NativeLibrary { name, path } => {
                native::explain(self, error, (name.as_deref(), path.as_deref()))
            }
            Situation::Refused(refusal) => refusals::explain(error, *refusal),
            Situation::DiskFull => explanation(ErrorVerdict::Environment)
                .says("the disk is full; files that were being written may be damaged")
                .advice("free space, then run `cargo xtask doctor --only damaged-artifact`"),
            Situation::Code => explanation(ErrorVerdict::ErrorInCode)
                .says("rustc refuses the code; no artifact causes this error"),
            Situation::Unknown => {
                explanation(ErrorVerdict::NotUnderstood).says("`explain` does not know this error")
            }
        }
    }

    /// Explains a code of rustc by the faults of artifacts on disk.
    pub(super) fn code(&self, code: &str) -> ErrorReport {
        let subject = |verdict| ErrorReport::of_subject(code, verdict);
        if situation::NOT_UNDERSTOOD.contains(&code) {
            return subject(ErrorVerdict::NotUnderstood).says("`explain` does not know this error");
        }
        let Some(meaning) = codes::meaning(code) else {
            return subject(ErrorVerdict::ErrorInCode)
                .says("no artifact causes this error")
                .advice(format!("`rustc --explain {code}` describes the error"));
        };
        let mut found = subject(ErrorVerdict::NothingOnDisk).says(meaning);
        match code {
            "E0786" | "E0463" => {
                // rustc loads nothing but libraries.
                let units = self.damaged().iter().map(|it| it.unit);
                let units = units.filter(|&unit| self.inventory.units[unit].is_library());
                let units: BTreeSet<BuiltIx> = units.collect();
                for unit in units {
                    found = self.with_fault(found, unit);
                }
            }
            "E0460" => {
                for it in self.stale() {
                    found = self.with_fault(found, it.unit);
                }
            }
            "E0308" | "E0277" => {
                return found.advice("pipe the error: `cargo check 2>&1 | cargo xtask explain -`");
            }
            "E0514" => {}
            _ => {
                return found.advice(
                    "`cargo xtask freshness verify` finds artifacts that are older \
                                     than their sources",
                );
            }
        }
        found
    }

    /// Explains artifacts, and invalidates their units.
    pub(super) fn paths(&self, paths: &[Utf8PathBuf]) -> Vec<ErrorReport> {
        paths.iter().map(|path| self.path(path)).collect()
    }

    fn path(&self, path: &Utf8Path) -> ErrorReport {
        let subject = |verdict| ErrorReport::of_subject(path.as_str(), verdict);
        let caches = self.inventory.incremental.iter().map(|(_, cache)| cache);
        if let Some(cache) = caches.clone().find(|cache| path.starts_with(cache)) {
            let faults = damaged_caches(std::iter::once(cache));
            let (verdict, says) = match faults.first() {
                Some(it) => (
                    ErrorVerdict::Damaged,
                    format!("{} {}", it.path, it.fault.text()),
                ),
                None => (
                    ErrorVerdict::NothingOnDisk,
                    "no fault is visible in this cache".to_owned(),
                ),
            };
            let mut found = subject(verdict).says(says.clone());
            found.invalid.caches.insert(cache.clone(), says);
            return found;
        }
        if let Some(found) = native::of_path(self, path) {
            return found;
        }
        let units = self.inventory.units_at(path);
        if units.is_empty() {
            return subject(ErrorVerdict::NotUnderstood)
                .says("no unit of this workspace's build directory has this file");
        }
        let mut found = subject(ErrorVerdict::NothingOnDisk)
            .says("no fault is visible; --fix still invalidates the unit");
        for unit in units {
            found = self.with_fault(found, unit);
        }
        found
    }

    /// Returns all damaged files of the build directory, and the missing generated files.
    pub(super) fn damaged(&self) -> &[DamagedFile] {
        self.damaged.get_or_init(|| {
            let all = || 0..self.inventory.units.len();
            let mut found = damaged(self.workspace, self.inventory, all());
            found.extend(missing_generated(self.workspace, self.inventory, all()));
            found
        })
    }

    /// Returns all libraries that do not belong to their dependents.
    pub(super) fn stale(&self) -> &[StaleArtifact] {
        self.stale
            .get_or_init(|| stale(self.inventory, 0..self.inventory.units.len()))
    }

    /// Names a unit in an explanation with each fault of the unit, and invalidates the unit.
    pub(super) fn with_fault(&self, mut found: ErrorReport, unit: BuiltIx) -> ErrorReport {
        let (workspace, inventory) = (self.workspace, self.inventory);
        let built = &inventory.units[unit];
        let mut faults: Vec<(ErrorVerdict, Utf8PathBuf, String)> = Vec::new();
        for it in self.damaged().iter().filter(|it| it.unit == unit) {
            faults.push((
                ErrorVerdict::Damaged,
                it.path.clone(),
                it.fault.text().to_owned(),
            ));
        }
        for it in self.stale().iter().filter(|it| it.unit == unit) {
            let said = match &it.disagreement {
                stale::Disagreement::Dependent(_, path) => {
                    format!("is another build than {path} was compiled against")
                }
                stale::Disagreement::OwnLibrary(path) => {
                    format!("is of another build than {path}")
                }
            };
            faults.push((ErrorVerdict::Stale, it.path.clone(), said));
        }
        if let Some((path, source)) = self.foreign(unit) {
            faults.push((
                ErrorVerdict::Foreign,
                path,
                format!("was compiled from {source}"),
            ));
        }
        let because = faults
            .first()
            .map(|(_, path, said)| format!("{path} {said}"));
        for (verdict, path, said) in &faults {
            found = found.artifact(workspace, inventory, (unit, path), said.clone());
            if found.verdict == ErrorVerdict::NothingOnDisk {
                found.verdict = *verdict;
                found.says = format!("{} {said}", path.file_name().unwrap_or_default());
            }
        }
        if faults.is_empty() {
            let path = self.main_file(unit);
            found = found.artifact(workspace, inventory, (unit, &path), "has no visible fault");
        } else {
            let because = because.clone().unwrap_or_default();
            let bad = faults.iter().map(|(_, path, _)| path);
            let caches = caches_to_distrust(inventory, built, bad).into_iter();
            found
                .invalid
                .caches
                .extend(caches.map(|cache| (cache, because.clone())));
        }
        let because = because.unwrap_or_else(|| "named by the error or the user".to_owned());
        found.invalid.units.insert(unit, because);
        found
    }

    /// Returns the file that messages show for a unit.
    pub(super) fn main_file(&self, unit: BuiltIx) -> Utf8PathBuf {
        let built = &self.inventory.units[unit];
        let output = stale::metadata_file(built).or_else(|| built.outputs.first());
        output.cloned().unwrap_or_else(|| {
            let place = self.inventory.place(built);
            place.fingerprint_dir(&built.package_name, &built.hash)
        })
    }

    /// Returns the metadata of a library that was compiled from another place, and that place.
    pub(super) fn foreign(&self, unit: BuiltIx) -> Option<(Utf8PathBuf, Utf8PathBuf)> {
        let built = &self.inventory.units[unit];
        let package = self.workspace.package(built.package);
        let root = &package.library()?.src_path;
        let place = self.inventory.place(built);
        let below = root.strip_prefix(&self.workspace.root).ok()?;
        let (name, hash) = (&built.package_name, &built.hash);
        let source = place.library_compiled_from(name, hash, &built.name, below)?;
        let is_here = source == *root
            || xtask_impact::paths::resolved(&source) == xtask_impact::paths::resolved(root);
        (!is_here).then(|| (self.main_file(unit), source))
    }

    /// Returns the libraries of a crate, limited to those that the failed units of `package` used,
    /// if the records name these.
    pub(super) fn libraries(&self, crate_name: &str, package: Option<PackageIx>) -> Vec<BuiltIx> {
        let all = self
            .inventory
            .all()
            .filter(|(_, unit)| unit.is_library() && unit.crate_name() == crate_name);
        let all: Vec<BuiltIx> = all.map(|(unit, _)| unit).collect();
        let used = package
            .map(|it| self.used_by_failed(it))
            .unwrap_or_default();
        let both: Vec<BuiltIx> = all.iter().copied().filter(|it| used.contains(it)).collect();
        match both.is_empty() {
            true => all,
            false => both,
        }
    }

    /// Returns the recorded dependencies of the package's units whose last build failed.
    pub(super) fn used_by_failed(&self, package: PackageIx) -> BTreeSet<BuiltIx> {
        let failed = self.inventory.all();
        let failed = failed.filter(|(_, it)| it.package == package && it.record.is_none());
        let values = failed.filter_map(|(_, it)| {
            let place = self.inventory.place(it);
            place.former_values(&it.package_name, &it.hash, &it.name)
        });
        let numbers = values.flat_map(|it| it.deps).map(|it| it.3);
        numbers
            .filter_map(|it| self.inventory.with_value(it))
            .collect()
    }

    /// Returns the package that did not compile.
    pub(super) fn package(&self, error: &Diagnostic) -> Option<PackageIx> {
        let source = error.source.as_ref().map(|it| self.workspace.root.join(it));
        let mut own: Vec<_> = self.workspace.packages().collect();
        // The innermost package that contains the source comes first.
        own.sort_by_key(|(_, it)| std::cmp::Reverse(it.directory().as_str().len()));
        let named = error.package.as_ref();
        let of_name = own.iter().find(|(_, it)| Some(&it.name) == named);
        let of_source = own.iter().find(|(_, it)| {
            source
                .as_ref()
                .is_some_and(|source| source.starts_with(it.directory()))
        });
        of_source.or(of_name).map(|(package, _)| *package)
    }

    /// Returns the paths into the build directory that the lines of an error name.
    pub(super) fn paths_in(&self, error: &Diagnostic) -> Vec<Utf8PathBuf> {
        let mut found = BTreeSet::new();
        let roots = self.inventory.places.iter().map(|it| it.path.as_str());
        let roots: BTreeSet<&str> = roots.collect();
        // The linker's command line names all inputs.
        let lines = error.all_lines().filter(|line| !line.contains("\"-o\""));
        for line in lines {
            for root in &roots {
                found.extend(line.match_indices(root).map(|(at, _)| path_at(&line[at..])));
            }
        }
        found.into_iter().collect()
    }
}

/// Returns the path at the start of a text. Paths may contain spaces, so the extension ends a path.
fn path_at(text: &str) -> Utf8PathBuf {
    let ends = [
        ".rmeta", ".rlib", ".so", ".dylib", ".dll", ".o", ".a", ".rs", ".exe",
    ];
    let is_end = |rest: &str| {
        rest.chars()
            .next()
            .is_none_or(|c| !c.is_alphanumeric() && c != '.')
    };
    let ends = ends.iter().flat_map(|end| {
        let found = text.match_indices(end).map(|(at, _)| at + end.len());
        found.filter(|at| is_end(&text[*at..]))
    });
    let quote = text.find(['\'', '`', '"', '(']).unwrap_or(text.len());
    let end = ends.min().map_or(quote, |end| end.min(quote));
    Utf8PathBuf::from(text[..end].trim_end())
}

#[cfg(test)]
mod tests {
    use super::path_at;

    #[test]
    fn a_path_ends_at_its_extension_or_a_quote() {
        let texts = [
            "/w 1/target/debug/deps/libbase-01.rmeta",
            "/w 1/deps/libbase-01.rlib: archive member 'a.o' is neither",
            "/w 1/deps/libbase-01.rlib': Archive member size is too large",
            "/w/deps/app-01.2er.0k7.rcgu.o: unknown file type",
            "/w/debug/build/mid-01/build-script-build` (signal: 11)",
        ];
        let found = texts.map(|it| path_at(it).to_string() + "\n").concat();
        expect_test::expect![[r#"
            /w 1/target/debug/deps/libbase-01.rmeta
            /w 1/deps/libbase-01.rlib
            /w 1/deps/libbase-01.rlib
            /w/deps/app-01.2er.0k7.rcgu.o
            /w/debug/build/mid-01/build-script-build
        "#]]
        .assert_eq(&found);
    }
}
