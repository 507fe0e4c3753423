/* One clock that every visible video follows; a video is loaded when its card comes near, and let go when it leaves. */
const clock = (() => {
  const player = one(".player");
  if (!player) return null;
  const videos = JSON.parse(one("#videos")?.textContent ?? "{}"), blobs = new Map(); /* of a page that holds its media itself */
  const frames = Number(player.dataset.frames), step = 1 / Number(player.dataset.fps), length = frames * step;
  const restS = Math.min(0.5, length / 2); /* the last frame rests before the loop: short clips read better */
  const go = one("#go"), scrub = one("#scrub"), speed = one("#speed"), readout = one("#readout");
  const live = new Set();
  const state = { time: 0, playing: !matchMedia("(prefers-reduced-motion: reduce)").matches, waiting: 0, before: performance.now() };
  if (!state.playing) state.time = (Number(player.dataset.start) + 0.5) * step; /* what the pictures showed before the clips came */
  const frameAt = (time) => Math.min(frames - 1, Math.max(0, Math.floor(time / step + 1e-6)));
  const middle = (frame) => (frame + 0.5) * step;

  const blobOf = (key) => {
    if (!blobs.has(key)) {
      const bytes = Uint8Array.from(atob(videos[key]), (letter) => letter.charCodeAt(0));
      blobs.set(key, URL.createObjectURL(new Blob([bytes], { type: "video/mp4" })));
    }
    return blobs.get(key);
  };
  const join = (video) => {
    if (live.has(video)) return;
    live.add(video);
    const link = video.dataset.src;
    video.src = link.startsWith("#") ? blobOf(link.slice(1)) : link;
    video.preload = "auto";
    video.load();
  };
  const leave = (video) => { /* hand the decoder back: browsers allow only so many */
    if (!live.delete(video)) return;
    video.pause();
    video.removeAttribute("src");
    video.load();
  };

  const slackS = Math.max(0.15, 1.5 * step); /* more than this is not caught up by playing faster or slower */
  const lead = new WeakMap(); /* how far ahead of the clock to seek: what the last seek of that video took */
  const seek = (video, time) => {
    const begun = performance.now();
    video.addEventListener("seeked", () => lead.set(video, Math.min(2, (1.5 * (performance.now() - begun)) / 1000)), { once: true });
    video.currentTime = time;
  };
  const restart = (now) => { /* all that are loaded go to the first frame and leave it together */
    state.time = 0;
    state.waiting = now;
    live.forEach((video) => {
      if (video.readyState < 2) return; /* seeking while it loads would only delay it */
      video.pause();
      seek(video, 0);
    });
  };
  const play = (video, off) => {
    const rate = Number(speed.value), ahead = rate * (lead.get(video) ?? 0.2);
    if (off < -slackS || off > slackS + 2 * ahead) { /* jump to where the clock will be; too late for that, it joins at the next start */
      if (state.time + ahead < length - step) seek(video, state.time + ahead);
      else video.pause();
    } else if (off > slackS) {
      video.pause(); /* the clock comes to it */
    } else {
      video.playbackRate = rate * Math.min(1.5, Math.max(0.5, 1 - 3 * off));
      if (video.paused) video.play().catch((error) => { if (error.name === "NotAllowedError") state.playing = false; });
    }
  };
  const follow = (video) => {
    if (video.readyState < 2 || video.seeking) return;
    const moving = state.playing && !state.waiting && state.time < length - step;
    if (moving && !video.ended) return play(video, video.currentTime - state.time);
    if (!video.paused) video.pause();
    if (frameAt(video.currentTime) !== frameAt(state.time) && !state.waiting) seek(video, middle(frameAt(state.time)));
  };
  const advance = (now) => {
    const passed = Math.min((now - state.before) / 1000, 0.25);
    state.before = now;
    if (state.waiting) {
      const ready = [...live].every((video) => !video.seeking);
      if (ready || now - state.waiting > 400) state.waiting = 0;
    } else if (state.playing) {
      state.time += passed * Number(speed.value);
      if (state.time >= length + restS * Number(speed.value)) restart(now);
    }
  };
  const tell = () => {
    const frame = frameAt(state.time), text = `${frame + 1}/${frames} · ${(frame * step).toFixed(2)} s`;
    if (document.activeElement !== scrub || state.playing) scrub.value = String(frame);
    if (readout.textContent !== text) readout.textContent = text;
    const word = state.playing ? "❚❚ Pause" : "▶ Play";
    if (go.textContent !== word) go.textContent = word;
    player.classList.toggle("idle", live.size === 0);
  };
  const tick = (now) => {
    advance(now);
    live.forEach(follow);
    tell();
    requestAnimationFrame(tick);
  };
  const toggle = () => {
    state.playing = !state.playing;
    if (state.playing && state.time >= length - step) restart(performance.now());
  };
  const show = (frame) => { state.playing = false; state.waiting = 0; state.time = middle((frame + frames) % frames); };

  const watcher = new IntersectionObserver((entries) => entries.forEach((entry) => {
    all("video[data-src]", entry.target).forEach(entry.isIntersecting ? join : leave);
  }), { rootMargin: "300px 0px" });
  all(".card").forEach((card) => watcher.observe(card));
  document.addEventListener("error", (event) => {
    if (event.target.tagName !== "VIDEO" || !event.target.hasAttribute("src")) return;
    event.target.closest(".stage").classList.add("empty");
    event.target.replaceWith(make("span", { class: "why" }, "this browser cannot play the file"));
  }, true);

  const printed = []; /* paper shows the pictures that stand for the clips */
  window.addEventListener("beforeprint", () => { printed.push(...live); printed.forEach(leave); });
  window.addEventListener("afterprint", () => printed.splice(0).forEach(join));

  go.addEventListener("click", toggle);
  scrub.addEventListener("input", () => show(Number(scrub.value)));
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, select, textarea, button:not(.stage), summary, a, .scroll");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " ") toggle();
    else if (event.key === "ArrowRight") show(frameAt(state.time) + 1);
    else if (event.key === "ArrowLeft") show(frameAt(state.time) - 1);
    else return;
    event.preventDefault();
  });
  requestAnimationFrame(tick);
  return { join, leave };
})();
