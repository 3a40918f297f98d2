//! Arguments that several commands share, and the plain values that they resolve to.

use anyhow::{Context as _, Result};
use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use xtask_impact::cargo_config::CargoConfig;
use xtask_impact::change_set::{ChangeRequest, Prefetch};
use xtask_impact::paths::normalized;
use xtask_impact::process::{self, CargoFlags, Runner};
use xtask_impact::workspace::{LoadOptions, Platforms, Workspace};
use xtask_impact::{quote, usage};

use crate::cli::progress;
use crate::cli::suggestion::did_you_mean;

/// The workspace, and options for cargo.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Cargo")]
pub(crate) struct WorkspaceArgs {
    /// Use the workspace of this Cargo.toml
    #[arg(long, hide_short_help = true, value_name = "PATH")]
    manifest_path: Option<Utf8PathBuf>,
    /// Use the dependencies for this target triple instead of the host (repeatable)
    #[arg(
        long,
        hide_short_help = true,
        value_name = "TRIPLE",
        conflicts_with = "all_platforms"
    )]
    target: Vec<String>,
    /// Use the dependencies for all platforms
    #[arg(long, hide_short_help = true)]
    all_platforms: bool,
    /// Fail if Cargo.lock would have to change
    #[arg(long, hide_short_help = true)]
    locked: bool,
    /// Run without network access
    #[arg(long, hide_short_help = true)]
    offline: bool,
    /// Same as --locked and --offline
    #[arg(long, hide_short_help = true)]
    frozen: bool,
    /// Use this target directory
    #[arg(long, hide_short_help = true, value_name = "DIRECTORY")]
    target_dir: Option<Utf8PathBuf>,
    /// Override a value of cargo's configuration (repeatable)
    #[arg(long, hide_short_help = true, value_name = "KEY=VALUE|PATH")]
    config: Vec<String>,
    /// Do not read or write the cache
    #[arg(long, hide_short_help = true)]
    pub(crate) no_cache: bool,
}

impl WorkspaceArgs {
    /// Returns arguments that name only a manifest.
    pub(crate) fn of_manifest(manifest_path: Option<Utf8PathBuf>) -> Self {
        Self {
            manifest_path,
            target: Vec::new(),
            all_platforms: false,
            locked: false,
            offline: false,
            frozen: false,
            target_dir: None,
            config: Vec::new(),
            no_cache: false,
        }
    }

    /// Returns a runner for the current directory, with the flags that hold for every cargo.
    ///
    /// # Errors
    /// Returns an error if a flag has no valid value.
    pub(crate) fn runner(&self) -> Result<Runner> {
        let runner = Runner::new()?;
        if self.target_dir.is_none() && self.config.is_empty() {
            return Ok(runner);
        }
        let target_dir = self.target_dir.as_ref();
        if target_dir.is_some_and(|it| it == "") || self.config.iter().any(String::is_empty) {
            let name = target_dir.map_or("--config", |_| "--target-dir");
            return Err(usage!(
                "{name} is empty\nhint: check that the variable in your script is set"
            ));
        }
        let here = Utf8Path::from_path(runner.directory());
        let here = here.context("the current directory's path is not UTF-8")?;
        let runner = runner.with_cargo_flags(CargoFlags {
            config: self.config.iter().map(|it| placed(it, here)).collect(),
            target_dir: target_dir.map(|it| joined(here, it)),
        });
        // Refuses a value that cargo refuses, before cargo or git is started.
        CargoConfig::of(&runner)?;
        Ok(runner)
    }

    /// Loads the workspace with cargo metadata.
    ///
    /// # Errors
    /// Returns an error if there is no workspace, or if cargo cannot load it.
    pub(crate) fn load(&self) -> Result<(Runner, Workspace)> {
        let runner = self.runner()?;
        let workspace = self.load_by(&runner)?;
        Ok((runner, workspace))
    }

