// Plays a moment above the hits in a loop, from the best source that the browser can play.

let links = [];
let current = -1;
let dialog;
let looping = localStorage.getItem("vifi-loop") !== "off";

export function openOnClick(all) {
  links = [...all];
  links.forEach((link, number) => link.addEventListener("click", (event) => {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    history.pushState({ hit: number }, "", link.href);
    open(number);
  }));
  addEventListener("popstate", (event) => (event.state?.hit >= 0 ? open(event.state.hit) : dialog?.close()));
  if (history.state?.hit >= 0 && links.length) history.replaceState(null, "");
}

export function playHere(video) {
  if (video) play(video, video.dataset.sources, () => {});
}

function open(number) {
  const link = links[number];
  if (!link) return;
  current = number;
  dialog ??= make();
  stop(dialog.video);
  dialog.video.poster = link.querySelector("img").src;
  dialog.querySelector("h2").textContent = link.dataset.name;
  dialog.querySelector(".at").textContent = link.dataset.time;
  dialog.querySelector(".what .folder").textContent = link.dataset.folder;
  dialog.querySelector("a.alike").href = link.dataset.like;
  play(dialog.video, link.dataset.sources, tell);
  if (!dialog.open) dialog.showModal();
}

function step(by) {
  if (!links[current + by]) return;
  history.replaceState({ hit: current + by }, "", links[current + by].href);
  open(current + by);
}

function tell(text) {
  const wait = dialog.querySelector(".wait");
  wait.textContent = text;
  wait.hidden = !text;
}

async function play(video, address, say) {
  const asked = video.asked = Symbol();
  say("");
  let answer;
  try {
    answer = await (await fetch(address)).json();
  } catch {
    answer = { problem: "The server does not answer. Is vifi serve still running?" };
  }
  if (video.asked !== asked) return;
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
  video.onloadedmetadata = () => {
    if (!video.videoWidth) return other();  // sound, but no picture that this browser knows
    if (!within(video)) video.currentTime = video.moment.start_seconds;
  };
  video.onloadeddata = () => say("");
  video.onerror = other;
  video.onseeking = () => { video.left = !video.returning && !within(video); video.returning = false; };
  video.ontimeupdate = video.onended = () => atEnd(video);
  video.left = false;
  load();
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

function stop(video) {
  video.asked = null;
  for (const name of ["onloadedmetadata", "onloadeddata", "onerror", "onseeking", "ontimeupdate", "onended"]) video[name] = null;
  video.pause();
  video.removeAttribute("src");
  video.load();
}

function make() {
  const made = element("dialog", { ariaLabel: "Player" });
  const video = element("video", { controls: true, playsInline: true, preload: "auto" });
  const close = element("button", { type: "button", className: "close", textContent: "×", ariaLabel: "Close", title: "Close (Esc)" });
  const loop = element("button", { type: "button", textContent: "Repeat", title: "Repeat the moment (r)", ariaPressed: String(looping) });
  const before = element("button", { type: "button", textContent: "↑", ariaLabel: "Hit before", title: "Hit before (↑)" });
  const after = element("button", { type: "button", textContent: "↓", ariaLabel: "Next hit", title: "Next hit (↓)" });
  const what = element("p", { className: "what" }, element("span", { className: "at" }), element("span", { className: "folder" }));
  const alike = element("a", { className: "button alike", textContent: "More like this" });
  made.append(
    element("figure", { className: "player" },
      element("div", { className: "screen" }, video, element("p", { className: "wait", role: "status", hidden: true })),
      element("figcaption", {}, element("h2", {}), what, element("p", { className: "actions" }, before, after, loop, alike))),
    close,
  );
  const repeat = () => {
    looping = !looping;
    loop.ariaPressed = String(looping);
    localStorage.setItem("vifi-loop", looping ? "on" : "off");
  };
  close.onclick = () => made.close();
  before.onclick = () => step(-1);
  after.onclick = () => step(1);
  loop.onclick = repeat;
  made.onclick = (event) => { if (event.target === made) made.close(); };  // returning false would cancel the click on a link
  made.onclose = () => {
    stop(video);
    if (history.state?.hit >= 0) history.back();
    links[current]?.focus();
  };
  made.onkeydown = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const keys = {
      ArrowUp: () => step(-1), ArrowDown: () => step(1), r: repeat,
      ArrowLeft: () => { video.currentTime -= 2; }, ArrowRight: () => { video.currentTime += 2; },
      " ": () => (video.paused ? video.play() : video.pause()),
    };
    if (!(event.key in keys) || (event.key === " " && event.target.matches("button, a"))) return;
    event.preventDefault();
    keys[event.key]();
  };
  document.body.append(made);
  made.video = video;
  return made;
}

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}
