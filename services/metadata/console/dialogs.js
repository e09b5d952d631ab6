// Dialogs: the browser's own, so that the keyboard, Escape and the focus work as everywhere.

import { button, el, freshId } from "./dom.js";
import { wordsOf } from "./notices.js";

function isBeside(dialog, { target, clientX: x, clientY: y }) {
  const { left, right, top, bottom } = dialog.getBoundingClientRect();
  return target === dialog && (x < left || x > right || y < top || y > bottom);
}

// A click beside a dialog closes it; not one that began inside, at the end of a selection, nor the second half of the
// double click that opened it.
function closeByClick(dialog) {
  let pressed = false;
  dialog.addEventListener("mousedown", (event) => (pressed = isBeside(dialog, event)));
  dialog.addEventListener("click", (event) => pressed && event.detail < 2 && isBeside(dialog, event) && dialog.close());
}

// Opens a dialog; it is removed when it closes. `title` is a text or a list of texts and elements; `close` is called
// when it closes.
export function open(title, children, { wide = false, close } = {}) {
  const id = freshId("dialog");
  const dialog = el("dialog", { class: wide ? "wide" : null, "aria-labelledby": id },
    el("div", { class: "dialog-title" },
      el("h2", { id }, title),
      button("×", () => dialog.close(), { class: "plain close", "aria-label": "Close" }),
    ),
    ...children,
  );
  dialog.addEventListener("close", () => {
    dialog.remove();
    close?.();
  });
  closeByClick(dialog);
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

// Closes whatever is open: what it was about is shown no more.
export function closeAll() {
  document.querySelectorAll("dialog").forEach((dialog) => dialog.close());
}

// Asks before something that cannot be undone, then does it.
export function confirm({ title, text, action, act }) {
  const problem = el("p", { class: "problem", role: "alert" });
  const sure = button(action, async () => {
    sure.disabled = true;
    try {
      await act();
      dialog.close();
    } catch (error) {
      problem.textContent = wordsOf(error);
    } finally {
      sure.disabled = false;
    }
  }, { class: "danger" });
  const cancel = button("Cancel", () => dialog.close(), { autofocus: true });
  const dialog = open(title, [el("p", {}, text), problem, el("div", { class: "buttons" }, sure, cancel)]);
}
