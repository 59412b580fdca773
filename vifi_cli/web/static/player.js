// Shows a moment above the hits, and moves from one hit to the next.

import { actOn, say } from "./moment.js";
import { isLooping, play, setLooping, stop } from "./playback.js";
import { isSelected, toggle } from "./selection.js";
import { isTeaching, judge, markOf, showMark, undo } from "./teaching/teaching.js";

const FACTS = ["moment", "media", "span", "path", "begins", "time", "name", "seconds"];
const STEP_SECONDS = 2;
let links = [];
let current = -1;
let dialog;
let search;  // the address of the hits

export function openOnClick(all) {
  links = [...all];
  dialog = document.querySelector("#player");
  if (!dialog) return;
  prepare();
  links.forEach((link, number) => link.addEventListener("click", (event) => {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    search = location.href;
    history.pushState({ hit: number }, "", link.href);
    open(number);
  }));
  addEventListener("popstate", (event) => { if (event.state?.hit >= 0) open(event.state.hit); else dialog.close(); });
  if (history.state?.hit >= 0) history.replaceState(null, "");
}

export function playHere(figure) {
  const video = figure?.querySelector("video");
  if (figure) actOn(figure);
  if (video) play(video, sourcesOf(figure), () => {});
}

const part = (selector) => dialog.querySelector(selector);
const sourcesOf = ({ dataset }) => `${dataset.media}/sources?${dataset.span}`;

function open(number) {
  const link = links[number];
  if (!link) return;
  current = number;
  const figure = part("figure"), video = part("video");
  for (const fact of FACTS) figure.dataset[fact] = link.dataset[fact];
  video.poster = link.querySelector("img").src;
  part("h2").textContent = link.dataset.name;
  part(".at").textContent = link.dataset.time;
  part(".what .folder").textContent = link.dataset.folder;
  part("a.alike").href = link.dataset.like;
  part("[data-what=path]").hidden = !link.dataset.path;
  for (const [name, by] of [["previous", -1], ["next", 1]]) {
    part(`[data-do=${name}]`).setAttribute("aria-disabled", String(!neighbor(by)));
  }
  for (const button of dialog.querySelectorAll("[data-label]")) button.textContent = button.dataset.label;
  showSelected();
  showMarked();
  play(video, sourcesOf(link), tell);
  if (!dialog.open) dialog.showModal();
}

function neighbor(by) {
  const link = links[current + by];
  return link?.checkVisibility() ? link : undefined;  // those less relevant may be folded away
}

function step(by) {
  const link = neighbor(by);
  if (!link) return say(by > 0 ? "This is the last hit." : "This is the first hit.");
  history.replaceState({ hit: current + by }, "", link.href);
  open(current + by);
  say(`${link.dataset.name}, ${link.dataset.time}`);
}

function tell(text) {
  const wait = part(".wait");
  wait.textContent = text;
  wait.hidden = !text;
}

function showMarked() {
  if (isTeaching() && links[current]) showMark(part("figcaption"), markOf(links[current]));
}

function showSelected() {
  part("[data-do=select]").ariaPressed = String(isSelected(part("figure").dataset.moment));
}

function repeat() {
  setLooping(!isLooping());
  part("[data-do=repeat]").ariaPressed = String(isLooping());
}

function select() {
  toggle(links[current]);
  showSelected();
}

// For what must not be repeated while a key is held down.
const once = (action) => (event) => { if (!event.repeat) action(); };

function prepare() {
  const video = part("video");
  const actions = {
    previous: () => step(-1), next: () => step(1), repeat, select, close: () => dialog.close(),
  };
  const keys = {
    ArrowUp: actions.previous, ArrowDown: actions.next, r: repeat, x: select,
    o: () => part("[data-do=open]")?.click(), d: () => part("[data-do=clip]").click(),
    ArrowLeft: () => { video.currentTime -= STEP_SECONDS; }, ArrowRight: () => { video.currentTime += STEP_SECONDS; },
    ...(isTeaching() ? { y: once(() => judge(links[current], "right")), n: once(() => judge(links[current], "wrong")), u: once(undo) } : {}),
    " ": () => (video.paused ? video.play() : video.pause()),
  };
  part("[data-do=repeat]").ariaPressed = String(isLooping());
  actOn(part("figure"));
  document.addEventListener("vifi-marked", showMarked);
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) return dialog.close();
    // who comes back from there wants to see the hits
    if (event.target.closest("a.alike") && search && !event.ctrlKey && !event.metaKey && !event.shiftKey) history.replaceState(null, "", search);
    actions[event.target.closest("[data-do]")?.dataset.do]?.();
    const verdict = event.target.closest("[data-judge]");
    if (verdict) judge(links[current], verdict.dataset.judge);
  });
  dialog.addEventListener("close", () => {
    stop(video);
    if (history.state?.hit >= 0) history.back();
    links[current]?.focus();
  });
  dialog.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
    if (event.key === " " && event.target.matches("button, a")) return;
    event.preventDefault();
    keys[event.key](event);
  });
}
