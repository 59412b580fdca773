// Orders files of moments from the server, shows how far it has come, and saves the file. Leaving the page cancels.

export const OWN = { "X-Vifi": "page" };  // other sites' scripts cannot send it

export function prepareDownload(region) {
  region.querySelector("[data-do=cancel]").addEventListener("click", () => {
    region.busy?.abort();
    region.hidden = true;
  });
}

export async function download(region, order) {
  if (region.busy) return;
  const aborted = region.busy = new AbortController();
  const show = shower(region);
  try {
    show("Preparing …", 0, "Cancel");
    const answer = await fetch(new URL("../cut", import.meta.url), { method: "POST", headers: OWN, body: JSON.stringify(order), signal: aborted.signal });
    const last = await lastLine(answer, ({ what, share }) => show(what, share));
    if (last.file) save(last);
    show(last.problem ? `Not made: ${last.problem}` : outcome(last), null, "Close");
  } catch (error) {
    if (error.name !== "AbortError") show("Not made: the server refuses, or does not answer any more.", null, "Close");
  } finally {
    region.busy = null;
  }
}

function shower(region) {
  const progress = region.querySelector("progress"), text = region.querySelector(".text");
  return (what, share, button) => {
    region.hidden = false;
    progress.hidden = share === null;
    if (share !== null) progress.value = share;
    if (what && text.textContent !== what) text.textContent = what;  // what is the same is not read out again
    if (button) region.querySelector("[data-do=cancel]").textContent = button;
  };
}

// Reads lines of JSON as they come, and returns the last one.
async function lastLine(answer, report) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "", last = {};
  for (;;) {
    const { value, done } = await reader.read();
    const lines = (rest + (value ?? "")).split("\n");
    rest = done ? "" : lines.pop();
    for (const line of lines.filter(Boolean)) {
      last = JSON.parse(line);
      if (last.what !== undefined) report(last);
    }
    if (done) return last.file || last.problem ? last : { problem: "the server broke off." };
  }
}

function save({ file, name }) {
  const link = Object.assign(document.createElement("a"), { href: file, download: name });
  document.body.append(link);
  link.click();
  link.remove();
}

function outcome({ name, size, left_out, remarks }) {
  const lines = [`${name} (${size}) is in your downloads.`];
  if (left_out.length) lines.push(`Left out: ${left_out.join("; ")}.`);
  if (remarks.length) lines.push(`Note: ${remarks.join("; ")}.`);
  return lines.join(" ");
}
