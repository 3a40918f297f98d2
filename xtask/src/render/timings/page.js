"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const ROW = 20, HEAD = 84, LIST_ROW = 24;

/* What each unit is, beside what cargo measured. */
const critical = new Set(data.critical.map((step) => step.unit));
const realised = new Map(data.realised.map((step) => [step.unit, step]));
const before = new Map((data.since_last?.units ?? []).map((it) => [it.unit, it]));
const units = data.units.map((unit, index) => {
  const was = before.get(unit.label);
  return {
    ...unit, index, kind: kindOf(unit),
    growth: was && unit.duration > 0 ? unit.duration - was.before : 0,
    text: `${unit.label} ${(unit.features ?? []).join(" ")}`.toLowerCase(),
  };
});
const ran = units.filter((unit) => unit.state === "ran" || unit.state === "failed" || unit.duration > 0);
const end = Math.max(data.total, 0.01);
const users = units.map(() => []);
for (const unit of units) for (const i of below(unit)) users[i].push(unit.index);

function below(unit) {
  return [...(unit.needs ?? []), ...(unit.needs_metadata ?? [])];
}

function kindOf(unit) {
  if (unit.mode === "run") return "run";
  if (unit.target === "build script") return "script";
  if (unit.proc_macro) return "macro";
  return unit.target === "lib" && unit.mode !== "test" && unit.mode !== "check-test" ? "lib" : "bin";
}

function seconds(time) {
  if (time < 60) return `${time.toFixed(2)}s`;
  const tenths = Math.round(time * 10);
  return `${Math.floor(tenths / 600)}m ${(tenths % 600 / 10).toFixed(1).padStart(4, "0")}s`;
}

function signed(time) {
  return (time < 0 ? "−" : "+") + seconds(Math.abs(time));
}

function element(name, props = {}, ...children) {
  const made = Object.assign(document.createElement(name), props);
  made.append(...children);
  return made;
}

/* The head of the page. */
data.headline.forEach((line) => {
  const bad = line.startsWith("Failed") || line.startsWith("failed") || line.startsWith("over budget");
  $("headline").append(element("li", { textContent: line, className: bad ? "bad" : "" }));
});
const run = data.run;
$("about").textContent = [
  `cargo ${[run.command, ...run.arguments].join(" ")}`,
  run.clean && run.clean !== "none" && `${run.clean} built from nothing`,
  run.commit && `${run.commit.slice(0, 9)}${run.dirty ? " with changes" : ""}${run.branch ? ` on ${run.branch}` : ""}`,
  run.profile && `profile ${run.profile}`, run.rustc, run.host,
  run.jobs && `${run.jobs} jobs of ${run.cores ?? "?"} cores`, run.id,
].filter(Boolean).join(" · ");
for (const [name, what] of [["front", "library, to metadata"], ["code", "codegen"], ["bin", "binaries, tests"],
  ["macro", "procedural macro"], ["script", "build script"], ["run", "its run"], ["accent", "critical path"],
  ["cpu", "CPU"]]) {
  const colour = element("i");
  colour.style.background = `var(--${name})`;
  $("legend").append(element("li", {}, colour, what));
}

/* What is shown, and in which order. */
let shown = [], rows = new Map(), lanes = 0, chosen = null, scale = 1, ascending = true;

function select() {
  const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const least = Number($("least").value) || 0;
  const wanted = {
    all: () => true,
    critical: (unit) => critical.has(unit.index),
    realised: (unit) => realised.has(unit.index),
    member: (unit) => unit.member,
    external: (unit) => !unit.member,
    script: (unit) => unit.kind === "script" || unit.kind === "run",
    macro: (unit) => unit.proc_macro || unit.host,
  }[$("filter").value];
  const by = $("sort").value;
  shown = ran.filter((unit) => unit.duration >= least && wanted(unit)
    && words.every((word) => unit.text.includes(word)));
  const order = ascending ? 1 : -1;
  shown.sort((a, b) => order * (by === "label" ? a.label.localeCompare(b.label) : a[by] - b[by])
    || a.start - b.start);
  const time = shown.reduce((sum, unit) => sum + unit.duration, 0);
  $("count").textContent = `${shown.length} of ${ran.length} units, ${seconds(time)}`;
  arrange();
  resize();
  list();
}

