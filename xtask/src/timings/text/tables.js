/* The table of the units. Only the rows in view exist in the document. */
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

/* Everything below the table of the units: the smaller tables, and the trend. */
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
    it.verdict === "unproven" ? "not proven" : it.verdict];
  const rows = [row("total", since.total), row("critical path", since.critical_path),
    ...since.units.filter((it) => it.verdict !== "noise" && Math.abs(it.after - it.before) >= 0.05)
      .map((it) => row(it.unit + (it.from_version ? ` (was v${it.from_version})` : ""), it)),
    ...since.new.map((it) => [`${it.unit} (new)`, "", seconds(it.time), coloured(it.time), ""]),
    ...since.vanished.map((it) => [`${it.unit} (vanished)`, seconds(it.time), "", coloured(-it.time), ""])];
  section(`Since ${since.before.name}`, table(["", "before:", "after:", "change:", ""], rows));
}

function trend(points) {
  /* On a narrow screen the text keeps its size. */
  const width = Math.min(900, Math.max(320, $("sections").clientWidth));
  const [height, bottom] = [220, 24];
  const top = Math.max(...points.map((it) => it.total), 0.01) * 1.08;
  const marks = [0, 0.25, 0.5, 0.75, 1].map((part) => top * part / 1.08);
  /* A character of the labels is at most 7 units wide. */
  const left = 12 + 7 * Math.max(...marks.map((time) => seconds(time).length));
  const px = (i) => left + (points.length < 2 ? 0.5 : i / (points.length - 1)) * (width - left - 12);
  const py = (time) => height - bottom - time / top * (height - bottom - 8);
  const whole = vector("svg", { viewBox: `0 0 ${width} ${height}`, width: "100%", role: "img",
    "aria-label": `Totals of ${points.length} builds` });
  for (const time of marks) {
    const y = py(time);
    whole.append(vector("line", { x1: left, x2: width, y1: y, y2: y, stroke: "var(--line)" }),
      vector("text", { x: left - 6, y: y + 4, "text-anchor": "end" }, seconds(time)));
  }
  for (const [key, colour] of [["critical_path", "var(--accent)"], ["total", "var(--front)"]]) {
    const line = points.map((it, i) => `${px(i)},${py(it[key])}`).join(" ");
    whole.append(vector("polyline", { points: line, fill: "none", stroke: colour, "stroke-width": 2 }));
    points.forEach((it, i) => {
      const dot = vector("circle", { cx: px(i), cy: py(it[key]), r: 4, fill: it.failed ? "var(--worse)" : colour });
      const runs = it.runs > 1 ? `, median of ${it.runs}` : "";
      dot.append(vector("title", {}, `${it.started} ${it.name}: ${key.replace("_", " ")} ${seconds(it[key])}${runs}${it.failed ? ", failed" : ""}`));
      whole.append(dot);
    });
  }
  const ends = points.length < 2 ? [[0, "middle"]] : [[0, "start"], [points.length - 1, "end"]];
  for (const [i, anchor] of ends) {
    whole.append(vector("text", { x: px(i), y: height - 6, "text-anchor": anchor }, points[i].started));
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

