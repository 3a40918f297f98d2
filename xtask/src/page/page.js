"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);

function element(name, props = {}, ...children) {
  const made = Object.assign(document.createElement(name), props);
  made.append(...children);
  return made;
}

function vector(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/* The head of the page. */
for (const line of data.headline) {
  const bad = /^(failed|over budget)/i.test(line);
  $("headline").append(element("li", { textContent: line, className: bad ? "bad" : "" }));
}

/* Light or dark: as the system is, until the reader chooses. */
const dark = matchMedia("(prefers-color-scheme: dark)");
let recolour = () => {};
$("theme").onclick = () => {
  const root = document.documentElement;
  const is = root.dataset.theme ? root.dataset.theme === "dark" : dark.matches;
  root.dataset.theme = is ? "light" : "dark";
  recolour();
};
dark.addEventListener("change", () => recolour());