/* A row for each unit; or packed, each in the first row that is free by then. */
function arrange() {
  rows = new Map(shown.map((unit, row) => [unit.index, row]));
  lanes = shown.length;
  if (!$("packed").checked) return;
  const free = [];
  for (const unit of [...shown].sort((a, b) => a.start - b.start)) {
    let row = free.findIndex((time) => time <= unit.start + 0.006);
    if (row < 0) row = free.length;
    free[row] = unit.start + unit.duration;
    rows.set(unit.index, row);
  }
  lanes = free.length;
}

/* The timeline: a canvas as large as its window, drawn anew for whatever part is in view. */
const chart = $("chart"), canvas = $("canvas"), space = $("space"), pen = canvas.getContext("2d");

function resize() {
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [chart.clientWidth, chart.clientHeight];
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  space.style.width = `${Math.max(width, width * scale) - 1}px`;
  space.style.height = `${Math.max(height, HEAD + lanes * ROW + 8) - 1}px`;
  draw();
}

let waiting = false;
function draw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; paint(); });
}

const margin = 8;
function x(time) {
  return margin + time / end * (chart.clientWidth * scale - 2 * margin) - chart.scrollLeft;
}

function paint() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const [width, height] = [chart.clientWidth, chart.clientHeight];
  pen.clearRect(0, 0, width, height);
  pen.font = "12px system-ui, 'DejaVu Sans', sans-serif";
  pen.textBaseline = "middle";
  const step = ticks(width);
  pen.strokeStyle = colour("line");
  pen.lineWidth = 1;
  for (let t = 0; t <= end; t += step) {
    pen.beginPath();
    pen.moveTo(Math.round(x(t)) + 0.5, HEAD);
    pen.lineTo(Math.round(x(t)) + 0.5, height);
    pen.stroke();
  }
  const first = Math.max(0, Math.floor(chart.scrollTop / ROW) - 1);
  const last = Math.min(shown.length, Math.ceil((chart.scrollTop + height) / ROW) + 1);
  pen.save();
  pen.beginPath();
  pen.rect(0, HEAD, width, height - HEAD);
  pen.clip();
  if (chosen) links(colour);
  const visible = $("packed").checked
    ? shown.filter((unit) => x(unit.start) < width && x(unit.start + unit.duration) > 0)
    : shown.slice(first, last);
  for (const unit of visible) bar(unit, HEAD + rows.get(unit.index) * ROW - chart.scrollTop, colour, width);
  pen.restore();
  curves(colour, width, step);
}

function ticks(width) {
  const wished = end * 90 / (width * scale);
  const power = 10 ** Math.floor(Math.log10(wished));
  return [1, 2, 5, 10].map((it) => it * power).find((it) => it >= wished);
}

function bar(unit, top, colour, width) {
  const [from, to] = [x(unit.start), Math.max(x(unit.start + unit.duration), x(unit.start) + 2)];
  if (unit === chosen && !$("packed").checked) {
    pen.fillStyle = colour("focus");
    pen.globalAlpha = 0.16;
    pen.fillRect(0, top, width, ROW);
    pen.globalAlpha = 1;
  }
  const main = { lib: "front", bin: "bin", macro: "macro", script: "script", run: "run" }[unit.kind];
  pen.fillStyle = colour(unit.state === "failed" ? "worse" : main);
  pen.fillRect(from, top + 3, to - from, ROW - 6);
  if (unit.kind === "lib" && unit.frontend != null && unit.frontend < unit.duration) {
    pen.fillStyle = colour("code");
    const metadata = x(unit.start + unit.frontend);
    pen.fillRect(metadata, top + 3, to - metadata, ROW - 6);
  }
  if (critical.has(unit.index) || unit === chosen) {
    pen.strokeStyle = colour(unit === chosen ? "focus" : "accent");
    pen.lineWidth = 2;
    pen.strokeRect(from, top + 3, to - from, ROW - 6);
  }
  const label = `${unit.label}  ${seconds(unit.duration)}`;
  if ($("packed").checked) return inside(label, from, to, top, colour);
  pen.fillStyle = colour("text");
  if (unit === chosen) pen.fillStyle = colour("focus");
  const fits = to + 6 + pen.measureText(label).width < width;
  pen.textAlign = fits || from < 200 ? "left" : "right";
  pen.fillText(label, fits ? to + 6 : from < 200 ? Math.max(from, 0) + 6 : from - 6, top + ROW / 2);
  pen.textAlign = "left";
}

