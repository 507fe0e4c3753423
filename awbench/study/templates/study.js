/* The study: who votes, on what, what was answered, and where it goes. State lives in localStorage by study, rater and slot. */
"use strict";
(async () => {
  const one = (selector) => document.querySelector(selector);
  const make = (tag, attributes = {}, ...inside) => {
    const node = document.createElement(tag);
    Object.entries(attributes).forEach(([name, value]) => node.setAttribute(name, value));
    node.append(...inside);
    return node;
  };
  const ANSWERS = [["left", "Left better"], ["same", "About the same"], ["right", "Right better"]];
  const asked = new URLSearchParams(location.search);
  const study = await (async () => { /* the served copy says whether votes can be sent; a page from a disk has its own only */
    const own = JSON.parse(one("#study").textContent);
    if (!location.protocol.startsWith("http")) return own;
    try {
      const answer = await fetch("study.json", { cache: "no-store" });
      const served = answer.ok ? await answer.json() : own;
      return served.study === own.study ? served : own;
    } catch { return own; }
  })();

  /* ---- what is kept */
  const warn = (text) => { one("#notice").textContent = text; one("#notice").hidden = !text; };
  const noStorage = "This browser does not keep your answers: do not reload or close this page before you have downloaded them at the end.";
  const read = (name) => { try { return JSON.parse(localStorage.getItem(name)); } catch { return null; } };
  const write = (name, value) => {
    try { localStorage.setItem(name, JSON.stringify(value)); return true; } catch { warn(noStorage); return false; }
  };
  const show = (name) => ["welcome", "trial", "done"].forEach((each) => { one(`#${each}`).hidden = each !== name; });
  const nameKey = `study:${study.study}:rater`;
  const given = ["PROLIFIC_PID", "workerId", "rater"].map((name) => asked.get(name)).find((value) => value && value.trim());
  const hashed = (text) => { /* FNV-1a */
    let hash = 0x811c9dc5;
    for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
    return hash;
  };
  const slotOf = (rater) => (asked.has("slot") ? Number(asked.get("slot")) : hashed(rater) % study.slots.length);
  const clean = (text) => text.trim().replace(/\s+/g, " ").slice(0, 100);

  let rater = "", slot = 0, trials = [], key = "", kept = null, view = 0, questions = [], current = 0, draft = null, clock = 0;
  const settled = (trial) => Boolean(kept.votes[trial.trial] || kept.skipped[trial.trial]);
  const furthest = () => { const place = trials.findIndex((trial) => !settled(trial)); return place < 0 ? trials.length : place; };
  const save = () => write(key, kept);

  /* ---- seconds: only while the page is seen */
  const tally = () => {
    if (draft && clock) draft.seconds += (performance.now() - clock) / 1000;
    clock = document.hidden ? 0 : performance.now();
  };
  document.addEventListener("visibilitychange", () => { if (!draft) return; tally(); kept.drafts[draft.trial] = draft; save(); });

  /* ---- one trial */
  const player = makePlayer({
    left: one("#left"), right: one("#right"), driver: one("#driver"), play: one("#play"), replay: one("#replay"), loop: one("#loop"),
    speed: one("#speed"),
    told: ([left, right]) => { draft.watched = [draft.watched[0] + left, draft.watched[1] + right]; keep(); paint(); },
    failed: () => { one("#skip").hidden = false; hint("One of the videos does not play here. Reload the page; if that does not help, skip.", true); },
  });
  const watched = () => draft.watched.every((times) => times > 0);
  const complete = () => watched() && questions.every(({ id }) => draft.answers[id]);
  const hint = (text, urgent = false) => {
    if (one("#hint").textContent !== text) one("#hint").textContent = text;
    one("#hint").classList.toggle("urgent", urgent);
  };
  const keep = () => { tally(); kept.drafts[draft.trial] = draft; save(); };

  const build = () => {
    questions = study.questions;
    one("#rows").replaceChildren(...questions.map(({ id, text, hint: more }, place) => {
      const buttons = ANSWERS.map(([answer, label], number) => {
        const button = make("button", { type: "button", "data-answer": answer, "aria-pressed": "false" }, label, " ", make("kbd", { "aria-hidden": "true" }, String(number + 1)));
        button.addEventListener("click", () => choose(place, answer, false));
        return button;
      });
      const row = make("div", { class: "question", role: "group", tabindex: "-1", id: `q-${id}`, "aria-labelledby": `t-${id}`, "aria-describedby": `d-${id}` },
        make("h2", { id: `t-${id}` }, text), make("p", { id: `d-${id}` }, more ?? ""), make("div", { class: "answers" }, ...buttons));
      row.addEventListener("focusin", () => { current = place; mark(); });
      return row;
    }));
  };
  const rows = () => [...one("#rows").children];
  const mark = () => rows().forEach((row, place) => row.classList.toggle("current", place === current && watched()));
  const paint = () => {
    const ready = watched();
    rows().forEach((row, place) => row.querySelectorAll("button").forEach((button) => {
      button.disabled = !ready;
      button.setAttribute("aria-pressed", String(draft.answers[questions[place].id] === button.dataset.answer));
    }));
    mark();
    ["left", "right"].forEach((side, place) => { one(`#${side}-seen`).textContent = draft.watched[place] ? "✓ watched" : ""; });
    const open = questions.filter(({ id }) => !draft.answers[id]).length;
    hint(!ready ? "Play both videos to the end once, then answer." : open ? `${open} of ${questions.length} questions to answer.` : "Ready: Next, or change an answer.");
    one("#next").disabled = !complete();
    one("#back").disabled = !(view > 0 && view === furthest());
  };
  const choose = (place, answer, byKey) => {
    if (!watched()) return hint("Play both videos to the end once, then answer.", true);
    draft.answers[questions[place].id] = answer;
    current = place;
    const next = questions.findIndex(({ id }) => !draft.answers[id]);
    if (next >= 0) current = next;
    keep();
    paint();
    if (byKey) (next < 0 ? one("#next") : rows()[next]).focus();
  };
  const shape = () => {
    const { width, height } = study.clip;
    one("#stage").style.setProperty("--shape", `${width} / ${height}`);
    one("#stage").style.setProperty("--ratio", String(width / height));
  };
  let coming = [];
  const fetchAhead = (trial) => {
    coming = trial ? [trial.left, trial.right, trial.driver].map((link) => Object.assign(document.createElement("video"), { muted: true, preload: "auto", src: link })) : [];
  };
  const open = (place) => {
    view = place;
    if (place >= trials.length) return finish();
    const trial = trials[place], before = kept.votes[trial.trial];
    draft = kept.drafts[trial.trial] ?? { trial: trial.trial, answers: { ...(before?.answers ?? {}) }, watched: [...(before?.watched ?? [0, 0])], seconds: before?.seconds ?? 0 };
    clock = document.hidden ? 0 : performance.now();
    current = Math.max(0, questions.findIndex(({ id }) => !draft.answers[id]));
    show("trial");
    one("#skip").hidden = true;
    one("#reference").src = trial.reference;
    player.open([trial.left, trial.right, trial.driver]);
    one("#progress").textContent = `Comparison ${place + 1} of ${trials.length}`;
    one("#bar").max = trials.length;
    one("#bar").value = furthest();
    paint();
    one("#play").focus({ preventScroll: true });
    scrollTo(0, 0);
    fetchAhead(trials[place + 1]);
  };
  const leave = () => { delete kept.drafts[draft.trial]; draft = null; save(); send(); open(furthest()); };
  const submit = () => {
    if (!complete()) return paint();
    tally();
    const vote = { trial: draft.trial, answers: draft.answers, seconds: Math.round(draft.seconds * 10) / 10, watched: draft.watched, at: new Date().toISOString() };
    const before = kept.votes[draft.trial];
    const changed = !before || questions.some(({ id }) => before.answers[id] !== vote.answers[id]);
    if (changed) kept.votes[draft.trial] = vote;
    leave();
  };
  const back = () => { if (view > 0 && view === furthest()) { if (draft) keep(); delete kept.skipped[trials[view - 1].trial]; open(view - 1); } };

  /* ---- the votes as they leave */
  const sheet = (only) => ({
    format: "actorforge-votes-1", study: study.study, rater, slot,
    votes: trials.map(({ trial }) => kept.votes[trial]).filter((vote) => vote && (!only || only.includes(vote.trial))),
    ...(!only && Object.keys(kept.skipped).length ? { skipped: kept.skipped } : {}),
  });
  const text = () => `${JSON.stringify(sheet(), null, 1)}\n`;
  const save_as = () => {
    const link = make("a", { download: `votes-${study.study}-${slot}-${hashed(rater).toString(16)}.json`, href: URL.createObjectURL(new Blob([text()], { type: "application/json" })) });
    document.body.append(link);
    link.click();
    setTimeout(() => { URL.revokeObjectURL(link.href); link.remove(); }, 1000);
  };
  const copy = async () => {
    one("#text").select();
    let done = false;
    try { await navigator.clipboard.writeText(one("#text").value); done = true; } catch { done = document.execCommand("copy"); }
    one("#copy").textContent = done ? "Copied" : "Select the text below and copy it";
  };

  /* ---- sending: unsent votes are kept and tried again */
  let busy = false, waitMs = 1000;
  const unsent = () => trials.map(({ trial }) => trial).filter((trial) => kept.votes[trial] && kept.acknowledged[trial] !== kept.votes[trial].at && !kept.refused[trial]);
  const say = (words) => { if (one("#sending").textContent !== words) one("#sending").textContent = words; if (!one("#done").hidden) tellDone(); };
  const later = () => { setTimeout(send, waitMs); waitMs = Math.min(30000, waitMs * 2); say(`${unsent().length} not sent yet: trying again.`); };
  const body = (names) => {
    const whole = sheet(names);
    whole.votes = whole.votes.map((vote) => ((kept.tried[vote.trial] ?? vote.at) !== vote.at ? { ...vote, correction: true } : vote));
    return JSON.stringify(whole);
  };
  const send = async () => {
    if (!study.submit || busy || !kept) return;
    const names = unsent().slice(0, kept.single ? 1 : 50);
    if (!names.length) return say("");
    busy = true;
    const at = Object.fromEntries(names.map((trial) => [trial, kept.votes[trial].at]));
    try {
      const words = body(names);
      names.forEach((trial) => { kept.tried[trial] ??= at[trial]; });
      save(); /* before it leaves: an answer may never come back */
      const answer = await fetch(study.submit, { method: "POST", headers: { "Content-Type": "application/json" }, body: words });
      const said = await answer.json().catch(() => ({}));
      busy = false;
      if (answer.ok) {
        names.forEach((trial) => { kept.acknowledged[trial] = kept.tried[trial] = at[trial]; });
        waitMs = 1000;
      } else if (answer.status >= 400 && answer.status < 500) { /* it will not change its mind: find which one, tell, keep it for the file */
        if (names.length > 1) kept.single = true;
        else { kept.refused[names[0]] = said.error ?? String(answer.status); warn("An answer was not accepted by the server: please download your votes at the end and send the file."); }
      } else return later();
      save();
      say("");
      return send();
    } catch { busy = false; later(); }
  };
  addEventListener("online", send);

  /* ---- the end */
  const tellDone = () => {
    const left = study.submit ? unsent().length : 0, count = Object.keys(kept.votes).length;
    const words = !study.submit ? `${count} answers. Please download them and send the file to whoever invited you.`
      : left ? `${left} of ${count} answers are not sent yet: please keep this page open.`
        : Object.keys(kept.refused).length ? "Please download your votes and send the file to whoever invited you." : `All ${count} answers are stored. You may close this page.`;
    if (one("#told").textContent !== words) one("#told").textContent = words;
    const code = asked.get("cc") || study.completion_code;
    one("#code").hidden = !code || left > 0;
    one("#code strong").textContent = code || "";
  };
  const finish = () => {
    player.pause();
    show("done");
    one("#text").value = text();
    tellDone();
    one("#done h1").focus();
    scrollTo(0, 0);
  };

  /* ---- keys */
  document.addEventListener("keydown", (event) => {
    if (one("#trial").hidden || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.target.closest("select, input, textarea")) return;
    const answer = ANSWERS[Number(event.key) - 1];
    if (answer) choose(current, answer[0], true);
    else if (event.key === " " && !event.target.closest("button")) player.toggle();
    else if (event.key === "r" || event.key === "R") player.again();
    else if (event.key === "ArrowLeft" || event.key === "Backspace") back();
    else if (event.key === "ArrowUp" || event.key === "ArrowDown") rows()[Math.min(questions.length - 1, Math.max(0, current + (event.key === "ArrowUp" ? -1 : 1)))].focus();
    else if (event.key === "Enter" && !event.target.closest("button")) submit();
    else return;
    event.preventDefault();
  });
  one("#questions").addEventListener("submit", (event) => { event.preventDefault(); submit(); });
  one("#back").addEventListener("click", back);
  one("#again").addEventListener("click", back);
  one("#skip").addEventListener("click", () => { kept.skipped[draft.trial] = "a video did not play"; leave(); });
  one("#other").addEventListener("click", () => { localStorage.removeItem(nameKey); location.reload(); });
  one("#download").addEventListener("click", save_as);
  one("#copy").addEventListener("click", copy);

  /* ---- the beginning */
  const begin = (name) => {
    rater = clean(name);
    slot = slotOf(rater);
    trials = study.slots[slot];
    key = `study:${study.study}:${rater}:${slot}`;
    kept = { votes: {}, skipped: {}, acknowledged: {}, tried: {}, refused: {}, drafts: {}, ...(read(key) ?? {}) };
    save();
    if (!given) write(nameKey, rater);
    one("#who").hidden = Boolean(given);
    one("#who b").textContent = rater;
    build();
    shape();
    send();
    open(furthest());
  };
  if (!(Number.isInteger(slotOf("")) && slotOf("") >= 0 && slotOf("") < study.slots.length)) {
    warn(`This link asks for slot ${asked.get("slot")}, the study has 0 to ${study.slots.length - 1}: please ask for another link.`);
    return;
  }
  write(`study:${study.study}:probe`, 1);
  const known = given ?? read(nameKey);
  if (known && read(`study:${study.study}:${clean(known)}:${slotOf(clean(known))}`)) return begin(known); /* back after a reload */
  one("#ask").hidden = Boolean(given);
  one("#rater").required = !given;
  one("#rater").value = known ?? "";
  const count = study.slots[asked.has("slot") ? slotOf("") : 0].length, minutes = Math.max(1, Math.round((count * (2 * study.clip.seconds + 8)) / 60));
  one("#length").textContent = `${count} comparisons, about ${minutes} minute${minutes > 1 ? "s" : ""}.`;
  one("#enter").addEventListener("submit", (event) => {
    event.preventDefault();
    const name = clean(given ?? one("#rater").value);
    if (name.startsWith("judge:")) return warn("Please take a name that does not begin with judge: .");
    warn("");
    if (name) begin(name);
  });
  show("welcome");
})();
