//! The workspace to read: its root manifest, and the settings of cargo that decide where its files
//! are. Settings that the reader does not know are a reason to ask cargo.

use camino::{Utf8Path, Utf8PathBuf};

use super::{ReadOrAsk, ask};
use crate::cargo_config::{self, CargoConfig, PATH_HASH};
use crate::paths::normalized;
use crate::process::Runner;
use crate::workspace::{LoadOptions, likely_root};

/// The files of a workspace.
pub(super) struct ReadPlace {
    /// The directory of the root manifest.
    pub(super) root: Utf8PathBuf,
    /// The manifest that cargo begins with.
    pub(super) start: Utf8PathBuf,
    pub(super) target_directory: Utf8PathBuf,
    pub(super) build_directory: Utf8PathBuf,
    /// Cargo's home directory.
    pub(super) home: Utf8PathBuf,
    pub(super) config: CargoConfig,
}

/// The tables of the configuration that do not change what `cargo metadata` prints, or whose
/// effects are known.
const TABLES: [&str; 16] = [
    "alias",
    "build",
    "cache",
    "cargo-new",
    "credential-alias",
    "doc",
    "env",
    "future-incompat-report",
    "http",
    "install",
    "net",
    "profile",
    "resolver",
    "target",
    "term",
    "timings",
];

/// The starts of the names of variables that change what cargo resolves, or where its files are.
const VARIABLES: [&str; 9] = [
    "CARGO_PATHS",
    "CARGO_REGISTRIES_",
    "CARGO_REGISTRY_DEFAULT",
    "CARGO_REGISTRY_INDEX",
    "CARGO_RESOLVER_LOCKFILE_PATH",
    "CARGO_RESOLVER_FEATURE_UNIFICATION",
    "CARGO_SOURCE_",
    "CARGO_UNSTABLE_",
    "__CARGO",
];

impl ReadPlace {
    /// Returns the workspace of the runner's directory, or of the manifest in `options`.
    pub(super) fn new(runner: &Runner, options: &LoadOptions) -> ReadOrAsk<Self> {
        if cfg!(windows) {
            return Err(ask("the paths of Windows are not known to the reader"));
        }
        let directory = Utf8Path::from_path(runner.directory());
        let directory = directory.ok_or_else(|| ask("the directory is not UTF-8"))?;
        let start = match &options.manifest_path {
            Some(path) => normalized(&directory.join(path)),
            None => {
                let mut above = directory.ancestors().map(|it| it.join("Cargo.toml"));
                let found = above.find(|it| it.is_file());
                found.ok_or_else(|| ask("no manifest was found"))?
            }
        };
        let beside = start.parent().unwrap_or(directory);
        if beside.canonicalize_utf8().ok().as_deref() != Some(beside) {
            return Err(ask("the directory is reached through a symbolic link"));
        }
        let root = likely_root(beside).ok_or_else(|| ask("the workspace has no root manifest"))?;
        let home = cargo_config::cargo_home().ok_or_else(|| ask("cargo has no home"))?;
        let is_inside = |inner: &Utf8Path, outer: &Utf8Path| inner.starts_with(outer);
        if is_inside(root, &home)
            || is_inside(&home, root)
            || root.as_str().contains("/target/package")
        {
            return Err(ask("the workspace is in a directory of cargo"));
        }
        let config = CargoConfig::of(runner)
            .map_err(|error| ask(format!("the configuration is not valid: {error}")))?;
        check_config(&config)?;
        let failed = |_| ask("the target directory is not known");
        let (target_directory, _) = config.target_directory(root).map_err(failed)?;
        let build_directory = config.build_directory(root).map_err(failed)?;
        let build_directory = build_directory.map_or_else(|| target_directory.clone(), |it| it.0);
        for path in [&target_directory, &build_directory] {
            if normalized(path) != **path || path.as_str().contains(PATH_HASH) {
                return Err(ask("the target directory is not a plain path"));
            }
        }
        Ok(Self {
            root: root.to_owned(),
            start: start.clone(),
            target_directory,
            build_directory,
            home,
            config,
        })
    }
}

fn check_config(config: &CargoConfig) -> ReadOrAsk<()> {
    for (table, value) in config.written().entries() {
        let is_known = TABLES.contains(&table.as_str());
        let mut keys = value.entries().map(|(key, _)| key.as_str());
        let is_plain = table != "resolver" || keys.all(|key| key == "incompatible-rust-versions");
        if !is_known || !is_plain {
            return Err(ask(format!("the configuration has `{table}`")));
        }
    }
    if !matches!(config.get(&["build", "rustc"]), Ok(None)) {
        return Err(ask("the configuration names a compiler"));
    }
    let mut variables = config.variables().map(|(name, _)| name);
    match variables.find(|name| VARIABLES.iter().any(|it| name.starts_with(it))) {
        Some(name) => Err(ask(format!("the variable {name} is set"))),
        None => Ok(()),
    }
}
