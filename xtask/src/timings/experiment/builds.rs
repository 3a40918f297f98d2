//! The builds of an experiment, in directories of their own.

use std::collections::BTreeSet;
use std::fs;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use cargo_metadata::Message;
use xtask_impact::build_dir::Directories;
use xtask_impact::process::Runner;
use xtask_impact::quote;
use xtask_impact::workspace::{TargetKind, Workspace};

use super::edit::EditedSource;
use super::plan::{TrialBuild, TrialKind, TrialPlan, Way};
use crate::artifacts::disk_usage;
use crate::cargo_runs;
use crate::cargo_runs::build_times::round;
use crate::cargo_runs::copied_sources::{self, CopiedSources};
use crate::cargo_runs::machine_use::MachineMeter;
use crate::cli::output;

/// A measured build.
#[derive(Clone, Debug)]
pub(super) struct TrialRun {
    pub(super) build: TrialBuild,
    /// The time from cargo's start to its end, in seconds.
    pub(super) seconds: f64,
    /// The processor time, in seconds.
    pub(super) cpu: Option<f64>,
    /// True if the machine did other work.
    pub(super) contended: bool,
    /// The number of targets that were compiled.
    pub(super) compiled: usize,
}

/// The results of an experiment.
#[derive(Debug, Default)]
pub(super) struct TrialResults {
    pub(super) runs: Vec<TrialRun>,
    /// The sizes of the directories after a build from nothing, in bytes: before, after.
    pub(super) bytes: (Option<u64>, Option<u64>),
    /// The source that was edited, relative to the workspace's root.
    pub(super) edit: Option<Utf8PathBuf>,
    /// True if cargo calls the compilers in the same way with and without the settings.
    pub(super) is_without_effect: bool,
}

/// The facts about a build that cargo's messages contain.
struct SeenBuild {
    /// The calls of compilers.
    calls: BTreeSet<String>,
    /// The folders of the compiled libraries.
    folders: Vec<Utf8PathBuf>,
}

/// The copy of the sources, and the target directories of the builds with and without the settings.
struct TrialWorkspace<'a> {
    copy: CopiedSources,
    runner: Runner,
    /// Files of cargo's configuration that do not lie above the copy.
    configuration: Vec<Utf8PathBuf>,
    plan: &'a TrialPlan,
}

/// Runs an experiment. The directories are removed at the end.
///
/// # Errors
/// Returns an error if the sources cannot be copied, or if a build fails.
pub(super) fn run(
    runner: &Runner,
    workspace: &Workspace,
    plan: &TrialPlan,
) -> Result<TrialResults> {
    let copy = copied_sources::copy(runner, workspace)
        .context("an experiment needs a copy of the sources")?;
    let trial = TrialWorkspace {
        runner: runner.in_directory(copy.root()),
        configuration: copy.missing_configuration(&workspace.root),
        plan,
        copy,
    };
    let mut source: Option<EditedSource> = None;
    let mut results = TrialResults::default();
    let mut calls: [Option<BTreeSet<String>>; 2] = [None, None];
    let builds = plan.builds();
    for (number, build) in builds.iter().enumerate() {
        output::status("Building", describe(*build, number + 1, builds.len()));
        match build.kind {
            TrialKind::Clean => trial.remove(build.way)?,
            TrialKind::Edit => {
                if let Some(source) = &mut source {
                    source.edit()?;
                }
            }
        }
        let (run, seen) = trial.build(*build)?;
        if number == 0 && !plan.edits.is_empty() {
            let edit = trial.edit(&seen)?;
            source = Some(EditedSource::read(trial.copy.root().join(edit))?);
            results.edit = Some(edit.to_owned());
        }
        if build.kind == TrialKind::Clean {
            let place = usize::from(build.way == Way::After);
            calls[place].get_or_insert(seen.calls);
            let bytes = match build.way {
                Way::Before => &mut results.bytes.0,
                Way::After => &mut results.bytes.1,
            };
            *bytes = trial.bytes(build.way);
        } else if run.compiled == 0 {
            bail!(
                "the edit of {} compiles nothing in this build\nhint: name a source of the built \
                 packages with --edit FILE",
                quote::name(&results.edit.unwrap_or_default())
            );
        }
        results.runs.extend(build.is_measured.then_some(run));
    }
    let [before, after] = calls;
    results.is_without_effect = before.is_some() && before == after;
    Ok(results)
}

fn describe(build: TrialBuild, number: usize, of: usize) -> String {
    let way = match build.way {
        Way::Before => "without the settings",
        Way::After => "with the settings",
    };
    let kind = match build.kind {
        TrialKind::Clean => "from nothing",
        TrialKind::Edit => "after an edit",
    };
    let unmeasured = if build.is_measured {
        ""
    } else {
        ", not measured"
    };
    format!("{number} of {of}: {way}, {kind}{unmeasured}")
}

