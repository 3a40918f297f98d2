use super::*;
use crate::cargo_runs::build_times::{BuildTimings, UnitState, UnitTiming};

fn record(day: u32, times: &[(&str, f64)], contended: bool) -> BuildRecord {
    let units = times.iter().map(|&(name, duration)| UnitTiming {
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
        target: "lib".to_owned(),
        mode: "build".to_owned(),
        duration,
        state: UnitState::Ran,
        ..UnitTiming::default()
    });
    let build = BuildTimings {
        units: units.collect(),
        total: times.iter().map(|it| it.1).fold(0.0, f64::max),
        ..BuildTimings::default()
    };
    let run = Run {
        id: format!("202601{day:02}T000000000Z-a"),
        command: "build".to_owned(),
        clean: "all".to_owned(),
        directory_bytes: Some(u64::from(day) << 20),
        ..Run::default()
    };
    let mut record = BuildRecord::new(run, build).unwrap();
    record.run.contended = contended.then(|| "other work used 1.7 of 2 cores".to_owned());
    record
}

#[test]
fn a_review_has_every_part() {
    let records = [
        record(1, &[("a", 4.0), ("b", 1.0)], false),
        record(2, &[("a", 40.0), ("b", 9.0)], true),
        record(3, &[("a", 5.0), ("b", 1.0), ("c", 0.5)], false),
    ];
    let history: Vec<Series> = records.iter().map(|it| vec![it.run.clone()]).collect();
    let (alone, left_out) = crate::cargo_runs::build_times::select::uncontended(&history);
    let mut trend = trend::trend(&alone, false);
    trend.contended = left_out;
    let (oldest, newest) = ends(&alone, &trend).unwrap();
    assert_eq!(
        (&oldest[0].id, &newest[0].id),
        (&records[0].run.id, &records[2].run.id)
    );
    let review = Review {
        version: 1,
        days: 92,
        packages: packages(&records[..1], &records[2..]),
        growth: Some(compare::compare(&records[..1], &records[2..])),
        directory: Some(FigureRange {
            from: f64::from(1 << 20),
            to: f64::from(3 << 20),
        }),
        cache_hits: Some(FigureRange {
            from: 10.0,
            to: 80.0,
        }),
        contended: contended(&history, 0),
        candidates: vec![TrialCandidate {
            settings: vec!["profile.dev.debug=false".to_owned()],
            package: None,
            because: "linking takes 40% of the work".to_owned(),
        }],
        trend,
    };
    expect_test::expect![[r#"
        Review of the build, 92 days: cargo build, --clean all

        2 runs of this kind
        time: 4.00s to 5.00s (+25.0%), not proven by single runs
        directory: 1.0MiB to 3.0MiB
        hits of the compiler cache: 10% to 80%

        Trend
        started (UTC)        total  change   path  units  directory  hits  coverage  run
        2026-01-01 00:00:00  4.00s          4.00s      2     1.0MiB     -         -  2026-01-01 00:00:00
        2026-01-03 00:00:00  5.00s  +25.0%  5.00s      3     3.0MiB     -         -  2026-01-03 00:00:00

        Slowest packages
         time  share  change  package
        5.00s    77%  +1.00s  a
        1.00s    15%  +0.00s  b
        0.50s     8%          c

        Growth from the oldest to the newest run
        before  after  change  unit
         4.00s  5.00s  +1.00s  a v1.0.0 lib
                0.50s  +0.50s  c v1.0.0 lib (new)

        Left out, because the machine did other work
        2026-01-02 00:00:00 2026-01-02 00:00:00: 40.00s; other work used 1.7 of 2 cores

        Worth a try
        timings try profile.dev.debug=false: linking takes 40% of the work
    "#]]
    .assert_eq(&review.document().text());
    let page = review.document().html();
    assert_eq!(
        page.matches("<svg").count(),
        3,
        "total, path, directory: {page}"
    );
}
