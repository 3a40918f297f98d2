//! Tests the page of `timings` in a real browser, if a browser is installed.

use serde_json::json;

use crate::support::Project;
use crate::support::browser::Browser;

/// Makes the record of a build with three thousand libraries in a tree, on eight cores.
fn large_record() -> String {
    let units: Vec<_> = (0..3000)
        .map(|n| {
            let needs = if n > 0 { vec![(n - 1) / 2] } else { Vec::new() };
            // One of these is on each path.
            let long = match n {
                1 | 2 => "-with-a-name-that-is-longer-than-half-of-the-page-has-room-for-it-by-far",
                _ => "",
            };
            json!({ "name": format!("crate-{n}{long}"), "version": "1.0.0", "target": "lib",
                "mode": "build", "start": f64::from(n) * 0.1, "duration": 0.1 + f64::from(n % 37) * 0.05,
                "frontend": 0.08, "state": "ran", "member": n % 3 == 0, "needs_metadata": needs })
        })
        .collect();
    json!({ "version": 1,
        "run": { "id": "20260101T000000000Z-a", "series": "20260101T000000000Z-a",
            "label": "</script>large", "command": "build", "jobs": 8, "total": 1098.2 },
        "build": { "units": units, "concurrency": [], "cpu": [], "total": 1098.2,
            "order": "unit-graph" } })
    .to_string()
}

/// A script that uses the page as a reader would, and records what the page shows.
const READER: &str = r##"<script>
const seen = [];
const key = (target, key) => target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
const look = (what) => seen.push(`${what}: ${$("count").textContent}, ${$("units").tBodies[0].rows.length < 60 ? "few" : "many"} rows, first ${$("units").tBodies[0].rows[0]?.textContent}`);
look("all");
$("search").value = "CRATE-299";
$("search").dispatchEvent(new Event("input"));
look("search");
key(document, "Escape");
$("filter").value = "member";
$("filter").dispatchEvent(new Event("input"));
look("filter");
key(document, "Escape");
$("units").tHead.querySelector("th[data-key=duration] button").click();
look("sort");
chart.focus();
key(chart, "ArrowDown");
key(chart, "ArrowDown");
seen.push(`chosen: ${$("detail").textContent.slice(0, 30)}`);
key(chart, "+");
seen.push(`zoomed: ${scale > 1 && $("space").offsetWidth > chart.clientWidth}`);
key(chart, "0");
seen.push(`fits: ${scale === 1}`);
let bars = 0;
const fill = pen.fillText.bind(pen);
pen.fillText = (...what) => { bars++; fill(...what); };
chart.scrollTop = 30000;
paint();
seen.push(`in the middle: ${bars > 10 && bars < 100 ? "what is in view" : bars} drawn`);
seen.push(`drawn: ${[...pen.getImageData(0, 0, canvas.width, canvas.height).data].some(Boolean)}`);
seen.push(`sections: ${[...document.querySelectorAll("#sections h2")].map((it) => it.textContent).join(", ")}`);
const sections = [...document.querySelectorAll("#sections section")];
const title = (it) => it.querySelector("h2").textContent;
const cut = sections.filter((it) => [it, ...it.querySelectorAll("table")].some((inner) => inner.scrollWidth > it.clientWidth));
seen.push(`cut: ${cut.map(title).join(", ") || "none"}`);
const trend_ = sections.find((it) => title(it).startsWith("Trend")).querySelector("svg");
const labels = [...trend_.querySelectorAll("text")].map((it) => [it, it.getBBox()]);
const clipped = labels.filter(([, box]) => box.x < 0 || box.x + box.width > trend_.viewBox.baseVal.width);
seen.push(`labels: ${labels.slice(0, 5).map(([it]) => it.textContent).join(", ")}; clipped: ${clipped.length}`);
document.body.append(element("pre", { id: "seen", textContent: seen.join("\n") }));
</script>"##;

#[test]
fn a_page_of_three_thousand_units_works_in_a_browser() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let project = Project::with_libraries(&[("base", &[])]).file("large.json", &large_record());
    let output = project
        .kit(&["timings", "show", "large.json", "--format", "html"])
        .output()
        .unwrap();
    let page = String::from_utf8(output.stdout).unwrap();
    let seen = browser.read(&project, &page, READER);
    expect_test::expect![[r#"
        all: 3000 of 3000 units, 49m 57.5s, few rows, first crate-0 v1.0.0 lib0.00s0.10s0.08s0.00s
        search: 11 of 3000 units, 12.95s, few rows, first crate-299 v1.0.0 lib29.90s0.25s0.08s0.00s
        filter: 1000 of 3000 units, 16m 39.1s, few rows, first crate-0 v1.0.0 lib0.00s0.10s0.08s0.00s
        sort: 3000 of 3000 units, 49m 57.5s, few rows, first crate-36 v1.0.0 lib3.60s1.90s0.08s0.00s
        chosen: crate-73 v1.0.0 lib 7.30s to 9
        zoomed: true
        fits: true
        in the middle: what is in view drawn
        drawn: true
        sections: Would help most, if twice as fast, Critical path, Path of this build, By package, By kind, By origin, Trend: total and critical path
        cut: none
        labels: 0.00s, 4m 34.6s, 9m 09.1s, 13m 43.7s, 18m 18.2s; clipped: 0"#]].assert_eq(&seen);
}
