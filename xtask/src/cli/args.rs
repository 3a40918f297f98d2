//! Arguments that several commands share, and what they resolve to.

mod every;

use anyhow::{Context as _, Result};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

pub use every::somewhere;

use crate::changes::{Ahead, Asked, Comparison, NamedFiles, path_list};
use crate::graph::Verb;
use crate::process::{self, Runner};
use crate::question::{Evidence, Question};
use crate::quote;
use crate::workspace::{LoadOptions, Platforms, Workspace};
use crate::{exec, render, usage};

/// Which workspace, and how cargo is asked about it.
#[derive(Debug, clap::Args)]
pub struct WorkspaceArgs {
    /// Path to the workspace's Cargo.toml
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<Utf8PathBuf>,
    /// Count the dependencies of this target triple, not of the host (repeatable)
    #[arg(long, value_name = "TRIPLE", conflicts_with = "all_platforms")]
    target: Vec<String>,
    /// Count the dependencies of every platform that a manifest names
    #[arg(long)]
    all_platforms: bool,
    /// Fail where Cargo.lock would have to change
    #[arg(long)]
    locked: bool,
    /// Do without the network
    #[arg(long)]
    offline: bool,
    /// Both --locked and --offline
    #[arg(long)]
    frozen: bool,
    /// Find everything anew, and keep nothing for the next answer
    #[arg(long)]
    no_cache: bool,
}

impl WorkspaceArgs {
    /// Asks cargo for the workspace.
    ///
    /// # Errors
    /// Where there is none, or cargo cannot load it.
    pub fn load(&self) -> Result<(Runner, Workspace)> {
        let runner = Runner::new()?;
        let workspace = self.load_by(&runner)?;
        Ok((runner, workspace))
    }

    fn load_by(&self, runner: &Runner) -> Result<Workspace> {
        if self.target.iter().any(String::is_empty) {
            return Err(usage!(
                "--target is empty\nhint: is the variable in your script set?"
            ));
        }
        if let Some(path) = &self.manifest_path {
            if path.is_dir() {
                return Err(usage!(
                    "--manifest-path {} is a directory: name its Cargo.toml",
                    quote::name(&path)
                ));
            }
            if !path.is_file() {
                return Err(usage!(
                    "--manifest-path {}: there is no such file",
                    quote::name(&path)
                ));
            }
        }
        let loaded = Workspace::load(runner, &self.options());
        match &self.manifest_path {
            None => loaded.map_err(|error| exec::workspaces::no_workspace(runner).unwrap_or(error)),
            Some(_) => loaded,
        }
    }

    /// What can be begun for an answer before cargo is asked.
    fn ahead(&self, runner: &Runner, asked: &Asked, with_records: bool) -> Option<Ahead> {
        let here = Utf8Path::from_path(runner.directory())?;
        let manifest = self.manifest_path.as_ref().map(|path| here.join(path));
        let directory = manifest.as_ref().map_or(Some(here), |it| it.parent())?;
        let ahead = Ahead::compare(runner, directory, Some(asked.compare.as_ref()?));
        Some(match self.no_cache {
            true => ahead,
            false => ahead.with_evidence(runner, with_records),
        })
    }

