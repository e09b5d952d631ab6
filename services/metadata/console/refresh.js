// Work that is done again and again while somebody looks at the page.

import { settled, trouble } from "./notices.js";

export const REFRESH_MS = 2_500;

// Runs `work` now and again after each end, until `signal`; waits while the tab is hidden. `work` may give the time to
// the next run (ms), else it is `REFRESH_MS`. Gives a function that runs it at once, after a change that the page made.
export function repeat(work, signal) {
  let timer;
  let running = false;
  let again = false;

  async function turn() {
    clearTimeout(timer);
    if (running || signal.aborted) {
      again = true;
      return;
    }
    running = true;
    again = false;
    const wait = await attempt(work, signal);
    running = false;
    if (signal.aborted || document.hidden) return;
    if (again) turn();
    else timer = setTimeout(turn, wait ?? REFRESH_MS);
  }

  const seen = () => document.hidden || turn();
  document.addEventListener("visibilitychange", seen, { signal });
  signal.addEventListener("abort", () => clearTimeout(timer));
  turn();
  return turn;
}

async function attempt(work, signal) {
  try {
    const wait = await work();
    if (!signal.aborted) settled();
    return wait;
  } catch (error) {
    if (!signal.aborted && error.status !== 401) trouble(error);
    return undefined;
  }
}
