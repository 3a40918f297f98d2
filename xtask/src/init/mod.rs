//! The command `init`: adds an `xtask` crate with the kit's commands to a Cargo repository.

pub(crate) mod apply;
pub(crate) mod edits;
pub(crate) mod host;
pub(crate) mod keys;
pub(crate) mod plan;
pub(crate) mod templates;
#[cfg(test)]
mod tests;
pub(crate) mod text;

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::process::Runner;
use xtask_impact::{quote, usage};

use crate::cargo_runs;
use crate::cli::output;
use crate::cli::status::Status;
use crate::init::host::HostRepository;
use crate::init::plan::{CiService, InitOptions, InitPlan, dependency};

/// Examples of the command, for `--help`.
const EXAMPLES: &str = "Examples:
  cargo xtask init --dry-run                        every line that would be written
  cargo xtask init --ci github --hooks              also a workflow and git hooks
  cargo xtask init --kit-path ../xtask-kit/xtask    the kit from a folder";

/// Commands of cargo that someone may choose as a name. Cargo ignores an alias with such a name.
const COMMANDS_OF_CARGO: [&str; 20] = [
    "add", "bench", "build", "check", "clean", "doc", "fetch", "fix", "help", "info", "init",
    "install", "new", "package", "publish", "run", "test", "tree", "update", "version",
];

/// Arguments of `init`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Show what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Use this name for the folder, the package and the alias
    #[arg(long, value_name = "NAME", default_value = "xtask")]
    name: String,
    /// Depend on the kit in this directory
    #[arg(long, value_name = "PATH", conflicts_with = "kit_git")]
    kit_path: Option<Utf8PathBuf>,
    /// Depend on the kit in this git repository
    #[arg(long, value_name = "URL")]
    kit_git: Option<String>,
    /// Depend on this commit of the git repository
    #[arg(long, value_name = "COMMIT", requires = "kit_git")]
    kit_rev: Option<String>,
    /// Write a workflow for this CI service (repeatable)
    #[arg(long, value_name = "SERVICE", value_enum)]
    ci: Vec<CiService>,
    /// Install the git hooks
    #[arg(long)]
    hooks: bool,
    /// Write a configuration of the pre-commit framework
    #[arg(long)]
    pre_commit: bool,
    /// Print the plan in this format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Use the workspace of this Cargo.toml
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<Utf8PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, clap::ValueEnum)]
enum Format {
    /// Print text for people: each file with the lines that are written
    #[default]
    Text,
    /// Print JSON for programs, see docs/json.md
    Json,
}

pub(crate) fn run(args: &Args) -> Result<Status> {
    let runner = Runner::new()?;
    let host = HostRepository::find(&runner, args.manifest_path.as_deref())?;
    let plan = InitPlan::new(&host, &args.options(&host)?)?;
    for note in &plan.notes {
        output::note(note);
    }
    match args.format {
        Format::Text => output::data(&text::plan(&plan))?,
        Format::Json => output::json(&plan)?,
    }
    if plan.writes.is_empty() {
        output::note("there is nothing to write: every file exists already");
    }
    if args.dry_run {
        return Ok(Status::Done);
    }
    apply::apply(&plan)?;
    let runner = runner.in_directory(host.top.join(&host.below));
    for command in &plan.commands {
        output::status("Running", command.join(" "));
        let status = cargo_runs::interruptible(runner.cargo().args(&command[1..]))?;
        if status != Status::Done {
            return Ok(status);
        }
    }
    if !plan.writes.is_empty() {
        output::note(text::next(&plan, &host.below.join(&args.name)));
    }
    Ok(Status::Done)
}

impl Args {
    fn options(&self, host: &HostRepository) -> Result<InitOptions> {
        let is_plain = |it: char| it.is_ascii_alphanumeric() || it == '-' || it == '_';
        if !self.name.starts_with(|it: char| it.is_ascii_alphabetic())
            || !self.name.chars().all(is_plain)
        {
            return Err(usage!(
                "--name {} is not a package name\nhint: start with a letter, and use letters, \
                 digits, `-` and `_`",
                quote::name(&self.name)
            ));
        }
        if COMMANDS_OF_CARGO.contains(&self.name.as_str()) {
            return Err(usage!(
                "--name {0}: `cargo {0}` is a command of cargo, which an alias cannot replace\n\
                 hint: choose another name",
                self.name
            ));
        }
        let kit = match (&self.kit_path, &self.kit_git) {
            (Some(path), _) => dependency(&[("path", &self.relative_kit(path, host)?)]),
            (None, Some(url)) => {
                let rev = self.kit_rev.as_deref().map(|rev| ("rev", rev));
                let source: Vec<_> = std::iter::once(("git", url.as_str())).chain(rev).collect();
                dependency(&source)
            }
            (None, None) => dependency(&[]),
        };
        Ok(InitOptions {
            name: self.name.clone(),
            kit,
            ci: self.ci.clone(),
            hooks: self.hooks,
            pre_commit: self.pre_commit,
        })
    }

    /// Returns the path of the kit as a manifest in the new folder names it: relative, if the user
    /// gave a relative path.
    fn relative_kit(&self, path: &Utf8Path, host: &HostRepository) -> Result<String> {
        if !path.join("Cargo.toml").is_file() {
            return Err(usage!(
                "--kit-path {} has no Cargo.toml\nhint: pass the folder of the package xtask-kit",
                quote::name(&path)
            ));
        }
        if path.is_absolute() {
            return Ok(path.to_string());
        }
        let folder = host.top.join(&host.below).join(&self.name);
        let kit = path.canonicalize_utf8()?;
        Ok(relative(&kit, &folder))
    }
}

/// Returns a path relative to a directory. Both paths are absolute.
fn relative(path: &Utf8Path, directory: &Utf8Path) -> String {
    let common = path
        .components()
        .zip(directory.components())
        .take_while(|(one, other)| one == other)
        .count();
    let up = directory.components().skip(common).map(|_| "..");
    let down = path.components().skip(common).map(|it| it.as_str());
    up.chain(down).collect::<Vec<_>>().join("/")
}
