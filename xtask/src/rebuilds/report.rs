//! The report of a build or of a prediction.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use xtask_impact::build_dir::unit_record::{RecordedKind, RecordedMode};
use xtask_impact::unit_graph::Mode;
use xtask_impact::workspace::{Package, TargetKind, Workspace};

use super::explain::cause::{CauseKind, RootCause};
use super::explain::{ExplainedUnit, fix};
use super::history::History;

/// The report, in the form of its JSON.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RebuildReport {
    /// The version of the format.
    pub(crate) version: u32,
    /// The cargo command, as the user would type it.
    pub(crate) command: String,
    /// True if nothing was built.
    pub(crate) predicted: bool,
    /// The exit status of cargo; `None` for a prediction or after a signal.
    pub(crate) exit_status: Option<i32>,
    /// The number of fresh units.
    pub(crate) fresh: usize,
    /// The number of units that cargo did not reach, because the build failed.
    pub(crate) not_reached: usize,
    /// The sum of the units' times, in seconds. In a prediction, the times of earlier builds.
    pub(crate) seconds: f64,
    /// The root causes. The cause whose cascade takes the longest comes first.
    pub(crate) causes: Vec<ReportedCause>,
    /// The units, sorted.
    pub(crate) units: Vec<ReportedUnit>,
}

/// A root cause and its cascade.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ReportedCause {
    pub(crate) kind: CauseKind,
    /// The cause in words.
    pub(crate) title: String,
    /// The file, the variable or the package.
    pub(crate) subject: Option<String>,
    pub(crate) old: Option<String>,
    pub(crate) new: Option<String>,
    /// The number of units that count for the cause. A unit with several causes counts for the first
    /// of them, so the figures of all causes add up to the figures of the build.
    pub(crate) units: usize,
    /// The sum of the times of these units, in seconds.
    pub(crate) seconds: f64,
    /// The number of units in the cascade: all units that cargo builds because of the cause, also
    /// those that count for another cause.
    pub(crate) cascade_units: usize,
    /// The sum of the times of the cascade, in seconds.
    pub(crate) cascade_seconds: f64,
    /// The units that have the cause themselves.
    pub(crate) starts_at: Vec<String>,
    /// The edit or the command that avoids the cause.
    pub(crate) fix: String,
    /// Variables that changed since the kit's last run.
    pub(crate) variables: Vec<String>,
    /// The tools that undo each other's builds.
    pub(crate) thrash: Option<String>,
}

/// A unit that cargo builds.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ReportedUnit {
    pub(crate) package: String,
    pub(crate) package_id: String,
    pub(crate) kind: TargetKind,
    pub(crate) target: String,
    pub(crate) mode: Mode,
    /// The command that makes such a unit: `check`, `clippy`, `build`, `test`, `doc`, or `run` for
    /// a build script.
    pub(crate) verb: String,
    /// The profile directory.
    pub(crate) directory: String,
    /// True for a new unit next to old units; false if cargo builds the unit in place.
    pub(crate) new: bool,
    /// The time in seconds; `None` if the unit was never built.
    pub(crate) seconds: Option<f64>,
    /// The indices of the root causes. The unit counts for the first of them.
    pub(crate) causes: Vec<usize>,
}

/// The facts about a build as a whole.
pub(crate) struct BuildFacts {
    pub(crate) command: String,
    pub(crate) predicted: bool,
    pub(crate) exit_status: Option<i32>,
    pub(crate) fresh: usize,
    pub(crate) not_reached: usize,
}

impl RebuildReport {
    /// Returns the report about explained units, each with its time in seconds.
    pub(crate) fn new(
        facts: BuildFacts,
        units: &[(ExplainedUnit, Option<f64>)],
        workspace: &Workspace,
        history: &History,
        variables: &BTreeMap<String, String>,
    ) -> Self {
        let mut causes: Vec<(RootCause, ReportedCause)> = Vec::new();
        let all: BTreeSet<&RootCause> = units.iter().flat_map(|it| &it.0.causes).collect();
        for cause in all {
            let reported = reported(cause, units);
            let owners = units.iter().map(|it| &it.0);
            let former = owners
                .filter(|it| it.own.contains(cause))
                .find_map(|it| it.former);
            causes.push((
                cause.clone(),
                ReportedCause {
                    variables: history.changed_variables(cause.kind, variables),
                    thrash: history.thrash(cause, variables, former),
                    ..reported
                },
            ));
        }
        causes.sort_by(|(_, a), (_, b)| {
            let by_time = b.cascade_seconds.total_cmp(&a.cascade_seconds);
            by_time
                .then(b.cascade_units.cmp(&a.cascade_units))
                .then(a.title.cmp(&b.title))
        });
        let place = |cause: &RootCause| causes.iter().position(|it| it.0 == *cause);
        let mut reported: Vec<ReportedUnit> = units
            .iter()
            .filter_map(|(unit, seconds)| {
                let mut indices: Vec<usize> = unit.causes.iter().filter_map(place).collect();
                indices.sort_unstable();
                Some(ReportedUnit {
                    causes: indices,
                    seconds: seconds.map(rounded),
                    ..named(unit, workspace)?
                })
            })
            .collect();
        reported.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        let mut causes: Vec<ReportedCause> = causes.into_iter().map(|it| it.1).collect();
        count_once(&mut causes, &reported);
        Self {
            version: 1,
            command: facts.command,
            predicted: facts.predicted,
            exit_status: facts.exit_status,
            fresh: facts.fresh,
            not_reached: facts.not_reached,
            seconds: sum(reported.iter().filter_map(|it| it.seconds)),
            causes,
            units: reported,
        }
    }
}

