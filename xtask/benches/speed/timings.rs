//! Measures the cost of the analysis of a large build and of its page, next to the cost of reading
//! the record.

use std::hint::black_box;

use xtask_kit::cargo_runs::build_times::{
    BuildRecord, BuildTimings, Order, Run, UnitState, UnitTiming,
};
use xtask_kit::timings::budget::Budget;
use xtask_kit::timings::report::TimingsReport;
use xtask_kit::timings::text::page::page;
use xtask_kit::timings::trend::trend;

use crate::{machine, summary, timed};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Number of units of the build
    #[arg(long, default_value_t = 3000)]
    units: usize,
    /// Number of measurements of each
    #[arg(long, default_value_t = 10)]
    runs: usize,
}

pub(crate) fn run(args: &Args) {
    let record = record(args.units);
    let text = serde_json::to_string(&record).unwrap();
    let mut times = [const { Vec::new() }; 3];
    for _ in 0..args.runs {
        times[0].push(timed(|| drop(black_box(BuildRecord::read(&text).unwrap()))));
        let mut made = None;
        times[1].push(timed(|| made = Some(report(&record))));
        let made = made.unwrap();
        times[2].push(timed(|| drop(black_box(page(&made).unwrap()))));
    }
    println!("{}, a build of {} units:", machine(), args.units);
    let ways = ["reading the record", "analysis and replays", "page"];
    for (way, times) in ways.iter().zip(times) {
        println!("{way:>25} {}", summary(times));
    }
}

/// Makes the report of a record, as `timings show` does.
pub(crate) fn report(record: &BuildRecord) -> TimingsReport {
    let records = std::slice::from_ref(record);
    TimingsReport::new(records, None, trend(&[], true), &Budget::default(), None).unwrap()
}

/// Makes the record of a build on sixteen cores. Every unit waits for up to three earlier units;
/// every sixth unit links.
pub(crate) fn record(units: usize) -> BuildRecord {
    let mut build = BuildTimings {
        order: Order::UnitGraph,
        ..BuildTimings::default()
    };
    for at in 0..units {
        let mut unit = UnitTiming::default();
        unit.name = format!("part_{at}");
        unit.version = "0.1.0".to_owned();
        unit.target = if at % 6 == 5 {
            format!("bin \"part_{at}\"")
        } else {
            "lib".to_owned()
        };
        unit.mode = "build".to_owned();
        unit.links = at % 6 == 5;
        unit.state = UnitState::Ran;
        unit.member = true;
        unit.duration = 0.5 + (at % 17) as f64 / 10.0;
        unit.frontend = Some(unit.duration / 2.0);
        unit.codegen = Some(unit.duration / 2.0);
        for on in [at / 2, at / 3, at.saturating_sub(7)] {
            if on < at && on % 6 != 5 && !unit.needs_metadata.contains(&on) {
                unit.needs_metadata.push(on);
            }
        }
        let ready = unit
            .needs_metadata
            .iter()
            .map(|&on| build.units[on].metadata());
        let before = build.units.last().map_or(0.0, |unit| unit.start);
        unit.start = ready.fold(before, f64::max) + 0.05;
        build.total = build.total.max(unit.end());
        build.units.push(unit);
    }
    let run = Run {
        id: "20250101T000000000Z-0123456789abcdef".to_owned(),
        command: "build".to_owned(),
        jobs: Some(16),
        cores: Some(16),
        ..Run::default()
    };
    BuildRecord::new(run, build).unwrap()
}
