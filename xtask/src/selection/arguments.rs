//! The arguments of the cargo command that runs a selection.

use std::collections::BTreeSet;

use xtask_impact::resolve_diff::selection::UNIFIED;
use xtask_impact::workspace::{PackageIx, Specs, Workspace};

use super::filter::LeftOut;
use super::unification::FeatureUnification;
use super::{Selection, Tool};

impl Selection {
    /// Returns the arguments of the cargo command that runs the selection. `options.forwarded` are
    /// the user's own arguments; they come last, since they may contain a `--`.
    pub(crate) fn arguments(
        &self,
        workspace: &Workspace,
        tool: Tool,
        options: &ToolOptions<'_>,
    ) -> Vec<String> {
        let mut arguments: Vec<String> = tool.words().iter().map(|&word| word.to_owned()).collect();
        arguments.extend(self.package_args(workspace, tool, options));
        let (own, _) = split(options.forwarded);
        if !own.iter().any(|argument| chooses_targets(argument)) {
            arguments.extend(self.target_args(tool));
        }
        if tool == Tool::Nextest {
            arguments.push("--no-tests=pass".to_owned());
        }
        if let Some(filter) = &self.filter {
            arguments.extend(["-E".to_owned(), filter.clone()]);
        }
        if options.keep_going {
            arguments.extend(match tool {
                Tool::Test | Tool::Nextest | Tool::Bench => Some("--no-fail-fast".to_owned()),
                Tool::Fmt => None,
                _ => Some("--keep-going".to_owned()),
            });
        }
        if tool != Tool::Fmt {
            arguments.extend(options.given.iter().cloned());
        }
        arguments.extend(options.forwarded.iter().cloned());
        arguments
    }
}

impl Selection {
    /// Returns the arguments of the cargo command whose unit graph has the units that the selection
    /// builds.
    pub(crate) fn planned_arguments(
        &self,
        workspace: &Workspace,
        tool: Tool,
        options: &ToolOptions<'_>,
    ) -> Vec<String> {
        let words = tool.builds_like().unwrap_or_default().iter();
        let mut arguments: Vec<String> = words
            .filter(|word| **word != "--all-targets")
            .map(|&word| word.to_owned())
            .collect();
        arguments.extend(self.package_args(workspace, tool, options));
        let chosen = chosen_targets(options.forwarded);
        arguments.extend(match chosen.is_empty() {
            true => self.target_args(tool),
            false => chosen,
        });
        for given in [&options.given[..], options.forwarded] {
            arguments.extend(configuration_args(tool, given));
        }
        arguments
    }

    /// Returns the arguments that select packages and targets.
    pub(crate) fn selecting_args(
        &self,
        workspace: &Workspace,
        tool: Tool,
        options: &ToolOptions<'_>,
    ) -> Vec<String> {
        let mut arguments = self.package_args(workspace, tool, options);
        arguments.extend(self.target_args(tool));
        arguments
    }

    /// Returns the arguments that select the packages, and the setting that keeps their features.
    fn package_args(
        &self,
        workspace: &Workspace,
        tool: Tool,
        options: &ToolOptions<'_>,
    ) -> Vec<String> {
        let mut arguments = Vec::new();
        let all: BTreeSet<_> = self.packages.union(&self.beside).copied().collect();
        let is_left_out = |(member, _): &(PackageIx, _)| !all.contains(member);
        let left_out: Vec<_> = workspace.members().filter(is_left_out).collect();
        let only_excluded = left_out
            .iter()
            .all(|(it, _)| options.left_out.excluded.contains(it));
        if tool != Tool::Fmt && (self.whole || only_excluded) {
            arguments.extend(whole_workspace(workspace, &options.left_out.excluded));
        } else {
            for spec in specs(workspace, &all, tool) {
                arguments.extend(["-p".to_owned(), spec]);
            }
        }
        if self.unified {
            arguments.extend(["--config", UNIFIED].map(str::to_owned));
        }
        arguments
    }

    /// Returns the arguments that select the targets, if the user selects none.
    fn target_args(&self, tool: Tool) -> Vec<String> {
        match tool {
            _ if !self.targets.is_empty() => self.targets.clone(),
            Tool::Check | Tool::Clippy | Tool::Build => vec!["--all-targets".to_owned()],
            _ => Vec::new(),
        }
    }
}

/// The options that the user gave in addition to the change.
#[derive(Default)]
pub(crate) struct ToolOptions<'a> {
    /// The packages that are left out.
    pub left_out: LeftOut,
    /// True to continue after a failure.
    pub keep_going: bool,
    /// The argument that chooses cargo's colours. `None` if cargo chooses by its own rules.
    pub color: Option<&'static str>,
    /// The flags that both the kit and cargo take, such as `--locked`.
    pub given: Vec<String>,
    /// True if cargo runs in a private copy of the repository, in which it may write the lock file.
    pub in_private_copy: bool,
    /// The features that dependencies are built with.
    pub unification: FeatureUnification,
    /// The arguments that are forwarded to cargo.
    pub forwarded: &'a [String],
}

/// Returns `--workspace` and an `--exclude` for each excluded package.
pub(crate) fn whole_workspace(
    workspace: &Workspace,
    excluded: &BTreeSet<PackageIx>,
) -> Vec<String> {
    let mut arguments = vec!["--workspace".to_owned()];
    for spec in specs(workspace, excluded, Tool::Build) {
        arguments.extend(["--exclude".to_owned(), spec]);
    }
    arguments
}

