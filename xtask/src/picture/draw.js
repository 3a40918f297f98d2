/* The drawing. */
const svg = $("svg"), camera = $("camera");
let scale = 1, left = 0, top_ = 0, boxes = new Map();

function path(from, to, bends = []) {
  const a = places.get(from), b = places.get(to);
  const end = b.x + nodes[to].width / 2, low = b.y - HEIGHT / 2;
  let x = a.x + nodes[from].width / 2, y = a.y + HEIGHT / 2;
  if (low < y) return back(a, b, nodes[from].width, nodes[to].width);
  const curve = (x1, y1, x2, y2) => {
    const bow = Math.max(8, (y2 - y1) / 2);
    return ` C${x1} ${y1 + bow} ${x2} ${y2 - bow} ${x2} ${y2}`;
  };
  let way = `M${x} ${y}`;
  for (let at = 0; at < bends.length; at += 2) {
    const [[x1, y1], [, y2]] = [bends[at], bends[at + 1]];
    way += `${curve(x, y, x1, y1)} V${y2}`;
    [x, y] = [x1, y2];
  }
  return way + curve(x, y, end, low);
}

/* An edge that closes a cycle runs upward, beside the boxes. */
function back(a, b, wide, wideTo) {
  const [x1, y1, x2, y2] = [a.x + wide, a.y, b.x + wideTo, b.y];
  const bow = Math.max(x1, x2) + 18 + Math.abs(y2 - y1) / 10;
  return `M${x1} ${y1} C${bow} ${y1} ${bow} ${y2} ${x2} ${y2}`;
}

function draw() {
  const shown = [...places.keys()].sort((a, b) => a - b);
  boxes = new Map(shown.map((index) => {
    const node = nodes[index], { x, y } = places.get(index);
    const box = vector("g", { transform: `translate(${x} ${y - HEIGHT / 2})`, "data-node": index },
      vector("title", {}, [node.name, node.version, effectOf(node)].filter(Boolean).join(" · ")),
      vector("rect", { width: node.width, height: HEIGHT, rx: node.kinds.includes("bin") && !node.kinds.includes("lib") ? 13 : 5 }),
      vector("text", { x: node.width / 2, y: HEIGHT / 2, "text-anchor": "middle" }, node.label));
    return [index, box];
  }));
  $("nodes").replaceChildren(...boxes.values());
  const lines = linesNow().map(({ from, to, bends, edge }) => {
    const kind = !edge ? "indirect" : edge.kinds.includes("n") ? "n" : edge.kinds[0];
    const isLit = change && nodes[from].effect !== "none" && nodes[to].effect === "rebuilt" && edge;
    return vector("path", { d: path(from, to, bends), class: `${kind}${isLit ? " lit" : ""}${places.get(from).y >= places.get(to).y ? " cycle" : ""}`, "data-from": from, "data-to": to });
  });
  $("lines").replaceChildren(...lines);
  mark();
}

/* The chosen node, its neighbours and its chain. */
function mark() {
  const near = new Set(), hops = [];
  if (chosen) {
    near.add(chosen.index);
    for (const edge of chosen.uses) near.add(edge.to);
    for (const edge of chosen.users) near.add(edge.from);
    const steps = lit ? chain(lit).steps : [];
    steps.forEach((step, at) => {
      near.add(step.node);
      if (at && steps[at - 1].node !== step.node) hops.push([step.node, steps[at - 1].node]);
    });
  }
  const searched = $("search").value.trim() ? new Set(found.map((node) => node.index)) : null;
  for (const [index, box] of boxes) {
    const node = nodes[index];
    const isFar = (chosen && !near.has(index)) || (searched && !searched.has(index) && node !== chosen);
    box.setAttribute("class", ["node", change ? node.look : "", node.member ? "" : "external", !change && node.kinds.includes("proc-macro") ? "macro" : "",
      !change && node.kinds.includes("bin") && !node.kinds.includes("lib") ? "bin" : "", node === chosen ? "chosen" : "", isFar ? "far" : ""].join(" "));
  }
  for (const line of $("lines").children) line.classList.toggle("far", Boolean(chosen || searched));
  const extra = [];
  if (chosen && places.has(chosen.index)) {
    const ends = [...chosen.uses, ...chosen.users].filter((edge) => places.has(edge.from) && places.has(edge.to));
    extra.push(...ends.map((edge) => vector("path", { d: path(edge.from, edge.to) })));
    extra.push(...hops.filter((hop) => hop.every((end) => places.has(end)))
      .map(([from, to]) => vector("path", { d: path(from, to), class: "chain" })));
  }
  $("extra").replaceChildren(...extra);
  names();
}

