//! One step of a hook, from its start to its outcome.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use clap::ValueEnum as _;

use super::scene::{Place, Scene, Selected, load, question};
use crate::action::run::{Options, Tool, specs};
use crate::changes::Asked;
use crate::exec::{policy, skipping};
use crate::finding::fails;
use crate::hooks::{Ending, Outcome, Step, Work};
use crate::impact::Rule;
use crate::process;
use crate::render;
use crate::repo::cargo_config::Surroundings;

/// How many bytes of arguments a program is given at once; systems know limits, and Windows' is
/// the lowest.
const MOST: usize = 24_000;

impl Scene<'_> {
    /// Runs a step.
    pub(super) fn run(&self, step: &Step) -> Outcome {
        let start = Instant::now();
        let step = &Running { step, start };
        let (result, output) = match self.tried(step) {
            Ok(ended) => ended,
            Err(error) => (Ending::Failed, format!("error: {error:#}\n")),
        };
        Outcome {
            step: step.step.name.clone(),
            result,
            took: start.elapsed(),
            output,
        }
    }

    fn tried(&self, running: &Running<'_>) -> Result<(Ending, String)> {
        let Running { step, .. } = running;
        let about = |paths: &[Utf8PathBuf]| -> Vec<Utf8PathBuf> {
            let about = paths.iter().filter(|path| step.is_about(path));
            about.cloned().collect()
        };
        let files = about(&self.subject.present);
        if files.is_empty() && about(&self.subject.gone).is_empty() {
            return Ok((Ending::Idle, String::new()));
        }
        match &step.work {
            Work::Format => self.format(running, &files),
            Work::Policy => self.policy(step),
            Work::Cargo { command, arguments } => {
                let tool = Tool::from_str(command, false).map_err(anyhow::Error::msg)?;
                self.cargo(running, tool, arguments)
            }
            Work::Program(words) => self.program(running, words, &files),
        }
    }

    fn cargo(
        &self,
        running: &Running<'_>,
        tool: Tool,
        forwarded: &[String],
    ) -> Result<(Ending, String)> {
        let Some(Selected {
            place,
            answer,
            selection,
            notes,
        }) = self.selected(tool, forwarded)?
        else {
            return Ok((Ending::Idle, String::new()));
        };
        if tool == Tool::Nextest {
            crate::exec::nextest_is_there(&place.runner)?;
        }
        let options = Options {
            keep_going: true,
            colored: std::io::stderr().is_terminal(),
            forwarded,
            ..Options::default()
        };
        let workspace = &answer.workspace;
        let arguments = selection.arguments(workspace, tool, &options);
        let mut heading = format!("$ cargo {}\n", arguments.join(" "));
        let command = skipping::cargo(&place.runner, workspace, tool, &selection, &options);
        for note in notes {
            heading.push_str(&format!("note: {note}\n"));
        }
        let (ending, output) = running.to_end(command, Vec::new())?;
        Ok((ending, heading + &output))
    }

    fn program(
        &self,
        running: &Running<'_>,
        words: &[String],
        files: &[Utf8PathBuf],
    ) -> Result<(Ending, String)> {
        let step = running.step;
        let is_asked = |name: &str| words.iter().any(|word| word.contains(name));
        if is_asked("{files}") && files.is_empty() {
            return Ok((Ending::Idle, String::new()));
        }
        let mut values: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        let place = if is_asked("{packages}") || is_asked("{cargo-args}") {
            let Some(selected) = self.selected(Tool::Check, &[])? else {
                return Ok((Ending::Idle, String::new()));
            };
            let packages = &selected.selection.packages;
            let workspace = &selected.answer.workspace;
            let name = |it: &_| workspace.package(*it).name.clone();
            values.insert("{packages}", packages.iter().map(name).collect());
            let arguments = specs(workspace, packages);
            let arguments = arguments.flat_map(|spec| ["-p".to_owned(), spec]);
            values.insert("{cargo-args}", arguments.collect());
            selected.place
        } else {
            self.place_of(step)?
        };
        let kit = std::env::current_exe().context("cannot find the kit itself")?;
        values.insert("{xtask}", vec![kit.display().to_string()]);
        let portions = match is_asked("{files}") {
            true => portions(files),
            false => vec![Vec::new()],
        };
        let mut said = String::new();
        for portion in portions {
            values.insert("{files}", portion);
            let command = command(&place, words, &values)?;
            let (ending, output) = running.to_end(command, Vec::new())?;
            said.push_str(&output);
            if ending != Ending::Passed {
                return Ok((ending, said));
            }
        }
        Ok((Ending::Passed, said))
    }

    /// Looks for what departs from the policy; errors fail.
    fn policy(&self, step: &Step) -> Result<(Ending, String)> {
        let place = self.place_of(step)?;
        let tracked = self.repository.entries(&self.subject.state)?;
        let tracked: Vec<_> = tracked.into_iter().map(|it| it.path).collect();
        let around = Surroundings::of(&place.runner, &[]);
        let found = policy::check(&place.root, &place.top, &tracked, &around)?;
        let ending = match fails(&found) {
            true => Ending::Failed,
            false => Ending::Passed,
        };
        Ok((ending, render::findings::text(&found)))
    }

    /// Where a step runs that reads no more than the files it is about: in the work tree where that
    /// agrees with what is checked on them.
    fn place_of(&self, step: &Step) -> Result<Place> {
        let agrees = !self.subject.unlike.iter().any(|path| step.is_about(path));
        match step.in_place || self.subject.in_place && agrees {
            true => Ok(self.here.clone()),
            false => Ok(self.mirror()?.clone()),
        }
    }

    /// Gives every file's content, as it is going to be committed, to rustfmt. A file that no
    /// target is compiled from, as a test's fixture, is let pass, as `cargo fmt` does.
    fn format(&self, running: &Running<'_>, files: &[Utf8PathBuf]) -> Result<(Ending, String)> {
        let contents = self.repository.read(&self.subject.state, files)?;
        let files: Vec<(&Utf8PathBuf, Vec<u8>)> = files
            .iter()
            .zip(contents)
            .filter_map(|(path, content)| Some((path, content?)))
            .collect();
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let share = files.len().div_ceil(workers).max(1);
        let found: Vec<Result<Vec<_>>> = std::thread::scope(|scope| {
            let format = |files: &[(&Utf8PathBuf, Vec<u8>)]| {
                let formatted = files
                    .iter()
                    .map(|(path, text)| self.rustfmt(running, path, text));
                formatted.collect()
            };
            let threads: Vec<_> = files
                .chunks(share)
                .map(|files| scope.spawn(move || format(files)))
                .collect();
            threads
                .into_iter()
                .filter_map(|it| it.join().ok())
                .collect()
        });
        let mut said = String::new();
        let mut worst = Ending::Passed;
        for (path, ending, output) in found.into_iter().collect::<Result<Vec<_>>>()?.concat() {
            if ending == Ending::Failed && !self.is_compiled(&path).unwrap_or(true) {
                continue;
            }
            if ending != Ending::Passed {
                worst = ending;
                said.push_str(&output.replace("<stdin>", path.as_str()));
            }
        }
        if worst == Ending::Failed {
            said.push_str("`cargo fmt`, then `git add` what it changed\n");
        }
        Ok((worst, said))
    }

    fn rustfmt(
        &self,
        running: &Running<'_>,
        path: &Utf8Path,
        text: &[u8],
    ) -> Result<(Utf8PathBuf, Ending, String)> {
        let here = self.here.top.join(path);
        // It looks for its configuration from the directory that it is started in.
        let directory = here.ancestors().skip(1).find(|above| above.is_dir());
        let directory = directory.unwrap_or(&self.here.top);
        let mut command = self.here.runner.in_directory(directory).program("rustfmt");
        command.args(["--check", "--edition", &self.edition(path)]);
        if std::io::stderr().is_terminal() {
            command.arg("--color=always");
        }
        let (mut ending, output) = running.to_end(command, text.to_vec())?;
        // Of its standard input rustfmt says what differs, and ends as if nothing did.
        let differs = |line: &str| {
            line.starts_with("Diff in <stdin>") || line.contains("newline style in <stdin>")
        };
        if ending == Ending::Passed && output.lines().any(differs) {
            ending = Ending::Failed;
        }
        Ok((path.to_owned(), ending, output))
    }

    /// The edition of the package that a file lies in.
    fn edition(&self, path: &Utf8Path) -> String {
        let read = |directory: &Utf8Path| -> Option<toml::Table> {
            let manifest = std::fs::read_to_string(directory.join("Cargo.toml"));
            manifest.ok()?.parse().ok()
        };
        let of =
            |table: Option<&toml::Value>| -> Option<toml::Value> { table?.get("edition").cloned() };
        let here = self.here.top.join(path);
        let above = here.ancestors().skip(1);
        let mut manifests = above
            .take_while(|above| above.starts_with(&self.here.top))
            .filter_map(read);
        let package = manifests.find_map(|it| it.get("package").cloned());
        let edition = match of(package.as_ref()) {
            Some(toml::Value::String(edition)) => Some(edition),
            // Inherited.
            Some(_) => {
                let root = read(&self.here.root);
                let workspace = root.as_ref().and_then(|it| it.get("workspace"));
                let edition = of(workspace.and_then(|it| it.get("package")));
                edition.and_then(|it| it.as_str().map(str::to_owned))
            }
            None => None,
        };
        edition.unwrap_or_else(|| "2015".to_owned())
    }

    /// Whether a target is compiled from a file; in doubt, as where the work tree is of another
    /// commit, it is.
    fn is_compiled(&self, path: &Utf8Path) -> Result<bool> {
        if !self.subject.in_place {
            return Ok(true);
        }
        let asked = Asked {
            files: vec![self.here.top.join(path)],
            ..Asked::default()
        };
        let answer = question(self.here, load(self.here)?, asked, Tool::Check).answer()?;
        let affected = answer.affected;
        let seeds = affected
            .units()
            .filter_map(|(unit, _)| affected.chain(unit));
        let mut rules = seeds.map(|(_, seed)| seed.rule);
        Ok(rules.any(|rule| matches!(rule, Rule::Source | Rule::Target)))
    }
}

