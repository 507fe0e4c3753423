"use strict";
/* Three small parts: tables that sort and switch, cards that filter, and one clock that every visible video follows. */
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (selector, root = document) => root.querySelector(selector);

  /* ---- tables ------------------------------------------------------------------------------------------------ */
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
  all("table[data-sortable]").forEach((table) => {
    all("thead th", table).forEach((head, column) => {
      const button = one("button", head);
      if (!button) return;
      button.addEventListener("click", () => {
        const first = one("tbody:not([hidden]) tr", table); /* the first click puts the best on top: names and errors rise */
        const rising = column === 0 || (first && "lower" in first.children[column].dataset);
        const down = head.getAttribute("aria-sort") === "descending" || (rising && !head.hasAttribute("aria-sort"));
        all("thead th", table).forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "ascending" : "descending");
        [...table.tBodies].forEach((body) => sortBody(body, column, down ? 1 : -1));
      });
    });
  });
  all("select[data-switch]").forEach((select) => {
    const bodies = all(`#${select.dataset.switch} tbody`);
    const show = () => bodies.forEach((body) => { body.hidden = body.dataset.group !== select.value; });
    select.addEventListener("change", show);
    show(); /* a reload keeps the browser's own choice */
  });

  /* ---- cards ------------------------------------------------------------------------------------------------- */
  const list = one("#cards");
  if (!list) return;
  const cards = all(".card", list).map((node, index) => ({
    node, index, tags: JSON.parse(node.dataset.tags), order: JSON.parse(node.dataset.order),
  }));
  const filter = one("#filter"), order = one("#order"), metric = one("#metric"), found = one("#found");
  const arrange = () => {
    const tag = filter ? filter.value : "", name = metric ? metric.value : "";
    const key = order && order.value === "disagreement" ? (card) => -(card.order[name] ?? -1) : (card) => card.index;
    [...cards].sort((a, b) => key(a) - key(b) || a.index - b.index).forEach((card) => list.append(card.node));
    cards.forEach((card) => { card.node.hidden = tag !== "" && !card.tags.includes(tag); });
    const shown = cards.filter((card) => !card.node.hidden).length;
    if (found) found.textContent = shown === cards.length ? `${shown} shown` : `${shown} of ${cards.length} shown`;
    all("[data-notes]", list).forEach((node) => {
      const text = JSON.parse(node.dataset.notes)[name] ?? "";
      node.textContent = text.length > 28 ? `${text.slice(0, 27)}…` : text;
      node.title = text;
    });
  };
  [filter, order, metric].forEach((select) => select && select.addEventListener("change", arrange));
  arrange();

  /* ---- the clock --------------------------------------------------------------------------------------------- */
  const player = one(".player");
  const frames = Number(player.dataset.frames), step = 1 / Number(player.dataset.fps), length = frames * step;
  const restS = Math.min(0.5, length / 2); /* the last frame rests before the loop: short clips read better */
  const go = one("#go"), scrub = one("#scrub"), speed = one("#speed"), readout = one("#readout");
  const live = new Set();
  const clock = { time: 0, playing: !matchMedia("(prefers-reduced-motion: reduce)").matches, waiting: 0, before: performance.now() };
  const frameAt = (time) => Math.min(frames - 1, Math.max(0, Math.floor(time / step + 1e-6)));
  const middle = (frame) => (frame + 0.5) * step;

  const slackS = Math.max(0.15, 1.5 * step); /* more than this is not caught up by playing faster or slower */
  const lead = new WeakMap(); /* how far ahead of the clock to seek: what the last seek of that video took */
  const seek = (video, time) => {
    const begun = performance.now();
    video.addEventListener("seeked", () => lead.set(video, Math.min(2, (1.5 * (performance.now() - begun)) / 1000)), { once: true });
    video.currentTime = time;
  };
  const restart = (now) => { /* all that are loaded go to the first frame and leave it together */
    clock.time = 0;
    clock.waiting = now;
    live.forEach((video) => {
      if (video.readyState < 2) return; /* seeking while it loads would only delay it */
      video.pause();
      seek(video, 0);
    });
  };
  const play = (video, off) => {
    const rate = Number(speed.value), ahead = rate * (lead.get(video) ?? 0.2);
    if (off < -slackS || off > slackS + 2 * ahead) { /* jump to where the clock will be; too late for that, it joins at the next start */
      if (clock.time + ahead < length - step) seek(video, clock.time + ahead);
      else video.pause();
    } else if (off > slackS) {
      video.pause(); /* the clock comes to it */
    } else {
      video.playbackRate = rate * Math.min(1.5, Math.max(0.5, 1 - 3 * off));
      if (video.paused) video.play().catch((error) => { if (error.name === "NotAllowedError") clock.playing = false; });
    }
  };
  const follow = (video) => {
    if (video.readyState < 2 || video.seeking) return;
    const moving = clock.playing && !clock.waiting && clock.time < length - step;
    if (moving && !video.ended) return play(video, video.currentTime - clock.time);
    if (!video.paused) video.pause();
    if (frameAt(video.currentTime) !== frameAt(clock.time) && !clock.waiting) seek(video, middle(frameAt(clock.time)));
  };
  const tick = (now) => {
    const passed = Math.min((now - clock.before) / 1000, 0.25);
    clock.before = now;
    if (clock.waiting) {
      const ready = [...live].every((video) => !video.seeking);
      if (ready || now - clock.waiting > 400) clock.waiting = 0;
    } else if (clock.playing) {
      clock.time += passed * Number(speed.value);
      if (clock.time >= length + restS * Number(speed.value)) restart(now);
    }
    live.forEach(follow);
    const frame = frameAt(clock.time);
    if (document.activeElement !== scrub || clock.playing) scrub.value = String(frame);
    const text = `frame ${frame + 1}/${frames} · ${(frame * step).toFixed(2)} s`;
    if (readout.textContent !== text) readout.textContent = text;
    go.textContent = clock.playing ? "❚❚ Pause" : "▶ Play";
    requestAnimationFrame(tick);
  };
  const toggle = () => { clock.playing = !clock.playing; if (clock.playing && clock.time >= length - step) restart(performance.now()); };
  const showFrame = (frame) => { clock.playing = false; clock.waiting = 0; clock.time = middle((frame + frames) % frames); };

  const watcher = new IntersectionObserver((entries) => entries.forEach((entry) => {
    all("video[data-src]", entry.target).forEach((video) => {
      if (entry.isIntersecting && !live.has(video)) {
        live.add(video);
        video.src = video.dataset.src;
        video.preload = "auto";
        video.load();
      } else if (!entry.isIntersecting && live.delete(video)) { /* hand the decoder back: browsers allow only so many */
        video.pause();
        video.removeAttribute("src");
        video.load();
      }
    });
  }), { rootMargin: "300px 0px" });
  cards.forEach((card) => watcher.observe(card.node));
  list.addEventListener("error", (event) => {
    if (event.target.tagName === "VIDEO" && event.target.hasAttribute("src")) {
      event.target.closest(".stage").classList.add("empty");
      const note = document.createElement("span");
      note.className = "why";
      note.textContent = "this browser cannot play the file";
      event.target.replaceWith(note);
    }
  }, true);

  go.addEventListener("click", toggle);
  scrub.addEventListener("input", () => showFrame(Number(scrub.value)));
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, select, textarea, button, summary, a, .scroll");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " ") toggle();
    else if (event.key === "ArrowRight") showFrame(frameAt(clock.time) + 1);
    else if (event.key === "ArrowLeft") showFrame(frameAt(clock.time) - 1);
    else return;
    event.preventDefault();
  });
  requestAnimationFrame(tick);
})();
