/* A click on a clip shows it large, its driver beside it, in step; Escape, the button or a click beside it closes. */
const large = (() => {
  const dialog = one("#large");
  if (!dialog) return null;
  const copyOf = (figure) => {
    const from = one(".stage", figure), shown = one("video, img", from);
    const isImage = shown.tagName === "IMG";
    const again = make(shown.tagName, isImage ? { src: shown.src, alt: shown.alt } : { "data-src": shown.dataset.src, playsinline: "" });
    if (!isImage) again.muted = true; /* the attribute alone comes too late */
    const stage = make("div", { class: from.className, style: from.getAttribute("style") }, again);
    return make("figure", {}, stage, make("figcaption", {}, make("b", {}, one("figcaption b", figure).textContent)));
  };
  const beside = (figure) => { /* an answer is looked at with what it was asked for */
    const others = all("figure", figure.closest(".tiles")).filter((other) => other.classList.contains("source") && one("video", other));
    return figure.classList.contains("system") && one("video", figure) ? others.slice(0, 1) : [];
  };
  const told = (figure) => {
    const badges = one(".badges", figure)?.cloneNode(true), said = one(".said dl", figure)?.cloneNode(true);
    const scores = data && "system" in figure.dataset ? scoresOf(figure) : null;
    return [badges, badges?.title ? make("p", { class: "note" }, badges.title) : null, scores, said].filter(Boolean);
  };
  const scoresOf = (figure) => make("ul", { class: "chips" }, ...data.metrics.map((metric, place) => {
    const { text, bad } = scoreOf(figure, place);
    return make("li", { class: metric.blind ? "blind" : bad ? "bad" : "", title: metric.blind }, `${metric.title} ${text}`);
  }));
  const show = (figure) => {
    one("h3", dialog).textContent = figure.closest(".card").dataset.case;
    one(".pair", dialog).replaceChildren(...[...beside(figure), figure].map(copyOf));
    one(".told", dialog).replaceChildren(...told(figure));
    dialog.showModal();
    dialog.focus(); /* so that Space plays and does not close */
    all("video", dialog).forEach(clock.join);
  };
  dialog.addEventListener("close", () => {
    all("video", dialog).forEach(clock.leave);
    one(".pair", dialog).replaceChildren();
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  document.addEventListener("click", (event) => {
    const stage = event.target.closest(".card button.stage");
    if (stage) show(stage.closest("figure"));
  });
  return { show };
})();