    fn options(&self) -> LoadOptions {
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

    /// Whether cargo may download something.
    pub fn network(&self) -> bool {
        !(self.offline || self.frozen)
    }

    /// The same choices, and which workspace, as arguments for cargo.
    pub fn forwarded_with_manifest(&self) -> Vec<String> {
        let mut forwarded = self.forwarded();
        if let Some(path) = &self.manifest_path {
            forwarded.extend(["--manifest-path".to_owned(), path.to_string()]);
        }
        forwarded
    }

    /// The same choices, and which target triples, as arguments for cargo.
    pub fn forwarded_with_targets(&self) -> Vec<String> {
        let mut forwarded = self.forwarded();
        for triple in &self.target {
            forwarded.extend(["--target".to_owned(), triple.clone()]);
        }
        forwarded
    }

    /// The target triples that were named.
    pub fn targets(&self) -> &[String] {
        &self.target
    }

    /// The same choices as arguments for cargo.
    pub fn forwarded(&self) -> Vec<String> {
        let flags = [
            (self.locked || self.frozen, "--locked"),
            (self.offline || self.frozen, "--offline"),
        ];
        let given = flags.iter().filter(|flag| flag.0);
        given.map(|flag| flag.1.to_owned()).collect()
    }
}

/// Which change is asked about. By default the work tree, untracked files included, against the
/// merge base with the first of `origin/HEAD`, `origin/main`, `origin/master`, `main`, `master`.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Change set")]
pub struct ChangeArgs {
    /// Compare with the merge base of REV and HEAD [default: origin/HEAD, origin/main, …]
    #[arg(long, value_name = "REV", conflicts_with_all = ["since", "staged"])]
    base: Option<String>,
    /// Compare with REV itself, as after a pull: --since @{1}
    #[arg(long, value_name = "REV", conflicts_with = "staged")]
    since: Option<String>,
    /// Compare up to REV, not up to the work tree
    #[arg(long, value_name = "REV", conflicts_with_all = ["staged", "ci", "last_success"])]
    head: Option<String>,
    /// Compare HEAD with the index
    #[arg(long)]
    staged: bool,
    /// Take this path as changed, relative to the current directory or to the repository's top
    /// level, whatever git says (repeatable)
    #[arg(long, value_name = "PATH", allow_hyphen_values = true)]
    file: Vec<String>,
    /// Take the paths in this file as changed, one a line or separated by NUL; - for standard input
    #[arg(long, value_name = "PATH")]
    files_from: Option<Utf8PathBuf>,
    /// Take a package, or one target of it, as changed: PACKAGE[:TARGET] (repeatable)
    #[arg(long, value_name = "SPEC")]
    assume_changed: Vec<String>,
    /// Take everything as changed
    #[arg(long)]
    all: bool,
    /// Compare with the base that the variables of this continuous integration tell
    #[arg(long, conflicts_with_all = ["base", "since", "staged"])]
    ci: bool,
    /// Like --ci, but compare a branch with REV, the commit of its last successful run; an empty REV
    /// stands for no such run
    #[arg(long, value_name = "REV", conflicts_with_all = ["base", "since", "staged"])]
    last_success: Option<String>,
}

impl ChangeArgs {
    /// What was asked, as plain values.
    ///
    /// # Errors
    /// Where a list of files cannot be read.
    pub(super) fn resolve(&self) -> Result<Asked> {
        self.refuse_empty()?;
        let mut paths = self.file.clone();
        if let Some(source) = &self.files_from {
            paths.extend(match source == "-" {
                true => path_list::read(std::io::stdin().lock(), "standard input")?,
                false => {
                    let file = std::fs::File::open(source)
                        .map_err(|error| usage!("cannot read {}: {error}", quote::name(&source)))?;
                    path_list::read(file, source.as_str())?
                }
            });
        }
        let directory = std::env::current_dir().context("cannot read the current directory")?;
        let directory =
            Utf8PathBuf::try_from(directory).context("the current directory is not UTF-8")?;
        let are_named = !self.file.is_empty() || self.files_from.is_some();
        Ok(Asked {
            // What the user names stands for itself, unless a comparison is asked for beside it.
            compare: (self.compares() || !self.names_something()).then(|| self.comparison()),
            files: are_named.then_some(NamedFiles { directory, paths }),
            assumed: self.assume_changed.clone(),
            all: self.all,
        })
    }