/* As much of a label as a bar has room for. */
function inside(label, from, to, top, colour) {
  if (to - from < 30) return;
  pen.save();
  pen.beginPath();
  pen.rect(from + 3, top, to - from - 6, ROW);
  pen.clip();
  pen.fillStyle = colour("ground");
  pen.strokeStyle = colour("front");
  pen.lineWidth = 3;
  pen.strokeText(label, Math.max(from, 0) + 4, top + ROW / 2);
  pen.fillText(label, Math.max(from, 0) + 4, top + ROW / 2);
  pen.restore();
}

/* Lines from the chosen unit to what it waits for, and to what waits for it. */
function links(colour) {
  const middle = (row) => HEAD + row * ROW + ROW / 2 - chart.scrollTop;
  const line = (from, to, name) => {
    const unit = units[from];
    const metadata = (units[to].needs_metadata ?? []).includes(from) && unit.frontend != null;
    const at = x(unit.start + (metadata ? unit.frontend : unit.duration));
    pen.strokeStyle = colour(name);
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(at, middle(rows.get(from)));
    pen.lineTo(at, middle(rows.get(to)));
    pen.lineTo(x(units[to].start), middle(rows.get(to)));
    pen.stroke();
  };
  if (!rows.has(chosen.index)) return;
  for (const i of below(chosen)) if (rows.has(i)) line(i, chosen.index, "script");
  for (const i of users[chosen.index]) if (rows.has(i)) line(chosen.index, i, "bin");
}

/* Above the units: how many were at work, and the CPU, with the time below them. */
function curves(colour, width, step) {
  const bottom = HEAD - 22, height = bottom - 18;
  pen.fillStyle = colour("panel");
  pen.fillRect(0, 0, width, HEAD);
  const most = run.jobs ?? data.concurrency.reduce((most, it) => Math.max(most, it.active), 1);
  pen.fillStyle = colour("front");
  pen.globalAlpha = 0.35;
  data.concurrency.forEach((it, i) => {
    const from = x(it.t), to = x(data.concurrency[i + 1]?.t ?? end);
    const high = Math.min(it.active / most, 1) * height;
    if (to > 0 && from < width) pen.fillRect(from, bottom - high, to - from, high);
  });
  pen.globalAlpha = 1;
  pen.strokeStyle = colour("cpu");
  pen.lineWidth = 1.5;
  pen.beginPath();
  data.cpu.forEach(([t, percent], i) => {
    const y = bottom - Math.min(percent, 100) / 100 * height;
    i ? pen.lineTo(x(t), y) : pen.moveTo(x(t), y);
  });
  pen.stroke();
  pen.strokeStyle = colour("line");
  pen.strokeRect(-1, bottom + 0.5, width + 2, HEAD - bottom - 1);
  pen.fillStyle = colour("faint");
  for (let t = 0; t <= end; t += step) {
    pen.textAlign = t === 0 ? "left" : x(t) > width - 25 && t + step > end ? "right" : "center";
    pen.fillText(seconds(t).replace(/(\.\d*?)0+s$/, "$1s").replace(".s", "s"), x(t), HEAD - 11);
  }
  pen.textAlign = "left";
  pen.fillText(`at work, of ${most}, and CPU`, 8, 9);
}

function zoom(factor, at = chart.clientWidth / 2) {
  const moment = (chart.scrollLeft + at) / scale;
  scale = Math.min(400, Math.max(1, scale * factor));
  resize();
  chart.scrollLeft = moment * scale - at;
  draw();
}

function choose(unit, reveal) {
  chosen = unit;
  if (unit && reveal && rows.has(unit.index)) {
    const row = shown.indexOf(unit);
    const top = rows.get(unit.index) * ROW, window = chart.clientHeight - HEAD - ROW;
    if (top < chart.scrollTop) chart.scrollTop = top;
    if (top > chart.scrollTop + window) chart.scrollTop = top - window;
    const at = x(unit.start);
    if (at < 0 || at > chart.clientWidth - 40) chart.scrollLeft += at - chart.clientWidth / 3;
    const view = $("list");
    if (row * LIST_ROW < view.scrollTop) view.scrollTop = row * LIST_ROW;
    if ((row + 2) * LIST_ROW > view.scrollTop + view.clientHeight) {
      view.scrollTop = (row + 2) * LIST_ROW - view.clientHeight;
    }
  }
  detail();
  draw();
  list();
}

