/* One button plays left, right and driver in step. told(times) after each pass in which left and right both reached their end; trouble(word)
   when that changes: "" all is well, "loading" they wait for one, "broken" one does not come, "stopped" the browser does not let them play. */
"use strict";
const makePlayer = ({ left, right, driver, play, replay, loop, speed, told, trouble, reload }) => {
  const judged = [left, right], all = [left, right, driver];
  const farS = 0.25; /* more than this is jumped, less is caught up by rate */
  const quietMs = 500, patienceMs = 20000; /* a wait is told after the one, given up after the other */
  const state = { playing: false, resting: 0, whole: false, passes: 0, late: 0, trouble: "" };

  const word = () => {
    const text = state.trouble === "broken" ? "Try again" : state.playing ? "Pause" : state.passes && atEnd() ? "Play again" : "Play";
    if (play.textContent !== text) play.textContent = text;
  };
  const tell = (name) => { if (state.trouble !== name) { state.trouble = name; word(); trouble(name); } };
  const atEnd = () => judged.every((video) => video.ended);
  const pause = () => {
    state.playing = false;
    state.late = 0;
    all.forEach((video) => video.pause());
    if (state.trouble === "loading") tell("");
    word();
  };
  const fail = () => { pause(); tell("broken"); };
  const rewind = () => {
    state.whole = true;
    state.resting = 0;
    all.forEach((video) => { video.pause(); if (video.currentTime > 0) video.currentTime = 0; });
  };
  const start = () => {
    if (state.trouble === "broken") reload();
    if (atEnd()) rewind();
    state.playing = true;
    tell("");
    word();
    all.forEach(run); /* within the touch: some phones insist on one */
  };
  const run = (video) => {
    if (!video.paused || video.ended) return;
    video.play().catch((error) => { if (error.name === "NotAllowedError") { pause(); tell("stopped"); } });
  };
  const nearEnd = (video) => video.currentTime > video.duration - 0.15; /* there is nothing more to load */
  const stalled = (video) => !video.ended && (video.seeking || (video.readyState < 3 && !nearEnd(video)));
  const follow = (video, time) => {
    if (video.ended || video.seeking || video.readyState < 2) return;
    const off = video.currentTime - time;
    if (Math.abs(off) > farS && time < video.duration) video.currentTime = time;
    video.playbackRate = Number(speed.value) * Math.min(1.3, Math.max(0.7, 1 - 2 * off));
    run(video);
  };
  const wait = (late, now) => { /* nobody runs ahead of one that loads; some phones load only what is told to play */
    state.late ||= now;
    if (now - state.late > patienceMs) return fail();
    if (now - state.late > quietMs) tell("loading");
    late.forEach(run);
    all.forEach((video) => { if (!late.includes(video)) video.pause(); });
  };
  const finish = (now) => {
    if (!state.resting) {
      state.resting = now;
      if (state.whole) { state.passes += 1; told([1, 1]); }
      state.whole = false;
    }
    if (loop.getAttribute("aria-pressed") !== "true") return pause();
    if (now - state.resting > 500) rewind(); /* the last frame rests before the loop */
  };
  const tick = (now) => {
    requestAnimationFrame(tick);
    if (!state.playing) return;
    if (atEnd()) return finish(now);
    const late = all.filter(stalled);
    if (late.length) return wait(late, now);
    state.late = 0;
    tell("");
    const lead = judged.find((video) => !video.ended);
    lead.playbackRate = Number(speed.value);
    run(lead);
    all.forEach((video) => { if (video !== lead) follow(video, lead.currentTime); });
  };
  const toggle = () => (state.playing ? pause() : start());
  const again = () => { rewind(); start(); };
  const open = (sources) => { /* [left, right, driver] */
    pause();
    Object.assign(state, { whole: true, passes: 0, resting: 0 });
    tell("");
    all.forEach((video, place) => {
      video.muted = true; /* Safari plays without a touch only what was muted by script */
      video.preload = "auto";
      video.src = sources[place];
      video.load();
    });
    word();
  };
  all.forEach((video) => video.addEventListener("error", () => { if (video.getAttribute("src")) fail(); }));
  play.addEventListener("click", toggle);
  replay.addEventListener("click", again);
  loop.addEventListener("click", () => loop.setAttribute("aria-pressed", String(loop.getAttribute("aria-pressed") !== "true")));
  document.addEventListener("visibilitychange", () => { if (document.hidden) pause(); }); /* unseen is not watched */
  requestAnimationFrame(tick);
  return { open, toggle, again, pause, fail };
};