    /// Returns the flags that were given.
    pub(super) fn given(&self) -> Vec<&'static str> {
        let flags = [
            ("--base", self.base.is_some()),
            ("--since", self.since.is_some()),
            ("--head", self.head.is_some()),
            ("--staged", self.staged),
            ("--file", !self.file.is_empty()),
            ("--files-from", self.files_from.is_some()),
            ("--assume-changed", !self.assume_changed.is_empty()),
            ("--all", self.all),
            ("--ci", self.ci),
            ("--last-success", self.last_success.is_some()),
        ];
        let given = flags.iter().filter(|(_, is_given)| *is_given);
        given.map(|(name, _)| *name).collect()
    }

    /// Fails where a value is empty, as from a variable that is not set.
    fn refuse_empty(&self) -> Result<()> {
        let is_empty = |value: &Option<String>| value.as_ref().is_some_and(String::is_empty);
        let files_from = self.files_from.as_ref();
        for (name, is_empty) in [
            ("--base", is_empty(&self.base)),
            ("--since", is_empty(&self.since)),
            ("--head", is_empty(&self.head)),
            ("--file", self.file.iter().any(String::is_empty)),
            ("--files-from", files_from.is_some_and(|it| it == "")),
            (
                "--assume-changed",
                self.assume_changed.iter().any(String::is_empty),
            ),
        ] {
            if is_empty {
                return Err(usage!(
                    "{name} is empty\nhint: is the variable in your script set?"
                ));
            }
        }
        Ok(())
    }

    /// Returns whether the continuous integration tells the base.
    fn is_in_ci(&self) -> bool {
        self.ci || self.last_success.is_some()
    }

    fn compares(&self) -> bool {
        self.base.is_some() || self.since.is_some() || self.head.is_some() || self.staged
    }

    fn names_something(&self) -> bool {
        !self.file.is_empty()
            || self.files_from.is_some()
            || !self.assume_changed.is_empty()
            || self.all
    }

    fn comparison(&self) -> Comparison {
        match (&self.since, self.staged) {
            (_, true) => Comparison::Staged,
            (Some(since), _) => Comparison::Since {
                revision: since.clone(),
                head: self.head.clone(),
            },
            (None, _) => Comparison::Base {
                revision: self.base.clone(),
                head: self.head.clone(),
            },
        }
    }
}

/// The whole question: which workspace, which change, and what is going to be run.
#[derive(Debug, clap::Args)]
pub struct QuestionArgs {
    #[command(flatten)]
    subject: SubjectArgs,
    /// What is going to be run, since a change means different things to each
    #[arg(
        long,
        value_name = "VERB",
        default_value = "check",
        help_heading = "Change set"
    )]
    verb: Verb,
    /// The profile that is going to be built [default: dev]
    #[arg(long, value_name = "NAME", help_heading = "Change set")]
    profile: Option<String>,
}

impl QuestionArgs {
    /// The question as plain values.
    ///
    /// # Errors
    /// Where the arguments name something that is not there.
    pub fn resolve(&self) -> Result<Question> {
        let in_ci = self.subject.change.is_in_ci();
        self.subject.resolved(&self.build(), in_ci)
    }

    /// Returns the flags of the change set that were given.
    pub fn given(&self) -> Vec<&'static str> {
        self.subject.change.given()
    }

    /// The newer side, where it was named.
    pub fn head(&self) -> Option<&str> {
        self.subject.change.head.as_deref()
    }

    /// The profile, where it was named.
    pub fn profile(&self) -> Option<&str> {
        self.profile.as_deref()
    }

    /// The build that is asked about.
    fn build(&self) -> Build {
        Build {
            verb: self.verb,
            profile: self.profile().unwrap_or("dev").to_owned(),
            config: Vec::new(),
        }
    }

    /// The target triples that were named; cargo's word for the host's own as what it stands for.
    ///
    /// # Errors
    /// Where rustc does not tell the host's triple.
    pub fn triples(&self, runner: &Runner) -> Result<Vec<String>> {
        let named = self.subject.workspace.target.iter();
        let resolve = |triple: &String| match &**triple {
            "host-tuple" => {
                let said = process::checked(runner.rustc().args(["--print", "host-tuple"]))?;
                Ok(String::from_utf8_lossy(&said).trim().to_owned())
            }
            named => Ok(named.to_owned()),
        };
        named.map(resolve).collect()
    }

    /// The same choices as arguments for a build by cargo.
    pub fn forwarded(&self) -> Vec<String> {
        let mut forwarded = self.subject.workspace.forwarded();
        let profile = self.profile.iter().map(|it| ["--profile", it]);
        let triples = self.subject.workspace.target.iter();
        let triples = triples.map(|it| ["--target", it]);
        let named = profile.chain(triples).flatten().map(str::to_owned);
        forwarded.extend(named);
        forwarded
    }
}

