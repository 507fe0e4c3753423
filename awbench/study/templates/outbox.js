/* Votes on their way out: the sheet that is exported, and, where a server takes votes, what it has not acknowledged: kept and tried again.
   `kept` is what localStorage holds of a rater; `changed(words)`: something to tell about sending, "" where nothing waits. */
"use strict";
const makeOutbox = ({ study, rater, slot, trials, kept, save, changed, refused }) => {
  const names = trials.map(({ trial }) => trial);
  let busy = false, waitMs = 1000;

  const sheet = (only) => ({
    format: "actorforge-votes-1", study: study.study, rater, slot,
    votes: names.map((trial) => kept.votes[trial]).filter((vote) => vote && (!only || only.includes(vote.trial))),
    ...(!only && Object.keys(kept.skipped).length ? { skipped: kept.skipped } : {}),
  });
  const unsent = () => (study.submit ? names.filter((trial) => kept.votes[trial] && kept.acknowledged[trial] !== kept.votes[trial].at && !kept.refused[trial]) : []);
  const body = (some) => {
    const whole = sheet(some);
    whole.votes = whole.votes.map((vote) => ((kept.tried[vote.trial] ?? vote.at) !== vote.at ? { ...vote, correction: true } : vote));
    return JSON.stringify(whole);
  };
  const later = () => {
    setTimeout(send, waitMs);
    waitMs = Math.min(30000, waitMs * 2);
    changed(`${unsent().length} not sent yet: trying again.`);
  };
  const send = async () => {
    if (busy) return;
    const some = unsent().slice(0, kept.single ? 1 : 50);
    if (!some.length) return changed("");
    busy = true;
    const at = Object.fromEntries(some.map((trial) => [trial, kept.votes[trial].at]));
    try {
      const words = body(some);
      some.forEach((trial) => { kept.tried[trial] ??= at[trial]; });
      save(); /* before it leaves: an answer may never come back */
      const answer = await fetch(study.submit, { method: "POST", headers: { "Content-Type": "application/json" }, body: words, signal: AbortSignal.timeout?.(20000) });
      const said = await answer.json().catch(() => ({}));
      busy = false;
      if (answer.ok) {
        some.forEach((trial) => { kept.acknowledged[trial] = kept.tried[trial] = at[trial]; });
        waitMs = 1000;
      } else if (answer.status >= 400 && answer.status < 500 && ![408, 425, 429].includes(answer.status)) { /* it will not change its mind: find which one, tell, keep it for the file */
        if (some.length > 1) kept.single = true;
        else { kept.refused[some[0]] = said.error ?? String(answer.status); refused(); }
      } else return later();
      save();
      changed("");
      return send();
    } catch { busy = false; later(); }
  };
  addEventListener("online", send);
  return { send, unsent, text: () => `${JSON.stringify(sheet(), null, 1)}\n` };
};
