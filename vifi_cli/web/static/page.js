// Makes the page quicker to use. Without scripts, it still searches and plays.

import { showPreviews } from "./previews.js";
import { listenForKeys } from "./keys.js";
import { openOnClick, playHere } from "./player.js";
import { offerSelection } from "./selection.js";
import { say } from "./moment.js";
import { offerTeaching } from "./teaching/teaching.js";
import { watchIndex } from "./index.js";

const form = document.querySelector("form.search");
for (const select of form?.querySelectorAll("select") ?? []) {
  select.addEventListener("change", () => form.requestSubmit());
}
form?.addEventListener("submit", () => {
  for (const field of form.elements) field.disabled = field.name !== "" && field.value === "";  // short addresses
});
addEventListener("pageshow", () => {
  for (const field of form?.elements ?? []) field.disabled = false;
});

document.documentElement.classList.add("scripted");
const hits = document.querySelectorAll("a[data-play]");
showPreviews(document.querySelectorAll("img[data-preview]"));
offerSelection(hits);
offerTeaching(hits);
openOnClick(hits);
listenForKeys();
playHere(document.querySelector("main > .player"));
watchIndex(document.querySelector("#state"), document.querySelector("#running"));
const found = document.querySelector("[data-say]")?.dataset.say;
if (found) say(found);
