//! Replays the history of a repository. For each commit, the kit is asked first, and then cargo
//! builds.

use anyhow::{Context as _, Result};
use camino::Utf8PathBuf;
use cargo_metadata::Message;
use cargo_metadata::diagnostic::DiagnosticLevel;
use xtask_impact::change_set::{ChangeRequest, ComparedStates as Compare};
use xtask_impact::private_dir::TemporaryDir;
use xtask_impact::process::{CargoFlags, Runner};
use xtask_impact::query::{Answer, Evidence, Query};
use xtask_impact::unit_graph::Verb;
use xtask_impact::vcs::{Commit, Repository};
use xtask_impact::workspace::{LoadOptions, Platforms, Workspace};
use xtask_impact::{lock_file, process};

use crate::audit::comparison::{Comparison, Failure, ReplayOutcome, ReplayedCommit};
use crate::cargo_runs::built::BuildOutcome;
use crate::selection::filter::PackageFilter;

/// A clone of the repository with its own target directory, both in a temporary directory. The
/// temporary directory is removed when the value is dropped. The repository itself is only read.
pub(crate) struct Replay {
    runner: Runner,
    directory: TemporaryDir,
    manifest: Utf8PathBuf,
    evidence: Evidence,
    verb: Verb,
    profile: Option<String>,
    targets: Vec<String>,
    /// Further arguments of the builds.
    arguments: Vec<String>,
}

impl Replay {
    /// Clones the repository into the given directory. The clone shares the objects of the
    /// repository.
    ///
    /// # Errors
    /// Returns an error if git cannot clone the repository.
    pub(crate) fn new(
        question: &Query,
        repository: &Repository,
        directory: TemporaryDir,
        mut arguments: Vec<String>,
    ) -> Result<Self> {
        let root = xtask_impact::paths::resolved(&question.workspace.root);
        let below = root
            .strip_prefix(repository.top_level())
            .context("the workspace lies outside its repository")?;
        let clone = directory.path().join("repository");
        let target = directory.path().join("target");
        arguments.extend(question.runner.config_args());
        let flags = CargoFlags {
            target_dir: None,
            ..question.runner.cargo_flags().clone()
        };
        let mut runner = question
            .runner
            .in_directory(&clone)
            .with_cargo_flags(flags)
            .with_variable("CARGO_TARGET_DIR", &target)
            .with_variable("CARGO_BUILD_BUILD_DIR", &target);
        let lock_file = question.workspace.lock_file.in_real_directory();
        if lock_file != root.join("Cargo.lock") {
            // The build must not write the user's own lock file.
            let inside = lock_file.strip_prefix(repository.top_level());
            let apart = directory.path().join("Cargo.lock");
            let lock_file = inside.map_or(apart, |it| clone.join(it));
            runner = runner.with_variable(lock_file::VARIABLE, lock_file);
        }
        let replay = Self {
            runner,
            manifest: clone.join(below).join("Cargo.toml"),
            directory,
            evidence: question.evidence.clone(),
            verb: question.verb,
            profile: question.profile.clone(),
            targets: question.targets.clone(),
            arguments,
        };
        let mut command = question.runner.git();
        command.args(["clone", "--quiet", "--shared", "--no-checkout", "--"]);
        command.args([repository.top_level(), &clone]);
        process::checked(&mut command)?;
        Ok(replay)
    }

    /// Builds a commit without asking the kit, as the base of the next step. Returns the failure if
    /// the commit does not build.
    ///
    /// # Errors
    /// Returns an error if git cannot check out the commit.
    pub(crate) fn start(&self, commit: &Commit) -> Result<Option<Failure>> {
        self.check_out(commit)?;
        self.rebuild(commit)
    }

