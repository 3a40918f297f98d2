/* The list, and the details of the chosen node. */
function list() {
  const rows = found.map((node) => {
    const row = element("li", { id: `row${node.index}`, role: "option", ariaSelected: String(node === chosen) });
    row.dataset.node = node.index;
    if (change) row.append(element("span", { className: `tag ${node.look}`, textContent: effectOf(node) }));
    row.append(element("b", { textContent: node.label }));
    const why = node.units.length ? because(chain(node.units[0]).seed) : [node.folder === node.name || node.folder === "." ? "" : node.folder, factsOf(node)].filter(Boolean).join(" · ");
    row.append(element("small", { textContent: why }));
    return row;
  });
  $("list").replaceChildren(...rows);
  current();
}

function current() {
  for (const row of $("list").children) {
    const is = chosen != null && Number(row.dataset.node) === chosen.index;
    row.ariaSelected = String(is);
    if (!is) continue;
    $("list").setAttribute("aria-activedescendant", row.id);
    const [view, top] = [$("list"), row.offsetTop - $("list").offsetTop];
    if (top < view.scrollTop || top + row.offsetHeight > view.scrollTop + view.clientHeight) view.scrollTop = top - view.clientHeight / 3;
  }
}

function link(index) {
  return element("button", { type: "button", textContent: nodes[index].label, onclick: () => choose(nodes[index], true) });
}

function links(title, indices) {
  const box = element("p", { className: "links" });
  const some = indices.slice(0, 40);
  some.forEach((index, at) => box.append(at ? ", " : "", link(index)));
  if (indices.length > 40) box.append(`, and ${indices.length - 40} more`);
  return [element("h4", { textContent: `${title} (${indices.length})` }), box];
}

/* Groups the units that have the same chain. */
function reasons(node) {
  const groups = new Map();
  for (const unit of node.units) {
    const key = `${unit.effect} ${change.steps[unit.step].through ?? `seed ${because(chain(unit).seed)}`}`;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(unit);
  }
  return [...groups.values()].map((units, number) => {
    const { steps, seed } = chain(units[0]);
    const isRerun = units[0].effect === "rerun";
    const title = element("summary", {}, element("span", { className: `tag ${units[0].effect}`, textContent: isRerun ? "run again" : "rebuilt" }),
      ` ${units.map((unit) => unit.name).join(", ")}`);
    const rows = steps.map((step) => element("li", {}, step.node === node.index ? step.name
      : element("button", { type: "button", textContent: step.name, onclick: () => choose(nodes[step.node], true) })));
    const cause = element("li", { className: "cause", textContent: because(seed) });
    const way = element("ol", { className: units[0].effect }, cause, ...rows);
    const box = element("details", { open: number === 0 }, title, way);
    box.addEventListener("toggle", () => {
      if (!box.open || node !== chosen) return;
      lit = units[0];
      mark();
    });
    return box;
  });
}

function detail() {
  $("detail").replaceChildren();
  if (!chosen) return;
  const node = chosen;
  const about = [node.version && !node.label.endsWith(node.version) ? `version ${node.version}` : "", node.folder, node.kinds.join(", ")].filter(Boolean).join(" · ");
  $("detail").append(element("h3", { textContent: node.label }), element("p", { textContent: about }));
  if (node.units.length) $("detail").append(element("h4", { textContent: "Affected, since" }), ...reasons(node));
  else if (change) $("detail").append(element("p", { textContent: "Not affected: it is built from nothing that changed." }));
  const by = (edges, end) => edges.map((edge) => edge[end]).sort((a, b) => (nodes[a].name < nodes[b].name ? -1 : 1));
  for (const [letter, word] of [["n", "Depends on"], ["b", "Builds its script with"], ["d", "Tests with"]]) {
    const on = by(node.uses.filter((edge) => edge.kinds.includes(letter)), "to");
    if (on.length) $("detail").append(...links(word, on));
  }
  if (node.users.length) $("detail").append(...links("Needed by", by(node.users, "from")));
  if (node.dependents > node.users.length) $("detail").append(element("p", { textContent: `${node.dependents} ${noun}s depend on it, directly or not.` }));
  $("detail").scrollTop = 0;
}

function choose(node, show) {
  const was = chosen;
  chosen = node;
  lit = node?.units[0] ?? null;
  history.replaceState(null, "", node ? `#${encodeURIComponent(node.name)}` : location.pathname + location.search);
  if (node && !visible.has(node.index)) {
    /* A node that is in the details but not in this part: shows the part around the node. */
    if ($("view").value !== "around") enter();
    else update();
  } else if ($("view").value === "around" && (!node || node !== was)) {
    if (!node) $("view").value = data.views[0].id;
    update();
  } else mark();
  current();
  detail();
  if (node && show) reveal(node);
  $("said").textContent = node ? [`${node.label}`, effectOf(node), factsOf(node)].filter(Boolean).join(": ") : "Nothing is chosen";
}

/* Shows only the surroundings of the chosen node. */
function enter() {
  if (!chosen) return;
  $("view").value = "around";
  if ($("steps").value === "" || Number($("steps").value) < 1) $("steps").value = 1;
  $("kind").value = $("effect").value = "";
  update();
}

function update() {
  select();
  draw();
  fit();
  list();
}
