/* The timeline: a canvas as large as its window. Each change of the visible part draws it again. */
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
  const colours = {};
  const colour = (name) => colours[name] ??= style.getPropertyValue(`--${name}`).trim();
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

/* The beginning of a label that fits into a bar. */
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

/* Lines from the chosen unit to its dependencies and to its dependents. */
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

/* Above the units: the number of running units, the load of the processor, and the time axis. */
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

