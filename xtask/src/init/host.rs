//! The repository that gets an `xtask`: the facts that decide what is written.

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;
use toml::Value;
use xtask_impact::cargo_config::CargoConfig;
use xtask_impact::paths::resolved;
use xtask_impact::process::{self, Runner};
use xtask_impact::vcs::Repository;
use xtask_impact::{files, quote, usage};

use crate::cli::workspaces::no_workspace;

/// The facts about a repository.
#[derive(Clone, Debug)]
pub(crate) struct HostRepository {
    /// The top level of the repository; without a repository, the root of the workspace.
    pub top: Utf8PathBuf,
    /// The root of the workspace, relative to the top level; empty for the top level itself.
    pub below: Utf8PathBuf,
    /// The target directory, relative to the root of the workspace; `None` if the target directory
    /// lies elsewhere.
    pub target: Option<Utf8PathBuf>,
    /// The globs of `workspace.members`.
    pub members: Vec<String>,
    /// The path of cargo's configuration file, relative to the root of the workspace.
    pub configuration: &'static str,
    /// True if the configuration sets `build.target`.
    pub has_build_target: bool,
    /// The default branch.
    pub branch: String,
    /// Facts that the user should know.
    pub notes: Vec<String>,
}

#[derive(Deserialize)]
struct Metadata {
    workspace_root: Utf8PathBuf,
    target_directory: Utf8PathBuf,
}

#[derive(Default, Deserialize)]
struct HostManifest {
    #[serde(default)]
    workspace: Members,
}

#[derive(Default, Deserialize)]
struct Members {
    #[serde(default)]
    members: Vec<String>,
}

impl HostRepository {
    /// Finds the facts about the repository that contains the runner's directory. Cargo is asked
    /// without dependencies, so cargo does not touch the lock file.
    ///
    /// # Errors
    /// Returns an error if there is no workspace.
    pub(crate) fn find(runner: &Runner, manifest_path: Option<&Utf8Path>) -> Result<Self> {
        let mut command = runner.cargo();
        command.args(["metadata", "--no-deps", "--format-version", "1"]);
        if let Some(path) = manifest_path {
            command.args(["--manifest-path", path.as_str()]);
        }
        let told = process::checked(&mut command).map_err(|error| {
            let none = manifest_path.is_none().then(|| no_workspace(runner));
            none.flatten().unwrap_or(error)
        })?;
        let metadata: Metadata = serde_json::from_slice(&told).context("cargo metadata")?;
        let root = resolved(&metadata.workspace_root);
        let runner = runner.in_directory(&root);
        let repository = Repository::discover(&runner, &root)?;
        let top = repository.as_ref().map(|it| resolved(it.top_level()));
        let top = top.filter(|top| root.starts_with(top));
        let top = top.unwrap_or_else(|| root.clone());
        let manifest = root.join("Cargo.toml");
        let text = files::read_text(&manifest, files::SETTINGS)
            .map_err(|error| usage!("cannot read {}: {error}", quote::name(&manifest)))?;
        let manifest: HostManifest = toml::from_str(&text).context("the root manifest")?;
        let target = resolved(&metadata.target_directory);
        let configuration = match root.join(".cargo/config").is_file() {
            true => ".cargo/config",
            false => ".cargo/config.toml",
        };
        let below = root
            .strip_prefix(&top)
            .unwrap_or(Utf8Path::new(""))
            .to_owned();
        Ok(Self {
            target: target.strip_prefix(&root).ok().map(Utf8Path::to_owned),
            members: manifest.workspace.members,
            configuration,
            has_build_target: !CargoConfig::of(&runner)?.build_targets()?.is_empty(),
            branch: default_branch(repository.as_ref()),
            notes: notes(&runner)?,
            below,
            top,
        })
    }

    /// Returns the target directory of the own package, relative to the root of the workspace.
    pub(crate) fn own_target(&self, name: &str) -> Utf8PathBuf {
        match &self.target {
            // If the target directory is the root itself, it contains sources.
            Some(target) if target != "" => target.join(format!("own-{name}")),
            _ => Utf8PathBuf::from(name).join("target"),
        }
    }

    /// Returns the flags with which cargo builds the launcher and the own package.
    pub(crate) fn flags(&self, name: &str) -> Vec<String> {
        // On every system, cargo takes `/` in paths.
        let target = self.own_target(name).as_str().replace('\\', "/");
        let mut flags = vec!["--target-dir".to_owned(), target];
        if self.has_build_target {
            // The own package runs on this machine, even if the repository is built for another
            // target.
            flags.extend(["--target", "host-tuple"].map(str::to_owned));
        }
        flags
    }

    /// Returns the value of the alias that starts the launcher.
    pub(crate) fn alias(&self, name: &str) -> Value {
        self.alias_of(&format!("{name}/launcher/Cargo.toml"), name)
    }

    /// Returns true if a value of the alias is the one that older versions of `init` wrote: the
    /// alias starts the own package without a launcher.
    pub(crate) fn is_older_alias(&self, name: &str, value: &str) -> bool {
        value
            == self
                .alias_of(&format!("{name}/Cargo.toml"), name)
                .to_string()
    }

    fn alias_of(&self, manifest: &str, name: &str) -> Value {
        let flags = self.flags(name);
        let mut words = vec!["run", "--quiet", "--manifest-path", manifest];
        words.extend(flags.iter().map(String::as_str));
        words.push("--");
        match words.iter().any(|word| word.contains(' ')) {
            true => Value::Array(words.into_iter().map(Value::from).collect()),
            false => Value::from(words.join(" ")),
        }
    }

    /// Returns true if a glob of `workspace.members` matches the folder of the own package or of
    /// the launcher.
    pub(crate) fn is_member(&self, name: &str) -> bool {
        let folders = [name.to_owned(), format!("{name}/launcher")];
        let globs = self
            .members
            .iter()
            .filter(|it| it.contains(['*', '?', '[']));
        let options = glob::MatchOptions {
            require_literal_separator: true,
            ..glob::MatchOptions::new()
        };
        globs
            .flat_map(|it| glob::Pattern::new(it.trim_start_matches("./")))
            .any(|glob| {
                folders
                    .iter()
                    .any(|folder| glob.matches_with(folder, options))
            })
    }
}

/// Returns the name of the default branch, without its remote.
fn default_branch(repository: Option<&Repository>) -> String {
    let base = repository.and_then(|it| it.default_base().ok());
    let name = base.map_or("main", |(name, _)| name);
    let name = name.strip_prefix("origin/").unwrap_or(name);
    match name {
        "HEAD" => "main".to_owned(),
        name => name.to_owned(),
    }
}

/// Returns a note if the toolchain of the repository is older than the toolchain that the kit needs.
fn notes(runner: &Runner) -> Result<Vec<String>> {
    let told = process::checked(runner.rustc().arg("--version"))?;
    let found = process::version_in(&String::from_utf8_lossy(&told));
    let needed = env!("CARGO_PKG_RUST_VERSION");
    let least = process::version_in(&format!("rustc {needed}.0"));
    Ok(match (found, least) {
        (Some(found), Some(least)) if found < least => vec![format!(
            "the toolchain of this repository is Rust {found}, and the kit needs {needed} or newer: \
             install the binary with a newer toolchain instead, or update the toolchain"
        )],
        _ => Vec::new(),
    })
}
