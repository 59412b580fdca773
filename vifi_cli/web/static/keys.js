// / focuses the search field, arrows move between hits, Escape leaves the field; Enter and the player handle themselves.

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export function listenForKeys() {
  const field = document.querySelector("input[name=q]");
  const hits = [...document.querySelectorAll("a.play")];
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const inField = document.activeElement === field;
    if (event.key === "/" && field && !inField) {
      field.focus();
      field.select();
    } else if (event.key === "Escape" && inField) {
      field.blur();
    } else if (event.key in STEPS && hits.length && !event.shiftKey && !isOther(document.activeElement, field)) {
      if (inField && event.key !== "ArrowDown") return;
      next(hits, ...STEPS[event.key])?.focus();
    } else {
      return;
    }
    event.preventDefault();
  });
}

function isOther(element, field) {
  return element !== field && element?.matches("input, select, textarea, video, button");
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