impl ReportedUnit {
    fn sort_key(&self) -> (&str, TargetKind, &str, Mode, &str, &str) {
        (
            &self.package_id,
            self.kind,
            &self.target,
            self.mode,
            &self.directory,
            &self.verb,
        )
    }
}

fn reported(cause: &RootCause, units: &[(ExplainedUnit, Option<f64>)]) -> ReportedCause {
    let touched: Vec<_> = units
        .iter()
        .filter(|it| it.0.causes.contains(cause))
        .collect();
    let owners: Vec<_> = units.iter().filter(|it| it.0.own.contains(cause)).collect();
    let in_script = owners.iter().any(|it| it.0.key.is_run());
    let mut starts_at: Vec<String> = owners.iter().map(|it| short_name(&it.0)).collect();
    starts_at.sort();
    starts_at.dedup();
    ReportedCause {
        kind: cause.kind,
        title: cause.title(),
        subject: cause.subject.clone(),
        old: cause.old.clone(),
        new: cause.new.clone(),
        units: 0,
        seconds: 0.0,
        cascade_units: touched.len(),
        cascade_seconds: sum(touched.iter().filter_map(|it| it.1)),
        starts_at,
        fix: fix(cause, in_script),
        variables: Vec::new(),
        thrash: None,
    }
}

/// Counts each unit for the first of its causes.
pub(super) fn count_once(causes: &mut [ReportedCause], units: &[ReportedUnit]) {
    for (at, cause) in causes.iter_mut().enumerate() {
        let own = units.iter().filter(|it| it.causes.first() == Some(&at));
        let own: Vec<&ReportedUnit> = own.collect();
        cause.units = own.len();
        cause.seconds = sum(own.iter().filter_map(|it| it.seconds));
    }
}

/// Rounds to thousandths of a second.
fn rounded(seconds: f64) -> f64 {
    // The sum of no times is -0.0. Adding 0.0 removes the sign.
    (seconds * 1000.0).round() / 1000.0 + 0.0
}

/// Adds rounded times, so that sums of parts are the sum of the whole.
pub(super) fn sum(seconds: impl Iterator<Item = f64>) -> f64 {
    rounded(seconds.map(rounded).sum())
}

/// Returns a unit's name for people: `a lib (check)`.
pub(crate) fn short_name(unit: &ExplainedUnit) -> String {
    let package = &unit.key.package;
    let Some(name) = unit.key.unit() else {
        return package.clone();
    };
    let target = match name.kind {
        RecordedKind::Lib => "lib".to_owned(),
        RecordedKind::BuildScript => "build script".to_owned(),
        RecordedKind::Bin => format!("bin {}", name.target),
        RecordedKind::Example => format!("example {}", name.target),
        RecordedKind::Test => format!("test {}", name.target),
        RecordedKind::Bench => format!("bench {}", name.target),
    };
    let is_test = name.mode == RecordedMode::Test && unit.mode != "test";
    let test = if is_test { ", test" } else { "" };
    format!("{package} {target} ({}{test})", unit.mode)
}

/// Returns a unit under the names of cargo's metadata.
fn named(unit: &ExplainedUnit, workspace: &Workspace) -> Option<ReportedUnit> {
    let name = unit.key.unit()?;
    let package = package_of(unit, workspace);
    let kind = match name.kind {
        RecordedKind::Lib => TargetKind::Lib,
        RecordedKind::Bin => TargetKind::Bin,
        RecordedKind::Example => TargetKind::Example,
        RecordedKind::Test => TargetKind::Test,
        RecordedKind::Bench => TargetKind::Bench,
        RecordedKind::BuildScript => TargetKind::CustomBuild,
    };
    // A record names a library by its crate.
    let target = package.and_then(|it| {
        let mut targets = it.targets.iter().filter(|it| it.kind == kind);
        targets.find(|it| it.name.replace('-', "_") == name.target.replace('-', "_"))
    });
    Some(ReportedUnit {
        package: unit.key.package.clone(),
        package_id: package.map_or_else(|| unit.package.clone(), |it| it.id.clone()),
        kind,
        target: target.map_or(name.target, |it| it.name.clone()),
        mode: match name.mode {
            RecordedMode::Compile => Mode::Build,
            RecordedMode::Test => Mode::Test,
            RecordedMode::Doc => Mode::Doc,
            RecordedMode::Run => Mode::RunCustomBuild,
        },
        verb: unit.mode.to_owned(),
        directory: unit.key.place.clone(),
        new: unit.is_new,
        seconds: None,
        causes: Vec::new(),
    })
}