/// The build by cargo that a question is about.
pub struct Build {
    /// What is going to be run.
    pub verb: Verb,
    /// The name of the profile.
    pub profile: String,
    /// The values of `--config` that cargo is given.
    pub config: Vec<String>,
}

/// Which workspace and which change, where the command itself says what is going to be run.
#[derive(Debug, clap::Args)]
pub struct SubjectArgs {
    #[command(flatten)]
    change: ChangeArgs,
    /// Answer as on a fresh clone, from the sources alone, even where builds left records
    #[arg(long, help_heading = "Change set")]
    pub no_records: bool,
    #[command(flatten)]
    pub workspace: WorkspaceArgs,
}

impl SubjectArgs {
    /// The question as plain values, where it is continuous integration that says what changed
    /// unless the user does.
    ///
    /// # Errors
    /// Where the arguments name something that is not there.
    pub fn resolve_in_ci(&self, build: &Build) -> Result<Question> {
        let in_ci =
            self.change.is_in_ci() || !(self.change.compares() || self.change.names_something());
        self.resolved(build, in_ci)
    }

    fn resolved(&self, build: &Build, in_ci: bool) -> Result<Question> {
        let asked = self.change.resolve()?;
        let runner = Runner::new()?;
        let ahead = || self.workspace.ahead(&runner, &asked, !self.no_records);
        let ahead = (!in_ci).then(ahead).flatten();
        let workspace = self.workspace.load_by(&runner)?;
        exec::profiles::require(&runner, &workspace, &build.profile, &build.config)?;
        let asked = self.asked(asked, in_ci, &runner, &workspace)?;
        let question = self.question((runner, workspace), asked, build);
        Ok(Question { ahead, ..question })
    }

    fn asked(
        &self,
        mut asked: Asked,
        in_ci: bool,
        runner: &Runner,
        workspace: &Workspace,
    ) -> Result<Asked> {
        if in_ci {
            let last_success = self.change.last_success.as_deref();
            let base = exec::ci::base(runner, workspace, last_success)?;
            render::note(&base.because);
            asked.all |= base.compare.is_none();
            asked.compare = base.compare;
        }
        Ok(asked)
    }

    fn question(
        &self,
        (runner, workspace): (Runner, Workspace),
        asked: Asked,
        build: &Build,
    ) -> Question {
        let question = Question::new(runner, workspace, asked, build.verb);
        let mut question = question.in_profile(&build.profile);
        if self.no_records {
            question.evidence = Evidence::Sources;
        }
        question.targets.clone_from(&self.workspace.target);
        question.no_cache = self.workspace.no_cache;
        question.network = self.workspace.network();
        question
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        change: ChangeArgs,
    }

    #[test]
    fn empty_values_are_refused() {
        for name in [
            "--base",
            "--since",
            "--head",
            "--file",
            "--files-from",
            "--assume-changed",
        ] {
            let line = Line::try_parse_from(["x", name, ""]).unwrap();
            let error = line.change.resolve().unwrap_err();
            let expected = format!("{name} is empty\nhint: is the variable in your script set?");
            assert_eq!(error.to_string(), expected);
        }
        let line = Line::try_parse_from(["x", "--last-success", ""]).unwrap();
        assert!(line.change.resolve().is_ok());
    }
}
