//! Reads the log that cargo's unstable `-Zbuild-analysis` writes to `$CARGO_HOME/log`.
//!
//! Each line is a JSON object with a `reason`. The log holds more than the timing report: the
//! dependencies of each unit, and the units that were fresh. The log exists even if cargo was
//! killed.

use std::collections::HashMap;

use serde::Deserialize;
use xtask_impact::resolve_diff::unit_graph_json::{
    DependencyJson, TargetJson, UnitGraphJson, UnitJson,
};

use super::unit_graph;
use crate::cargo_runs::build_times::{
    BuildTimings, Cargos, Run, UnitState, UnitTiming, last_end, round,
};

#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum LogLine {
    BuildStarted(Started),
    UnitRegistered(Registered),
    UnitFingerprint {
        index: usize,
        status: String,
    },
    UnitStarted(LoggedTimes),
    UnitRmetaFinished(LoggedTimes),
    UnitFinished(LoggedTimes),
    UnitSectionStarted(LoggedTimes),
    UnitSectionFinished(LoggedTimes),
    #[serde(other)]
    Other,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Started {
    run_id: String,
    command: Vec<String>,
    host: String,
    jobs: Option<usize>,
    num_cpus: Option<usize>,
    profile: String,
    rustc_version: String,
}

/// The time of an event of a unit, or of a section of a unit, in seconds from cargo's start.
#[derive(Deserialize)]
struct LoggedTimes {
    index: usize,
    elapsed: f64,
    #[serde(default)]
    section: String,
}

#[derive(Deserialize)]
struct Registered {
    index: usize,
    package_id: String,
    target: LoggedTarget,
    mode: String,
    #[serde(default)]
    features: Vec<String>,
    #[serde(default)]
    requested: bool,
    #[serde(default)]
    dependencies: Vec<usize>,
}

#[derive(Deserialize)]
struct LoggedTarget {
    name: String,
    kind: String,
}

/// The times of a unit's events, in seconds from cargo's start.
#[derive(Default)]
struct Times {
    is_fresh: bool,
    started: Option<f64>,
    metadata: Option<f64>,
    finished: Option<f64>,
    /// The start of linking, and the duration of linking.
    links: Option<f64>,
    linked: Option<f64>,
}

/// Returns true if a text is such a log, by its first line.
pub(crate) fn is_log(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    first.starts_with('{') && first.contains("\"reason\":\"build-started\"")
}

/// Reads a log and returns the run and the build. The build has no curves. The log does not
/// distinguish procedural macros from other libraries, so `is_proc_macro` is called with a
/// package's name and version.
///
/// # Errors
/// Returns a message if the log names no unit, lacks the registration of a unit, or has a negative
/// time.
pub(crate) fn read(
    text: &str,
    is_proc_macro: &dyn Fn(&str, &str) -> bool,
) -> Result<(Run, BuildTimings), String> {
    let mut log = Log::default();
    // Lines of an unknown kind are skipped, and so is an incomplete last line of a cargo that was
    // killed.
    for line in text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
    {
        log.add(line)?;
    }
    if log.graph.units.is_empty() {
        return Err("the log names no unit, because cargo ended too early; build again".into());
    }
    if !log.graph.has_all_units() {
        return Err("the log names a unit that it does not contain".to_owned());
    }
    let units = log.units(is_proc_macro);
    let is_negative = |unit: &UnitTiming| unit.start < 0.0 || unit.duration < 0.0;
    if units.iter().any(is_negative) {
        return Err("the log has a negative time: the clock jumped while cargo ran".to_owned());
    }
    let unfinished = units.iter().any(|unit| unit.state == UnitState::Failed);
    let mut build = BuildTimings {
        total: last_end(&units),
        error: unfinished.then(|| "a unit started and did not end".to_owned()),
        units,
        ..BuildTimings::default()
    };
    unit_graph::join(&mut build, &log.graph)?;
    Ok((log.run, build))
}

/// The contents of a log: the run, the units with their dependencies, and the times of each unit.
#[derive(Default)]
struct Log {
    run: Run,
    graph: UnitGraphJson,
    times: HashMap<usize, Times>,
}

