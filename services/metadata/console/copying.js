// Buttons that copy a text and say that they did.

import { button } from "./dom.js";
import { say } from "./notices.js";

const SHOWN_MS = 2_000;

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // no clipboard without https, except on this very machine
  }
}

// `text` is asked for when the button is pressed; `what` names it for those who hear it.
export function copyButton(text, what, words = "Copy") {
  let timer;
  const node = button(words, async () => {
    const done = await copy(text());
    node.textContent = done ? "Copied" : "Select and copy by hand";
    say(done ? `Copied: ${what}` : "This browser does not let the page copy; select the text and copy it.");
    clearTimeout(timer);
    timer = setTimeout(() => (node.textContent = words), SHOWN_MS);
  }, { class: "copy", "aria-label": `${words}: ${what}` });
  return node;
}
