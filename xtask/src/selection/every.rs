//! The same question of every workspace of the repository.

use anyhow::Result;

use crate::cli::args::{Build, QuestionArgs, SubjectArgs, WorkspaceArgs};
use crate::cli::workspaces::{Loaded, Questions, load_all};
use crate::selection::profiles;
use xtask_impact::process::Runner;
use xtask_impact::query::package_of;
use xtask_impact::usage;

impl WorkspaceArgs {
    /// Asks cargo for every workspace of the repository, or for the one.
    ///
    /// # Errors
    /// As for [`WorkspaceArgs::load`] and [`load_all`].
    pub fn load_each(&self, all: bool) -> Result<Vec<Loaded>> {
        if all {
            return load_all(&Runner::new()?, &self.options());
        }
        let (runner, workspace) = self.load()?;
        Ok(vec![Loaded {
            name: None,
            runner,
            workspace,
        }])
    }
}

impl SubjectArgs {
    /// The question, of every workspace of the repository or of the one. What names a package is
    /// asked of those that have it; `others` are further names, of which each must be of one.
    ///
    /// # Errors
    /// Where the arguments name something that no workspace has.
    pub fn each(&self, build: &Build, all: bool, others: &[String]) -> Result<Questions> {
        if !all {
            let question = self.resolved(build, self.change.is_in_ci())?;
            for spec in question.asked.assumed.iter().chain(others) {
                question.workspace.find(package_of(spec))?;
            }
            return Ok(vec![(None, question)]);
        }
        let loaded = self.workspace.load_each(true)?;
        defined_somewhere(&loaded, build)?;
        let first = &loaded[0];
        let asked = self.change.resolve()?;
        let asked = self.asked(
            asked,
            self.change.is_in_ci(),
            &first.runner,
            &first.workspace,
        )?;
        for spec in asked.assumed.iter().chain(others) {
            somewhere(&loaded, spec)?;
        }
        let questions = loaded.into_iter().map(|one| {
            let mut asked = asked.clone();
            let has = |spec: &String| one.workspace.find(package_of(spec)).is_ok();
            asked.assumed.retain(has);
            let question = self.question((one.runner, one.workspace), asked, build);
            (one.name, question)
        });
        Ok(questions.collect())
    }
}

impl QuestionArgs {
    /// The question, of every workspace of the repository or of the one.
    ///
    /// # Errors
    /// As for [`SubjectArgs::each`].
    pub fn each(&self, all: bool, others: &[String]) -> Result<Questions> {
        self.subject.each(&self.build(), all, others)
    }
}

/// Makes sure that one of the workspaces defines the profile that is going to be built.
fn defined_somewhere(loaded: &[Loaded], build: &Build) -> Result<()> {
    let required =
        |it: &Loaded| profiles::require(&it.runner, &it.workspace, &build.profile, &build.config);
    let Err(error) = required(&loaded[0]) else {
        return Ok(());
    };
    match loaded[1..].iter().any(|it| required(it).is_ok()) {
        true => Ok(()),
        false => Err(error),
    }
}

/// Makes sure that one of the workspaces has the package that is named by `PACKAGE[:TARGET]`.
///
/// # Errors
/// What the first that is asked says.
pub fn somewhere(loaded: &[Loaded], spec: &str) -> Result<()> {
    let mut found = loaded.iter().map(|it| it.workspace.find(package_of(spec)));
    match (found.next(), loaded.len()) {
        (Some(Err(error)), 1) => Err(error),
        (Some(Err(error)), several) if !found.any(|it| it.is_ok()) => {
            Err(usage!("of {several} workspaces none has it: {error}"))
        }
        _ => Ok(()),
    }
}
