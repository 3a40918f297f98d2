//! Reading the policy of the workspace that the kit was started in, and of its repository.

use anyhow::{Context as _, Result};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use crate::doctor;
use crate::finding::{Check, Finding, Policy};
use crate::policy::check::{CHECKS, find};
use crate::policy::settings::Settings;
use crate::policy::subject::{FILES, Known, Subject, root_above};
use crate::process::{self, Runner};
use crate::quote;
use crate::render;
use crate::repo::cargo_config::{PATH_HASH, Surroundings};
use crate::repo::git::Repository;
use crate::repo::resolved;
use crate::usage;
use crate::workspace::{
    PlatformFacts, RootManifest, check_special_files, configured_in, workspaces_below,
};

/// Whose policy is asked for.
pub struct Asked<'a> {
    /// Where the kit was started.
    pub runner: &'a Runner,
    /// A manifest of the workspace, unless it is the one that cargo finds from there.
    pub manifest_path: Option<&'a Utf8Path>,
    /// What is given to cargo as `--config`.
    pub flags: &'a [String],
}

/// Where a workspace and its repository lie.
struct Scene {
    /// Where the workspace was looked for.
    start: Utf8PathBuf,
    root: Option<Utf8PathBuf>,
    repository: Option<Repository>,
}

impl Scene {
    fn root(&self) -> Result<&Utf8Path> {
        let Self { start, root, .. } = self;
        root.as_deref().ok_or_else(|| {
            usage!(
                "there is no Cargo.toml in {} nor above it: ask in a workspace, or name one \
                 with --manifest-path",
                quote::name(&start)
            )
        })
    }
}

/// Every check of the kit, since a workspace's levels and exceptions may name any of them.
pub fn all_checks() -> Vec<&'static Check> {
    doctor::checks()
        .into_iter()
        .chain(CHECKS.iter().copied())
        .collect()
}

/// What departs from the policy of the workspace with this root, not weighed yet.
///
/// # Errors
/// Where the configuration is at fault.
pub fn examine(
    runner: &Runner,
    root: &Utf8Path,
    repository: Option<&Repository>,
    policy: &Policy,
) -> Result<Vec<Finding>> {
    let (top, tracked) = files(root, repository)?;
    let around = Surroundings::of(runner, &[]);
    find(&Subject::read(&top, &tracked, root, &around)?, policy)
}

/// The top level of a workspace's repository, and the files that it tracks; without a repository
/// the root manifest alone.
fn files(
    root: &Utf8Path,
    repository: Option<&Repository>,
) -> Result<(Utf8PathBuf, Vec<Utf8PathBuf>)> {
    Ok(match repository {
        Some(it) => (resolved(it.top_level()), it.tracked(FILES)?),
        None => (root.to_owned(), vec!["Cargo.toml".into()]),
    })
}

/// What departs from the policy of the workspace with this root, weighed as that says. Of the files
/// below the top level those count that are `tracked`, by their paths from there.
///
/// # Errors
/// Where the configuration is at fault.
pub fn check(
    root: &Utf8Path,
    top: &Utf8Path,
    tracked: &[Utf8PathBuf],
    around: &Surroundings,
) -> Result<Vec<Finding>> {
    let policy: Policy = configured_in(&root.join("Cargo.toml"), "policy")?;
    let subject = Subject::read(top, tracked, root, around)?;
    policy.weigh(&all_checks(), find(&subject, &policy)?)
}

