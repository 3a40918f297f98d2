//! The model of git's hooks: the steps of a hook, their configuration in the workspace, and their
//! outcomes.
//!
//! Architecture invariant: nothing here starts a process or writes a file.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use camino::Utf8Path;
use glob::{MatchOptions, Pattern};
use serde::Deserialize;
use xtask_impact::usage;

/// A hook that the kit knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Hook {
    /// Check the files that git commits
    PreCommit,
    /// Check the commits that git pushes
    PrePush,
    /// List what a checkout made stale
    PostCheckout,
}

impl Hook {
    /// All hooks that the kit knows.
    pub(crate) const ALL: [Self; 3] = [Self::PreCommit, Self::PrePush, Self::PostCheckout];

    /// Returns git's name of the hook, such as `pre-commit`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PreCommit => "pre-commit",
            Self::PrePush => "pre-push",
            Self::PostCheckout => "post-checkout",
        }
    }

    /// Returns the names of the steps that the hook has if the workspace does not configure any.
    fn default_steps(self) -> &'static [&'static str] {
        match self {
            Self::PreCommit => &["policy", "fmt", "clippy"],
            Self::PrePush => &["clippy", "test"],
            Self::PostCheckout => &[],
        }
    }

    /// Returns the default time limit of a step, in seconds; `None` for no limit.
    fn default_budget(self) -> Option<f64> {
        match self {
            Self::PreCommit => Some(20.0),
            Self::PrePush => Some(300.0),
            Self::PostCheckout => None,
        }
    }
}

/// The table `[workspace.metadata.xtask.hooks]`.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Config {
    pre_commit: HookConfig,
    pre_push: HookConfig,
    post_checkout: HookConfig,
    steps: BTreeMap<String, StepConfig>,
    /// True if the hooks check this workspace. By default they do, except in a fixture.
    pub enabled: Option<bool>,
    /// Globs of the workspaces below this workspace that the hooks do not check.
    skip_workspaces: Vec<String>,
}

#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct HookConfig {
    steps: Option<Vec<String>>,
    budget: Option<f64>,
    over_budget: OverBudget,
}

#[cfg_attr(test, derive(schemars::JsonSchema))]
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

/// The consequence of a step that exceeds its budget. The step is stopped in both cases.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OverBudget {
    /// The step is stopped, and the hook passes with a warning.
    #[default]
    Pass,
    /// The step is stopped, and the hook fails.
    Fail,
}

/// One step of a hook.
#[derive(Clone, Debug)]
pub(crate) struct HookStep {
    /// The name of the step in the configuration and in the variable `SKIP`.
    pub name: String,
    /// The work that the step does.
    pub work: StepWork,
    files: Vec<Pattern>,
    /// The time limit of the step; `None` for no limit.
    pub budget: Option<Duration>,
    /// The consequence of exceeding the budget.
    pub over_budget: OverBudget,
    /// True if the step always runs in the work tree, even if the work tree has unstaged changes.
    pub in_place: bool,
}

/// The work of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StepWork {
    /// Checks the format of the packages that a change can concern.
    Format,
    /// Checks cargo's configuration against the policy.
    Policy,
    /// A cargo command. It runs on the packages that own staged files, or on the packages that a
    /// push affects.
    Cargo {
        /// The name of the tool, as in `run-affected`.
        command: String,
        /// Further arguments for cargo.
        arguments: Vec<String>,
    },
    /// A program with its arguments. The placeholders `{files}`, `{packages}`, `{cargo-args}` and
    /// `{xtask}` are replaced by the changed files, the selected packages, cargo's arguments for
    /// these packages, and the path of the kit.
    Program(Vec<String>),
}

/// Returns the work of a built-in step; `None` if no built-in step has this name.
fn built_in(name: &str) -> Option<StepWork> {
    let cargo = |arguments: &[&str]| StepWork::Cargo {
        command: name.to_owned(),
        arguments: arguments.iter().map(|&word| word.to_owned()).collect(),
    };
    let program =
        |words: &[&str]| StepWork::Program(words.iter().map(|&word| word.to_owned()).collect());
    match name {
        "fmt" => Some(StepWork::Format),
        "policy" => Some(StepWork::Policy),
        "clippy" => Some(cargo(&["--", "--deny", "warnings"])),
        "check" | "test" | "nextest" | "doc" => Some(cargo(&[])),
        "freshness" => Some(program(&["{xtask}", "freshness", "restore", "--quiet"])),
        "sweep" => Some(program(&["{xtask}", "sweep", "--quiet"])),
        _ => None,
    }
}

/// The names of the built-in steps, for the message about an unknown step.
const BUILT_IN: &str = "fmt, policy, clippy, check, test, nextest, doc, freshness, sweep";

impl Config {
    /// Returns true if the configuration says to skip the workspace in a directory. The directory
    /// is relative to the root manifest.
    pub(crate) fn skips(&self, directory: &Utf8Path) -> bool {
        let globs = self.skip_workspaces.iter().flat_map(|it| Pattern::new(it));
        globs.into_iter().any(|glob| matches(&glob, directory))
    }

