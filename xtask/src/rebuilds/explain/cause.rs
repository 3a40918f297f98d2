//! The root causes of builds.

use serde::{Deserialize, Serialize};

/// The kind of a root cause.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CauseKind {
    /// A file that the unit read, or that a script watches, changed.
    FileChanged,
    /// A file that the unit read, or that a script watches, does not exist.
    FileMissing,
    /// A file that the unit read, or that a script watches, cannot be read.
    FileUnreadable,
    /// A file has a time in the future.
    FutureTime,
    /// A script without `rerun-if` instructions, and a file of its package changed.
    PackageFiles,
    /// The script watches other paths or variables than before.
    ScriptInstructions,
    /// An environment variable changed.
    Variable,
    /// Another toolchain.
    Toolchain,
    /// Other features are on.
    Features,
    /// The manifest declares other features.
    DeclaredFeatures,
    /// Other flags for the compiler.
    Rustflags,
    /// Another setting of the profile.
    Profile,
    /// Incremental compilation is on or off.
    Incremental,
    /// Other lints in the manifest.
    Lints,
    /// Another linker.
    Linker,
    /// Another setting of cargo's configuration or of a build script.
    ConfigSettings,
    /// Another key of the target in the manifest.
    TargetSettings,
    /// Another root source file.
    SourcePath,
    /// The artifacts were made in another directory of the build directory.
    Moved,
    /// Another platform.
    Platform,
    /// Other dependencies.
    Dependencies,
    /// A dependency was built by an earlier command.
    DependencyBuiltBefore,
    /// Another version or another source of the package, or another wrapper of the compiler.
    PackageId,
    /// Another wrapper of the compiler.
    Wrapper,
    /// An artifact of cargo does not exist.
    ArtifactMissing,
    /// The unit was built before, and its record is gone.
    Removed,
    /// The last build of the unit did not finish.
    Unfinished,
    /// The unit was never built here.
    FirstBuild,
    /// The command forced cargo to build the unit.
    Forced,
    /// An input changed between the rehearsal and the build.
    ChangedMeanwhile,
    /// A reason that the kit does not know.
    Unknown,
}

/// A root cause: the kind, its subject, and the old and the new value. Units with an equal cause
/// share it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct RootCause {
    pub(crate) kind: CauseKind,
    /// The file, the variable, or the package that changed.
    pub(crate) subject: Option<String>,
    pub(crate) old: Option<String>,
    pub(crate) new: Option<String>,
}

impl RootCause {
    /// Returns a cause without values.
    pub(crate) fn of(kind: CauseKind) -> Self {
        Self {
            kind,
            subject: None,
            old: None,
            new: None,
        }
    }

    /// Returns a cause with a subject.
    pub(crate) fn about(kind: CauseKind, subject: impl Into<String>) -> Self {
        Self {
            subject: Some(subject.into()),
            ..Self::of(kind)
        }
    }

    /// Returns the cause with an old and a new value.
    #[must_use]
    pub(crate) fn with_values(mut self, old: Option<String>, new: Option<String>) -> Self {
        self.old = old;
        self.new = new;
        self
    }

    /// Returns the cause in words, without its values.
    pub(crate) fn title(&self) -> String {
        let subject = self.subject.as_deref().unwrap_or("");
        let of_package = match subject {
            "" => String::new(),
            package => format!(" of {package}"),
        };
        match self.kind {
            CauseKind::FileChanged => format!("{subject} changed"),
            CauseKind::FileMissing => format!("{subject} does not exist"),
            CauseKind::FileUnreadable => format!("{subject} cannot be read"),
            CauseKind::FutureTime => format!("{subject} has a time in the future"),
            CauseKind::PackageFiles => format!("a file of the package changed: {subject}"),
            CauseKind::ScriptInstructions => {
                format!("the `rerun-if` instructions of the build script{of_package} changed")
            }
            CauseKind::Variable => format!("the environment variable {subject} changed"),
            CauseKind::Toolchain => "the toolchain changed".to_owned(),
            CauseKind::Features => format!("the features{of_package} changed"),
            CauseKind::DeclaredFeatures => format!("the declared features{of_package} changed"),
            CauseKind::Rustflags => "the compiler flags changed".to_owned(),
            CauseKind::Profile => "the profile changed".to_owned(),
            CauseKind::Incremental => "incremental compilation changed".to_owned(),
            CauseKind::Lints => format!("the lints{of_package} changed"),
            CauseKind::Linker => "the linker changed".to_owned(),
            CauseKind::ConfigSettings => "cargo's configuration changed".to_owned(),
            CauseKind::TargetSettings => format!("the settings of a target{of_package} changed"),
            CauseKind::SourcePath => format!("the root source file{of_package} changed"),
            CauseKind::Moved => "the artifacts were made in another directory".to_owned(),
            CauseKind::Platform => "the platform changed".to_owned(),
            CauseKind::Dependencies => format!("the dependencies{of_package} changed"),
            CauseKind::DependencyBuiltBefore => {
                format!("an earlier command built the dependency {subject} alone")
            }
            CauseKind::PackageId => format!(
                "the version or the source{of_package} changed, or the wrapper of the compiler"
            ),
            CauseKind::Wrapper => "the wrapper of the compiler changed".to_owned(),
            CauseKind::ArtifactMissing => format!("the artifact {subject} was removed"),
            CauseKind::Removed => "the artifacts were removed".to_owned(),
            CauseKind::Unfinished => "the last build did not finish".to_owned(),
            CauseKind::FirstBuild => match subject {
                "" => "first build".to_owned(),
                mode => format!("first {mode}"),
            },
            CauseKind::Forced => "the command forced the build of the unit".to_owned(),
            CauseKind::ChangedMeanwhile => {
                "an input changed while the build was prepared".to_owned()
            }
            CauseKind::Unknown => match subject {
                "" => "unknown cause".to_owned(),
                words => format!("unknown cause, in cargo's words: {words}"),
            },
        }
    }
}
