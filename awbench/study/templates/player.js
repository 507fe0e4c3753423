/* One button plays left, right and driver in step; told(times) after each pass in which left and right both reached their end. */
"use strict";
const makePlayer = ({ left, right, driver, play, replay, loop, speed, told, failed }) => {
  const judged = [left, right], all = [left, right, driver];
  const farS = 0.25; /* more than this is jumped, less is caught up by rate */
  const state = { playing: false, resting: 0, opened: 0, whole: false, passes: 0 };

  const word = () => {
    const text = state.playing ? "Pause" : state.passes && atEnd() ? "Play again" : "Play";
    if (play.textContent !== text) play.textContent = text;
  };
  const atEnd = () => judged.every((video) => video.ended);
  const pause = () => { state.playing = false; all.forEach((video) => video.pause()); word(); };
  const rewind = () => {
    state.whole = true;
    state.resting = 0;
    all.forEach((video) => { video.pause(); if (video.currentTime > 0) video.currentTime = 0; });
  };
  const start = () => {
    if (atEnd()) rewind();
    state.playing = true;
    word();
    all.forEach(run); /* within the touch: some phones insist on one */
  };
  const run = (video) => {
    if (!video.paused || video.ended) return;
    video.play().catch((error) => { if (error.name === "NotAllowedError") pause(); });
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
    const late = judged.filter(stalled);
    if (late.length) { /* nobody runs ahead of one that loads; some phones load only what is told to play */
      late.forEach(run);
      return judged.forEach((video) => { if (!late.includes(video)) video.pause(); });
    }
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
    all.forEach((video, place) => {
      video.muted = true; /* Safari plays without a touch only what was muted by script */
      video.preload = "auto";
      video.src = sources[place];
      video.load();
    });
    word();
  };
  judged.forEach((video) => video.addEventListener("error", () => { if (video.getAttribute("src")) { pause(); failed(); } }));
  play.addEventListener("click", toggle);
  replay.addEventListener("click", again);
  loop.addEventListener("click", () => loop.setAttribute("aria-pressed", String(loop.getAttribute("aria-pressed") !== "true")));
  document.addEventListener("visibilitychange", () => { if (document.hidden) pause(); }); /* unseen is not watched */
  requestAnimationFrame(tick);
  return { open, toggle, again, pause };
};
