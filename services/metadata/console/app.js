// The page's beginning: who may see it, and which view its address names.

import { showChannel } from "./channel_page.js";
import { showChannels } from "./channel_list.js";
import { showEdit, showNew } from "./channel_form.js";
import { closeAll } from "./dialogs.js";
import { button, el } from "./dom.js";
import { settled, tellOfErrors } from "./notices.js";
import { showSignIn } from "./sign_in.js";
import { forget, takeFromAddress, token } from "./token.js";

const main = document.getElementById("main");
let leaving = new AbortController();

const ROUTES = [
  [/^#?\/?$/, showChannels],
  [/^#\/new$/, showNew],
  [/^#\/channels\/([^/]+)$/, showChannel],
  [/^#\/channels\/([^/]+)\/edit$/, showEdit],
];

function showLost(view) {
  view.append(el("h1", {}, "There is no such page"), button("All channels", () => (location.hash = "#/")));
}

function withParts(show, parts) {
  try {
    const read = parts.map(decodeURIComponent);
    return (view, signal) => show(view, signal, ...read);
  } catch {
    return showLost; // a stray % in the address
  }
}

function viewOf(address) {
  for (const [pattern, show] of ROUTES) {
    const found = pattern.exec(address);
    if (found) return withParts(show, found.slice(1));
  }
  return showLost;
}

// Leaves what is shown, its work and its dialogs with it, and shows what the address names.
function show() {
  leaving.abort();
  leaving = new AbortController();
  settled();
  takeFromAddress();
  closeAll();
  document.getElementById("sign-out").hidden = token() === null;
  document.title = "streamkeep";
  main.replaceChildren();
  const view = token() === null ? showSignIn : viewOf(location.hash);
  view(main, leaving.signal);
}

window.addEventListener("hashchange", () => {
  show();
  window.scrollTo(0, 0);
  main.focus();
});
window.addEventListener("signed-in", show);
window.addEventListener("signed-out", show);
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address's fragment names the view
  main.focus();
});
document.getElementById("sign-out").addEventListener("click", forget);
tellOfErrors();
show();