    pub(crate) fn load_by(&self, runner: &Runner) -> Result<Workspace> {
        if self.target.iter().any(String::is_empty) {
            return Err(usage!(
                "--target is empty\nhint: check that the variable in your script is set"
            ));
        }
        if let Some(path) = &self.manifest_path {
            if path.is_dir() {
                return Err(usage!(
                    "--manifest-path {} is a directory\nhint: pass the path of its Cargo.toml",
                    quote::name(&path)
                ));
            }
            if !path.is_file() {
                return Err(usage!(
                    "--manifest-path {} does not exist",
                    quote::name(&path)
                ));
            }
        }
        let load = || Workspace::load(runner, &self.options());
        progress::during("Loading", "the workspace", load).map_err(|error| {
            let no_workspace = || match &self.manifest_path {
                None => crate::cli::workspaces::no_workspace(runner),
                Some(_) => None,
            };
            let better = no_workspace().or_else(|| unknown_triple(runner, &self.target));
            better.unwrap_or(error)
        })
    }

    /// Starts the work for an answer that does not need cargo metadata. Returns `None` if git is
    /// not asked for a comparison.
    pub(crate) fn prefetch(
        &self,
        runner: &Runner,
        asked: &ChangeRequest,
        with_records: bool,
    ) -> Option<Prefetch> {
        let here = Utf8Path::from_path(runner.directory())?;
        let manifest = self.manifest_path.as_ref().map(|path| here.join(path));
        let directory = manifest.as_ref().map_or(Some(here), |it| it.parent())?;
        let prefetch = Prefetch::compare(runner, directory, Some(asked.compare.as_ref()?));
        Some(match self.no_cache {
            true => prefetch,
            false => prefetch.with_evidence(runner, with_records),
        })
    }

    pub(crate) fn options(&self) -> LoadOptions {
        LoadOptions {
            manifest_path: self.manifest_path.clone(),
            platforms: match (self.all_platforms, &self.target[..]) {
                (true, _) => Platforms::All,
                (false, []) => Platforms::Configured,
                (false, triples) => Platforms::Triples(triples.to_vec()),
            },
            locked: self.locked || self.frozen,
            offline: self.offline || self.frozen,
            no_cache: self.no_cache,
        }
    }

    /// Returns true if cargo may download packages.
    pub(crate) fn network(&self) -> bool {
        !(self.offline || self.frozen)
    }

    /// Returns the choices about the lock file, the network and the workspace as arguments for
    /// cargo.
    pub(crate) fn forwarded_with_manifest(&self) -> Vec<String> {
        let mut forwarded = self.forwarded();
        if let Some(path) = &self.manifest_path {
            forwarded.extend(["--manifest-path".to_owned(), path.to_string()]);
        }
        forwarded
    }

    /// Returns the choices about the lock file, the network, the configuration and the target triples
    /// as arguments for a cargo that starts in another directory.
    pub(crate) fn forwarded_with_targets(&self, directory: &Utf8Path) -> Vec<String> {
        let mut forwarded = self.forwarded_to(directory);
        for triple in &self.target {
            forwarded.extend(["--target".to_owned(), triple.clone()]);
        }
        forwarded
    }

    /// Returns true if `--target-dir` was given.
    pub(crate) fn names_target_dir(&self) -> bool {
        self.target_dir.is_some()
    }

    /// Returns the target triples that the user named.
    pub(crate) fn targets(&self) -> &[String] {
        &self.target
    }

    /// Returns the choices about the lock file, the network and the configuration as arguments for a
    /// cargo that starts in the current directory.
    pub(crate) fn forwarded(&self) -> Vec<String> {
        self.forwarded_with(|value| value.to_owned(), |path| path.to_owned())
    }

    /// Returns the same arguments for a cargo that starts in another directory: relative paths become
    /// absolute.
    fn forwarded_to(&self, directory: &Utf8Path) -> Vec<String> {
        let here = std::env::current_dir().ok();
        let here = here.and_then(|it| Utf8PathBuf::try_from(it).ok());
        match here.filter(|here| here != directory) {
            Some(here) => {
                self.forwarded_with(|value| placed(value, &here), |path| joined(&here, path))
            }
            None => self.forwarded(),
        }
    }

    fn forwarded_with(
        &self,
        config: impl Fn(&str) -> String,
        target_dir: impl Fn(&Utf8Path) -> Utf8PathBuf,
    ) -> Vec<String> {
        let mut forwarded = self.network_args();
        for value in &self.config {
            forwarded.extend(["--config".to_owned(), config(value)]);
        }
        if let Some(path) = &self.target_dir {
            forwarded.extend(["--target-dir".to_owned(), target_dir(path).into_string()]);
        }
        forwarded
    }

