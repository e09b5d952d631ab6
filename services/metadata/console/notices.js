// What the page tells whoever uses it: a word after an action, and a standing notice while something is wrong.

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