function detail() {
  $("detail").replaceChildren();
  if (!chosen) return;
  const unit = chosen, was = before.get(unit.label), step = realised.get(unit.index);
  const names = (indices) => {
    const some = indices.filter((i) => units[i].duration > 0).map((i) => units[i].label);
    return some.slice(0, 6).join(", ") + (some.length > 6 ? `, and ${some.length - 6} more` : "");
  };
  const facts = [
    `${seconds(unit.start)} to ${seconds(unit.start + unit.duration)}: ${seconds(unit.duration)}`,
    unit.frontend != null && `metadata after ${seconds(unit.frontend)}`,
    unit.link != null && `linking ${seconds(unit.link)}`,
    `slack ${seconds(unit.slack)}`,
    critical.has(unit.index) && "on the critical path",
    step && step.waited > 0.005 && `waited ${seconds(step.waited)} for a core`,
    was && `${signed(unit.growth)} since ${data.since_last.before.name}`,
    unit.host && "for build scripts and macros", unit.platform, unit.state === "failed" && "failed",
    unit.features?.length && `features ${unit.features.join(", ")}`,
  ].filter(Boolean).join(" · ");
  $("detail").append(element("b", { textContent: unit.label }), ` ${facts}`);
  for (const [what, indices] of [["waits for", below(unit)], ["is awaited by", users[unit.index]]]) {
    const some = names(indices);
    if (some) $("detail").append(element("br"), element("span", { textContent: `${what} ${some}` }));
  }
}

/* The units as a table, of which only the rows in view are there. */
const columns = [["label", "unit"], ["start", "start"], ["duration", "time"], ["frontend", "frontend"],
  ["codegen", "codegen"], ["slack", "slack"], ["growth", "growth"]];
const sortable = ["label", "start", "duration", "slack", "growth"];
$("units").tHead.append(element("tr", {}, ...columns.map(([key, name]) => {
  const head = element("th", { className: key === "label" ? "" : "n", scope: "col" });
  if (!sortable.includes(key)) return head.append(name), head;
  head.append(element("button", { type: "button", textContent: name, onclick: () => sortBy(key) }));
  head.dataset.key = key;
  return head;
})));

function sortBy(key) {
  ascending = $("sort").value === key ? !ascending : key === "label" || key === "start";
  $("sort").value = key;
  select();
}

function list(all) {
  const view = $("list"), body = $("units").tBodies[0];
  const first = all ? 0 : Math.max(0, Math.floor(view.scrollTop / LIST_ROW) - 5);
  const last = all ? Math.min(shown.length, 100) : Math.min(shown.length, first + 36);
  const pad = (rows) => {
    const cell = element("td", { className: "pad", colSpan: columns.length });
    cell.style.height = `${rows * LIST_ROW}px`;
    return element("tr", { ariaHidden: "true" }, cell);
  };
  const rows = shown.slice(first, last).map((unit) => {
    const row = element("tr", { onclick: () => choose(unit, true) });
    row.className = unit === chosen ? "chosen" : "";
    row.append(...columns.map(([key]) => {
      const value = unit[key];
      if (key === "label") {
        return element("td", { textContent: value, className: critical.has(unit.index) ? "critical" : "" });
      }
      const text = value == null ? "" : key === "growth"
        ? (Math.abs(value) < 0.005 ? "" : signed(value)) : seconds(value);
      const mood = key === "growth" && text ? (value > 0 ? " bad" : " good") : "";
      return element("td", { textContent: text, className: `n${mood}` });
    }));
    return row;
  });
  if (first > 0) rows.unshift(pad(first));
  if (last < shown.length && !all) rows.push(pad(shown.length - last));
  body.replaceChildren(...rows);
  for (const head of $("units").tHead.querySelectorAll("th[data-key]")) {
    head.ariaSort = head.dataset.key !== $("sort").value ? "none" : ascending ? "ascending" : "descending";
  }
}

/* Everything below: tables that a screen has room for, and the trend. */
function section(title, content, className = "") {
  $("sections").append(element("section", { className }, element("h2", { textContent: title }), content));
}