/// Returns the package that cargo's log names: `name v1.0.0 (source)`.
fn package_of<'a>(unit: &ExplainedUnit, workspace: &'a Workspace) -> Option<&'a Package> {
    let (name, rest) = unit.package.split_once(" v")?;
    let (version, source) = rest.split_once(' ').unwrap_or((rest, ""));
    let named = workspace
        .packages
        .iter()
        .filter(|it| it.name == name && it.version == version);
    let named: Vec<_> = named.collect();
    let has_source = |it: &&&Package| match &it.source {
        None => source.contains(&format!("({})", it.directory())),
        Some(_) => !source.contains("(/"),
    };
    named.iter().find(has_source).or(named.first()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selection::filter::ShownPackages;

    #[test]
    fn the_sum_of_no_times_is_shown_without_a_sign() {
        assert_eq!(format!("{:.1}", sum(std::iter::empty())), "0.0");
    }

    fn unit(name: &str, own: &[&RootCause], causes: &[&RootCause]) -> ExplainedUnit {
        let set = |causes: &[&RootCause]| causes.iter().map(|it| (*it).clone()).collect();
        ExplainedUnit {
            key: crate::cargo_runs::rehearsal::RecordKey {
                place: "debug".to_owned(),
                package: name.to_owned(),
                hash: "0123456789abcdef".to_owned(),
                name: format!("lib-{name}"),
            },
            package: format!("{name} v0.1.0 (/w/{name})"),
            mode: "check",
            is_new: false,
            own: set(own),
            causes: set(causes),
            sibling: None,
            former: None,
        }
    }

    #[test]
    fn each_unit_counts_for_one_cause_although_cascades_overlap() {
        let one = RootCause::about(CauseKind::FileChanged, "one.rs");
        let two = RootCause::about(CauseKind::FileChanged, "two.rs");
        let units = [
            (unit("a", &[&one], &[&one]), Some(1.0)),
            (unit("b", &[&two], &[&two]), Some(0.1004)),
            (unit("c", &[], &[&one, &two]), Some(0.1004)),
            (unit("d", &[], &[&one, &two]), None),
        ];
        let facts = BuildFacts {
            command: "cargo check".to_owned(),
            predicted: false,
            exit_status: Some(0),
            fresh: 0,
            not_reached: 0,
        };
        let workspace = xtask_impact::testing::workspace("a: lib\nb: lib\nc: lib\nd: lib");
        let report = RebuildReport::new(
            facts,
            &units,
            &workspace,
            &History::default(),
            &BTreeMap::new(),
        );
        let shown = report.causes.iter().map(|it| {
            format!(
                "{}: {} of {} units, {} of {} s\n",
                it.title, it.units, it.cascade_units, it.seconds, it.cascade_seconds
            )
        });
        expect_test::expect![[r#"
            one.rs changed: 3 of 3 units, 1.1 of 1.1 s
            two.rs changed: 1 of 3 units, 0.1 of 0.2 s
        "#]]
        .assert_eq(&shown.collect::<String>());
        assert_eq!(
            report.causes.iter().map(|it| it.units).sum::<usize>(),
            report.units.len()
        );
        let seconds = report.causes.iter().map(|it| it.seconds);
        assert_eq!(sum(seconds), report.seconds);
        // Without `c` and `d`, the second cause still has `b`; for `a` alone, the cause is dropped.
        for (asked, expected) in [
            (&["a", "b"][..], "one.rs changed 1 1, two.rs changed 1 1"),
            (&["a"], "one.rs changed 1 1"),
            (&["d"], "one.rs changed 1 1, two.rs changed 0 1"),
            (&[], "one.rs changed 3 3, two.rs changed 1 3"),
        ] {
            let limited = report.limited(&ShownPackages::of(asked));
            let causes = limited.causes.iter();
            let causes = causes.map(|it| format!("{} {} {}", it.title, it.units, it.cascade_units));
            assert_eq!(causes.collect::<Vec<_>>().join(", "), expected);
            assert_eq!(
                sum(limited.units.iter().filter_map(|it| it.seconds)),
                limited.seconds
            );
        }
    }
}
