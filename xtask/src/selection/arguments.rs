//! A selection as arguments for one cargo.

use std::collections::BTreeSet;

use super::{Selection, Tool};
use xtask_impact::workspace::{PackageIx, Specs, Workspace};

impl Selection {
    /// The arguments of the cargo that does it; `forwarded` are the user's own, the last of them
    /// those that follow a `--`.
    pub fn arguments(
        &self,
        workspace: &Workspace,
        tool: Tool,
        options: &ToolOptions<'_>,
    ) -> Vec<String> {
        let mut arguments: Vec<String> = tool.words().iter().map(|&word| word.to_owned()).collect();
        let all: BTreeSet<_> = self.packages.union(&self.beside).copied().collect();
        let is_left_out = |(member, _): &(PackageIx, _)| !all.contains(member);
        let left_out: Vec<_> = workspace.members().filter(is_left_out).collect();
        let only_excluded = left_out.iter().all(|(it, _)| options.excluded.contains(it));
        if tool != Tool::Fmt && (self.whole || only_excluded) {
            arguments.extend(whole_workspace(workspace, &options.excluded));
        } else {
            for spec in specs(workspace, &all, tool) {
                arguments.extend(["-p".to_owned(), spec]);
            }
        }
        let (own, _) = split(options.forwarded);
        if !own.iter().any(|argument| chooses_targets(argument)) {
            if !self.targets.is_empty() {
                arguments.extend(self.targets.iter().cloned());
            } else if matches!(tool, Tool::Check | Tool::Clippy | Tool::Build) {
                arguments.push("--all-targets".to_owned());
            }
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

/// What the user asked for beside the change.
#[derive(Default)]
pub struct ToolOptions<'a> {
    /// Members that are left out.
    pub excluded: BTreeSet<PackageIx>,
    /// Go on after a failure.
    pub keep_going: bool,
    /// Print in colour though cargo sees no terminal.
    pub colored: bool,
    /// `--locked` and its like, which the kit and cargo both heed.
    pub given: Vec<String>,
    /// Cargo runs in a private copy of the repository, and may write the lock file there.
    pub in_private_copy: bool,
    /// Arguments for cargo.
    pub forwarded: &'a [String],
}

/// `--workspace`, less what is left out.
pub fn whole_workspace(workspace: &Workspace, excluded: &BTreeSet<PackageIx>) -> Vec<String> {
    let mut arguments = vec!["--workspace".to_owned()];
    for spec in specs(workspace, excluded, Tool::Build) {
        arguments.extend(["--exclude".to_owned(), spec]);
    }
    arguments
}

/// Those of the user's arguments that decide features, profile and platform, for a question to
/// cargo about the units that it would build.
pub fn configuration_args(tool: Tool, forwarded: &[String]) -> Vec<String> {
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
    let mut kept = Vec::new();
    let mut arguments = split(forwarded).0.iter();
    while let Some(argument) = arguments.next() {
        let name = argument.split('=').next().unwrap_or_default();
        if name == tool.profile_option() {
            // Cargo's own name for it.
            kept.push(argument.replacen(name, "--profile", 1));
            if name == argument {
                kept.extend(arguments.next().cloned());
            }
        } else if WITH_VALUE.contains(&argument.as_str()) {
            kept.push(argument.clone());
            kept.extend(arguments.next().cloned());
        } else if ALONE.contains(&argument.as_str())
            || WITH_VALUE.contains(&name)
            || argument.starts_with("-F")
            || argument.starts_with("-Z")
        {
            kept.push(argument.clone());
        }
    }
    kept
}

/// Whether arguments of [`configuration_args`] have no part in which features are activated, on which
/// platform.
pub fn keeps_features(configuring: &[String]) -> bool {
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

/// The profile that the user's arguments choose.
pub fn profile_in(tool: Tool, forwarded: &[String]) -> Option<String> {
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

/// The values of `--config` among the user's arguments.
pub fn config_in(tool: Tool, forwarded: &[String]) -> Vec<String> {
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

/// Cargo's own arguments, and those that it hands on.
fn split(forwarded: &[String]) -> (&[String], &[String]) {
    let end = forwarded.iter().position(|argument| argument == "--");
    forwarded.split_at(end.unwrap_or(forwarded.len()))
}

/// Adds `--locked` to the arguments of a cargo that builds, unless the user's have it.
pub fn locked(mut arguments: Vec<String>) -> Vec<String> {
    let own = split(&arguments).0;
    if !own.iter().any(|it| it == "--locked" || it == "--frozen") {
        arguments.insert(own.len(), "--locked".to_owned());
    }
    arguments
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

/// Packages as the tool takes them after `-p`. `cargo fmt` knows members alone, and by their names.
pub fn specs(workspace: &Workspace, packages: &BTreeSet<PackageIx>, tool: Tool) -> Vec<String> {
    let specs = Specs::new(workspace);
    let spec = |&package: &PackageIx| match tool {
        Tool::Fmt => workspace.package(package).name.clone(),
        _ => specs.of(package),
    };
    packages.iter().map(spec).collect()
}
