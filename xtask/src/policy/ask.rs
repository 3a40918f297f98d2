//! Reads the policy of the workspace in which the kit was started, and of its repository.

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::cargo_config::{PATH_HASH, Surroundings};
use xtask_impact::paths::resolved;
use xtask_impact::process::Runner;
use xtask_impact::vcs::Repository;
use xtask_impact::workspace::{PlatformFacts, RootManifest, check_special_files, workspaces_below};
use xtask_impact::{process, quote, usage};

use crate::checks::policy::subject::{KnownWorkspace, root_above};
use crate::checks::policy::{check, files};
use crate::checks::{Check, Finding};
use crate::cli::output;
use crate::policy::settings::BuildSettings;

/// The workspace whose policy is read.
pub(crate) struct PolicyQuery<'a> {
    /// Starts programs in the directory where the kit was started.
    pub runner: &'a Runner,
    /// A manifest of the workspace; `None` for the manifest that cargo finds from the runner's
    /// directory.
    pub manifest_path: Option<&'a Utf8Path>,
    /// The arguments of cargo's flag `--config`.
    pub flags: &'a [String],
}

/// The places of a workspace and of its repository.
struct Location {
    /// The directory from which the search for the workspace starts.
    start: Utf8PathBuf,
    root: Option<Utf8PathBuf>,
    repository: Option<Repository>,
}

impl Location {
    fn root(&self) -> Result<&Utf8Path> {
        let Self { start, root, .. } = self;
        root.as_deref().ok_or_else(|| {
            usage!(
                "no Cargo.toml in {} or above it\nhint: run the command in a workspace, or pass \
                 --manifest-path",
                quote::name(&start)
            )
        })
    }
}

impl PolicyQuery<'_> {
    /// Finds the workspace and the repository, without asking cargo.
    ///
    /// # Errors
    /// Returns an error if the named manifest does not exist, or if git refuses the repository.
    fn scene(&self) -> Result<Location> {
        let current = self.runner.directory();
        let current = Utf8Path::from_path(current).context("this path is not UTF-8")?;
        let start = match self.manifest_path {
            Some(manifest) if !current.join(manifest).is_file() => {
                return Err(usage!(
                    "--manifest-path {} does not exist",
                    quote::name(&manifest)
                ));
            }
            Some(manifest) => current.join(manifest.parent().unwrap_or(manifest)),
            None => current.to_owned(),
        };
        let start = resolved(&start);
        check_special_files(current, &start)?;
        let root = root_above(&start);
        let repository = Repository::discover(self.runner, root.as_deref().unwrap_or(&start))?;
        Ok(Location {
            start,
            root,
            repository,
        })
    }

    /// Returns the findings of the policy checks, for the workspace and its repository.
    ///
    /// # Errors
    /// Returns an error if there is no workspace, if git fails, or if the configuration is wrong.
    pub(crate) fn check(&self, known: &[&Check]) -> Result<Vec<Finding>> {
        let scene = self.scene()?;
        let root = scene.root()?;
        let (top, tracked) = files(root, scene.repository.as_ref())?;
        let around = Surroundings::of(self.runner, self.flags);
        check(known, root, &top, &tracked, &around)
    }

    /// Returns the settings of the workspace, as they hold in the current directory. With `all`,
    /// the result also has the settings of the repository's other workspaces, each as they hold at
    /// the workspace's root; then the current directory may be outside a workspace. `profile` names
    /// a profile that must exist in the workspace.
    ///
    /// # Errors
    /// Returns an error if cargo would refuse a configuration.
    pub(crate) fn settings(&self, all: bool, profile: Option<&str>) -> Result<Vec<BuildSettings>> {
        let scene = self.scene()?;
        let repository = scene.repository.as_ref().filter(|_| all);
        let mut settings = Vec::new();
        if scene.root.is_some() || repository.is_none() {
            settings.push(self.of(scene.root()?, self.runner, profile)?);
        }
        if let Some(repository) = repository {
            let top = resolved(repository.top_level());
            let others = workspaces_below(&top, repository.manifests()?);
            let others = others.iter().filter(|it| !it.is_fixture);
            let others = others.map(RootManifest::directory);
            for root in others.filter(|it| scene.root.as_deref() != Some(it)) {
                // The profile may exist only in the workspace of the current directory.
                match self.of(root, &self.runner.in_directory(root), None) {
                    Ok(of_other) => settings.push(of_other),
                    Err(error) => output::warning(format_args!(
                        "{} is left out: {error:#}",
                        quote::name(&root)
                    )),
                }
            }
        }
        Ok(settings)
    }

    fn of(&self, root: &Utf8Path, from: &Runner, profile: Option<&str>) -> Result<BuildSettings> {
        let current = Utf8Path::from_path(from.directory()).context("this path is not UTF-8")?;
        let around = Surroundings::of(from, self.flags);
        let KnownWorkspace {
            profiles, config, ..
        } = KnownWorkspace::read(root, current, &around)?;
        let triples = config.build_targets()?;
        let triples = triples.iter().filter_map(|it| it.as_str());
        let triples: Vec<_> = triples.map(str::to_owned).collect();
        let platforms = PlatformFacts::of(from, &triples).map(|it| it.0);
        let platforms = platforms.unwrap_or_else(|| {
            output::warning(format_args!(
                "{}: rustc did not print its target, so flags and linkers are left out",
                quote::name(&root)
            ));
            Vec::new()
        });
        let profiles = profiles.as_ref();
        let mut settings = BuildSettings::new(root, profiles, &config, &platforms, profile)?;
        if settings.build_directory.0.as_str().contains(PATH_HASH) {
            settings.build_directory.0 = self.hashed(root, from)?;
        }
        Ok(settings)
    }

    /// Asks cargo for the build directory, because only cargo can compute the hash of a root
    /// manifest's path.
    fn hashed(&self, root: &Utf8Path, from: &Runner) -> Result<Utf8PathBuf> {
        let mut command = from.cargo();
        command.args(["metadata", "--no-deps", "--format-version", "1"]);
        command.args(["--manifest-path", root.join("Cargo.toml").as_str()]);
        command.args(self.flags.iter().flat_map(|it| ["--config", it]));
        let said: serde_json::Value = serde_json::from_slice(&process::checked(&mut command)?)
            .context("`cargo metadata` printed something that is not its documented JSON")?;
        let said = |key: &str| said[key].as_str();
        let directory = said("build_directory").or_else(|| said("target_directory"));
        Ok(directory
            .context("`cargo metadata` printed no build directory")?
            .into())
    }
}

