const ROW = 20, HEAD = 84, LIST_ROW = 24;

/* Properties of each unit that are derived from its measured times. */
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

/* The head of the page. */
const run = data.run;
$("about").textContent = [
  `cargo ${[run.command, ...run.arguments].join(" ")}`,
  run.clean && run.clean !== "none" && `${run.clean} built from nothing`,
  run.commit && `${run.commit.slice(0, 9)}${run.dirty ? " with changes" : ""}${run.branch ? ` on ${run.branch}` : ""}`,
  run.profile && `profile ${run.profile}`, run.rustc, run.host,
  run.jobs && `${run.jobs} jobs of ${run.cores ?? "?"} cores`, run.id,
].filter(Boolean).join(" · ");
if (data.graph) $("about").append(" · ", element("a", { href: data.graph, textContent: "graph of the workspace" }));
for (const [name, what] of [["front", "library, to metadata"], ["code", "codegen"], ["bin", "binaries, tests"],
  ["macro", "procedural macro"], ["script", "build script"], ["run", "its run"], ["accent", "critical path"],
  ["cpu", "CPU"]]) {
  const colour = element("i");
  colour.style.background = `var(--${name})`;
  $("legend").append(element("li", {}, colour, what));
}

/* The visible units and their order. */
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

/* Gives each unit a row of its own or, if packed, the first row that is free when the unit starts. */
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

