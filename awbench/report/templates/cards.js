/* Cards: filters that combine, an order, one score under every answer, and all of them on demand. */
const STEP = 12; /* cards shown at once: a page of sixty is long enough without */
const cards = all("#cards .card").map((node, index) => ({ node, index, tags: JSON.parse(node.dataset.tags) }));
const shownOf = { limit: STEP };

const scoreOf = (figure, metric) => {
  const found = data.scores[figure.closest(".card").dataset.case][Number(figure.dataset.system)][metric];
  return typeof found === "number" ? { text: data.reasons[found], bad: true } : { text: found, bad: false };
};
const brief = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

const matching = () => { /* the switch and every tag name that is filtered by must hold, with any of its chosen values */
  const picks = all("#filters details").map((pick) => all("input:checked", pick).map((box) => box.value));
  const wanted = [...picks, [one("#switch input:checked")?.value].filter(Boolean)].filter((tags) => tags.length);
  return cards.filter((card) => wanted.every((tags) => tags.some((tag) => card.tags.includes(tag))));
};

const showFilters = () => {
  all("#filters details").forEach((pick) => {
    const chosen = all("input:checked", pick).map((box) => box.value.slice(pick.dataset.name.length + 1));
    one("summary span", pick).textContent = chosen.length ? `: ${chosen.join(" or ")}` : "";
    pick.classList.toggle("on", chosen.length > 0);
  });
  const clear = one("#clear");
  if (clear) clear.hidden = !one("#filters input:checked");
};

const showScores = () => {
  if (!one("#metric")) return;
  const metric = Number(one("#metric").value);
  all(".card figure[data-system]").forEach((figure) => {
    const { text, bad } = scoreOf(figure, metric), note = one(".score", figure);
    const why = data.metrics[metric].blind || data.apart[Number(figure.dataset.system)]; /* of a number that ranks nobody */
    const hidden = one(".lost", figure) || (why && figure.closest(".opening"));
    note.textContent = hidden ? "" : brief(text, 22);
    note.title = `${data.metrics[metric].title}: ${text}${why && ` (${why})`}`;
    note.classList.toggle("bad", bad);
    note.classList.toggle("blind", why !== "");
  });
  const label = one("#numbers"), numbered = all(".opening .score").some((note) => note.textContent !== "");
  if (label) label.textContent = numbered ? `Numbers: ${data.metrics[metric].title}, of ranked systems.` : "";
};

const countText = (shown, found) => {
  const those = found === cards.length ? `${cards.length} cases` : `${found} of ${cards.length} cases`;
  return shown === found ? those : `${those}, ${shown} shown`;
};
const arrange = () => {
  const filters = one("#filters");
  if (filters && one("#switch")) { /* what turned a pair down is asked of no kept one */
    filters.hidden = one("#switch input:checked").value === "status=kept";
    if (filters.hidden) all("input:checked", filters).forEach((box) => { box.checked = false; });
  }
  const list = one("#cards"), metric = Number(one("#metric")?.value ?? 0);
  if (!list) return;
  const differing = one("#order")?.value === "disagreement";
  const key = (card) => (differing ? -data.gaps[card.node.dataset.case][metric] : card.index);
  const found = new Set(matching());
  const order = [...cards].sort((a, b) => key(a) - key(b) || a.index - b.index);
  order.forEach((card) => list.append(card.node));
  const shown = new Set(order.filter((card) => found.has(card)).slice(0, shownOf.limit));
  cards.forEach((card) => { card.node.hidden = !shown.has(card); });
  if (one("#found")) one("#found").textContent = countText(shown.size, found.size);
  const left = found.size - shown.size;
  one("#more").hidden = left === 0;
  one("#more").textContent = `show ${Math.min(STEP, left)} more of ${left}`;
  showFilters();
  showScores();
};

const scoreTable = (name) => {
  const heads = data.systems.map((system) => make("th", { scope: "col", title: system }, system));
  const rows = data.metrics.map((metric, place) => make("tr", { class: metric.blind ? "blind" : "", title: metric.blind },
    make("th", { scope: "row" }, metric.title), ...data.scores[name].map((scores) => {
      const found = scores[place], bad = typeof found === "number";
      return bad ? make("td", { class: "bad", title: data.reasons[found] }, brief(data.reasons[found], 28)) : make("td", {}, found);
    })));
  const table = make("table", { class: "sticky" }, make("thead", {}, make("tr", {}, make("th", {}), ...heads)), make("tbody", {}, ...rows));
  return make("div", { class: "scroll", tabindex: "0" }, table);
};
const fillScores = (details) => {
  if (!one("table", details)) details.append(scoreTable(details.closest(".card").dataset.case));
};
all("details.scores").forEach((details) => details.addEventListener("toggle", () => details.open && fillScores(details)));

const followLink = () => { /* #case-ID: whatever hides the case gives way; a folded part opens */
  const target = decodeURIComponent(location.hash.slice(1)), card = cards.find(({ node }) => node.id === target);
  const folded = document.getElementById(target);
  if (folded?.matches("details")) folded.open = true;
  if (!card) return;
  if (card.node.hidden) {
    if (!matching().includes(card)) {
      all("#filters input:checked").forEach((box) => { box.checked = false; });
      all("#switch input[value='']").forEach((box) => { box.checked = true; });
    }
    shownOf.limit = cards.length;
    arrange();
  }
  const details = one("details.scores", card.node);
  if (details) { fillScores(details); details.open = true; }
  card.node.scrollIntoView({ block: "start" });
};

["#filters", "#switch", "#order", "#metric"].forEach((name) => one(name)?.addEventListener("change", () => { shownOf.limit = STEP; arrange(); }));
one("#clear")?.addEventListener("click", () => { all("#filters input:checked").forEach((box) => { box.checked = false; }); arrange(); });
one("#more")?.addEventListener("click", () => { shownOf.limit += STEP; arrange(); });
window.addEventListener("hashchange", followLink);
arrange();
followLink();
