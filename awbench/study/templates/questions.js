/* The questions, each a row of three answers; the current row is the one that keys speak to. chosen(question, answer, by key or not). */
"use strict";
const makeQuestions = ({ into, questions, chosen }) => {
  const ANSWERS = [["left", "Left better"], ["same", "About the same"], ["right", "Right better"]];
  const ids = questions.map(({ id }) => id);
  let current = 0, ready = false;

  const make = (tag, attributes = {}, ...inside) => {
    const node = document.createElement(tag);
    Object.entries(attributes).forEach(([name, value]) => node.setAttribute(name, value));
    node.append(...inside);
    return node;
  };
  const buttonOf = (place) => ([answer, label], number) => {
    const button = make("button", { type: "button", "data-answer": answer, "aria-pressed": "false" }, label, " ", make("kbd", { "aria-hidden": "true" }, String(number + 1)));
    button.addEventListener("click", () => chosen(ids[place], answer, false));
    return button;
  };
  const rows = questions.map(({ id, text, hint }, place) => {
    const row = make("div", { class: "question", role: "group", tabindex: "-1", id: `q-${id}`, "aria-labelledby": `t-${id}`, "aria-describedby": `d-${id}` },
      make("h2", { id: `t-${id}` }, text), make("p", { id: `d-${id}` }, hint ?? ""), make("div", { class: "answers" }, ...ANSWERS.map(buttonOf(place))));
    row.addEventListener("focusin", () => turn(place));
    return row;
  });
  into.replaceChildren(...rows);

  const turn = (place) => {
    current = place;
    rows.forEach((row, each) => row.classList.toggle("current", each === current && ready));
  };
  const open = (answers) => ids.filter((id) => !answers[id]);
  const paint = (answers, may) => { /* `may`: whether answers are taken yet */
    ready = may;
    rows.forEach((row, place) => row.querySelectorAll("button").forEach((button) => {
      button.disabled = !ready;
      button.setAttribute("aria-pressed", String(answers[ids[place]] === button.dataset.answer));
    }));
    turn(current);
  };
  return {
    paint, open,
    key: (number) => { const answer = ANSWERS[number - 1]; if (answer) chosen(ids[current], answer[0], true); return Boolean(answer); },
    turn: (id) => turn(Math.max(0, ids.indexOf(id))),
    focus: (id) => rows[ids.indexOf(id)].focus(),
    step: (by) => rows[Math.min(rows.length - 1, Math.max(0, current + by))].focus(),
  };
};
