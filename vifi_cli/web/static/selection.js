// Hits that are selected for a download of several. They stay selected through other searches in this tab.

import { download, prepareDownload } from "./downloads.js";

const KEPT = "vifi-selected";
const FACTS = ["moment", "name", "time", "seconds"];
let selected = new Map();
let links = [];
let bar;
let last;  // the link that was selected last by the mouse, where a range begins

export const isSelected = (moment) => selected.has(moment);

export const toggle = (link) => select([link], !isSelected(link.dataset.moment));

function select(some, on) {
  for (const { dataset } of some) {
    if (!on) selected.delete(dataset.moment);
    else if (!isSelected(dataset.moment)) selected.set(dataset.moment, Object.fromEntries(FACTS.map((fact) => [fact, dataset[fact]])));
  }
  show();
}

export function offerSelection(all) {
  bar = document.querySelector("#selection");
  if (!bar) return;
  links = [...all];
  try {
    selected = new Map(JSON.parse(sessionStorage.getItem(KEPT) ?? "[]").map((one) => [one.moment, one]));
  } catch {
    selected = new Map();
  }
  for (const link of links) {
    const label = pickOf(link);
    label.hidden = false;
    label.addEventListener("click", (event) => pick(event, link));
  }
  const region = bar.querySelector(".download");
  prepareDownload(region);
  const order = (kind) => download(region, { kind, moments: [...selected.keys()], title: title() });
  const actions = {
    clips: () => order("clips"), reel: () => order("reel"), list: () => order(bar.querySelector("select").value),
    all: () => select(links.filter((link) => link.checkVisibility()), true), none: () => clear(),
    drop,
  };
  bar.addEventListener("click", (event) => {
    const button = event.target.closest("[data-do]");
    actions[button?.dataset.do]?.(button);
  });
  show();
}

const pickOf = (link) => link.closest(".card").querySelector(".pick");
const title = () => document.querySelector("input[name=q]").value || "moments";

function pick(event, link) {
  if (!event.target.matches("input")) return;  // a click on the label comes again, on its box
  const on = event.target.checked;
  const [from, to] = [links.indexOf(last), links.indexOf(link)].sort((a, b) => a - b);
  const range = event.shiftKey && from >= 0 ? links.slice(from, to + 1) : [link];
  select(range, on);
  last = link;
}

function drop(button) {
  const place = [...bar.querySelectorAll("[data-do=drop]")].indexOf(button);
  selected.delete(button.dataset.moment);
  show();
  if (!selected.size) return focusHit();
  const left = bar.querySelectorAll("[data-do=drop]");
  (left[place] ?? left[place - 1]).focus();
}

function clear() {
  selected.clear();
  show();
  focusHit();
}

const focusHit = () => (last ?? links[0])?.focus();  // the button that had the focus is gone

function show() {
  sessionStorage.setItem(KEPT, JSON.stringify([...selected.values()]));
  for (const link of links) {
    const on = isSelected(link.dataset.moment);
    pickOf(link).querySelector("input").checked = on;
    link.closest(".card").classList.toggle("picked", on);
  }
  document.body.classList.toggle("picking", selected.size > 0);
  bar.hidden = !selected.size && !bar.querySelector(".download").busy;
  bar.querySelector("summary").textContent = summary();
  bar.querySelector("ol").replaceChildren(...[...selected.values()].map(line));
}

function summary() {
  const total = [...selected.values()].reduce((sum, one) => sum + Number(one.seconds), 0);
  const length = `${Math.floor(total / 60)}:${String(total % 60).padStart(2, "0")}`;
  return `${selected.size} ${selected.size === 1 ? "moment" : "moments"} selected, ${length}`;
}

function line({ moment, name, time }) {
  const drop = Object.assign(document.createElement("button"), { type: "button", textContent: "×", ariaLabel: `Remove ${time} of ${name}` });
  drop.dataset.do = "drop";
  drop.dataset.moment = moment;
  const made = document.createElement("li");
  made.append(`${time} of ${name} `, drop);
  return made;
}