    /// Checks every step definition, including the definitions that no hook uses.
    ///
    /// # Errors
    /// Returns the errors of [`Config::steps`], and an error for a definition that runs nothing or
    /// a glob that is wrong.
    pub(crate) fn check(&self) -> Result<()> {
        for hook in Hook::ALL {
            self.steps(hook, "")?;
        }
        for (name, step) in &self.steps {
            if step.run.is_empty() && built_in(name).is_none() {
                return Err(usage!(
                    "[workspace.metadata.xtask.hooks]: steps.{name} has no `run`, and is not a \
                     built-in step ({BUILT_IN})"
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

    /// Returns the steps of a hook. `skip` is a list of step names separated by commas, as in the
    /// variable `SKIP`; these steps are left out.
    ///
    /// # Errors
    /// Returns an error if a named step is neither built in nor defined, or if its definition is
    /// wrong.
    pub(crate) fn steps(&self, hook: Hook, skip: &str) -> Result<Vec<HookStep>> {
        let config = match hook {
            Hook::PreCommit => &self.pre_commit,
            Hook::PrePush => &self.pre_push,
            Hook::PostCheckout => &self.post_checkout,
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
            (false, _) => StepWork::Program(own.run.clone()),
            (true, Some(StepWork::Cargo { command, arguments })) => StepWork::Cargo {
                command,
                arguments: own.args.clone().unwrap_or(arguments),
            },
            (true, Some(StepWork::Program(mut words))) => {
                words.extend(own.args.iter().flatten().cloned());
                StepWork::Program(words)
            }
            (true, Some(work)) => work,
            (true, None) => {
                let defined = self.steps.iter().filter(|(_, step)| !step.run.is_empty());
                let defined: String = defined.map(|(name, _)| format!(", {name}")).collect();
                return Err(wrong(format!(
                    "{} has an unknown step `{name}`; known steps are {BUILT_IN}{defined}\nhint: \
                     define it as steps.{name} = {{ run = [\"program\", \"argument\"] }}",
                    hook.name()
                )));
            }
        };
        if hook == Hook::PostCheckout && !matches!(work, StepWork::Program(_)) {
            return Err(wrong(format!(
                "post-checkout has the step `{name}`, which checks changes; post-checkout runs \
                 `freshness`, `sweep` and programs"
            )));
        }
        let glob = |glob: &String| {
            Pattern::new(glob).map_err(|error| wrong(format!("steps.{name}: `{glob}`: {error}")))
        };
        let budget = own.budget.or(config.budget).or(hook.default_budget());
        if budget.is_some_and(|seconds| !(0.0..1e6).contains(&seconds)) {
            return Err(wrong(format!(
                "{name}: `budget` must be a number of seconds"
            )));
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
    /// Returns true if a change of a file is a reason to run the step. The path is relative to the
    /// top level of the repository.
    pub(crate) fn is_about(&self, path: &Utf8Path) -> bool {
        let matches = |glob: &Pattern| matches(glob, path);
        match self.work {
            // A `#[path]` attribute can make any file a module, so the step itself decides.
            StepWork::Format => true,
            StepWork::Policy => configures(path),
            _ => self.files.is_empty() || self.files.iter().any(matches),
        }
    }

    /// Returns true if the step takes cargo's lock. Two such steps cannot run at the same time.
    pub(crate) fn uses_cargo(&self) -> bool {
        match &self.work {
            StepWork::Format | StepWork::Policy => false,
            StepWork::Cargo { .. } => true,
            StepWork::Program(words) => {
                let program = words.first().map(|it| Utf8Path::new(it).file_stem());
                program == Some(Some("cargo"))
            }
        }
    }
}

/// Returns true if a glob matches a path. `*` matches only within one path component.
fn matches(glob: &Pattern, path: &Utf8Path) -> bool {
    let options = MatchOptions {
        require_literal_separator: true,
        ..MatchOptions::new()
    };
    glob.matches_with(path.as_str(), options)
}

/// Returns true if a file can change how cargo builds, such as a manifest or a CI workflow.
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

/// The outcome of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StepOutcome {
    /// The directory of the workspace, if the hook checked several workspaces.
    pub workspace: Option<String>,
    /// The name of the step.
    pub step: String,
    /// The way in which the step ended.
    pub result: Ending,
    /// The time that the step took.
    pub took: Duration,
    /// The output of the step.
    pub output: String,
}

/// The way in which a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The step found no problem.
    Passed,
    /// The step had nothing to do.
    Idle,
    /// The step found a problem, or could not run.
    Failed,
    /// The step exceeded its budget and was stopped. The configuration says if the hook passes.
    OverBudget(OverBudget),
}

impl Ending {
    /// Returns the worse of two endings, because one step may run several programs.
    #[must_use]
    pub(crate) fn worse(self, other: Self) -> Self {
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
    /// Returns true if this outcome does not make the hook fail.
    pub(crate) fn lets_pass(&self) -> bool {
        !matches!(
            self.result,
            Ending::Failed | Ending::OverBudget(OverBudget::Fail)
        )
    }
}

#[cfg(test)]
mod tests;
