//! Tests the pages of `graph` and `affected` in a real browser, if a browser is installed.

use crate::support::Project;
use crate::support::browser::Browser;

/// A script that uses the page of `affected` as a reader would, and records what the page shows.
const READER: &str = r##"<script>
const seen = [];
const key = (target, key) => target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
const set = (id, value) => { $(id).value = value; $(id).dispatchEvent(new Event("input")); };
const boxes_ = () => [...$("nodes").children].map((it) => `${it.querySelector("text").textContent} (${it.getAttribute("class").trim().split(/\s+/).join(" ") || "plain"})`).join(", ");
const rows = () => [...$("list").children].map((it) => it.querySelector("b").textContent).join(", ");
const overlaps = () => {
  const all = [...$("nodes").querySelectorAll("rect")].map((it) => it.getBoundingClientRect());
  return all.filter((a, i) => all.some((b, j) => i < j && a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)).length;
};
seen.push(`views: ${[...$("view").options].map((it) => it.textContent).join(", ")}`);
seen.push(`drawn: ${boxes_()}`, `listed: ${rows()}`, `overlaps: ${overlaps()}`);
set("view", "all");
seen.push(`all: ${boxes_()}`);
set("effect", "none");
seen.push(`not affected: ${rows()}`);
key(document, "Escape");
set("steps", "1");
seen.push(`near the change: ${rows()}`);
key(document, "Escape");
set("search", "APP");
seen.push(`searched: ${rows()}, ${$("count").textContent}`);
key($("search"), "Enter");
seen.push(`chosen: ${chosen.name}, said: ${$("said").textContent}`);
seen.push(`reasons: ${[...$("detail").querySelectorAll("ol:first-of-type li")].map((it) => it.textContent).join(" > ")}`);
seen.push(`chain: ${$("extra").querySelectorAll(".chain").length} steps, hash ${location.hash}`);
key(document, "Escape");
$("nodes").querySelector("[data-node] rect").dispatchEvent(new PointerEvent("pointerdown", { bubbles: true, button: 0 }));
$("nodes").querySelector("[data-node] rect").dispatchEvent(new PointerEvent("pointerup", { bubbles: true, button: 0 }));
seen.push(`clicked: ${chosen?.name}`);
svg.focus();
key(svg, "ArrowDown");
seen.push(`down: ${chosen.name}`);
key(svg, "ArrowUp");
seen.push(`up: ${chosen.name}`);
key(svg, "Enter");
seen.push(`around: ${rows()}`);
key(document, "Escape");
$("list").focus();
key($("list"), "End");
seen.push(`last row: ${chosen.name}, ${$("list").getAttribute("aria-activedescendant") === `row${chosen.index}` ? "announced" : "silent"}`);
const before = scale;
key(document, "+");
seen.push(`zoomed: ${scale > before}`);
key(document, "0");
seen.push(`fits: ${Math.abs(scale - before) < 0.01}`);
dispatchEvent(new Event("beforeprint"));
seen.push(`on paper: ${svg.hasAttribute("viewBox") && $("list").children.length} rows`);
dispatchEvent(new Event("afterprint"));
seen.push(`scripts: ${document.scripts.length}, ran: ${window.hostile ?? "nothing foreign"}`);
document.body.append(element("pre", { id: "seen", textContent: seen.join("\n") }));
</script>"##;

/// The name of a folder in which each character matters to some part of a page.
const HOSTILE: &str = r#"<img src=x onerror='hostile="ran"'>&"日本"#;

#[test]
fn a_page_of_affected_works_in_a_browser() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let project = Project::with_libraries(&[
        ("base", &[]),
        ("middle", &["base"]),
        ("app", &["middle", "base"]),
        ("other", &[]),
    ]);
    let hostile = format!("crates/base/{HOSTILE}/{{{{js}}}}.txt");
    project.write(&hostile, "");
    let source = format!(
        "pub const TEXT: &str = include_str!({:?});\n",
        format!("../{HOSTILE}/{{{{js}}}}.txt")
    );
    project.write("crates/base/src/lib.rs", &source);
    let page = page(
        &project,
        &["affected", "--format", "html", "--file", &hostile],
    );
    let seen = browser.read(&project, &page, READER);
    expect_test::expect![[r#"
        views: affected: 3, all 4, around one package
        drawn: app (node rebuilt), base (node direct), middle (node rebuilt)
        listed: base, app, middle
        overlaps: 0
        all: app (node rebuilt), base (node direct), middle (node rebuilt), other (node none)
        not affected: other
        near the change: base, app, middle
        searched: app, 1 of 4
        chosen: app, said: app: rebuilt, 1 step: 0 dependents, 2 dependencies
        reasons: crates/base/<img src=x onerror='hostile="ran"'>&"日本/{{js}}.txt: it is compiled from this file > base lib > app lib
        chain: 1 steps, hash #app
        clicked: app
        down: base
        up: app
        around: base, app, middle
        last row: middle, announced
        zoomed: true
        fits: true
        on paper: 3 rows
        scripts: 3, ran: nothing foreign"#]].assert_eq(&seen);
}

/// Returns the page that a command prints.
fn page(project: &Project, arguments: &[&str]) -> String {
    let output = project.kit(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// A script that opens the page of a large graph, and measures it.
const LARGE: &str = r##"<script>
const seen = [];
seen.push(`begins with: ${$("view").selectedOptions[0].textContent}, ${$("nodes").children.length} boxes`);
$("view").value = "all";
$("view").dispatchEvent(new Event("input"));
seen.push(`all: ${$("nodes").children.length} boxes, ${$("list").children.length} rows`);
names();
const pills = [...$("names").querySelectorAll("rect")].map((it) => it.getBoundingClientRect());
const touching = pills.filter((a, i) => pills.some((b, j) => i < j && a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom));
seen.push(`names: ${pills.length > 20 ? "many" : pills.length}, touching: ${touching.length}`);
choose(nodes.find((it) => it.name === "p500"), true);
enter();
seen.push(`around p500: ${$("nodes").children.length} boxes`);
document.body.append(element("pre", { id: "seen", textContent: seen.join("\n") }));
</script>"##;

#[test]
#[ignore = "takes a minute; the nightly job runs it"]
fn a_page_of_a_thousand_packages_begins_small_and_shows_all() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let project = Project::without_members();
    for at in 0..1000_usize {
        let below = [at / 2, at / 3].map(|it| format!("p{it}"));
        let below = match at {
            0 => vec![],
            _ if below[0] == below[1] => vec![below[0].as_str()],
            _ => below.iter().map(String::as_str).collect(),
        };
        project.library(&format!("p{at}"), &below);
    }
    let page = page(&project, &["graph", "--format", "html"]);
    assert!(page.len() < 600_000, "{}", page.len());
    let seen = browser.read(&project, &page, LARGE);
    expect_test::expect![[r#"
        begins with: main 60 of 1000, 60 boxes
        all: 1000 boxes, 1000 rows
        names: many, touching: 0
        around p500: 3 boxes"#]]
    .assert_eq(&seen);
}
