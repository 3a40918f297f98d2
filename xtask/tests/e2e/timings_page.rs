//! Tests the page of `timings` in a real browser, if a browser is installed.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::support::Project;

/// Returns the path of Chromium, under any of its usual names.
fn browser() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let directories: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    let candidates = names
        .iter()
        .flat_map(|name| directories.iter().map(move |it| it.join(name)));
    candidates.into_iter().find(|path| path.is_file())
}

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
    let Some(browser) = browser() else {
        // `eprintln!` would be invisible, because the output of a passing test is captured.
        let skipped = "skipped: no chromium on PATH (Debian: apt-get install chromium)";
        writeln!(std::io::stderr(), "{skipped}").unwrap();
        return;
    };
    let project = Project::with_libraries(&[("base", &[])]).file("large.json", &large_record());
    let output = project
        .kit(&["timings", "show", "large.json", "--format", "html"])
        .output()
        .unwrap();
    let page = String::from_utf8(output.stdout).unwrap();
    let page = page.replace("</body>", &format!("{READER}</body>"));
    project.write("page.html", &page);
    let dom = dumped(
        &browser,
        &project.path("page.html"),
        &project.path("browser"),
    );
    let Some((_, seen)) = dom.split_once(r#"<pre id="seen">"#) else {
        panic!("the page's script broke off: {dom}");
    };
    let (seen, _) = seen.split_once("</pre>").unwrap();
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
        labels: 0.00s, 4m 34.6s, 9m 09.1s, 13m 43.7s, 18m 18.2s; clipped: 0"#]].assert_eq(seen);
}

/// Returns the document that the browser makes of a page after its script has run.
fn dumped(browser: &Path, page: &Path, profile: &Path) -> String {
    let mut command = Command::new(browser);
    command
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--window-size=1400,1000",
        ])
        .args(["--virtual-time-budget=2000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(page);
    let output = command.output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}
