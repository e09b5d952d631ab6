// What the page tells whoever uses it: a word after an action, and a standing notice while something is wrong.

import { Problem } from "./api.js";
import { setText } from "./dom.js";

const SAID_MS = 4_000;
let timer;

// Says something that passes; screen readers hear it too.
export function say(text) {
  const said = document.getElementById("said");
  said.textContent = text;
  said.classList.add("shown");
  clearTimeout(timer);
  timer = setTimeout(() => said.classList.remove("shown"), SAID_MS);
}

export function trouble(error) {
  const standing = document.getElementById("trouble");
  setText(standing, `${error.message} What is shown may be old; trying again.`);
  standing.hidden = false;
}

export function settled() {
  document.getElementById("trouble").hidden = true;
}

// Words for an error that is none of the API's: something in this page is wrong.
export function wordsOf(error) {
  return error instanceof Problem ? error.message : `Something went wrong in this page: ${error?.message ?? error}`;
}

function tell(error) {
  // Work that was left, and the way to the sign-in form, are no errors.
  if (error?.name !== "AbortError" && error?.status !== 401) say(wordsOf(error));
}

// The last resort: an error that nobody caught is told, so that no button just does nothing.
export function tellOfErrors() {
  window.addEventListener("error", (event) => tell(event.error ?? event.message));
  window.addEventListener("unhandledrejection", (event) => tell(event.reason));
}
