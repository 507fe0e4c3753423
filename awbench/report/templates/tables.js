"use strict";
/* The page's data, and tables that sort and switch. Everything that is named by a suite or a run is set as text, never as html. */
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const one = (selector, root = document) => root.querySelector(selector);
const data = JSON.parse(one("#data")?.textContent ?? "null");

const make = (name, attributes = {}, ...children) => {
  const node = document.createElement(name);
  Object.entries(attributes).forEach(([key, value]) => value !== null && value !== false && node.setAttribute(key, value));
  node.append(...children.filter((child) => child !== null && child !== ""));
  return node;
};

const drawing = (low, place, high, zero) => { /* as interval_svg in figures.py draws it */
  if (place === null) return null;
  const tick = zero === undefined ? "" : `<path class="zero" d="M${zero} 0V10"/>`;
  const whisker = low === null ? "" : `<path class="whisker" d="M${low} 5H${high}"/>`;
  const holder = document.createElement("template");
  holder.innerHTML = `<svg class="ci" viewBox="-3 0 106 10" aria-hidden="true"><path class="track" d="M0 5H100"/>${tick}${whisker}` +
    `<circle cx="${place}" cy="5" r="2.6"/></svg>`;
  return holder.content;
};

const cell = ([mean, interval, coverage, classes, ...places]) => {
  const known = classes.split(" "), sort = Number.parseFloat(mean.replace("−", "-"));
  return make("td", { class: classes, "data-sort": Number.isNaN(sort) ? "" : sort, "data-lower": known.includes("lower") ? "" : null },
    make("span", { class: "mean" }, mean), known.includes("dagger") ? make("sup", {}, "†") : null, drawing(...places),
    make("small", {}, interval), coverage ? make("small", { class: known.includes("alarm") ? "bad" : "" }, coverage) : null);
};

const sortValue = (row, column) => {
  const text = row.children[column].dataset.sort;
  if (column === 0) return row.children[0].textContent.trim().toLowerCase();
  return text === "" || text === undefined ? null : Number(text);
};
const sortBody = (body, column, sign) => {
  const rows = [...body.rows].map((row, index) => ({ row, index, value: sortValue(row, column) }));
  rows.sort((a, b) => {
    if (a.value === null || b.value === null) return (a.value === null) - (b.value === null) || a.index - b.index;
    return sign * (a.value < b.value ? -1 : a.value > b.value ? 1 : 0) || a.index - b.index;
  });
  rows.forEach(({ row }) => body.append(row));
};
const sortBy = (table, head, column) => { /* the first click puts the best on top: names and errors rise */
  const first = one("tbody tr", table);
  const rising = column === 0 || (first && "lower" in first.children[column].dataset);
  const down = head.getAttribute("aria-sort") === "descending" || (rising && !head.hasAttribute("aria-sort"));
  all("thead th", table).forEach((other) => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", down ? "ascending" : "descending");
  [...table.tBodies].forEach((body) => sortBody(body, column, down ? 1 : -1));
};
all("table[data-sortable]").forEach((table) => all("thead th", table).forEach((head, column) => {
  one("button", head)?.addEventListener("click", () => sortBy(table, head, column));
}));

const fill = (table, rows) => {
  all("thead th", table).forEach((head) => head.removeAttribute("aria-sort"));
  const line = ([name, cells]) => make("tr", {}, make("th", { scope: "row", title: name }, name), ...cells.map(cell));
  table.tBodies[0].replaceChildren(...rows.map(line));
};
all("select[data-switch]").forEach((select) => {
  const table = document.getElementById(select.dataset.switch), bodies = data.tables[select.dataset.switch];
  const show = () => fill(table, bodies[select.value]);
  select.addEventListener("change", show);
  if (select.selectedIndex > 0) show(); /* a reload keeps the browser's own choice */
});
