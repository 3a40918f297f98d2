//! The parts of the output of [`cargo metadata`] that the kit reads. For ten thousand packages the
//! output has tens of megabytes, so these types hold as little as possible: ids are borrowed,
//! targets are reduced one by one, and the most numerous lists are boxed slices without spare
//! capacity.
//!
//! [`cargo metadata`]: https://doc.rust-lang.org/cargo/commands/cargo-metadata.html#json-format

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use camino::Utf8PathBuf;
use cargo_metadata::cargo_platform::Platform;
use cargo_metadata::semver::VersionReq;
use cargo_metadata::{CrateType, DependencyKind, TargetKind as CargoKind};
use serde::Deserialize;

use super::{PackageIx, Target, TargetKind};

#[derive(Deserialize)]
pub(super) struct MetadataJson<'a> {
    #[serde(borrow)]
    pub(super) packages: Vec<Manifest<'a>>,
    #[serde(borrow)]
    pub(super) workspace_members: Vec<Text<'a>>,
    /// Absent with `--no-deps`.
    #[serde(borrow)]
    pub(super) resolve: Option<Resolve<'a>>,
    pub(super) workspace_root: Utf8PathBuf,
    pub(super) target_directory: Utf8PathBuf,
    /// Absent before cargo 1.91.
    pub(super) build_directory: Option<Utf8PathBuf>,
    #[serde(default)]
    pub(super) metadata: serde_json::Value,
}

/// A string of the output. It is borrowed unless a character in it is escaped.
#[derive(Clone, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// The indexes of the packages by their ids.
pub(super) type PackageIndexes<'a> = HashMap<Text<'a>, PackageIx>;

/// A package and what its manifest declares.
#[derive(Deserialize)]
pub(super) struct Manifest<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) source: Option<String>,
    pub(super) manifest_path: Utf8PathBuf,
    pub(super) links: Option<String>,
    pub(super) targets: Vec<Reduced>,
    pub(super) features: BTreeMap<String, Vec<String>>,
    #[serde(borrow)]
    pub(super) dependencies: Box<[DeclaredEdge<'a>]>,
}

/// A dependency as the manifest declares it.
#[derive(Clone, Deserialize)]
pub(super) struct DeclaredEdge<'a> {
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) rename: Option<Text<'a>>,
    pub(super) req: VersionReq,
    pub(super) kind: Option<DependencyKind>,
    pub(super) target: Option<Platform>,
    pub(super) optional: bool,
    pub(super) uses_default_features: bool,
    pub(super) features: Vec<String>,
    #[serde(borrow)]
    pub(super) path: Option<Text<'a>>,
}

impl DeclaredEdge<'_> {
    /// Returns the key of the dependency in the manifest.
    pub(super) fn key(&self) -> &str {
        &self.rename.as_ref().unwrap_or(&self.name).0
    }
}

#[derive(Deserialize)]
pub(super) struct Resolve<'a> {
    #[serde(borrow)]
    pub(super) nodes: Vec<ResolvedNode<'a>>,
}

/// A package's dependencies and features, as cargo resolved them.
#[derive(Default, Deserialize)]
pub(super) struct ResolvedNode<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) deps: Box<[On<'a>]>,
    pub(super) features: Vec<String>,
}

/// A resolved dependency: the package that is depended on, and the kinds of the dependency.
#[derive(Deserialize)]
pub(super) struct On<'a> {
    #[serde(borrow)]
    pub(super) pkg: Text<'a>,
    pub(super) dep_kinds: Box<[EdgeKind]>,
}

/// A kind of a resolved dependency; `None` for a normal dependency.
#[derive(Deserialize)]
pub(super) struct EdgeKind {
    pub(super) kind: Option<DependencyKind>,
    pub(super) target: Option<Platform>,
}

/// A package's declared features, declared dependencies and resolved dependencies.
pub(super) type Declares<'a> = (
    BTreeMap<String, Vec<String>>,
    Box<[DeclaredEdge<'a>]>,
    Box<[On<'a>]>,
);

/// A target that is reduced while the output is parsed; `None` if cargo states no kind.
#[derive(Deserialize)]
#[serde(from = "cargo_metadata::Target")]
pub(super) struct Reduced(pub(super) Option<Target>);

impl From<cargo_metadata::Target> for Reduced {
    fn from(target: cargo_metadata::Target) -> Self {
        Self(self::target(&target))
    }
}

/// Reduces a target of `cargo metadata`. Returns `None` if the target has no kind.
pub fn target(target: &cargo_metadata::Target) -> Option<Target> {
    let kind = match target.kind.first()? {
        CargoKind::Bin => TargetKind::Bin,
        CargoKind::Example => TargetKind::Example,
        CargoKind::Test => TargetKind::Test,
        CargoKind::Bench => TargetKind::Bench,
        CargoKind::CustomBuild => TargetKind::CustomBuild,
        // All library kinds: lib, rlib, dylib, cdylib, staticlib, proc-macro, and kinds of later
        // versions of cargo.
        _ => TargetKind::Lib,
    };
    let is_linkable = |it: &CrateType| !matches!(it, CrateType::CDyLib | CrateType::StaticLib);
    Some(Target {
        name: target.name.clone(),
        kind,
        src_path: target.src_path.clone(),
        linkable: kind == TargetKind::Lib && target.crate_types.iter().any(is_linkable),
        proc_macro: target.kind.contains(&CargoKind::ProcMacro),
        test: target.test,
        bench: matches!(kind, TargetKind::Lib | TargetKind::Bin | TargetKind::Bench),
        doctest: target.doctest,
        doc: target.doc,
        required_features: target.required_features.clone(),
    })
}
