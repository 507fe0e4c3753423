/* The study: who votes, on what, and what was answered. State lives in localStorage by study, rater and slot; votes leave by the outbox. */
"use strict";
(async () => {
  const one = (selector) => document.querySelector(selector);
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
  let forgetful = false, elsewhere = false, exported = false; /* nothing is kept; another tab votes; the file has what was answered */
  const write = (name, value) => {
    try { localStorage.setItem(name, JSON.stringify(value)); } catch { forgetful = one("#resume").hidden = true; warn(noStorage); }
  };
  const show = (name) => ["welcome", "trial", "done"].forEach((each) => { one(`#${each}`).hidden = each !== name; });
  const nameKey = `study:${study.study}:rater`;
  const given = ["PROLIFIC_PID", "workerId", "rater"].map((name) => asked.get(name)).find((value) => value && value.trim());
  const hashed = (text) => { /* FNV-1a */
    let hash = 0x811c9dc5;
    for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
    return hash;
  };
  const slotOf = (rater) => (asked.has("slot") ? Number(asked.get("slot")) : hashed(rater) % study.slots);
  const clean = (text) => [...text.replace(/\s+/g, " ").replace(/\p{C}/gu, "").trim()].slice(0, 100).join("").trim(); /* as the server takes it */

  let rater = "", slot = 0, trials = [], key = "", kept = null, view = 0, draft = null, clock = 0, outbox = null;
  const settled = (trial) => Boolean(kept.votes[trial.trial] || kept.skipped[trial.trial]);
  const furthest = () => { const place = trials.findIndex((trial) => !settled(trial)); return place < 0 ? trials.length : place; };
  const save = () => { if (!elsewhere) write(key, kept); };

  /* ---- seconds: only while the page is seen */
  const tally = () => {
    if (draft && clock) draft.seconds += (performance.now() - clock) / 1000;
    clock = document.hidden ? 0 : performance.now();
  };
  document.addEventListener("visibilitychange", () => { if (!draft) return; tally(); kept.drafts[draft.trial] = draft; save(); });

  /* ---- one trial */
  let trouble = "";
  const TROUBLES = {
    loading: "Loading the videos …",
    stopped: "Your browser stopped the videos: press Play again.",
    broken: "The picture or a video does not load. Try again; if that does not help, skip this one.",
  };
  const player = makePlayer({
    left: one("#left"), right: one("#right"), driver: one("#driver"), play: one("#play"), replay: one("#replay"), loop: one("#loop"),
    speed: one("#speed"),
    told: ([left, right]) => { draft.watched = [draft.watched[0] + left, draft.watched[1] + right]; keep(); paint(); },
    trouble: (name) => { trouble = name; if (draft) paint(); },
    reload: () => load(trials[view]),
  });
  one("#reference").addEventListener("error", player.fail);
  const load = (trial) => { /* first the picture, which the player may then find wanting */
    one("#reference").src = trial.reference;
    player.open([trial.left, trial.right, trial.driver]);
  };
  const tooEarly = "Play both videos to the end once, then answer.";
  const watched = () => draft.watched.every((times) => times > 0);
  const complete = () => watched() && !form.open(draft.answers).length;
  const hint = (text, urgent = false) => {
    if (one("#hint").textContent !== text) one("#hint").textContent = text;
    one("#hint").classList.toggle("urgent", urgent);
  };
  const keep = () => { tally(); kept.drafts[draft.trial] = draft; save(); };

  const paint = () => {
    const open = form.open(draft.answers).length;
    form.paint(draft.answers, watched());
    ["left", "right"].forEach((side, place) => { one(`#${side}-seen`).textContent = draft.watched[place] ? "✓ watched" : ""; });
    const due = !watched() ? tooEarly : open ? `${open} of ${study.questions.length} questions to answer.` : "Ready: Next, or change an answer.";
    hint(TROUBLES[trouble] ?? due, trouble === "broken" || trouble === "stopped");
    one("#skip").hidden = trouble !== "broken";
    one("#next").disabled = !complete();
    one("#back").disabled = !(view > 0 && view === furthest());
  };
  const choose = (id, answer, byKey) => {
    if (!watched()) return hint(TROUBLES[trouble] ?? tooEarly, true);
    draft.answers[id] = answer;
    const [next] = form.open(draft.answers);
    form.turn(next ?? id);
    keep();
    paint();
    if (byKey && next) form.focus(next);
    else if (byKey) one("#next").focus();
  };
  const form = makeQuestions({ into: one("#rows"), questions: study.questions, chosen: choose });
  const shape = () => {
    const { width, height } = study.clip;
    one("#stage").style.setProperty("--shape", `${width} / ${height}`);
    one("#stage").style.setProperty("--ratio", String(width / height));
  };
  let coming = [];
  const fetchAhead = (trial) => {
    coming.forEach((video) => { video.removeAttribute("src"); video.load(); }); /* browsers allow some dozens of players */
    coming = trial ? [trial.left, trial.right, trial.driver].map((link) => Object.assign(document.createElement("video"), { muted: true, preload: "auto", src: link })) : [];
  };
  const open = (place) => {
    view = place;
    if (place >= trials.length) return finish();
    const trial = trials[place], before = kept.votes[trial.trial];
    draft = kept.drafts[trial.trial] ?? { trial: trial.trial, answers: { ...(before?.answers ?? {}) }, watched: [...(before?.watched ?? [0, 0])], seconds: before?.seconds ?? 0 };
    clock = document.hidden ? 0 : performance.now();
    form.turn(form.open(draft.answers)[0]);
    show("trial");
    load(trial);
    one("#progress").textContent = `Comparison ${place + 1} of ${trials.length}`;
    one("#bar").max = trials.length;
    one("#bar").value = furthest();
    paint();
    one("#play").focus({ preventScroll: true });
    scrollTo(0, 0);
    fetchAhead(trials[place + 1]);
  };
  const leave = () => { delete kept.drafts[draft.trial]; draft = null; save(); outbox.send(); open(furthest()); };
  const submit = () => {
    if (!complete()) return paint();
    tally();
    const vote = { trial: draft.trial, answers: draft.answers, seconds: Math.round(draft.seconds * 10) / 10, watched: draft.watched, at: new Date().toISOString() };
    const before = kept.votes[draft.trial];
    const changed = !before || study.questions.some(({ id }) => before.answers[id] !== vote.answers[id]);
    if (changed) { kept.votes[draft.trial] = vote; exported = false; }
    leave();
  };
  const back = () => { if (view > 0 && view === furthest()) { if (draft) keep(); delete kept.skipped[trials[view - 1].trial]; open(view - 1); } };

  /* ---- the votes as they leave */
  const left = () => { exported = true; tellDone(); };
  const save_as = () => {
    const link = Object.assign(document.createElement("a"), { download: `votes-${study.study}-${slot}-${hashed(rater).toString(16)}.json`, href: URL.createObjectURL(new Blob([outbox.text()], { type: "application/json" })) });
    document.body.append(link);
    link.click();
    left();
    setTimeout(() => { URL.revokeObjectURL(link.href); link.remove(); }, 1000);
  };
  const copy = async () => {
    one("#text").select();
    let done = false;
    try { await navigator.clipboard.writeText(one("#text").value); done = true; } catch { done = document.execCommand("copy"); }
    if (done) left();
    one("#copy").textContent = done ? "Copied" : "Select the text below and copy it";
  };

  /* ---- the end */
  const tellDone = () => {
    const unsent = outbox.unsent().length, refused = Object.keys(kept.refused).length, count = Object.keys(kept.votes).length;
    const code = asked.get("cc") || study.completion_code;
    const byFile = !study.submit || refused > 0, due = byFile ? !exported : unsent > 0;
    const send = "send the file to whoever invited you.", codeLater = code && due ? " Your completion code then appears here." : "";
    const words = refused && due ? `Some answers were not taken. Please download your votes and ${send}`
      : byFile ? (due ? `Please download your ${count} answers and ${send}` : `Now ${send}`)
        : unsent ? `${unsent} of ${count} answers are not sent yet: please keep this page open, or download your votes and ${send}` : `All ${count} answers are stored. You may close this page.`;
    const say = (selector, text) => { if (one(selector).textContent !== text) one(selector).textContent = text; };
    say("#done h1", due ? "One last step" : "All done. Thank you!");
    say("#told", words + codeLater);
    say("#code strong", code || "");
    one("#code").hidden = !code || due;
    one("#download").classList.toggle("go", due);
  };
  const finish = () => {
    player.pause();
    show("done");
    one("#text").value = outbox.text();
    tellDone();
    one("#done h1").focus();
    scrollTo(0, 0);
  };

  /* ---- keys */
  document.addEventListener("keydown", (event) => {
    if (one("#trial").hidden || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const digit = /^(?:Digit|Numpad)([1-3])$/.exec(event.code)?.[1] ?? event.key; /* digits stand behind a shift on French keyboards */
    if (form.key(Number(digit))) { /* an answer, where the speed has the focus too */ }
    else if (event.target.closest("select")) return;
    else if (event.key === " " && !event.target.closest("button")) player.toggle();
    else if (event.key.toLowerCase() === "r" || event.code === "KeyR") player.again();
    else if (event.key === "Backspace") back();
    else if (event.key === "ArrowUp" || event.key === "ArrowDown") form.step(event.key === "ArrowUp" ? -1 : 1);
    else if (event.key === "Enter" && !event.target.closest("button")) submit();
    else return;
    event.preventDefault();
  });
  one("#questions").addEventListener("submit", (event) => { event.preventDefault(); submit(); });
  one("#back").addEventListener("click", back);
  one("#again").addEventListener("click", back);
  one("#skip").addEventListener("click", () => { kept.skipped[draft.trial] = "the picture or a video did not load"; leave(); });
  one("#other").addEventListener("click", () => { write(nameKey, null); location.reload(); });
  one("#download").addEventListener("click", save_as);
  one("#copy").addEventListener("click", copy);
  one("#text").addEventListener("copy", left);
  addEventListener("beforeunload", (event) => {
    const unsaved = forgetful && kept && Object.keys(kept.votes).length > 0 && !exported;
    if (unsaved || (!one("#done").hidden && outbox.unsent().length)) event.preventDefault();
  });
  addEventListener("storage", (event) => { /* two tabs would write over each other's votes: the one that wrote last goes on */
    if (!kept || event.key !== key) return;
    elsewhere = true;
    player.pause();
    show("none");
    warn("This study goes on in another tab or window. To continue here, close that one and reload this page.");
  });

  /* ---- the beginning */
  const trialsOf = (slot) => new Promise((done) => { /* as a script: those can be read from a disk too */
    const script = Object.assign(document.createElement("script"), { src: `slots/${slot}.js`, onload: () => done(window.studySlot), onerror: () => done(null) });
    document.head.append(script);
  });
  const begin = async (name) => {
    rater = clean(name);
    slot = slotOf(rater);
    one("#start").disabled = true;
    trials = await trialsOf(slot);
    one("#start").disabled = false;
    if (!trials) return warn("The comparisons do not load: check your connection and reload this page.");
    key = `study:${study.study}:${rater}:${slot}`;
    kept = { votes: {}, skipped: {}, acknowledged: {}, tried: {}, refused: {}, drafts: {}, ...(read(key) ?? {}) };
    outbox = makeOutbox({
      study, rater, slot, trials, kept, save,
      changed: (words) => { if (one("#sending").textContent !== words) one("#sending").textContent = words; if (!one("#done").hidden) tellDone(); },
      refused: () => warn("An answer was not accepted by the server: please download your votes at the end and send the file."),
    });
    save();
    if (!given) write(nameKey, rater);
    one("#who").hidden = Boolean(given);
    one("#who b").textContent = rater;
    shape();
    outbox.send();
    open(furthest());
  };
  if (!(Number.isInteger(slotOf("")) && slotOf("") >= 0 && slotOf("") < study.slots)) {
    warn(`This link asks for slot ${asked.get("slot")}, the study has 0 to ${study.slots - 1}: please ask for another link.`);
    return;
  }
  write(`study:${study.study}:probe`, 1);
  const known = given ?? read(nameKey);
  if (known && read(`study:${study.study}:${clean(known)}:${slotOf(clean(known))}`)) return begin(known); /* back after a reload */
  one("#ask").hidden = Boolean(given);
  one("#rater").required = !given;
  one("#rater").value = known ?? "";
  const count = study.trials, minutes = Math.max(1, Math.round((count * (2 * study.clip.seconds + 8)) / 60));
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
