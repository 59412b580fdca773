// What can be done with a moment: copy where it is, open it in a player, download it.

import { download, OWN, prepareDownload } from "./downloads.js";

const SHOWN_MS = 1600;

export function actOn(figure) {
  const region = figure.querySelector(".download");
  prepareDownload(region);
  for (const button of figure.querySelectorAll("[data-do][hidden]")) {
    button.hidden = button.dataset.what === "path" && figure.dataset.path === "";
  }
  const actions = { copy, open: openInPlayer, clip: () => downloadClip(figure, region) };
  figure.addEventListener("click", (event) => {
    const button = event.target.closest("[data-do]");
    actions[button?.dataset.do]?.(figure, button);
  });
}

// For those who see the page, a button shows what happened for a while; others hear it.
export function say(text, button) {
  const said = document.querySelector("dialog[open] .said") ?? document.querySelector("#said");
  said.textContent = text;
  if (!button) return;
  button.dataset.label ??= button.textContent;
  button.textContent = text;
  clearTimeout(button.shown);
  button.shown = setTimeout(() => { button.textContent = button.dataset.label; }, SHOWN_MS);
}

async function copy(figure, button) {
  const text = figure.dataset[button.dataset.what];
  say((await copied(text)) ? `Copied ${button.dataset.what === "begins" ? text : "the path"}` : "Not copied", button);
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {  // only pages of this machine, or by HTTPS, get a clipboard
    return copiedAsSelection(text);
  }
}

function copiedAsSelection(text) {
  const field = Object.assign(document.createElement("textarea"), { value: text, className: "hidden" });
  const focused = document.activeElement;
  (document.querySelector("dialog[open]") ?? document.body).append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  focused?.focus();
  return done;
}

async function openInPlayer(figure, button) {
  const video = figure.querySelector("video");
  say("Opening …", button);
  let answer;
  try {
    answer = await (await fetch(`${figure.dataset.media}/open?${figure.dataset.span}`, { method: "POST", headers: OWN })).json();
  } catch {
    answer = { problem: "The server refuses or does not answer." };
  }
  if (!answer.problem) video?.pause();
  say(answer.problem ? "Not opened" : `Opened in ${answer.player}`, button);
  const remarks = answer.problem ? [answer.problem] : answer.remarks;
  if (remarks.length) note(figure, remarks.join(" "));
}

function note(figure, text) {
  const region = figure.querySelector(".download");
  if (region.busy) return;
  region.hidden = false;
  region.querySelector("progress").hidden = true;
  region.querySelector("[data-do=cancel]").textContent = "Close";
  region.querySelector(".text").textContent = text;
}

function downloadClip(figure, region) {
  download(region, { kind: "clip", moments: [figure.dataset.moment], title: figure.dataset.name });
}