#[cfg(test)]
mod tests {
    use xtask_impact::testing::workspace;

    use super::*;
    use crate::checks::Place;
    use crate::checks::policy::check::CHECKS;
    use crate::doctor::context::{Context, state_costs};

    #[test]
    fn each_departure_has_a_cost_in_figures() {
        let workspace = workspace(
            "app: lib bin test=it script -> base\nbase: lib -> dep\ndep external: lib script",
        );
        let runner = Runner::new().unwrap();
        let context = Context::new(&workspace, &runner, None);
        let costs = CHECKS.iter().map(|check| {
            let path = "base/Cargo.toml".into();
            let mut found = [check.found(Place::Path { path, line: None }, "", "")];
            state_costs(&context, &mut found);
            let cost = found[0].impact.as_deref().unwrap_or("no cost");
            format!("{}: {cost}\n", check.code)
        });
        let costs: String = costs.collect();
        expect_test::expect![[r#"
            environment-overrides: A full build compiles 10 units of 3 packages; time unknown, because `cargo xtask timings` has not measured a build of all packages.
            environment-departs: A full build compiles 10 units of 3 packages; time unknown, because `cargo xtask timings` has not measured a build of all packages.
            split-rustflags: A full build compiles 10 units of 3 packages; time unknown, because `cargo xtask timings` has not measured a build of all packages.
            env-table-ignored: The line changes none of 10 units that a full build compiles.
            nested-config: A full build compiles 10 units of 3 packages; time unknown, because `cargo xtask timings` has not measured a build of all packages.
            contradicting-config: A full build compiles 10 units of 3 packages; time unknown, because `cargo xtask timings` has not measured a build of all packages.
            contradicting-manifest: The line changes none of 10 units that a full build compiles.
            member-profile: The line changes none of 10 units that a full build compiles.
            two-config-files: The line changes none of 10 units that a full build compiles.
            same-package-twice: 7 units of 2 packages compiled again (dependents: app); time unknown, because `cargo xtask timings` has not measured a build of all packages.
            same-outputs-twice: 7 units of 2 packages compiled again (dependents: app); time unknown, because `cargo xtask timings` has not measured a build of all packages.
            incremental-with-cache: 8 units of path packages can be compiled incrementally.
            codegen-units-with-incremental: 8 units of path packages can be compiled incrementally.
            lto-with-incremental: 7 binaries are linked in a build of everything with its tests.
            debug-stripped: 7 binaries are linked in a build of everything with its tests.
            full-debug-info: 7 binaries are linked in a build of everything with its tests.
            toolchain-unpinned: A full build compiles 10 units of 3 packages; time unknown, because `cargo xtask timings` has not measured a build of all packages.
            toolchain-differs-in-ci: A full build compiles 10 units of 3 packages; time unknown, because `cargo xtask timings` has not measured a build of all packages.
            required-value: A full build compiles 10 units of 3 packages; time unknown, because `cargo xtask timings` has not measured a build of all packages.
            unreadable-workspace: Unknown, because cargo does not load this workspace.
        "#]].assert_eq(&costs);
    }
}
