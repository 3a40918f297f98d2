use super::*;
use crate::cargo_runs::build_times::{BuildRecord, BuildTimings, Order, UnitState};
use crate::timings::budget::Budget;
use crate::timings::trend::of_kind;

fn unit(name: &str, start: f64, duration: f64, needs: &[usize]) -> UnitTiming {
    UnitTiming {
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
        target: "lib".to_owned(),
        mode: "build".to_owned(),
        start,
        duration,
        state: UnitState::Ran,
        needs: needs.to_vec(),
        ..UnitTiming::default()
    }
}

fn report(units: Vec<UnitTiming>, budget: &[&str]) -> TimingsReport {
    let mut limits = Budget::default();
    for limit in budget {
        limits.add(limit).unwrap();
    }
    let run = Run {
        id: "20260101T000000000Z-a".to_owned(),
        command: "build".to_owned(),
        jobs: Some(2),
        ..Run::default()
    };
    let build = BuildTimings {
        total: units.iter().map(UnitTiming::end).fold(0.0, f64::max),
        units,
        order: Order::UnitGraph,
        ..BuildTimings::default()
    };
    let record = BuildRecord::new(run, build).unwrap();
    let trend = of_kind(&[], std::slice::from_ref(&record));
    TimingsReport::new(&[record], None, trend, &limits, None).unwrap()
}

#[test]
fn a_report_fits_on_a_screen() {
    let mut syn = unit("syn", 0.5, 60.0, &[]);
    (syn.frontend, syn.codegen) = (Some(45.0), Some(15.0));
    let mut units = vec![syn, unit(&"long".repeat(30), 60.5, 2.5, &[0])];
    units.extend((0..40).map(|n| unit(&format!("small-{n}"), 0.5, 0.1, &[])));
    let text = text(
        &report(units, &["total=60"]),
        3,
        Some("target/report.html".into()),
    );
    let expected = expect_test::expect![[r#"
        1m 03.0s: 42 units ran
        1m 06.5s of work, 1.1 units at a time on average (53% of its jobs); the first started after 0.50s
        over budget: total 1m 03.0s, at most 1m 00.0s; most by syn v1.0.0 lib (1m 00.0s)

        Critical path 1m 02.5s, 100% of the build; the chain that ended last waited 0.00s for a free core
             time     slack
         1m 00.0s     0.00s  syn v1.0.0 lib
            2.50s     0.00s  longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglo…

             time  frontend  codegen     slack  slowest units
         1m 00.0s       75%      25%     0.00s  syn v1.0.0 lib
            2.50s                        0.00s  longlonglonglonglonglonglonglonglonglonglonglonglonglonglon…
            0.10s                     1m 02.4s  small-0 v1.0.0 lib
    "#]];
    expected.assert_eq(
        text.split_inclusive('\n')
            .take(13)
            .collect::<String>()
            .as_str(),
    );
    assert!(text.lines().count() < 24, "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 100),
        "{text}"
    );
}

/// Special characters in a name have no effect in the page and in Markdown.
#[test]
fn names_are_escaped_in_a_page_and_in_markdown() {
    let name = "</script><!--{{js}}|x`@team<b>\u{2028}";
    let report = report(vec![unit(name, 0.0, 1.0, &[])], &[]);
    let page = page::page(&report).unwrap();
    let (_, data) = page
        .split_once(r#"<script id="data" type="application/json">"#)
        .unwrap();
    let (data, _) = data.split_once("</script>").unwrap();
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    assert_eq!(data["units"][0]["name"], name);
    assert_eq!(page.matches("</script>").count(), 2);
    assert!(!page.contains("{{title}}") && !page.contains("{{css}}"));
    let markdown = markdown::report(&report, 5);
    assert!(
        !markdown.contains("<b>") && !markdown.contains("@team"),
        "{markdown}"
    );
    assert!(markdown.contains(r"\|x\`"), "{markdown}");
}

/// The page requests nothing from the network.
#[test]
fn a_page_needs_no_network() {
    let page = page::page(&report(vec![unit("a", 0.0, 1.0, &[])], &[])).unwrap();
    let page = page.replace("http://www.w3.org/2000/svg", "");
    for foreign in [
        "http:", "https:", "src=", "@import", "url(", "fetch(", "<link",
    ] {
        assert!(!page.contains(foreign), "{foreign}");
    }
}

#[test]
fn a_comparison_of_single_runs_says_that_it_proves_nothing() {
    let mut before = report(vec![unit("a", 0.5, 2.0, &[])], &[]).record;
    before.run.label = Some("old".to_owned());
    let mut after = report(vec![unit("a", 0.5, 3.0, &[])], &[]).record;
    after.run.label = Some("new".to_owned());
    let comparison = |before: &[BuildRecord], after: &[BuildRecord]| {
        crate::timings::compare::compare(before, after)
    };
    let head = |comparison: &TimingsComparison| {
        let text = diff(comparison, 0);
        text.lines()
            .take(2)
            .map(|line| format!("{line}\n"))
            .collect::<String>()
    };
    let (old, new) = ([before], [after]);
    expect_test::expect![[r#"
        old → new
        slower, but single runs do not prove it (measure both sides with --repeat)
    "#]]
    .assert_eq(&head(&comparison(&old, &new)));
    expect_test::expect![[r#"
        old → old
        no change beyond noise
    "#]]
    .assert_eq(&head(&comparison(&old, &old)));
    let twice = |[record]: &[BuildRecord; 1]| [record.clone(), record.clone()];
    expect_test::expect![[r#"
        new (median of 2) → old (median of 2)
        faster: every run after took less time than every run before
    "#]]
    .assert_eq(&head(&comparison(&twice(&new), &twice(&old))));
    assert!(
        markdown::diff(&comparison(&old, &new), 0).contains("in total; slower, but single runs")
    );
}
