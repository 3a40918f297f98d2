/* The graph: the neighbours of each node, and the effect of the change on it. */
const HEIGHT = 26, nodes = data.nodes, change = data.change, noun = data.units ? "unit" : "package";
nodes.forEach((node, index) => Object.assign(node, { index, uses: [], users: [], units: [], effect: "none", distance: null,
  text: `${node.name} ${node.version} ${node.folder}`.toLowerCase() }));
const edges = data.edges.map(([from, to, kinds, detour]) => ({ from, to, kinds, detour }));
const between = new Map(edges.map((edge) => [`${edge.from} ${edge.to}`, edge]));
for (const edge of edges) {
  nodes[edge.from].uses.push(edge);
  nodes[edge.to].users.push(edge);
}
const strength = { none: 0, rerun: 1, rebuilt: 2 };
for (const unit of change?.units ?? []) {
  const node = nodes[unit.node];
  node.units.push(unit);
  if (strength[unit.effect] > strength[node.effect]) node.effect = unit.effect;
  node.distance = Math.min(node.distance ?? Infinity, unit.distance);
}
for (const node of nodes) {
  node.units.sort((a, b) => strength[b.effect] - strength[a.effect] || a.distance - b.distance);
  const direct = node.units.filter((unit) => unit.distance === 0);
  node.isDoubt = direct.length > 0 && direct.every((unit) => chain(unit).seed.rule === "doubt");
  node.look = direct.length && !node.isDoubt ? "direct" : node.effect;
}

/* The steps from the change to a unit, the change first. */
function chain(unit) {
  const steps = [];
  for (let at = unit.step; at != null; at = change.steps[at].through) steps.unshift(change.steps[at]);
  return { steps, seed: change.seeds[steps[0].seed] };
}

function because(seed) {
  return seed.path ? `${seed.path}: ${seed.because}` : seed.because;
}

function plural(number, word) {
  return `${number} ${word}${number === 1 ? "" : "s"}`;
}

/* The text about the effect of the change on a node. */
function effectOf(node) {
  if (node.isDoubt) return `${node.effect === "rerun" ? "run again" : "rebuilt"}, in doubt`;
  if (node.distance === 0) return node.effect === "rerun" ? "run again, directly" : "touched directly";
  if (node.effect === "none") return change ? "not affected" : "";
  return `${node.effect === "rerun" ? "run again" : "rebuilt"}, ${plural(node.distance, "step")}`;
}

function factsOf(node) {
  return [node.member ? "" : "external", `${plural(node.dependents, "dependent")}`,
    node.dependencies === 1 ? "1 dependency" : `${node.dependencies} dependencies`].filter(Boolean).join(", ");
}

/* The state: the reader's choices, and the nodes that they show. */
let chosen = null, lit = null, visible = new Set(), found = [], places = new Map();
