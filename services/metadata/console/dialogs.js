// Dialogs: the browser's own, so that the keyboard, Escape and the focus work as everywhere.

import { call, schema } from "./api.js";
import { button, el, freshId } from "./dom.js";
import { say } from "./notices.js";
import { SchemaForm } from "./schema_form.js";

// Opens a dialog; it is removed when it closes. `close` is called then.
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
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
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
      problem.textContent = error.message;
      sure.disabled = false;
    }
  }, { class: "danger" });
  const cancel = button("Cancel", () => dialog.close(), { autofocus: true });
  const dialog = open(title, [el("p", {}, text), problem, el("div", { class: "buttons" }, sure, cancel)]);
}

// Opens the form of stop-and-block for a channel; `done` runs when it has happened.
export async function askToStop(channel, path, done) {
  const described = await schema("StopOrder");
  const form = new SchemaForm({
    schema: described,
    action: "Stop and block",
    danger: true,
    cancel: () => dialog.close(),
    async submit(filled) {
      await call(`${path}/stop`, { method: "POST", body: filled.given() });
      dialog.close();
      say("The channel is stopped and blocked.");
      done();
    },
  });
  const text = "The publisher is cut off, the broadcast ends at once, and nobody may publish to this channel until it is unblocked.";
  const dialog = open(`Stop ${channel.name || channel.id}`, [el("p", {}, text), form.node]);
  form.node.querySelector("input").focus();
}
