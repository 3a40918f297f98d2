//! Git's hooks: which steps a hook has, as the workspace configures them, and what came of them.
//!
//! Architecture invariant: nothing here starts a process or writes a file.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use cargo_metadata::camino::Utf8Path;
use glob::{MatchOptions, Pattern};
use serde::Deserialize;

use xtask_impact::usage;

/// A hook that the kit knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Hook {
    /// Checks what is going to be committed
    PreCommit,
    /// Checks what is going to be pushed
    PrePush,
    /// Says what a checkout made stale
    PostCheckout,
}

impl Hook {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::PreCommit, Self::PrePush, Self::PostCheckout];

    /// Git's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::PreCommit => "pre-commit",
            Self::PrePush => "pre-push",
            Self::PostCheckout => "post-checkout",
        }
    }

    /// The steps that it has unless the workspace says otherwise.
    fn default_steps(self) -> &'static [&'static str] {
        match self {
            Self::PreCommit => &["policy", "fmt", "clippy"],
            Self::PrePush => &["clippy", "test"],
            Self::PostCheckout => &[],
        }
    }

    /// How long a step may take unless the workspace says otherwise, in seconds.
    fn default_budget(self) -> Option<f64> {
        match self {
            Self::PreCommit => Some(20.0),
            Self::PrePush => Some(300.0),
            Self::PostCheckout => None,
        }
    }
}

/// The table `[workspace.metadata.xtask.hooks]`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Config {
    pre_commit: HookConfig,
    pre_push: HookConfig,
    steps: BTreeMap<String, StepConfig>,
    /// Whether this workspace is checked; by default it is, unless it is a fixture.
    pub enabled: Option<bool>,
    /// Globs of the workspaces below this one that are not checked.
    skip_workspaces: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct HookConfig {
    steps: Option<Vec<String>>,
    budget: Option<f64>,
    over_budget: OverBudget,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct StepConfig {
    run: Vec<String>,
    files: Vec<String>,
    args: Option<Vec<String>>,
    budget: Option<f64>,
    over_budget: Option<OverBudget>,
    in_place: bool,
}

/// What a step that is not done in time means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OverBudget {
    /// It is stopped, and the hook passes with a warning.
    #[default]
    Pass,
    /// It is stopped, and the hook fails.
    Fail,
}

/// One step of a hook.
#[derive(Clone, Debug)]
pub struct HookStep {
    /// What the configuration and `SKIP` call it.
    pub name: String,
    /// What it does.
    pub work: Work,
    files: Vec<Pattern>,
    /// How long it may take.
    pub budget: Option<Duration>,
    /// What happens if it takes longer.
    pub over_budget: OverBudget,
    /// Whether it runs in the work tree whatever is staged.
    pub in_place: bool,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// Checks the format of the packages that a change concerns.
    Format,
    /// Looks for what departs from the policy of cargo's configuration.
    Policy,
    /// A cargo command on what is concerned: the owners of staged files, or what a push affects.
    Cargo {
        /// Its name, as `run-affected` has it.
        command: String,
        /// Further arguments.
        arguments: Vec<String>,
    },
    /// A program with its arguments, in which `{files}`, `{packages}`, `{cargo-args}` and `{xtask}`
    /// stand for what they say.
    Program(Vec<String>),
}

/// What a step does that the workspace names and does not define.
fn built_in(name: &str) -> Option<Work> {
    let cargo = |arguments: &[&str]| Work::Cargo {
        command: name.to_owned(),
        arguments: arguments.iter().map(|&word| word.to_owned()).collect(),
    };
    match name {
        "fmt" => Some(Work::Format),
        "policy" => Some(Work::Policy),
        "clippy" => Some(cargo(&["--", "--deny", "warnings"])),
        "check" | "test" | "nextest" | "doc" => Some(cargo(&[])),
        _ => None,
    }
}

/// Names for a message about one that is none of them.
const BUILT_IN: &str = "fmt, policy, clippy, check, test, nextest, doc";

impl Config {
    /// Whether the workspace in a directory, relative to the root manifest, is not to be checked.
    pub fn skips(&self, directory: &Utf8Path) -> bool {
        let globs = self.skip_workspaces.iter().flat_map(|it| Pattern::new(it));
        globs.into_iter().any(|glob| matches(&glob, directory))
    }

    /// Checks every definition, whether a hook uses it or not.
    ///
    /// # Errors
    /// As for [`Config::steps`].
    pub fn check(&self) -> Result<()> {
        for hook in Hook::ALL {
            self.steps(hook, "")?;
        }
        for (name, step) in &self.steps {
            if step.run.is_empty() && built_in(name).is_none() {
                return Err(usage!(
                    "[workspace.metadata.xtask.hooks]: steps.{name} runs nothing, and no such step \
                     is built in ({BUILT_IN})"
                ));
            }
            self.step(name, Hook::PreCommit, &self.pre_commit)?;
        }
        for glob in &self.skip_workspaces {
            Pattern::new(glob).map_err(|error| {
                usage!("[workspace.metadata.xtask.hooks]: skip-workspaces: `{glob}`: {error}")
            })?;
        }
        Ok(())
    }

