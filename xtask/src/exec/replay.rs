//! The history of a repository, replayed: at each commit the kit is asked first, then cargo.

use anyhow::{Context as _, Result};
use cargo_metadata::camino::Utf8PathBuf;

use crate::audit::{Comparison, Outcome, Step};
use crate::built::Built;
use crate::changes::{Asked, Comparison as Compare};
use crate::graph::Verb;
use crate::private_dir::TemporaryDir;
use crate::process::{self, Runner};
use crate::question::{Answer, Evidence, Question};
use crate::repo::git::{Commit, Repository};
use crate::workspace::{LoadOptions, Workspace};

/// A clone of the repository in a directory of its own, with a target directory of its own. Both
/// are removed when it is dropped; the repository itself is only read.
pub struct Replay {
    runner: Runner,
    directory: TemporaryDir,
    manifest: Utf8PathBuf,
    evidence: Evidence,
    verb: Verb,
}

impl Replay {
    /// Clones the repository into a directory of its own, sharing its objects.
    ///
    /// # Errors
    /// Where git cannot clone.
    pub fn new(
        question: &Question,
        repository: &Repository,
        directory: TemporaryDir,
    ) -> Result<Self> {
        let root = crate::repo::resolved(&question.workspace.root);
        let below = root
            .strip_prefix(repository.top_level())
            .context("the workspace lies outside its repository")?;
        let clone = directory.path().join("repository");
        let target = directory.path().join("target");
        let replay = Self {
            runner: question
                .runner
                .in_directory(&clone)
                .with_variable("CARGO_TARGET_DIR", &target)
                .with_variable("CARGO_BUILD_BUILD_DIR", &target),
            manifest: clone.join(below).join("Cargo.toml"),
            directory,
            evidence: question.evidence.clone(),
            verb: question.verb,
        };
        let mut command = question.runner.git();
        command.args(["clone", "--quiet", "--shared", "--no-checkout", "--"]);
        command.args([repository.top_level(), &clone]);
        process::checked(&mut command)?;
        Ok(replay)
    }

    /// Builds a commit without asking anything: the base of the next step. Whether it builds.
    ///
    /// # Errors
    /// Where git cannot check it out.
    pub fn start(&self, commit: &Commit) -> Result<bool> {
        self.check_out(commit)?;
        self.builds()
    }

    /// Checks a commit out over its parent, which has been built, asks the kit, then cargo.
    ///
    /// # Errors
    /// Where git cannot check it out, or the kit cannot answer.
    pub fn step(&self, parent: &Commit, commit: &Commit, is_built: bool) -> Result<Step> {
        self.check_out(commit)?;
        let subject = self.git(&["show", "-s", "--format=%s", &commit.0])?;
        let answer = is_built.then(|| self.answer(parent)).transpose()?;
        let (built, succeeds) = self.build()?;
        let outcome = match answer {
            Some(answer) if succeeds => Outcome::Compared(Comparison::new(&answer, &built)),
            _ => Outcome::DoesNotBuild,
        };
        Ok(Step {
            commit: commit.clone(),
            subject: String::from_utf8_lossy(&subject).trim_end().to_owned(),
            outcome,
        })
    }

    fn answer(&self, parent: &Commit) -> Result<Answer> {
        let options = LoadOptions {
            manifest_path: Some(self.manifest.clone()),
            ..LoadOptions::default()
        };
        let asked = Asked {
            compare: Some(Compare::Since {
                revision: parent.0.clone(),
                head: None,
            }),
            ..Asked::default()
        };
        let workspace = Workspace::load(&self.runner, &options)?;
        let question = Question {
            evidence: self.evidence.clone(),
            ..Question::new(self.runner.clone(), workspace, asked, self.verb)
        };
        question.answer()
    }

    /// Whether what is checked out builds.
    ///
    /// # Errors
    /// Where cargo cannot be started.
    pub fn builds(&self) -> Result<bool> {
        Ok(self.build()?.1)
    }

    fn check_out(&self, commit: &Commit) -> Result<()> {
        self.git(&["checkout", "--quiet", "--force", "--detach", &commit.0])
            .map(drop)
    }

    fn git(&self, arguments: &[&str]) -> Result<Vec<u8>> {
        process::checked(self.runner.git().args(arguments))
    }

    fn build(&self) -> Result<(Built, bool)> {
        let root = self.manifest.parent().unwrap_or(self.directory.path());
        let mut command = self.runner.in_directory(root).cargo();
        command.args(self.verb.cargo_args());
        let (messages, said, status) = super::observe(&mut command)?;
        Ok((Built::new(&messages, Some(&said)), status.success()))
    }
}