impl Log {
    /// Adds a line of the log.
    fn add(&mut self, line: LogLine) -> Result<(), String> {
        match line {
            LogLine::BuildStarted(started) => self.run = started.run(),
            LogLine::UnitRegistered(unit) if unit.index == self.graph.units.len() => {
                if unit.requested {
                    self.graph.roots.push(unit.index);
                }
                self.graph.units.push(unit.node());
            }
            LogLine::UnitRegistered(_) => return Err("units are missing in the log".to_owned()),
            LogLine::UnitFingerprint { index, status } => {
                self.times_of(index).is_fresh = status == "fresh";
            }
            LogLine::UnitStarted(at) => self.times_of(at.index).started = Some(at.elapsed),
            LogLine::UnitRmetaFinished(at) => self.times_of(at.index).metadata = Some(at.elapsed),
            LogLine::UnitFinished(at) => self.times_of(at.index).finished = Some(at.elapsed),
            LogLine::UnitSectionStarted(at) if at.section == "link" => {
                self.times_of(at.index).links = Some(at.elapsed);
            }
            LogLine::UnitSectionFinished(at) if at.section == "link" => {
                let times = self.times_of(at.index);
                times.linked = times.links.map(|since| at.elapsed - since);
            }
            LogLine::UnitSectionStarted(_) | LogLine::UnitSectionFinished(_) | LogLine::Other => {}
        }
        Ok(())
    }

    fn times_of(&mut self, index: usize) -> &mut Times {
        self.times.entry(index).or_default()
    }

    /// Returns the units in the order of their start, and marks the procedural macros in the graph.
    fn units(&mut self, is_proc_macro: &dyn Fn(&str, &str) -> bool) -> Vec<UnitTiming> {
        let mut units: Vec<UnitTiming> = Vec::new();
        for (index, node) in self.graph.units.iter_mut().enumerate() {
            let (name, version, target, mode) = unit_graph::label(node);
            if target == "lib" && is_proc_macro(&name, &version) {
                node.target.crate_types = vec!["proc-macro".to_owned()];
            }
            let mut unit = UnitTiming {
                name,
                version,
                target,
                mode,
                features: node.features.clone(),
                cargos: Cargos {
                    index: Some(index),
                    ..Cargos::default()
                },
                ..UnitTiming::default()
            };
            let times = self.times.remove(&index).unwrap_or_default();
            times.fill(&mut unit);
            units.push(unit);
        }
        units.retain(|unit| unit.mode != "doc test");
        units.sort_by(|a, b| a.start.total_cmp(&b.start));
        units
    }
}

impl Started {
    fn run(self) -> Run {
        let mut command = self.command.into_iter().skip(1);
        Run {
            id: self.run_id,
            command: command.next().unwrap_or_default(),
            arguments: command.collect(),
            profile: self.profile,
            rustc: format!("rustc {}", self.rustc_version),
            host: self.host,
            jobs: self.jobs,
            cores: self.num_cpus,
            ..Run::default()
        }
    }
}

impl Registered {
    fn node(self) -> UnitJson {
        let kind = match self.target.kind.as_str() {
            "build-script" => "custom-build",
            kind => kind,
        };
        let dependencies = self.dependencies.into_iter();
        UnitJson {
            pkg_id: self.package_id,
            target: TargetJson {
                kind: vec![kind.to_owned()],
                crate_types: vec!["lib".to_owned()],
                name: self.target.name,
                ..TargetJson::default()
            },
            mode: self.mode,
            features: self.features,
            dependencies: dependencies.map(DependencyJson::on).collect(),
            // The log names the host like any other platform, so there is no platform here.
            ..UnitJson::default()
        }
    }
}

impl Times {
    fn fill(&self, unit: &mut UnitTiming) {
        let Some(started) = self.started else {
            unit.state = match self.is_fresh {
                true => UnitState::Fresh,
                false => UnitState::NotRun,
            };
            return;
        };
        unit.start = round(started);
        unit.state = UnitState::Failed;
        if let Some(finished) = self.finished {
            unit.state = UnitState::Ran;
            unit.duration = round(finished - started);
            let metadata = self.metadata.map(|at| round((at - started).max(0.0)));
            unit.link = self.linked.map(round);
            unit.frontend = metadata;
            unit.codegen = metadata.map(|it| round((unit.duration - it).max(0.0)));
        }
    }
}
