//! Cargo's reasons to build a unit, read from its log.

use camino::Utf8PathBuf;

use super::debug_value::DebugValue;

/// A reason of cargo to build a unit (`DirtyReason` in cargo).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Cargo found no record of the unit, or a record that it cannot read.
    NoRecord,
    /// Another compiler.
    Toolchain,
    /// Other features are on.
    Features(Vec<String>, Vec<String>),
    /// The manifest declares other features.
    DeclaredFeatures(Vec<String>, Vec<String>),
    /// Another key of the target in the manifest, such as its edition.
    TargetSettings,
    /// Another root source file.
    SourcePath,
    /// Another profile setting, or another table `[lints]`.
    Profile,
    /// Other flags for the compiler.
    Rustflags(Vec<String>, Vec<String>),
    /// Another linker, or another flag of a build script.
    ConfigSettings,
    /// Another platform.
    Platform,
    /// The script prints other `rerun-if` instructions, or the kind of the inputs changed.
    Instructions,
    /// The newest file of the package, or the version of a package from a registry.
    Precalculated(String, String),
    /// The record was made at another path in the build directory.
    Moved(String, String),
    /// The paths of `rerun-if-changed`.
    WatchedPaths(Vec<String>, Vec<String>),
    /// A variable, with its old and its new value.
    Variable(String, Option<String>, Option<String>),
    /// The set of the dependencies changed.
    DependencySet,
    /// A dependency is built, or was built after the unit.
    Dependency,
    /// A file is newer than the last build. The times are seconds and nanoseconds.
    FileChanged {
        path: Utf8PathBuf,
        time: (i64, i64),
        reference: (i64, i64),
    },
    /// The content of a file changed, as its size or its checksum shows.
    ContentChanged(Utf8PathBuf),
    /// A file that the unit read, or that a script watches, does not exist.
    FileMissing(Utf8PathBuf),
    /// A file cannot be read, or its metadata cannot be read.
    FileUnreadable(Utf8PathBuf),
    /// The settings are equal. The last build of the unit did not finish.
    NothingObvious,
    /// The command forced cargo to build the unit.
    Forced,
    /// A reason that the kit does not know, in cargo's words.
    Other(String),
}

impl Reason {
    /// Parses the text behind `dirty:` in cargo's log.
    pub(crate) fn parse(text: &str) -> Self {
        let parsed = DebugValue::parse(text).and_then(|value| Self::of(&value));
        parsed.unwrap_or_else(|| Self::Other(text.trim().to_owned()))
    }

    fn of(value: &DebugValue) -> Option<Self> {
        let text = |name: &str| value.field(name)?.text().map(str::to_owned);
        let texts = |name: &str| value.field(name).map(DebugValue::texts);
        Some(match value.name() {
            "RustcChanged" => Self::Toolchain,
            "FeaturesChanged" => Self::Features(listed(&text("old")?), listed(&text("new")?)),
            "DeclaredFeaturesChanged" => {
                Self::DeclaredFeatures(listed(&text("old")?), listed(&text("new")?))
            }
            "TargetConfigurationChanged" => Self::TargetSettings,
            "PathToSourceChanged" => Self::SourcePath,
            "ProfileConfigurationChanged" => Self::Profile,
            "RustflagsChanged" => Self::Rustflags(texts("old")?, texts("new")?),
            "ConfigSettingsChanged" => Self::ConfigSettings,
            "CompileKindChanged" => Self::Platform,
            "LocalLengthsChanged" | "LocalFingerprintTypeChanged" | "FingerprintMethodChanged" => {
                Self::Instructions
            }
            "DepInfoOutputChanged" | "RerunIfChangedOutputFileChanged" => {
                Self::Moved(text("old")?, text("new")?)
            }
            "PrecalculatedComponentsChanged" => Self::Precalculated(text("old")?, text("new")?),
            "RerunIfChangedOutputPathsChanged" => Self::WatchedPaths(texts("old")?, texts("new")?),
            "EnvVarsChanged" => Self::Variable(text("new")?, None, None),
            "EnvVarChanged" => Self::Variable(text("name")?, text("old_value"), text("new_value")),
            "NumberOfDependenciesChanged" | "UnitDependencyNameChanged" => Self::DependencySet,
            "UnitDependencyInfoChanged" => Self::Dependency,
            "FsStatusOutdated" => return Self::of_files(value.inner()?),
            "NothingObvious" => Self::NothingObvious,
            "Forced" => Self::Forced,
            "FreshBuild" => Self::NoRecord,
            _ => return None,
        })
    }

    /// Returns the reason of an `FsStatus` of cargo.
    fn of_files(status: &DebugValue) -> Option<Self> {
        if status.name().starts_with("StaleDep") {
            return Some(Self::Dependency);
        }
        let item = status.inner().filter(|_| status.name() == "StaleItem")?;
        let text = |name: &str| item.field(name)?.text().map(str::to_owned);
        let path = |name: &str| text(name).map(Utf8PathBuf::from);
        let time = |name: &str| {
            let time = item.field(name)?;
            let part = |name: &str| time.field(name)?.number();
            Some((part("seconds")?, part("nanos").or(part("nanoseconds"))?))
        };
        Some(match item.name() {
            "MissingFile" => Self::FileMissing(path("path").or_else(|| inner_path(item))?),
            "UnableToReadFile" | "FailedToReadMetadata" => {
                Self::FileUnreadable(path("path").or_else(|| inner_path(item))?)
            }
            "ChangedFile" => Self::FileChanged {
                path: path("stale")?,
                time: time("stale_mtime").unwrap_or_default(),
                reference: time("reference_mtime").unwrap_or_default(),
            },
            "ChangedChecksum" => Self::ContentChanged(path("source")?),
            "FileSizeChanged" => Self::ContentChanged(path("path")?),
            "MissingChecksum" => Self::ContentChanged(path("path").or_else(|| inner_path(item))?),
            "ChangedEnv" => Self::Variable(text("var")?, text("previous"), text("current")),
            _ => return None,
        })
    }
}

fn inner_path(item: &DebugValue) -> Option<Utf8PathBuf> {
    item.inner()?.text().map(Utf8PathBuf::from)
}

/// Returns the features of cargo's text `["a", "b"]`.
fn listed(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap_or_default()
}