    /// The steps of a hook, without those that `skip`, a list as in the variable `SKIP`, names.
    ///
    /// # Errors
    /// Where a step is named that is neither built in nor defined, or is defined wrongly.
    pub fn steps(&self, hook: Hook, skip: &str) -> Result<Vec<HookStep>> {
        let nothing = HookConfig::default();
        let config = match hook {
            Hook::PreCommit => &self.pre_commit,
            Hook::PrePush => &self.pre_push,
            Hook::PostCheckout => &nothing,
        };
        let named: Vec<&str> = match &config.steps {
            Some(named) => named.iter().map(String::as_str).collect(),
            None => hook.default_steps().to_vec(),
        };
        let skipped: Vec<&str> = skip.split(',').map(str::trim).collect();
        let steps = named.into_iter().map(|name| self.step(name, hook, config));
        let mut steps = steps.collect::<Result<Vec<_>>>()?;
        steps.retain(|step| !skipped.contains(&step.name.as_str()));
        Ok(steps)
    }

    fn step(&self, name: &str, hook: Hook, config: &HookConfig) -> Result<HookStep> {
        let wrong = |what: String| usage!("[workspace.metadata.xtask.hooks]: {what}");
        let nothing = StepConfig::default();
        let own = self.steps.get(name).unwrap_or(&nothing);
        let work = match (own.run.is_empty(), built_in(name)) {
            (false, _) => Work::Program(own.run.clone()),
            (true, Some(Work::Cargo { command, arguments })) => Work::Cargo {
                command,
                arguments: own.args.clone().unwrap_or(arguments),
            },
            (true, Some(work)) => work,
            (true, None) => {
                let defined = self.steps.iter().filter(|(_, step)| !step.run.is_empty());
                let defined: String = defined.map(|(name, _)| format!(", {name}")).collect();
                return Err(wrong(format!(
                    "{} has a step `{name}`, which is not defined; there are {BUILT_IN}{defined}\n\
                     hint: define it as steps.{name} = {{ run = [\"program\", \"argument\"] }}",
                    hook.name()
                )));
            }
        };
        let glob = |glob: &String| {
            Pattern::new(glob).map_err(|error| wrong(format!("steps.{name}: `{glob}`: {error}")))
        };
        let budget = own.budget.or(config.budget).or(hook.default_budget());
        if budget.is_some_and(|seconds| !(0.0..1e6).contains(&seconds)) {
            return Err(wrong(format!("{name}: a budget is a number of seconds")));
        }
        Ok(HookStep {
            name: name.to_owned(),
            work,
            files: own.files.iter().map(glob).collect::<Result<_>>()?,
            budget: budget.filter(|it| *it > 0.0).map(Duration::from_secs_f64),
            over_budget: own.over_budget.unwrap_or(config.over_budget),
            in_place: own.in_place,
        })
    }
}

impl HookStep {
    /// Whether a file, relative to the top level, is one that the step is about.
    pub fn is_about(&self, path: &Utf8Path) -> bool {
        let matches = |glob: &Pattern| matches(glob, path);
        match self.work {
            // Any file can be a module; the step itself finds out.
            Work::Format => true,
            Work::Policy => configures(path),
            _ => self.files.is_empty() || self.files.iter().any(matches),
        }
    }

    /// Whether it takes cargo's lock, so that another step that does would only wait for it.
    pub fn uses_cargo(&self) -> bool {
        match &self.work {
            Work::Format | Work::Policy => false,
            Work::Cargo { .. } => true,
            Work::Program(words) => {
                let program = words.first().map(|it| Utf8Path::new(it).file_stem());
                program == Some(Some("cargo"))
            }
        }
    }
}

/// Whether a glob matches a path, `*` within one component.
fn matches(glob: &Pattern, path: &Utf8Path) -> bool {
    let options = MatchOptions {
        require_literal_separator: true,
        ..MatchOptions::new()
    };
    glob.matches_with(path.as_str(), options)
}

/// Whether a file has a say in how cargo builds.
fn configures(path: &Utf8Path) -> bool {
    const NAMES: [&str; 7] = [
        ".envrc",
        ".gitlab-ci.yml",
        "Cargo.toml",
        "Makefile",
        "justfile",
        "rust-toolchain",
        "rust-toolchain.toml",
    ];
    const DIRECTORIES: [&str; 4] = [".cargo", ".circleci", ".github", ".vscode"];
    path.file_name().is_some_and(|it| NAMES.contains(&it))
        || path.iter().any(|part| DIRECTORIES.contains(&part))
}

/// What came of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepOutcome {
    /// The directory of the workspace, where several were checked.
    pub workspace: Option<String>,
    /// The step's name.
    pub step: String,
    /// How it ended.
    pub result: Ending,
    /// How long it took.
    pub took: Duration,
    /// What it printed.
    pub output: String,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All is well.
    Passed,
    /// There was nothing for it to do.
    Idle,
    /// It found something, or could not run.
    Failed,
    /// It was not done in time; what that means is configured.
    OverBudget(OverBudget),
}

impl Ending {
    /// Returns the worse of the endings of two programs of one step.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        let rank = |ending: Self| match ending {
            Self::Idle => 0,
            Self::Passed => 1,
            Self::OverBudget(OverBudget::Pass) => 2,
            Self::OverBudget(OverBudget::Fail) => 3,
            Self::Failed => 4,
        };
        match rank(other) > rank(self) {
            true => other,
            false => self,
        }
    }
}

impl StepOutcome {
    /// Whether the hook lets git go on.
    pub fn lets_pass(&self) -> bool {
        !matches!(
            self.result,
            Ending::Failed | Ending::OverBudget(OverBudget::Fail)
        )
    }
}

#[cfg(test)]
mod tests;
