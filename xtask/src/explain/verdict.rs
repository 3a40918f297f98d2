//! Verdicts: the cause of an error, the evidence, and the smallest command that helps.

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;
use xtask_impact::quote;
use xtask_impact::workspace::Workspace;

use super::cycle::CycleEdge;
use super::diagnostics::Diagnostic;
use super::text::LISTED;
use crate::artifacts::inspect::inventory::{BuiltIx, Inventory};
use crate::artifacts::invalidate::InvalidatedUnits;
use crate::artifacts::text::unit_name;
use crate::cli::entry;

/// The cause of an error.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ErrorVerdict {
    /// An artifact no longer has the content that the build wrote.
    Damaged,
    /// An artifact is older than its sources, or does not belong to its dependents.
    Stale,
    /// An artifact was built from another checkout.
    Foreign,
    /// Two versions of one package meet.
    TwoVersions,
    /// One version of a package was built from two sources or with two feature sets.
    TwoBuilds,
    /// An artifact was built by another toolchain, or a target is not installed.
    ToolchainMismatch,
    /// The machine is the cause: memory, disk, permissions, a missing system library.
    Environment,
    /// The code, a manifest or a build script is wrong. Cleaning does not help.
    ErrorInCode,
    /// Packages depend on themselves.
    DependencyCycle,
    /// The error is known, and no artifact on disk has this fault.
    NothingOnDisk,
    /// The error is not known.
    NotUnderstood,
}

/// The explanation of one error, code or path.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ErrorReport {
    /// The code of rustc, if there is one.
    pub(super) code: Option<String>,
    /// The first line of the error, or the subject.
    pub(super) message: String,
    /// The package that did not compile.
    pub(super) package: Option<String>,
    pub(super) verdict: ErrorVerdict,
    /// The verdict in one sentence.
    pub(super) says: String,
    /// The artifacts that the verdict is about.
    pub(super) artifacts: Vec<NamedArtifact>,
    /// The edges of the shortest dependency cycle.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) cycle: Vec<CycleEdge>,
    /// The facts that the verdict rests on, one line each.
    pub(super) evidence: Vec<String>,
    /// The advice: an edit, or a command of cargo.
    pub(super) advice: Option<String>,
    /// The smallest command that helps.
    pub(super) cure: Option<Cure>,
    #[serde(skip)]
    #[cfg_attr(test, schemars(skip))]
    pub(super) invalid: InvalidatedUnits,
}

/// An artifact with its package and unit.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct NamedArtifact {
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) path: Utf8PathBuf,
    /// Cargo's package id.
    pub(super) package_id: String,
    pub(super) package: String,
    /// The unit within the package: `lib`, `build script run`.
    pub(super) unit: String,
    /// The profile directory.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) directory: Utf8PathBuf,
    /// The state on disk.
    pub(super) found: String,
}

/// A command, with the size of what the command removes and causes.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Cure {
    pub(super) command: String,
    /// The number of files that the command removes.
    pub(super) files: u64,
    /// The size of these files in bytes.
    pub(super) bytes: u64,
    /// The number of units that cargo then builds again, dependents included.
    pub(super) rebuilt_units: usize,
}

/// All explanations of an input.
#[derive(Clone, Debug)]
pub(super) struct ExplainReport {
    pub(super) explanations: Vec<ErrorReport>,
}

impl ExplainReport {
    pub(super) fn new(explanations: Vec<ErrorReport>) -> Self {
        Self { explanations }
    }

    /// Returns true if every error was understood.
    pub(super) fn is_understood(&self) -> bool {
        let mut verdicts = self.explanations.iter().map(|it| it.verdict);
        verdicts.all(|it| it != ErrorVerdict::NotUnderstood)
    }
}

impl ErrorReport {
    pub(super) fn new(error: &Diagnostic, verdict: ErrorVerdict) -> Self {
        Self {
            code: error.code.clone(),
            message: error.message.clone(),
            package: error.package.clone(),
            verdict,
            says: String::new(),
            artifacts: Vec::new(),
            cycle: Vec::new(),
            evidence: Vec::new(),
            advice: None,
            cure: None,
            invalid: InvalidatedUnits::default(),
        }
    }

    /// Returns the explanation of a code or a path.
    pub(super) fn of_subject(subject: &str, verdict: ErrorVerdict) -> Self {
        let error = Diagnostic {
            message: subject.to_owned(),
            ..Diagnostic::default()
        };
        Self::new(&error, verdict)
    }

    pub(super) fn says(mut self, says: impl Into<String>) -> Self {
        self.says = says.into();
        self
    }

    pub(super) fn evidence(mut self, evidence: impl Into<String>) -> Self {
        self.evidence.push(evidence.into());
        self
    }

    pub(super) fn advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// Names an artifact of a unit, with its state on disk.
    pub(super) fn artifact(
        mut self,
        workspace: &Workspace,
        inventory: &Inventory,
        (unit, path): (BuiltIx, &Utf8Path),
        found: impl Into<String>,
    ) -> Self {
        let unit = &inventory.units[unit];
        let package = workspace.package(unit.package);
        self.artifacts.push(NamedArtifact {
            path: path.to_owned(),
            package_id: package.id.clone(),
            package: format!("{} {}", package.name, package.version),
            unit: unit_name(Some(&unit.name)),
            directory: inventory.place(unit).path.clone(),
            found: found.into(),
        });
        self
    }

    /// Adds the command that helps, if artifacts must be invalidated. `code` is the code that the
    /// explanation is about: it stands for a long list of paths.
    ///
    /// # Errors
    /// Returns an error if a path cannot be read.
    pub(super) fn complete(
        &mut self,
        workspace: &Workspace,
        inventory: &Inventory,
        code: Option<&str>,
    ) -> Result<()> {
        self.artifacts.sort();
        self.artifacts.dedup();
        if self.invalid.is_empty() {
            return Ok(());
        }
        let plan = self.invalid.plan(workspace, inventory)?;
        let (files, bytes) = plan.removals().fold((0, 0), |(files, bytes), it| {
            (files + it.files, bytes + it.bytes)
        });
        let here = std::env::current_dir()
            .ok()
            .and_then(|it| Utf8PathBuf::try_from(it).ok());
        let shown = |path: &Utf8Path| {
            let below = here.as_ref().and_then(|here| path.strip_prefix(here).ok());
            quote::shell(below.unwrap_or(path).as_str()).into_owned()
        };
        let units = self.invalid.units.keys().map(|&unit| {
            let unit = &inventory.units[unit];
            let place = inventory.place(unit);
            let directory = place.fingerprint_dir(&unit.package_name, &unit.hash);
            shown(&directory.join(unit.name.file_name()))
        });
        let caches = self.invalid.caches.keys().map(|it| shown(it));
        let generated = self.invalid.files.keys().map(|it| shown(it));
        let paths: Vec<String> = units.chain(caches).chain(generated).collect();
        let subject = match code {
            Some(code) if paths.len() > LISTED => code.to_owned(),
            _ => paths.join(" "),
        };
        self.cure = Some(Cure {
            command: format!("{} explain --fix {subject}", entry::name()),
            files,
            bytes,
            rebuilt_units: self.invalid.rebuilt(inventory).len(),
        });
        Ok(())
    }
}
