/* Filters, pointers and keys. */
$("about").textContent = data.about;
$("notes").hidden = !data.notes.length;
for (const note of data.notes) $("notes").lastElementChild.append(element("li", { textContent: note }));
for (const view of data.views) $("view").append(element("option", { value: view.id, textContent: view.label }));
$("view").append(element("option", { value: "around", textContent: `around one ${noun}` }));
for (const kind of ["lib", "proc-macro", "bin", "example", "test", "bench", "build script"]) {
  if (nodes.some((node) => node.kinds.includes(kind))) $("kind").append(element("option", { textContent: kind }));
}
for (const [value, name] of [["distance", "distance"], ["name", "name"], ["dependents", "dependents"], ["dependencies", "dependencies"]]) {
  if (value !== "distance" || change) $("sort").append(element("option", { value, textContent: name }));
}
$("h-list").textContent = data.units ? "Units" : "Packages";
$("byeffect").hidden = !change;
$("edgekinds").hidden = data.units;
document.body.classList.toggle("change", Boolean(change));
const legend = change
  ? [["box", "touched directly", "background: var(--seed); border-color: var(--seed)"],
    ["box", "rebuilt", "background: var(--rebuilt); border-color: var(--rebuilt-line)"],
    ["box", "only run again", "background: var(--rerun); border-color: var(--rerun-line); border-style: dashed"],
    ["box", "not affected", "background: var(--panel); border-color: var(--line)"]]
  : [["box", "library", "background: var(--box); border-color: var(--edge)"],
    ["box", "program", "background: var(--box); border-color: var(--bin); border-radius: 7px"],
    ["box", "procedural macro", "background: var(--box); border-color: var(--macro)"]];
if (nodes.some((node) => !node.member)) legend.push(["box", "external", "border-style: dashed; border-color: var(--edge)"]);
if (edges.some((edge) => edge.kinds === "b")) legend.push(["line", "build dependency", "border-top-style: dashed"]);
if (edges.some((edge) => edge.kinds === "d")) legend.push(["line", "dev-dependency", "border-top-style: dotted"]);
if (data.views[0].id === "main") legend.push(["line", "over others", "border-top: 2px dotted var(--line)"]);
for (const [what, name, style] of legend) $("legend").append(element("li", {}, element("i", { className: what, style }), name));
$("legend").append(element("li", { textContent: "lines run down, to dependencies; those that follow from a longer path are hidden" }));

for (const id of ["view", "kind", "effect", "n", "b", "d", "implied", "steps"]) {
  $(id).addEventListener("input", () => {
    if (id === "view" && $("view").value === "around") {
      if (!chosen) choose(found[0] ?? nodes[0]);
      $("steps").value = 1;
    } else if (id === "view") $("steps").value = "";
    update();
  });
}
$("search").addEventListener("input", () => { select(); mark(); list(); });
$("search").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && found[0]) choose(found[0], true);
});
$("sort").addEventListener("input", () => { sort(); list(); });
$("in").onclick = () => zoom(1.4);
$("out").onclick = () => zoom(1 / 1.4);
$("fit").onclick = () => fit();
$("list").addEventListener("click", (event) => {
  const row = event.target.closest("li");
  if (row) choose(nodes[row.dataset.node], true);
});
$("list").addEventListener("dblclick", enter);

/* Dragging moves the drawing; a click chooses a node. */
let held = null;
svg.addEventListener("pointerdown", (event) => {
  if (event.button === 0) held = { x: event.clientX, y: event.clientY, left, top_, moved: false };
});
addEventListener("pointermove", (event) => {
  if (!held) return;
  const [x, y] = [event.clientX - held.x, event.clientY - held.y];
  held.moved ||= Math.abs(x) + Math.abs(y) > 5;
  if (!held.moved) return;
  svg.classList.add("held");
  [left, top_] = [held.left + x, held.top_ + y];
  look();
});
for (const end of ["pointerup", "pointercancel"]) {
  addEventListener(end, (event) => {
    const was = held;
    held = null;
    svg.classList.remove("held");
    if (!was || was.moved || end === "pointercancel" || !svg.contains(event.target)) return;
    const box = event.target.closest("[data-node]");
    choose(box ? nodes[box.dataset.node] : null);
  });
}
svg.addEventListener("dblclick", enter);
svg.addEventListener("wheel", (event) => {
  if (!event.ctrlKey) return;
  event.preventDefault();
  const box = svg.getBoundingClientRect();
  zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, event.clientX - box.left, event.clientY - box.top);
}, { passive: false });

/* The next node in a direction: a neighbour, or the next one in the row. */
function walk(key) {
  if (!chosen || !places.has(chosen.index)) return found[0];
  const here = places.get(chosen.index);
  const nearest = (indices) => indices.filter((index) => places.has(index) && index !== chosen.index)
    .sort((a, b) => Math.abs(places.get(a).x - here.x) - Math.abs(places.get(b).x - here.x))[0];
  if (key === "ArrowUp") return nodes[nearest(chosen.users.map((edge) => edge.from))];
  if (key === "ArrowDown") return nodes[nearest(chosen.uses.map((edge) => edge.to))];
  const sign = key === "ArrowRight" ? 1 : -1;
  return nodes[nearest([...places.keys()].filter((index) => places.get(index).y === here.y && (places.get(index).x - here.x) * sign > 0))];
}

document.addEventListener("keydown", (event) => {
  const typing = ["INPUT", "SELECT"].includes(event.target.tagName);
  if (event.key === "Escape") {
    for (const id of ["search", "kind", "effect", "steps"]) $(id).value = "";
    $("view").value = data.views[0].id;
    choose(null);
    update();
    return;
  }
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const inList = event.target === $("list"), inDrawing = event.target === svg;
  if (event.key === "/") $("search").focus();
  else if (event.key === "+" || event.key === "=") zoom(1.4);
  else if (event.key === "-") zoom(1 / 1.4);
  else if (event.key === "0") fit();
  else if (event.key === "Enter" && (inList || inDrawing)) enter();
  else if (inList && ["ArrowDown", "ArrowUp", "Home", "End", "PageDown", "PageUp"].includes(event.key)) {
    const now = found.indexOf(chosen), last = found.length - 1;
    const next = { ArrowDown: now + 1, ArrowUp: now - 1, Home: 0, End: last, PageDown: now + 10, PageUp: now - 10 }[event.key];
    const node = found[Math.max(0, Math.min(last, next))];
    if (node) choose(node, true);
  } else if (inDrawing && event.key.startsWith("Arrow")) {
    const node = walk(event.key);
    if (node) choose(node, true);
  } else return;
  event.preventDefault();
});

/* Printing: the whole part, and every row of the list. */
addEventListener("beforeprint", () => {
  if (!places.size) return;
  const { x, y, width, height } = extent([...places.keys()]);
  svg.setAttribute("viewBox", `${x - 4} ${y - 4} ${width + 8} ${height + 8}`);
  camera.removeAttribute("transform");
  scale = Math.min(1, 700 / width);
  names();
});
addEventListener("afterprint", () => {
  svg.removeAttribute("viewBox");
  fit();
});
let size = "";
new ResizeObserver(() => {
  const now = `${svg.clientWidth} ${svg.clientHeight}`;
  if (now !== size && !svg.hasAttribute("viewBox")) fit();
  size = now;
}).observe(svg);

update();
const named = decodeURIComponent(location.hash.slice(1));
const wanted = named && nodes.find((node) => node.name === named);
if (wanted) choose(wanted, true);