/// Returns the user's arguments that choose features, profile and platform. Cargo's unit graph is
/// asked for with these arguments.
pub(crate) fn configuration_args(tool: Tool, forwarded: &[String]) -> Vec<String> {
    let (configuring, _) = configuring(tool, forwarded);
    let name = tool.profile_option();
    // Translates the tool's option to cargo's own name, `--profile`.
    let translate = |argument: String| match argument.strip_prefix(name) {
        Some(rest) if rest.is_empty() || rest.starts_with('=') => format!("--profile{rest}"),
        _ => argument,
    };
    configuring.into_iter().map(translate).collect()
}

/// Splits the user's arguments for cargo: first the arguments that choose features, profile and
/// platform, then all others.
pub(crate) fn configuring(tool: Tool, forwarded: &[String]) -> (Vec<String>, Vec<String>) {
    const WITH_VALUE: [&str; 5] = ["-F", "--features", "--target", "--config", "-Z"];
    const ALONE: [&str; 7] = [
        "--all-features",
        "--no-default-features",
        "-r",
        "--release",
        "--locked",
        "--offline",
        "--frozen",
    ];
    let (own, for_tests) = split(forwarded);
    let (mut kept, mut others) = (Vec::new(), Vec::new());
    let mut arguments = own.iter();
    while let Some(argument) = arguments.next() {
        let name = argument.split('=').next().unwrap_or_default();
        let has_value = WITH_VALUE.contains(&name) || name == tool.profile_option();
        let is_joined = argument.starts_with("-F") || argument.starts_with("-Z");
        if !has_value && !is_joined && !ALONE.contains(&argument.as_str()) {
            others.push(argument.clone());
            continue;
        }
        kept.push(argument.clone());
        if has_value && name == argument {
            kept.extend(arguments.next().cloned());
        }
    }
    others.extend(for_tests.iter().cloned());
    (kept, others)
}

/// Returns true if arguments of [`configuration_args`] change neither the activated features nor
/// the platform.
pub(crate) fn keeps_features(configuring: &[String]) -> bool {
    const ALONE: [&str; 5] = ["-r", "--release", "--locked", "--offline", "--frozen"];
    let mut arguments = configuring.iter().map(String::as_str);
    while let Some(argument) = arguments.next() {
        if argument == "--profile" {
            arguments.next();
        } else if !ALONE.contains(&argument) && !argument.starts_with("--profile=") {
            return false;
        }
    }
    true
}

/// Returns the profile that the user's arguments choose.
pub(crate) fn profile_in(tool: Tool, forwarded: &[String]) -> Option<String> {
    let mut found = None;
    let mut arguments = configuration_args(tool, forwarded).into_iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "-r" | "--release" => found = Some("release".to_owned()),
            "--profile" => found = arguments.next(),
            other => {
                found = other
                    .strip_prefix("--profile=")
                    .map(str::to_owned)
                    .or(found)
            }
        }
    }
    found
}

/// Returns the values of `--config` among the user's arguments.
pub(crate) fn config_in(tool: Tool, forwarded: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    let mut arguments = configuration_args(tool, forwarded).into_iter();
    while let Some(argument) = arguments.next() {
        match argument.strip_prefix("--config") {
            Some("") => found.extend(arguments.next()),
            Some(rest) => found.extend(rest.strip_prefix('=').map(str::to_owned)),
            None => {}
        }
    }
    found
}

/// Splits the user's arguments into cargo's own arguments and the arguments from `--` on.
fn split(forwarded: &[String]) -> (&[String], &[String]) {
    let end = forwarded.iter().position(|argument| argument == "--");
    forwarded.split_at(end.unwrap_or(forwarded.len()))
}

/// Adds `--locked` to the arguments of a cargo that builds, unless they have `--locked` or
/// `--frozen`.
pub(crate) fn locked(mut arguments: Vec<String>) -> Vec<String> {
    let own = split(&arguments).0;
    if !own.iter().any(|it| it == "--locked" || it == "--frozen") {
        arguments.insert(own.len(), "--locked".to_owned());
    }
    arguments
}

/// Returns the user's arguments that choose targets, with their values.
fn chosen_targets(forwarded: &[String]) -> Vec<String> {
    const WITH_VALUE: [&str; 4] = ["--bin", "--test", "--example", "--bench"];
    let mut chosen = Vec::new();
    let mut arguments = split(forwarded).0.iter();
    while let Some(argument) = arguments.next() {
        if chooses_targets(argument) {
            chosen.push(argument.clone());
            if WITH_VALUE.contains(&argument.as_str()) {
                chosen.extend(arguments.next().cloned());
            }
        }
    }
    chosen
}

fn chooses_targets(argument: &str) -> bool {
    const FLAGS: [&str; 10] = [
        "--lib",
        "--bins",
        "--bin",
        "--tests",
        "--test",
        "--examples",
        "--example",
        "--benches",
        "--bench",
        "--doc",
    ];
    let name = argument.split('=').next().unwrap_or_default();
    name == "--all-targets" || FLAGS.contains(&name)
}

/// Returns packages as the tool takes them after `-p`. `cargo fmt` only takes members, and takes
/// them by name.
pub(crate) fn specs(
    workspace: &Workspace,
    packages: &BTreeSet<PackageIx>,
    tool: Tool,
) -> Vec<String> {
    let specs = Specs::new(workspace);
    let spec = |&package: &PackageIx| match tool {
        Tool::Fmt => workspace.package(package).name.clone(),
        _ => specs.of(package),
    };
    packages.iter().map(spec).collect()
}
