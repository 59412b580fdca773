// Plays a moment in a loop, from the best source that the browser can play.

const listening = new WeakMap();
let looping = localStorage.getItem("vifi-loop") !== "off";

export const isLooping = () => looping;

export function setLooping(on) {
  looping = on;
  localStorage.setItem("vifi-loop", on ? "on" : "off");
}

export async function play(video, address, say) {
  stop(video);
  const listeners = new AbortController();
  listening.set(video, listeners);
  say("");
  let answer;
  try {
    answer = await (await fetch(address, { signal: listeners.signal })).json();
  } catch {
    answer = { problem: "The server does not answer. Is vifi serve still running?" };
  }
  if (listeners.signal.aborted) return;
  if (answer.problem) return say(answer.problem);
  let number = 0;

  const load = () => {
    const source = answer.sources[number];
    if (!source) return say("This moment cannot be played.");
    say(source.is_encoded ? "Preparing this moment …" : "");
    video.moment = source;
    video.src = `${source.address}#t=${source.start_seconds}`;
    video.play().catch(() => {});
  };
  const other = () => { number += 1; load(); };
  const on = (name, listener) => video.addEventListener(name, listener, { signal: listeners.signal });
  on("loadedmetadata", () => {
    if (!video.videoWidth) return other();  // sound, but no picture that this browser knows
    if (!within(video)) video.currentTime = video.moment.start_seconds;
  });
  on("loadeddata", () => say(""));
  on("error", other);
  on("seeking", () => { video.left = !video.returning && !within(video); video.returning = false; });
  on("timeupdate", () => atEnd(video));
  on("ended", () => atEnd(video));
  video.left = false;
  load();
}

export function stop(video) {
  listening.get(video)?.abort();
  video.pause();
  if (!video.hasAttribute("src")) return;
  video.removeAttribute("src");
  video.load();
}

function within(video) {
  const { start_seconds, end_seconds } = video.moment;
  return video.currentTime >= start_seconds - 0.3 && video.currentTime < end_seconds;
}

function atEnd(video) {
  const { start_seconds, end_seconds } = video.moment;
  const over = video.ended || video.currentTime >= end_seconds;
  if (!over || video.left || video.seeking) return;
  if (looping) {
    video.returning = true;
    video.currentTime = start_seconds;
    if (video.paused) video.play().catch(() => {});
  } else {
    video.left = true;  // whoever plays on wants to see what comes after
    video.pause();
  }
}