/* When the drawing is zoomed out and the labels in the boxes are too small: the most important names that fit
   without touching each other. */
function names() {
  const far = scale < 0.45;
  for (const box of boxes.values()) box.style.display = "";
  svg.classList.toggle("far-names", far);
  $("names").replaceChildren();
  if (!far) return;
  const order = [...places.keys()].filter((index) => !boxes.get(index).classList.contains("far"));
  const weight = (index) => (nodes[index] === chosen ? 1e9 : 0) + (nodes[index].distance === 0 ? 1e6 : 0) + nodes[index].dependents;
  order.sort((a, b) => weight(b) - weight(a));
  const size = 12 / scale, taken = [], made = [];
  for (const index of order) {
    const node = nodes[index], { x, y } = places.get(index);
    const half = node.width * 12 / 15 / scale / 2, middle = x + node.width / 2;
    const area = [middle - half, y - size * 0.8, middle + half, y + size * 0.8];
    if (taken.some((it) => area[0] < it[2] && it[0] < area[2] && area[1] < it[3] && it[1] < area[3])) continue;
    taken.push(area);
    const box = boxes.get(index);
    box.style.display = "none";
    made.push(vector("g", { class: box.getAttribute("class"), "data-node": index },
      vector("rect", { x: middle - half, y: y - size * 0.75, width: 2 * half, height: size * 1.5, rx: size / 3 }),
      vector("text", { x: middle, y, "text-anchor": "middle", style: `font-size: ${size}px` }, node.label)));
    if (made.length > 160) break;
  }
  $("names").replaceChildren(...made);
}

/* The part of the drawing that is in view, and its scale. */
function extent(indices) {
  const all = indices.map((index) => ({ ...places.get(index), width: nodes[index].width }));
  const x = Math.min(...all.map((it) => it.x)), y = Math.min(...all.map((it) => it.y)) - HEIGHT / 2;
  return { x, y, width: Math.max(...all.map((it) => it.x + it.width)) - x, height: Math.max(...all.map((it) => it.y)) + HEIGHT / 2 - y };
}

let pending = 0;
function look() {
  camera.setAttribute("transform", `translate(${left} ${top_}) scale(${scale})`);
  cancelAnimationFrame(pending);
  pending = requestAnimationFrame(names);
}

function fit(indices = [...places.keys()], most = 1.25) {
  if (!indices.length) return;
  const { x, y, width, height } = extent(indices);
  const [w, h] = [svg.clientWidth || 800, svg.clientHeight || 600], rim = 20;
  scale = Math.min(most, (w - 2 * rim) / width, (h - 2 * rim) / height);
  left = (w - width * scale) / 2 - x * scale;
  top_ = (h - height * scale) / 2 - y * scale;
  look();
}

function zoom(factor, x = svg.clientWidth / 2, y = svg.clientHeight / 2) {
  const next = Math.min(4, Math.max(0.02, scale * factor));
  left = x - (x - left) * next / scale;
  top_ = y - (y - top_) * next / scale;
  scale = next;
  look();
}

/* Moves the drawing as little as needed, so that a node is in view and readable. */
function reveal(node) {
  const place = places.get(node.index);
  if (!place) return;
  const x = (place.x + node.width / 2) * scale + left, y = place.y * scale + top_;
  const [w, h] = [svg.clientWidth, svg.clientHeight], half = node.width * scale / 2 + 24;
  if (x < half || x > w - half) left += w / 2 - x;
  if (y < 40 || y > h - 40) top_ += h / 2 - y;
  look();
}