impl Asked<'_> {
    /// Finds the workspace without a question to cargo.
    ///
    /// # Errors
    /// Where there is no such manifest, or git refuses the repository.
    fn scene(&self) -> Result<Scene> {
        let current = self.runner.directory();
        let current = Utf8Path::from_path(current).context("this path is not UTF-8")?;
        let start = match self.manifest_path {
            Some(manifest) if !current.join(manifest).is_file() => {
                return Err(usage!(
                    "--manifest-path {}: there is no such file",
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
        Ok(Scene {
            start,
            root,
            repository,
        })
    }

    /// What departs from the policy of the workspace and of its repository.
    ///
    /// # Errors
    /// Where there is none, or git or the configuration is at fault.
    pub fn check(&self) -> Result<Vec<Finding>> {
        let scene = self.scene()?;
        let root = scene.root()?;
        let (top, tracked) = files(root, scene.repository.as_ref())?;
        let around = Surroundings::of(self.runner, self.flags);
        check(root, &top, &tracked, &around)
    }

    /// The settings of the workspace as they hold in the current directory; with `all` also those of
    /// the repository's other workspaces, each as they hold at its root, and then the directory may
    /// be in none. `profile` is one that is to be there.
    ///
    /// # Errors
    /// Where cargo would refuse a configuration.
    pub fn settings(&self, all: bool, profile: Option<&str>) -> Result<Vec<Settings>> {
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
                // A profile may be of one workspace alone.
                match self.of(root, &self.runner.in_directory(root), None) {
                    Ok(of_other) => settings.push(of_other),
                    Err(error) => render::warning(format_args!(
                        "{} is left out: {error:#}",
                        quote::name(&root)
                    )),
                }
            }
        }
        Ok(settings)
    }

    fn of(&self, root: &Utf8Path, from: &Runner, profile: Option<&str>) -> Result<Settings> {
        let current = Utf8Path::from_path(from.directory()).context("this path is not UTF-8")?;
        let around = Surroundings::of(from, self.flags);
        let Known {
            profiles, config, ..
        } = Known::read(root, current, &around)?;
        let triples = config.build_targets()?;
        let triples = triples.iter().filter_map(|it| it.as_str());
        let triples: Vec<_> = triples.map(str::to_owned).collect();
        let platforms = PlatformFacts::of(from, &triples).map(|it| it.0);
        let platforms = platforms.unwrap_or_else(|| {
            render::warning(format_args!(
                "{}: rustc does not tell what it builds for, so flags and linkers are left out",
                quote::name(&root)
            ));
            Vec::new()
        });
        let profiles = profiles.as_ref();
        let mut settings = Settings::new(root, profiles, &config, &platforms, profile)?;
        if settings.build_directory.0.as_str().contains(PATH_HASH) {
            settings.build_directory.0 = self.hashed(root, from)?;
        }
        Ok(settings)
    }

    /// Only cargo knows what it makes of a root manifest's path.
    fn hashed(&self, root: &Utf8Path, from: &Runner) -> Result<Utf8PathBuf> {
        let mut command = from.cargo();
        command.args(["metadata", "--no-deps", "--format-version", "1"]);
        command.args(["--manifest-path", root.join("Cargo.toml").as_str()]);
        command.args(self.flags.iter().flat_map(|it| ["--config", it]));
        let said: serde_json::Value = serde_json::from_slice(&process::checked(&mut command)?)
            .context("`cargo metadata` printed something that is not its documented JSON")?;
        let said = |key: &str| said[key].as_str();
        let directory = said("build_directory").or_else(|| said("target_directory"));
        Ok(directory.context("cargo tells no build directory")?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{Patient, state_costs};
    use crate::finding::Place;
    use crate::testing::workspace;

    #[test]
    fn each_departure_has_a_cost_in_figures() {
        let workspace = workspace(
            "app: lib bin test=it script -> base\nbase: lib -> dep\ndep external: lib script",
        );
        let runner = Runner::new().unwrap();
        let patient = Patient::new(&workspace, &runner, None);
        let costs = CHECKS.iter().map(|check| {
            let path = "base/Cargo.toml".into();
            let mut found = [check.found(Place::Path { path, line: None }, "", "")];
            state_costs(&patient, &mut found);
            let cost = found[0].impact.as_deref().unwrap_or("no cost");
            format!("{}: {cost}\n", check.code)
        });
        let costs: String = costs.collect();
        expect_test::expect![[r#"
            environment-overrides: A build from nothing compiles 10 units of 3 packages; seconds are not known, since no `cargo xtask timings` of everything is kept.
            environment-departs: A build from nothing compiles 10 units of 3 packages; seconds are not known, since no `cargo xtask timings` of everything is kept.
            split-rustflags: A build from nothing compiles 10 units of 3 packages; seconds are not known, since no `cargo xtask timings` of everything is kept.
            env-table-ignored: The line changes none of 10 units that a build of everything compiles.
            nested-config: A build from nothing compiles 10 units of 3 packages; seconds are not known, since no `cargo xtask timings` of everything is kept.
            contradicting-config: A build from nothing compiles 10 units of 3 packages; seconds are not known, since no `cargo xtask timings` of everything is kept.
            contradicting-manifest: The line changes none of 10 units that a build of everything compiles.
            member-profile: The line changes none of 10 units that a build of everything compiles.
            two-config-files: The line changes none of 10 units that a build of everything compiles.
            same-package-twice: 7 units, of 2 packages, compiled again (dependents: app); seconds are not known, since no `cargo xtask timings` of everything is kept.
            same-outputs-twice: 7 units, of 2 packages, compiled again (dependents: app); seconds are not known, since no `cargo xtask timings` of everything is kept.
            incremental-with-cache: 8 units of path packages can be compiled incrementally.
            codegen-units-with-incremental: 8 units of path packages can be compiled incrementally.
            lto-with-incremental: 7 binaries are linked in a build of everything with its tests.
            debug-stripped: 7 binaries are linked in a build of everything with its tests.
            full-debug-info: 7 binaries are linked in a build of everything with its tests.
            toolchain-unpinned: A build from nothing compiles 10 units of 3 packages; seconds are not known, since no `cargo xtask timings` of everything is kept.
            toolchain-differs-in-ci: A build from nothing compiles 10 units of 3 packages; seconds are not known, since no `cargo xtask timings` of everything is kept.
            required-value: A build from nothing compiles 10 units of 3 packages; seconds are not known, since no `cargo xtask timings` of everything is kept.
            unreadable-workspace: Not known, since cargo does not load the workspace that the finding is about.
        "#]].assert_eq(&costs);
    }
}