    /// Returns the choices about the lock file and the network as arguments for cargo.
    fn network_args(&self) -> Vec<String> {
        let flags = [
            (self.locked || self.frozen, "--locked"),
            (self.offline || self.frozen, "--offline"),
        ];
        let given = flags.iter().filter(|flag| flag.0);
        given.map(|flag| flag.1.to_owned()).collect()
    }
}

/// The number of parallel jobs, for commands that build.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Cargo")]
pub(crate) struct JobsArg {
    /// Run this number of jobs in parallel
    #[arg(
        short,
        long,
        value_name = "N",
        hide_short_help = true,
        allow_negative_numbers = true
    )]
    jobs: Option<String>,
}

impl JobsArg {
    /// Returns the flag as arguments for cargo.
    pub(crate) fn forwarded(&self) -> Vec<String> {
        let jobs = self.jobs.iter();
        jobs.flat_map(|it| ["--jobs".to_owned(), it.clone()])
            .collect()
    }
}

/// The flags of cargo for a build whose workspace the kit does not load.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct BuildFlags {
    #[command(flatten)]
    jobs: JobsArg,
    /// Use this target directory
    #[arg(long, value_name = "DIRECTORY")]
    target_dir: Option<String>,
    /// Override a value of cargo's configuration (repeatable)
    #[arg(long, value_name = "KEY=VALUE|PATH")]
    config: Vec<String>,
}

impl BuildFlags {
    /// Returns the flags as arguments for cargo.
    pub(crate) fn forwarded(&self) -> Vec<String> {
        let target_dir = self.target_dir.iter().map(|it| ("--target-dir", it));
        let config = self.config.iter().map(|it| ("--config", it));
        let others = target_dir.chain(config);
        let others = others.flat_map(|(name, value)| [name.to_owned(), value.clone()]);
        self.jobs.forwarded().into_iter().chain(others).collect()
    }
}

/// Returns a value of `--config` that holds in any directory: the path of a file becomes absolute.
fn placed(value: &str, here: &Utf8Path) -> String {
    let path = joined(here, Utf8Path::new(value));
    match path.exists() {
        true => path.into_string(),
        false => value.to_owned(),
    }
}

/// Returns a path relative to the current directory as an absolute path. A `..` in front is removed:
/// the current directory has no symbolic link.
fn joined(here: &Utf8Path, path: &Utf8Path) -> Utf8PathBuf {
    let is_up = |it: &Utf8Component<'_>| matches!(it, Utf8Component::ParentDir);
    let is_above = |it: &Utf8Component<'_>| is_up(it) || matches!(it, Utf8Component::CurDir);
    let joined = here.join(path);
    match path.components().skip_while(is_above).any(|it| is_up(&it)) {
        true => joined,
        false => normalized(&joined),
    }
}

/// Returns the error for the first triple that the compiler does not know.
fn unknown_triple(runner: &Runner, triples: &[String]) -> Option<anyhow::Error> {
    let is_named = |it: &&String| *it != "host-tuple" && !it.ends_with(".json");
    let mut named = triples.iter().filter(is_named).peekable();
    named.peek()?;
    let told = process::checked(runner.rustc().args(["--print", "target-list"])).ok()?;
    let told = String::from_utf8(told).ok()?;
    let known: Vec<&str> = told.lines().collect();
    let unknown = named.find(|it| !known.contains(&it.as_str()))?;
    let suggestion = did_you_mean(unknown, known.iter().copied());
    Some(usage!(
        "--target {}: rustc knows no such target\nhint: {suggestion}`rustc --print target-list` \
         lists the targets",
        quote::name(unknown)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_joined_with_the_current_directory() {
        for (path, expected) in [
            ("out", "/w/a/out"),
            ("../out", "/w/out"),
            ("./../out/./x", "/w/out/x"),
            ("link/../out", "/w/a/link/../out"),
            ("/out", "/out"),
        ] {
            assert_eq!(joined(Utf8Path::new("/w/a"), Utf8Path::new(path)), expected);
        }
    }
}