impl TrialWorkspace<'_> {
    fn target(&self, way: Way) -> Utf8PathBuf {
        let name = match way {
            Way::Before => "before",
            Way::After => "after",
        };
        self.copy.directory().join(name)
    }

    fn remove(&self, way: Way) -> Result<()> {
        let target = self.target(way);
        match fs::remove_dir_all(&target) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", quote::name(&target)))
            }
            _ => Ok(()),
        }
    }

    fn bytes(&self, way: Way) -> Option<u64> {
        let target = self.target(way);
        let directories = Directories {
            build: target.clone(),
            target,
        };
        disk_usage::total(&directories).ok()
    }

    /// Returns the source to edit: the first choice that lies in the folder of a compiled library.
    /// A source that the user named is the only choice.
    fn edit(&self, seen: &SeenBuild) -> Result<&Utf8Path> {
        let choices = &self.plan.edits;
        let is_compiled = |path: &&Utf8PathBuf| {
            let path = self.copy.root().join(path);
            choices.len() == 1 || seen.folders.iter().any(|it| path.starts_with(it))
        };
        let found = choices.iter().find(is_compiled);
        found.map(Utf8PathBuf::as_path).context(
            "the build compiles no library of the workspace\nhint: name a source with --edit FILE, or \
             use --only clean",
        )
    }

    /// Runs one build. Returns the measurement, and the facts from cargo's messages.
    fn build(&self, build: TrialBuild) -> Result<(TrialRun, SeenBuild)> {
        let target = self.target(build.way);
        let mut command = self.runner.cargo();
        command
            .args(&self.plan.command)
            .arg("--target-dir")
            .arg(&target);
        for file in &self.configuration {
            command.args(["--config", file.as_str()]);
        }
        let directory = toml::Value::from(target.as_str());
        command.args(["--config", &format!("build.build-dir={directory}")]);
        if build.way == Way::After {
            for setting in &self.plan.settings {
                command.args(["--config", setting]);
            }
        }
        let meter = MachineMeter::start(&self.runner, None);
        let start = Instant::now();
        let (messages, said, status) = cargo_runs::observe(&mut command)?;
        let seconds = round(start.elapsed().as_secs_f64());
        let machine = meter.end(None);
        if !status.success() {
            output::plain(shown(&said).trim_end());
            bail!(
                "the build {} failed",
                describe(build, 1, 1).trim_start_matches("1 of 1: ")
            );
        }
        let is_compiled = |message: &&Message| matches!(message, Message::CompilerArtifact(artifact) if !artifact.fresh);
        let run = TrialRun {
            build,
            seconds,
            cpu: machine.cpu,
            contended: machine.contention().is_some(),
            compiled: messages.iter().filter(is_compiled).count(),
        };
        let seen = SeenBuild {
            calls: calls(&said, &target),
            folders: folders(&messages),
        };
        Ok((run, seen))
    }
}

/// Returns the folders of the libraries that a build compiled.
fn folders(messages: &[Message]) -> Vec<Utf8PathBuf> {
    let folders = messages.iter().filter_map(|message| {
        let Message::CompilerArtifact(artifact) = message else {
            return None;
        };
        let target = xtask_impact::workspace::target(&artifact.target)?;
        let folder = artifact.target.src_path.parent()?;
        (target.kind == TargetKind::Lib).then(|| folder.to_owned())
    });
    folders.collect()
}

/// Returns cargo's output without the calls of programs, which `-v` adds.
fn shown(said: &str) -> String {
    let lines = said.lines().filter(|line| {
        let line = line.trim_start();
        !line.starts_with("Running `") && !line.starts_with("Fresh ") && !line.starts_with("Dirty ")
    });
    lines.map(|line| format!("{line}\n")).collect()
}

/// Returns the calls of programs in cargo's output, without the target directory and without
/// hashes, which differ between the two target directories.
fn calls(said: &str, target: &Utf8Path) -> BTreeSet<String> {
    let lines = said.lines().map(str::trim_start);
    let calls = lines.filter_map(|line| line.strip_prefix("Running `"));
    calls
        .map(|call| without_hashes(&call.replace(target.as_str(), "")))
        .collect()
}

/// Removes every run of 16 hexadecimal digits.
fn without_hashes(text: &str) -> String {
    let mut kept = String::new();
    for part in text.split_inclusive(|it: char| !it.is_ascii_hexdigit()) {
        let digits = part.trim_end_matches(|it: char| !it.is_ascii_hexdigit());
        kept += match digits.len() {
            16 => &part[16..],
            _ => part,
        };
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_differ_only_by_settings() {
        let call = |target: &str, hash: &str, more: &str| {
            let said = format!(
                "   Compiling a v0.1.0\n     Running `CARGO=/c rustc --crate-name a {more}-C \
                 metadata={hash} -C extra-filename=-{hash} --out-dir {target}/debug/deps`\n    \
                 Finished\n"
            );
            calls(&said, Utf8Path::new(target))
        };
        let before = call("/tmp/x y/before", "0123456789abcdef", "");
        assert_eq!(before.len(), 1);
        assert_eq!(before, call("/tmp/x y/after", "fedcba9876543210", ""));
        let after = call("/tmp/x y/after", "fedcba9876543210", "-C codegen-units=1 ");
        assert_ne!(before, after);
    }

    #[test]
    fn the_output_of_a_failed_build_is_short() {
        let said = "   Compiling a\n     Running `rustc a`\nerror: no\n       Fresh b\n";
        assert_eq!(shown(said), "   Compiling a\nerror: no\n");
    }
}
