// Marks hits right or wrong for a concept. A mark is shown when the server has stored it, and not before.

import { OWN } from "../downloads.js";
import { say } from "../moment.js";

const CONCEPTS = new URL("../../api/concepts", import.meta.url);
const BUSY = "Not stored: the server does not answer. Is vifi serve still running?";
const SAME_SHARE = 0.5;  // as in `Mark.is_about`
const done = [];  // what was marked on this page, and how before
let bar;
let last = Promise.resolve();  // one after the other, in the order of the clicks

export const isTeaching = () => Boolean(bar);
export const markOf = (link) => link.closest(".card").dataset.mark;

export function offerTeaching(links) {
  prepareOffer(document.querySelector(".offer"));
  bar = document.querySelector("#teaching");
  if (!bar) return;
  for (const link of links) {
    link.closest(".card").querySelector(".judge").addEventListener("click", (event) => {
      const button = event.target.closest("[data-judge]");
      if (button) judge(link, button.dataset.judge);
    });
  }
  bar.querySelector("[data-do=undo]").addEventListener("click", undo);
  const [{ type } = {}] = performance.getEntriesByType("navigation");
  addEventListener("pageshow", (event) => { if (event.persisted || type === "back_forward") renew(links); });
  addEventListener("visibilitychange", () => { if (!document.hidden) renew(links); });
}

// Shows what has been marked meanwhile: in another tab, in a terminal, or on pages that "back" has left.
function renew(links) {
  last = last.then(async () => {
    const { marks } = bar.dataset;
    const [concept, listed] = await Promise.all([ask(marks.slice(0, marks.lastIndexOf("/"))), ask(marks)]);
    if (concept.problem || listed.problem) return;
    for (const link of links) {
      const mark = listed.stored.marks.findLast(({ key }) => isAbout(key, link.dataset.moment));
      setMark(link, mark ? (mark.right ? "right" : "wrong") : "");
    }
    document.dispatchEvent(new Event("vifi-marked"));
    tell(concept.stored);
  });
}

function isAbout(marked, moment) {
  const [video, start, end] = partsOf(marked), [other, from, to] = partsOf(moment);
  const shared = Math.min(end, to) - Math.max(start, from), together = Math.max(end, to) - Math.min(start, from);
  return video === other && shared > SAME_SHARE * together;
}

// The digest of the content and the span of `12-9f3a61c2@6-10.5`.
function partsOf(key) {
  const [, digest, start, end] = key.split(/[-@]/);
  return [digest, Number(start), Number(end)];
}

// The mark of a hit: chosen once more, it is taken back.
export function judge(link, mark) {
  const from = document.activeElement;
  last = last.then(async () => {
    const before = markOf(link), now = mark === before ? "" : mark;
    if (await store(link, now)) done.push({ link, before });
    showUndo(from);
  });
}

export function undo() {
  const from = document.activeElement;
  last = last.then(async () => {
    const { link, before } = done.pop() ?? {};
    if (!link) return say("There is nothing to undo.");
    if (!(await store(link, before))) done.push({ link, before });
    showUndo(from);
  });
}

function showUndo(from) {
  const button = bar.querySelector("[data-do=undo]");
  button.ariaDisabled = String(!done.length);
  if (from?.isConnected && document.activeElement === document.body) from.focus();
}

async function store(link, mark) {
  const card = link.closest(".card"), { moment } = link.dataset;
  card.ariaBusy = "true";
  const answer = mark
    ? await ask(bar.dataset.marks, "POST", { moment, right: mark === "right" })
    : await ask(`${bar.dataset.marks}?${new URLSearchParams({ moment })}`, "DELETE");
  card.ariaBusy = null;
  show(answer.problem);
  if (answer.problem) return false;
  setMark(link, mark);
  document.dispatchEvent(new Event("vifi-marked"));
  tell(answer.stored);
  say(`${mark ? `Marked ${mark}` : "Not marked any more"}. ${answer.stored.progress}`);
  return true;
}

function setMark(link, mark) {
  const card = link.closest(".card");
  card.dataset.mark = mark;
  showMark(card, mark);
}

export function showMark(where, mark) {
  for (const button of where.querySelectorAll("[data-judge]")) button.ariaPressed = String(button.dataset.judge === mark);
}

function tell({ right, wrong, progress, is_learned: isLearned }) {
  bar.querySelector(".count").textContent = `${right} right, ${wrong} wrong`;
  bar.querySelector(".learned").textContent = progress;
  bar.querySelector("[data-do=search]").hidden = !isLearned;
}

function show(problem, where = bar) {
  const region = where.querySelector(".problem");
  region.hidden = !problem;
  region.textContent = problem ?? "";
}

async function ask(address, method, content) {
  try {
    const answer = await fetch(address, { method, headers: OWN, body: content && JSON.stringify(content) });
    const read = await answer.json();
    return answer.ok ? { stored: read } : { problem: read.error };
  } catch {
    return { problem: BUSY };
  }
}

function prepareOffer(offer) {
  if (!offer) return;
  const form = offer.querySelector("form");
  offer.addEventListener("toggle", () => { if (offer.open) form?.elements.name.select(); });
  form?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const answer = await ask(CONCEPTS, "POST", { name: form.elements.name.value, description: offer.dataset.words });
    show(answer.problem, form);
    if (answer.problem) return form.elements.name.focus();
    const address = new URL(location.href);
    address.searchParams.set("teach", answer.stored.name);
    location.assign(address);
  });
}
