/* Pointers and keys. */
for (const id of ["search", "filter", "least", "packed"]) $(id).addEventListener("input", select);
$("sort").addEventListener("input", () => {
  ascending = ["start", "label"].includes($("sort").value);
  select();
});
$("in").onclick = () => zoom(1.6);
$("out").onclick = () => zoom(1 / 1.6);
$("fit").onclick = () => zoom(1 / scale);
recolour = draw;
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
/* Printing: the whole build, with packed rows, and every row of the table. */
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
