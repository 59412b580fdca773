// Shows the progress of an index run: polls often while one is going on, rarely otherwise.

const RUNNING_MS = 2000, RESTING_MS = 15000;

export function watchIndex(state, running) {
  if (!state || !running) return;
  let timer;

  async function look() {
    try {
      const answer = await (await fetch(new URL("../progress", import.meta.url))).json();
      state.textContent = answer.state;
      running.textContent = answer.running;
      running.hidden = !answer.running;
      if (document.body.dataset.empty !== undefined && answer.videos) location.reload();
    } catch {
      running.textContent = "The server does not answer.";
      running.hidden = false;
    }
    timer = setTimeout(look, running.hidden ? RESTING_MS : RUNNING_MS);
  }

  addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (!document.hidden) look();
  });
  timer = setTimeout(look, RUNNING_MS);
}
