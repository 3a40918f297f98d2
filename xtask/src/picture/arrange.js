/* Chooses the visible nodes, and places them. A part that the reader chose keeps the layers and
   the order that were computed for the whole graph, without the gaps. */
const kindsOn = () => ["n", "b", "d"].filter((kind) => $(kind).checked);
const viewNow = () => data.views.find((view) => view.id === $("view").value);

function surroundings(start, steps) {
  const near = new Set([start.index]), on = kindsOn();
  for (const [side, end] of [["uses", "to"], ["users", "from"]]) {
    let last = [start.index];
    for (let step = 0; step < steps && last.length; step++) {
      const next = [];
      for (const index of last) {
        for (const edge of nodes[index][side]) {
          if (near.has(edge[end]) || !on.some((kind) => edge.kinds.includes(kind))) continue;
          near.add(edge[end]);
          next.push(edge[end]);
        }
      }
      last = next;
    }
  }
  return near;
}

function select() {
  const around = $("view").value === "around" && chosen;
  const steps = $("steps").value === "" ? Infinity : Number($("steps").value);
  const base = around ? surroundings(chosen, steps) : new Set(viewNow()?.places.map((place) => place[0]) ?? []);
  const kind = $("kind").value, effect = $("effect").value;
  const kept = (node) => (!kind || (change && node.units.length && effect !== "none" ? node.units.some((unit) => unit.kind === kind) : node.kinds.includes(kind)))
    && (!effect || node.look === effect || node.effect === effect)
    && (around || !change || steps === Infinity || (node.distance ?? Infinity) <= steps);
  visible = new Set([...base].filter((index) => kept(nodes[index]) || (around && chosen.index === index)));
  const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  found = [...visible].map((index) => nodes[index]).filter((node) => words.every((word) => node.text.includes(word)));
  sort();
  const view = viewNow();
  places = !around && view && visible.size === base.size
    ? new Map(view.places.map(([index, x, y]) => [index, { x, y }])) : arrange([...visible].map((index) => nodes[index]));
  $("nearof").textContent = around ? `around ${chosen.name}: within` : "within";
  $("near").hidden = !around && !change;
  $("count").textContent = `${found.length} of ${nodes.length}`;
  $("empty").hidden = visible.size > 0;
}

function sort() {
  const by = $("sort").value;
  const key = { name: () => 0, distance: (node) => (node.distance ?? Infinity) + (node.isDoubt ? 0.5 : 0), dependents: (node) => -node.dependents,
    dependencies: (node) => -node.dependencies }[by];
  found.sort((a, b) => (key(a) === key(b) ? 0 : key(a) - key(b)) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

function arrange(shown) {
  const layers = new Map(), at = new Map(), connected = new Set();
  for (const edge of edges) {
    if (visible.has(edge.from) && visible.has(edge.to)) connected.add(edge.from).add(edge.to);
  }
  const lonely = shown.filter((node) => !connected.has(node.index));
  for (const node of shown) {
    if (!connected.has(node.index)) continue;
    if (!layers.has(node.layer)) layers.set(node.layer, []);
    layers.get(node.layer).push(node);
  }
  const mean = shown.reduce((sum, node) => sum + node.width + 14, 0) / Math.max(1, shown.length);
  const most = Math.max(8, Math.ceil(Math.sqrt(shown.length * 73 / mean)));
  const rows = [];
  for (const layer of [...layers.keys()].sort((a, b) => a - b)) {
    const all = layers.get(layer).sort((a, b) => a.rank - b.rank);
    const number = Math.ceil(all.length / most);
    for (let part = 0; part < number; part++) rows.push({ first: part === 0, nodes: all.filter((_, rank) => rank % number === part) });
  }
  const x = new Map();
  for (const row of rows) spread(row.nodes, x, (node) => x.get(node.index) ?? 0);
  for (let sweep = 0; sweep < 7; sweep++) {
    for (const row of sweep % 2 ? [...rows].reverse() : rows) {
      spread(row.nodes, x, (node) => {
        const near = [...node.uses.map((edge) => edge.to), ...node.users.map((edge) => edge.from)].filter((index) => x.has(index));
        return near.reduce((sum, index) => sum + x.get(index), 0) / near.length;
      });
    }
  }
  let y = 0, left = Infinity, right = 0;
  rows.forEach((row, number) => {
    if (number) y += row.first ? 48 : 34;
    for (const node of row.nodes) {
      const start = x.get(node.index) - node.width / 2;
      at.set(node.index, { x: start, y });
      [left, right] = [Math.min(left, start), Math.max(right, start + node.width)];
    }
  });
  for (const place of at.values()) place.x -= left;
  const step = Math.max(0, ...lonely.map((node) => node.width)) + 14;
  const wished = Math.sqrt(lonely.length * 50 / step) * step;
  const across = Math.max(1, Math.ceil(Math.max(at.size ? right - left : 0, wished) / step));
  const start = at.size ? y + 78 : 0;
  lonely.forEach((node, number) => at.set(node.index, { x: number % across * step, y: start + Math.floor(number / across) * 36 }));
  return at;
}

/* Places the nodes of a row as near to their best places as their order and their widths allow. */
function spread(row, x, wished) {
  const blocks = [], offsets = [];
  let before = 0;
  for (const node of row) {
    const half = (node.width + 14) / 2;
    before += half;
    offsets.push(before);
    blocks.push({ sum: wished(node) - before, size: 1 });
    before += half;
    while (blocks.length > 1) {
      const [first, second] = blocks.slice(-2);
      if (first.sum / first.size <= second.sum / second.size) break;
      blocks.splice(-2, 2, { sum: first.sum + second.sum, size: first.size + second.size });
    }
  }
  let at = 0;
  for (const block of blocks) {
    for (let member = 0; member < block.size; member++, at++) x.set(row[at].index, block.sum / block.size + offsets[at]);
  }
}

/* The lines between visible nodes. A line that follows from a longer path is left out while the path
   is there. */
function linesNow() {
  const view = viewNow(), on = kindsOn(), all = on.length === 3 && !$("implied").checked;
  const shows = (edge) => visible.has(edge.from) && visible.has(edge.to) && on.some((kind) => edge.kinds.includes(kind));
  if (view && all && visible.size === view.places.length) {
    return view.lines.map(([from, to, bends]) => ({ from, to, bends, edge: between.get(`${from} ${to}`) }));
  }
  const stands = (edge) => {
    if ($("implied").checked || edge.detour == null) return true;
    const first = between.get(`${edge.from} ${edge.detour}`);
    return !visible.has(edge.detour) || !first || !on.some((kind) => first.kinds.includes(kind));
  };
  const bends = new Map(view && visible.size === view.places.length ? view.lines.map((line) => [`${line[0]} ${line[1]}`, line[2]]) : []);
  return edges.filter((edge) => shows(edge) && stands(edge))
    .map((edge) => ({ ...edge, edge, bends: bends.get(`${edge.from} ${edge.to}`) ?? [] }));
}
