// The form of stop-and-block.

import { call } from "./api.js";
import { open } from "./dialogs.js";
import { el } from "./dom.js";
import { say } from "./notices.js";
import { SchemaForm } from "./schema_form.js";

// The API's StopOrder, word for word. Held here: this form must open at once, also when the service answers little else.
const STOP_ORDER = {
  properties: {
    reason: {
      type: "string",
      default: "",
      maxLength: 200,
      title: "Reason",
      description: "Shown with the channel while it is blocked. At most 200 characters.",
    },
    block_until: {
      type: "string",
      format: "date-time",
      default: null,
      title: "Blocked until",
      description: "A time in the future; if left out, until it is unblocked.",
    },
  },
};

const WORDS = "The publisher is cut off, the broadcast ends at once, and nobody may publish to this channel until it is unblocked.";

// Opens the form for a channel; `done(channel)` is called with what came of it.
export function askToStop(channel, path, done) {
  const form = new SchemaForm({
    schema: STOP_ORDER,
    action: "Stop and block",
    danger: true,
    cancel: () => dialog.close(),
    async submit(filled) {
      const stopped = await call(`${path}/stop`, { method: "POST", body: filled.given() });
      dialog.close();
      say("The channel is stopped and blocked.");
      done(stopped);
    },
  });
  const dialog = open(["Stop ", el("bdi", {}, channel.name || channel.id)], [el("p", {}, WORDS), form.node]);
  form.node.querySelector("input").focus();
}
