//! Computes the costs of departures from the policy, in numbers of this workspace.

use camino::Utf8Path;
use xtask_impact::unit_graph::{Mode, Unit};
use xtask_impact::workspace::TargetKind;

use super::cost::{RebuildStart, from_nothing, rebuilt};
use crate::checks::{Finding, Place};
use crate::cli::output;
use crate::doctor::context::Context;

/// Returns the cost of a departure from the policy, in numbers; `None` for a finding of another
/// kind.
pub(crate) fn cost(context: &Context<'_>, finding: &Finding) -> Option<String> {
    let own = |unit: &Unit| context.workspace.package(unit.package).source.is_none();
    let cost = match finding.check.code {
        "unreadable-workspace" => "Unknown, because cargo does not load this workspace.".to_owned(),
        "incremental-with-cache" | "codegen-units-with-incremental" => {
            let number = count(context, |unit| unit.is_compiled() && own(unit));
            format!(
                "{} of path packages can be compiled incrementally.",
                output::count(number, "unit")
            )
        }
        "lto-with-incremental" | "debug-stripped" | "full-debug-info" => {
            let number = count(context, is_linked);
            format!(
                "{} linked in a build of everything with its tests.",
                match number {
                    1 => "1 binary is".to_owned(),
                    number => format!("{number} binaries are"),
                }
            )
        }
        "member-profile" | "contradicting-manifest" | "two-config-files" | "env-table-ignored" => {
            let number = count(context, |unit| unit.is_compiled());
            format!(
                "The line changes none of {} that a full build compiles.",
                output::count(number, "unit")
            )
        }
        "same-package-twice" | "same-outputs-twice" => match package_at(context, &finding.place) {
            Some(name) => rebuilt(context, [name], RebuildStart::Sources),
            None => "The package belongs to another workspace: each switch compiles it and its \
                     dependents again."
                .to_owned(),
        },
        "contradicting-config"
        | "environment-departs"
        | "environment-overrides"
        | "nested-config"
        | "required-value"
        | "split-rustflags"
        | "toolchain-differs-in-ci"
        | "toolchain-unpinned" => from_nothing(context),
        _ => return None,
    };
    Some(cost)
}

fn count(context: &Context<'_>, is_counted: impl Fn(&Unit) -> bool) -> usize {
    let units = context.units().units();
    units.filter(|(_, unit)| is_counted(unit)).count()
}

/// Returns true if the linker makes a program from the unit.
fn is_linked(unit: &Unit) -> bool {
    unit.is_compiled() && (unit.mode == Mode::Test || unit.kind != TargetKind::Lib)
}

/// Returns the name of the path package whose manifest is at a place.
fn package_at<'a>(context: &'a Context<'_>, place: &Place) -> Option<&'a str> {
    let Place::Path { path, .. } = place else {
        return None;
    };
    let directory = path.parent().unwrap_or(Utf8Path::new(""));
    let packages = context.own_packages();
    packages.get(directory).map(|it| it.name.as_str())
}
