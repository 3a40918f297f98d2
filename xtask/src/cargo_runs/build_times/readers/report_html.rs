//! Reads the page that `cargo build --timings` writes.
//!
//! The data of the page are JSON constants in a script. The format is cargo's own; it is not
//! documented and has no version. This reader knows the format of cargo 1.95 to 1.100.

use std::collections::HashMap;
use std::fmt;

use cargo_metadata::Message;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::messages;
use crate::cargo_runs::build_times::{
    BuildTimings, Cargos, Order, Run, UnitTiming, last_end, round,
};

/// The reason why a report cannot be read. The message also says what to do.
#[derive(Debug)]
pub enum ReportError {
    /// The text is not a `--timings` page.
    NotAReport,
    /// The end of the page is missing.
    CutShort,
    /// Cargo writes its data in an unknown form.
    UnknownShape(String),
    /// A unit starts before cargo did, or ends before it starts. The field names the unit.
    NegativeTime(String),
    /// The page has no unit, and the messages name none either. Cargo 1.99 and later leave out
    /// fresh units, so there may have been nothing to do.
    NoUnits,
}

impl fmt::Display for ReportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAReport => f.write_str(
                "this is not a timing report of cargo; pass a page that `--timings` wrote to \
                 `cargo-timings/` in the target directory",
            ),
            Self::CutShort => {
                f.write_str("the timing report is incomplete; build or copy it again")
            }
            Self::UnknownShape(what) => write!(
                f,
                "the timing report has an unknown form ({what}); build with cargo 1.95 to 1.100, \
                 or update this tool",
            ),
            Self::NegativeTime(unit) => write!(
                f,
                "the timing report has a negative time at {unit}: the clock jumped while cargo \
                 ran; build again",
            ),
            Self::NoUnits => f.write_str(
                "the timing report lists no unit: everything was fresh, or nothing was \
                 selected; change or clean something first",
            ),
        }
    }
}

impl std::error::Error for ReportError {}

/// Reads the text of a report. `messages` are the messages of the same build (`--message-format
/// json`). Without messages, a unit that shows no time is
/// [`UnitState::Unknown`](crate::cargo_runs::build_times::UnitState::Unknown), and fresh units are
/// missing if the report leaves them out (from cargo 1.99 on).
pub fn read_report(html: &str, messages: &[Message]) -> Result<BuildTimings, ReportError> {
    if !html.contains("<title>Cargo Build Timings") {
        return Err(ReportError::NotAReport);
    }
    if !html.trim_end().ends_with("</html>") {
        return Err(ReportError::CutShort);
    }
    let unknown = ReportError::UnknownShape;
    let raw = constant(html, "UNIT_DATA").ok_or_else(|| unknown("no UNIT_DATA".to_owned()))?;
    let raw: Vec<PageUnit> = raw.map_err(|error| unknown(format!("UNIT_DATA: {error}")))?;
    if let Some(unit) = raw.iter().find(|u| u.start < 0.0 || u.duration < 0.0) {
        let name = format!("{} v{}", unit.name, unit.version);
        return Err(ReportError::NegativeTime(name));
    }
    let error = html
        .split_once(r#"class="error-text">Error:</td><td>"#)
        .and_then(|(_, rest)| rest.split_once("</td>"))
        .map(|(error, _)| error.to_owned());

    let mut units: Vec<UnitTiming> = raw.into_iter().map(PageUnit::timing).collect();
    // Cargo 1.95 to 1.98 list doctests, but no cargo measures doctests.
    units.retain(|unit| unit.mode != "doc test");
    messages::settle(&mut units, messages, error.is_some());
    if units.is_empty() {
        return Err(ReportError::NoUnits);
    }
    units.sort_by(|a, b| a.start.total_cmp(&b.start));
    take_blockers(&mut units);
    Ok(BuildTimings {
        order: Order::LastBlocker,
        concurrency: curve(html, "CONCURRENCY_DATA"),
        cpu: curve(html, "CPU_USAGE"),
        // The header's "Total time" is the same figure, but rounded to 0.1.
        total: last_end(&units),
        units,
        error,
    })
}

/// Turns the units that each unit unblocked into the dependencies that each unit waited for.
fn take_blockers(units: &mut [UnitTiming]) {
    let numbered = units.iter().enumerate();
    let places: HashMap<usize, usize> = numbered
        .filter_map(|(place, unit)| Some((unit.cargos.index?, place)))
        .collect();
    for place in 0..units.len() {
        let cargos = std::mem::take(&mut units[place].cargos);
        for waiting in cargos.unblocked.iter().filter_map(|it| places.get(it)) {
            units[*waiting].needs.push(place);
        }
        let by_metadata = cargos.unblocked_by_metadata.iter();
        for waiting in by_metadata.filter_map(|it| places.get(it)) {
            units[*waiting].needs_metadata.push(place);
        }
        units[place].cargos = cargos;
    }
}

/// Reads the facts about the run from the page's table. A field is empty if the table does not have
/// it.
pub fn read_run(html: &str) -> Run {
    let between = |text: &str, before: &str, after: &[char]| {
        let (_, rest) = text.split_once(before)?;
        Some(rest.split(after).next()?.trim().to_owned())
    };
    let concurrency = row(html, "Max concurrency");
    let number = |name| between(concurrency, name, &[' ', ')'])?.parse().ok();
    let rustc = row(html, "rustc");
    Run {
        profile: row(html, "Profile").to_owned(),
        rustc: rustc.split("<br>").next().unwrap_or_default().to_owned(),
        host: between(rustc, "Host: ", &['<']).unwrap_or_default(),
        jobs: number("jobs="),
        cores: number("ncpu="),
        ..Run::default()
    }
}

/// Returns the build's start as the page's table says it: `2026-11-21T07:35:39.352401469Z`.
pub(crate) fn started(html: &str) -> &str {
    row(html, "Build start")
}

fn row<'a>(html: &'a str, name: &str) -> &'a str {
    html.split_once(&format!("<td>{name}:</td><td>"))
        .and_then(|(_, rest)| rest.split_once("</td>"))
        .map_or("", |(value, _)| value)
}