function table(heads, rows, most = 15) {
  const head = element("tr", {}, ...heads.map((name) => {
    const number = name.endsWith(":");
    return element("th", { textContent: name.replace(/:$/, ""), className: number ? "n" : "", scope: "col" });
  }));
  const body = element("tbody");
  const cells = (row) => element("tr", {}, ...row.map((cell, i) => {
    const made = element("td", { className: heads[i].endsWith(":") ? "n" : "" });
    made.append(cell instanceof Node ? cell : String(cell));
    return made;
  }));
  const box = element("div", {}, element("table", {}, element("thead", {}, head), body));
  body.append(...rows.slice(0, most).map(cells));
  if (rows.length > most) {
    const more = element("button", { type: "button", textContent: `All ${rows.length}` });
    more.onclick = () => { body.append(...rows.slice(most).map(cells)); more.remove(); };
    box.append(more);
  }
  return box;
}

function shares(title, shares) {
  const most = Math.max(...shares.map((it) => it.time), 0.01);
  const sum = Math.max(shares.reduce((sum, it) => sum + it.time, 0), 0.01);
  if (shares.length) section(title, table(["", "time:", "share:", "units:", ""], shares.map((it) => {
    const bar = element("span", { className: "bar" });
    bar.style.width = `${Math.max(1, it.time / most * 120)}px`;
    return [it.name, seconds(it.time), `${(100 * it.time / sum).toFixed(0)}%`, it.units, bar];
  })));
}

function coloured(time) {
  return element("span", { textContent: signed(time), className: time > 0 ? "bad" : "good" });
}

function changes(since) {
  const row = (name, it) => [name, seconds(it.before), seconds(it.after), coloured(it.after - it.before),
    { noise: "noise", unproven: "" }[it.verdict] ?? it.verdict];
  const rows = [row("total", since.total), row("critical path", since.critical_path),
    ...since.units.filter((it) => it.verdict !== "noise" && Math.abs(it.after - it.before) >= 0.05)
      .map((it) => row(it.unit + (it.from_version ? ` (was v${it.from_version})` : ""), it)),
    ...since.new.map((it) => [`${it.unit} (new)`, "", seconds(it.time), coloured(it.time), ""]),
    ...since.vanished.map((it) => [`${it.unit} (vanished)`, seconds(it.time), "", coloured(-it.time), ""])];
  section(`Since ${since.before.name}`, table(["", "before:", "after:", "change:", ""], rows));
}

function trend(points) {
  const [width, height, left, bottom] = [900, 220, 56, 24];
  const top = Math.max(...points.map((it) => it.total), 0.01) * 1.08;
  const px = (i) => left + (points.length < 2 ? 0.5 : i / (points.length - 1)) * (width - left - 12);
  const py = (time) => height - bottom - time / top * (height - bottom - 8);
  const svg = (name, attributes, ...children) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  };
  const whole = svg("svg", { viewBox: `0 0 ${width} ${height}`, width: "100%", role: "img",
    "aria-label": `Totals of ${points.length} builds` });
  for (const part of [0, 0.25, 0.5, 0.75, 1]) {
    const y = py(top * part / 1.08);
    whole.append(svg("line", { x1: left, x2: width, y1: y, y2: y, stroke: "var(--line)" }),
      svg("text", { x: left - 6, y: y + 4, "text-anchor": "end" }, seconds(top * part / 1.08)));
  }
  for (const [key, colour] of [["critical_path", "var(--accent)"], ["total", "var(--front)"]]) {
    const line = points.map((it, i) => `${px(i)},${py(it[key])}`).join(" ");
    whole.append(svg("polyline", { points: line, fill: "none", stroke: colour, "stroke-width": 2 }));
    points.forEach((it, i) => {
      const dot = svg("circle", { cx: px(i), cy: py(it[key]), r: 4, fill: it.failed ? "var(--worse)" : colour });
      const runs = it.runs > 1 ? `, median of ${it.runs}` : "";
      dot.append(svg("title", {}, `${it.started} ${it.name}: ${key.replace("_", " ")} ${seconds(it[key])}${runs}${it.failed ? ", failed" : ""}`));
      whole.append(dot);
    });
  }
  const ends = points.length < 2 ? [[0, "middle"]] : [[0, "start"], [points.length - 1, "end"]];
  for (const [i, anchor] of ends) {
    whole.append(svg("text", { x: px(i), y: height - 6, "text-anchor": anchor }, points[i].started));
  }
  section("Trend: total and critical path", whole, "full");
}