/// The program with its arguments, each placeholder replaced by what it stands for: by as many
/// arguments where it stands alone.
fn command(
    place: &Place,
    words: &[String],
    values: &BTreeMap<&str, Vec<String>>,
) -> Result<Command> {
    let mut arguments: Vec<String> = Vec::new();
    for word in words {
        match values.get(word.as_str()) {
            Some(values) => arguments.extend(values.iter().cloned()),
            None => {
                let mut word = word.clone();
                for (name, values) in values {
                    word = word.replace(name, &values.join(" "));
                }
                arguments.push(word);
            }
        }
    }
    let [program, arguments @ ..] = &arguments[..] else {
        bail!("the step runs nothing");
    };
    let runner = place.runner.in_directory(&place.top);
    let mut command = match program.as_str() {
        "cargo" => runner.cargo(),
        program => runner.program(program),
    };
    command.args(arguments);
    Ok(command)
}

/// A step that is running, its time with it: what it takes to find out what it is about counts.
struct Running<'a> {
    step: &'a Step,
    start: Instant,
}

impl Running<'_> {
    /// Runs one of its programs.
    fn to_end(&self, command: Command, input: Vec<u8>) -> Result<(Ending, String)> {
        let left = self
            .step
            .budget
            .map(|it| it.saturating_sub(self.start.elapsed()));
        let ended = process::within(command, input, left)?;
        let output = String::from_utf8_lossy(&ended.output).into_owned();
        let ending = match (ended.out_of_time, ended.status.success()) {
            (true, _) => Ending::OverBudget(self.step.over_budget),
            (false, true) => Ending::Passed,
            (false, false) => Ending::Failed,
        };
        Ok((ending, output))
    }
}

/// Files in portions that one program can be given.
fn portions(files: &[Utf8PathBuf]) -> Vec<Vec<String>> {
    let mut portions: Vec<Vec<String>> = Vec::new();
    let mut size = MOST;
    for file in files {
        size += file.as_str().len() + 1;
        match portions.last_mut().filter(|_| size < MOST) {
            Some(portion) => portion.push(file.to_string()),
            None => {
                size = file.as_str().len() + 1;
                portions.push(vec![file.to_string()]);
            }
        }
    }
    portions
}