    /// Checks out a commit over its parent, asks the kit, and then builds with cargo. The parent
    /// has been built, unless its build failed.
    ///
    /// # Errors
    /// Returns an error if git cannot check out the commit, or if the kit cannot answer.
    pub(crate) fn step(
        &self,
        parent: &Commit,
        commit: &Commit,
        parents_failure: Option<&Failure>,
        filter: &PackageFilter,
    ) -> Result<ReplayedCommit> {
        self.check_out(commit)?;
        let subject = self.git(&["show", "-s", "--format=%s", &commit.0])?;
        let answer = match parents_failure {
            None => Some(self.answer(parent)),
            Some(_) => None,
        };
        let (built, error) = self.build()?;
        let commit_of = |error| Failure {
            commit: commit.clone(),
            error,
        };
        let outcome = match (error.map(commit_of), parents_failure, answer) {
            (Some(failure), ..) => ReplayOutcome::DoesNotBuild(failure),
            (None, Some(failure), _) => ReplayOutcome::DoesNotBuild(failure.clone()),
            (None, None, Some(answer)) => {
                let answer = answer?;
                // Another commit need not have the named packages.
                let left_out = filter.left_out(&answer.workspace, true)?;
                ReplayOutcome::Compared(Comparison::new(&answer, &built, &left_out))
            }
            (None, None, None) => unreachable!("the kit was asked"),
        };
        Ok(ReplayedCommit {
            commit: commit.clone(),
            subject: String::from_utf8_lossy(&subject).trim_end().to_owned(),
            outcome,
        })
    }

    fn answer(&self, parent: &Commit) -> Result<Answer> {
        let options = LoadOptions {
            manifest_path: Some(self.manifest.clone()),
            platforms: match &self.targets[..] {
                [] => Platforms::Configured,
                triples => Platforms::Triples(triples.to_vec()),
            },
            ..LoadOptions::default()
        };
        let asked = ChangeRequest {
            compare: Some(Compare::Since {
                revision: parent.0.clone(),
                head: None,
            }),
            ..ChangeRequest::default()
        };
        let workspace = Workspace::load(&self.runner, &options)?;
        let question = Query {
            evidence: self.evidence.clone(),
            profile: self.profile.clone(),
            targets: self.targets.clone(),
            ..Query::new(self.runner.clone(), workspace, asked, self.verb)
        };
        question.answer()
    }

    /// Builds the commit that is checked out. Returns the failure if the commit does not build.
    ///
    /// # Errors
    /// Returns an error if cargo cannot be started.
    pub(crate) fn rebuild(&self, commit: &Commit) -> Result<Option<Failure>> {
        let (_, error) = self.build()?;
        Ok(error.map(|error| Failure {
            commit: commit.clone(),
            error,
        }))
    }

    fn check_out(&self, commit: &Commit) -> Result<()> {
        self.git(&["checkout", "--quiet", "--force", "--detach", &commit.0])
            .map(drop)
    }

    fn git(&self, arguments: &[&str]) -> Result<Vec<u8>> {
        process::checked(self.runner.git().args(arguments))
    }

    /// Runs cargo. Returns the outcome, and cargo's error if the build fails.
    fn build(&self) -> Result<(BuildOutcome, Option<String>)> {
        let root = self.manifest.parent().unwrap_or(self.directory.path());
        let mut command = self.runner.in_directory(root).cargo();
        command.args(self.verb.cargo_args());
        command.args(self.profile.iter().flat_map(|it| ["--profile", it]));
        command.args(self.targets.iter().flat_map(|it| ["--target", it]));
        command.args(&self.arguments);
        let (messages, said, status) = crate::cargo_runs::observe(&mut command)?;
        let error = (!status.success()).then(|| error_of(&messages, &said));
        Ok((BuildOutcome::new(&messages, Some(&said)), error))
    }
}

/// Returns the error of a failed build: the first error of the compiler, and cargo's output from
/// its first error line on.
fn error_of(messages: &[Message], said: &str) -> String {
    let first = messages.iter().find_map(|message| match message {
        Message::CompilerMessage(it) if it.message.level == DiagnosticLevel::Error => {
            it.message.rendered.clone()
        }
        _ => None,
    });
    let cargos = said.lines().skip_while(|line| !line.starts_with("error"));
    let lines = first.iter().flat_map(|text| text.lines()).chain(cargos);
    let mut shown: Vec<&str> = Vec::new();
    for line in lines.map(str::trim_end) {
        // Cargo repeats the whole command line of a failed compiler.
        if line.contains("process didn't exit successfully: ") {
            shown.pop_if(|last| *last == "Caused by:");
        } else if !line.is_empty() && !line.starts_with("warning: ") {
            shown.push(line);
        }
    }
    match shown.is_empty() {
        true => said.trim().to_owned(),
        false => shown.join("\n"),
    }
}