/// Reads a curve. A curve that cannot be read is empty, since the units hold all the necessary
/// data.
fn curve<T: DeserializeOwned>(html: &str, name: &str) -> Vec<T> {
    constant(html, name)
        .and_then(Result::ok)
        .unwrap_or_default()
}

/// Returns the value of a JavaScript constant, or `None` if the page does not define the constant.
fn constant<T: DeserializeOwned>(html: &str, name: &str) -> Option<serde_json::Result<T>> {
    let (_, json) = html.split_once(&format!("const {name} = "))?;
    Some(T::deserialize(&mut serde_json::Deserializer::from_str(
        json,
    )))
}

/// A unit as cargo writes it.
#[derive(Deserialize)]
struct PageUnit {
    name: String,
    version: String,
    target: String,
    features: Vec<String>,
    start: f64,
    duration: f64,
    i: usize,
    unblocked_units: Vec<usize>,
    unblocked_rmeta_units: Vec<usize>,
    sections: Option<Vec<(String, Section)>>,
}

#[derive(Deserialize)]
struct Section {
    start: f64,
    end: f64,
}

impl PageUnit {
    fn timing(self) -> UnitTiming {
        let (target, mode) = target_and_mode(&self.target);
        let between = |start: f64, end: f64| round((end - start).max(0.0));
        let section = |name| {
            let (_, section) = self.sections.iter().flatten().find(|(n, _)| n == name)?;
            Some(between(section.start, section.end))
        };
        UnitTiming {
            frontend: section("frontend"),
            codegen: section("codegen"),
            link: section("link"),
            target,
            mode,
            name: self.name,
            version: self.version,
            features: self.features,
            start: self.start,
            duration: self.duration,
            cargos: Cargos {
                index: Some(self.i),
                unblocked: self.unblocked_units,
                unblocked_by_metadata: self.unblocked_rmeta_units,
            },
            ..UnitTiming::default()
        }
    }
}

/// Splits cargo's label into target and mode: `""` is a library, `" tool \"bin\" (check)"` a
/// binary, `" build-script"` a build script.
fn target_and_mode(label: &str) -> (String, String) {
    let label = label.trim();
    let (target, mode) = match label.strip_suffix(')').and_then(|l| l.rsplit_once('(')) {
        Some((target, mode)) => (target.trim_end(), mode),
        None => (label, "build"),
    };
    let target = match target.strip_suffix('"').and_then(|t| t.split_once(" \"")) {
        Some((_, "lib")) => "lib".to_owned(),
        Some((name, kind @ ("bin" | "test" | "bench" | "example"))) => {
            format!("{kind} \"{name}\"")
        }
        _ if target.is_empty() => "lib".to_owned(),
        _ if target == "build-script" => "build script".to_owned(),
        _ => target.to_owned(),
    };
    (target, mode.to_owned())
}
