//! The history of builds as a page, with the size of the directory and the compiler cache.

use super::document::{Chart, Document, DocumentPart, Dot};
use super::{cache_coverage, cache_hits, directory_size, percent, remarks, seconds};
use crate::cargo_runs::build_times::Run;
use crate::timings::trend::{Point, Trend};

/// Returns the page of a history.
pub(crate) fn page(trend: &Trend) -> String {
    let section = DocumentPart {
        lines: left_out(trend),
        charts: charts(trend),
        columns: COLUMNS.to_vec(),
        rows: rows(trend),
        ..DocumentPart::default()
    };
    let document = Document {
        title: match trend.points.last() {
            Some(point) => format!("Builds over time: cargo {}", point.run.command),
            None => "Builds over time".to_owned(),
        },
        sections: vec![section],
    };
    document.html()
}

/// The columns of the table of a history.
pub(crate) const COLUMNS: [&str; 9] = [
    "started (UTC)",
    "total:",
    "change:",
    "path:",
    "units:",
    "directory:",
    "hits:",
    "coverage:",
    "run",
];

/// Returns the rows of the table of a history, the oldest run first.
pub(crate) fn rows(trend: &Trend) -> Vec<Vec<String>> {
    let rows = trend.points.iter().map(|point| {
        let run = &point.run;
        vec![
            run.started(),
            seconds(point.total),
            percent(point.percent),
            seconds(run.critical_path),
            run.ran.to_string(),
            directory_size(run),
            cache_hits(run),
            cache_coverage(run),
            run.name() + &remarks(run, point.runs),
        ]
    });
    rows.collect()
}

/// Returns the charts of a history. A figure that no run has is left out.
pub(crate) fn charts(trend: &Trend) -> Vec<Chart> {
    let chart = |title: &str, value: &dyn Fn(&Point) -> Option<(f64, String)>| {
        let dots = trend.points.iter().filter_map(|point| {
            let (value, shown) = value(point)?;
            Some(Dot {
                day: point.run.moment()?,
                value,
                shown,
                run: format!("{} {}", point.run.started(), name(&point.run, point.runs)),
            })
        });
        Chart {
            title: title.to_owned(),
            dots: dots.collect(),
        }
    };
    let time = |value: f64| Some((value, seconds(value)));
    let charts = [
        chart("Total", &|it| time(it.total)),
        chart("Critical path", &|it| time(it.run.critical_path)),
        chart("Size of the directory", &|it| {
            Some((it.run.directory_bytes? as f64, directory_size(&it.run)))
        }),
        chart("Hits of the compiler cache", &|it| {
            Some((it.run.cache.as_ref()?.hit_rate()?, cache_hits(&it.run)))
        }),
        chart("Coverage of the compiler cache", &|it| {
            let coverage = it.run.cache.as_ref()?.coverage()?;
            Some((coverage, cache_coverage(&it.run)))
        }),
    ];
    let mut charts = Vec::from(charts);
    charts.retain(|chart| !chart.dots.is_empty());
    charts
}

fn name(run: &Run, runs: usize) -> String {
    run.name() + &remarks(run, runs)
}

/// Returns sentences about the runs that a history leaves out.
pub(crate) fn left_out(trend: &Trend) -> Vec<String> {
    let mut lines = Vec::new();
    if trend.contended > 0 {
        lines.push(format!(
            "{} left out, because the machine did other work",
            super::count(trend.contended, "run")
        ));
    }
    if trend.others > 0 {
        let others = super::count(trend.others, "run");
        lines.push(format!("{others} of another kind left out"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compiler_cache::counts::CacheCounts;

    /// The coverage shows that a run compiled little with the cache, even if the share of hits is
    /// high.
    #[test]
    fn a_history_shows_hits_and_coverage() {
        let cache = CacheCounts {
            compilations: 30,
            hits: 8,
            misses: 2,
            ..CacheCounts::default()
        };
        let point = |cache| Point {
            run: Run {
                id: "20260101T000000000Z-a".to_owned(),
                cache,
                ..Run::default()
            },
            runs: 1,
            total: 1.0,
            percent: None,
        };
        let trend = Trend {
            version: 1,
            points: vec![point(None), point(Some(cache))],
            others: 0,
            contended: 0,
        };
        let shown: Vec<_> = rows(&trend)
            .into_iter()
            .map(|row| row[6..8].join(" "))
            .collect();
        assert_eq!(shown, ["- -", "80% 33%"]);
        assert_eq!(COLUMNS[6..8], ["hits:", "coverage:"]);
        let charts = charts(&trend).into_iter().map(|chart| chart.title);
        let charts: Vec<_> = charts.filter(|it| it.ends_with("cache")).collect();
        assert_eq!(
            charts,
            [
                "Hits of the compiler cache",
                "Coverage of the compiler cache"
            ]
        );
    }
}
