// / focuses the search field, arrows move between hits, x selects, y and n mark, u undoes, Escape leaves the field; Enter
// and the player handle themselves.

import { toggle } from "./selection.js";
import { isTeaching, judge, undo } from "./teaching/teaching.js";

const MARKS = { y: "right", n: "wrong" };
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export function listenForKeys() {
  const field = document.querySelector("input[name=q]");
  const hits = [...document.querySelectorAll("a.play")];
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const inField = document.activeElement === field;
    if (event.key === "/" && field && asksForField(field)) {
      field.focus();
      field.select();
    } else if (event.key === "x" && document.activeElement?.matches("a.play")) {
      toggle(document.activeElement);
    } else if (event.key in MARKS && isTeaching() && cardOf(document.activeElement)) {
      if (!event.repeat) judge(cardOf(document.activeElement).querySelector("a.play"), MARKS[event.key]);
    } else if (event.key === "u" && isTeaching() && !document.activeElement.matches("input:not([type=checkbox]), select")) {
      if (!event.repeat) undo();
    } else if (event.key === "Escape" && inField) {
      field.blur();
    } else if (event.key in STEPS && hits.length && !event.shiftKey && !isOther(document.activeElement, field)) {
      if (inField && event.key !== "ArrowDown") return;
      next(hits.filter((hit) => hit.checkVisibility()), ...STEPS[event.key])?.focus();
    } else {
      return;
    }
    event.preventDefault();
  });
}

const cardOf = (element) => element?.closest(".card");

// Who presses / where the field has the focus already wants to be there; the next one is the beginning of a path.
function asksForField(field) {
  const asks = document.activeElement !== field || (!field.value && !field.dataset.slash);
  field.dataset.slash = "typed";
  return asks;
}

function isOther(element, field) {
  return element !== field && element?.matches("input, select, textarea, video, button, summary") && !element.closest(".pick, .judge");
}

function next(hits, right, down) {
  const at = hits.indexOf(document.activeElement?.closest(".card")?.querySelector("a.play"));
  if (at < 0) return hits[0];
  if (right) return hits[at + right];
  const columns = hits.filter((hit) => top(hit) === top(hits[0])).length;
  return hits[at + down * columns] ?? (down > 0 ? hits.at(-1) : undefined);
}

function top(hit) {
  return Math.round(hit.closest(".card").getBoundingClientRect().top);  // what is inside is not laid out while out of sight
}