if (data.since_last) changes(data.since_last);
const help = data.what_if;
if (help.suggestions.length) {
  const at = `replay on ${help.cores} cores ${seconds(help.replayed)}, ${help.off_by > 0 ? "+" : ""}${help.off_by.toFixed(1)}% off`;
  section("Would help most, if twice as fast", element("div", {},
    table(["package", "saves:", "of its time:"], help.suggestions.map((it) =>
      [it.package, seconds(it.saved), seconds(it.time)])), element("p", { className: "hint", textContent: at })));
}
section("Critical path", table(["unit", "time:", "up to"], data.critical.map((step) =>
  [units[step.unit].label, seconds(step.seconds), step.to_metadata ? "metadata" : "end"])));
section("Path of this build", table(["unit", "waited for a core:", "time:"], data.realised.map((step) =>
  [units[step.unit].label, step.waited > 0.005 ? seconds(step.waited) : "", seconds(step.seconds)])));
shares("By package", data.by_package);
shares("By kind", data.by_kind);
shares("By origin", data.by_origin);
if (data.duplicates.length) {
  section("Built more than once", table(["package", "times:", "more than once:", "because"],
    data.duplicates.map((it) => [it.package, it.times, seconds(it.extra), it.because.join(", ")])));
}
if (data.trend.length) trend(data.trend);

/* Hands and keys. */
for (const id of ["search", "filter", "least", "packed"]) $(id).addEventListener("input", select);
$("sort").addEventListener("input", () => {
  ascending = ["start", "label"].includes($("sort").value);
  select();
});
$("in").onclick = () => zoom(1.6);
$("out").onclick = () => zoom(1 / 1.6);
$("fit").onclick = () => zoom(1 / scale);
$("theme").onclick = () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  draw();
};
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
chart.addEventListener("scroll", draw);
$("list").addEventListener("scroll", () => list());
chart.addEventListener("wheel", (event) => {
  if (!event.ctrlKey) return;
  event.preventDefault();
  zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, event.clientX - chart.getBoundingClientRect().left);
}, { passive: false });
chart.addEventListener("click", (event) => {
  const y = event.clientY - chart.getBoundingClientRect().top;
  const row = Math.floor((y - HEAD + chart.scrollTop) / ROW);
  const at = event.clientX - chart.getBoundingClientRect().left;
  const hit = (unit) => rows.get(unit.index) === row && (!$("packed").checked
    || x(unit.start) <= at + 2 && x(unit.start + unit.duration) >= at - 2);
  if (y > HEAD) choose(shown.find(hit) ?? null);
});
document.addEventListener("keydown", (event) => {
  const typing = ["INPUT", "SELECT"].includes(event.target.tagName);
  if (event.key === "Escape") {
    $("search").value = "";
    $("filter").value = "all";
    $("least").value = 0;
    choose(null);
    select();
  } else if (typing || event.ctrlKey || event.metaKey || event.altKey) {
    return;
  } else if (event.key === "/") {
    $("search").focus();
    event.preventDefault();
  } else if (event.key === "+" || event.key === "=") zoom(1.6);
  else if (event.key === "-") zoom(1 / 1.6);
  else if (event.key === "0") zoom(1 / scale);
  else if (["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key)
    && (event.target === chart || event.target === $("list"))) {
    const now = shown.indexOf(chosen);
    const next = { ArrowDown: now + 1, ArrowUp: Math.max(now, 1) - 1, Home: 0, End: shown.length - 1 }[event.key];
    if (shown[next]) choose(shown[next], true);
    event.preventDefault();
  }
});
new ResizeObserver(resize).observe(chart);
/* On paper the whole build is shown, packed, and the table without its window. */
let onScreen = null;
window.addEventListener("beforeprint", () => {
  onScreen = [$("packed").checked, scale];
  $("packed").checked = true;
  scale = 1;
  arrange();
  chart.style.height = `${HEAD + lanes * ROW + 10}px`;
  resize();
  paint();
  list(true);
});
window.addEventListener("afterprint", () => {
  [$("packed").checked, scale] = onScreen;
  chart.style.height = "";
  select();
});
select();
