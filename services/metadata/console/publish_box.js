// Where to publish: the server and the stream key for OBS, and both in one as a QR code.
//
// People show their screens: the key stays hidden until it is asked for, and can be copied without being shown.

import { call } from "./api.js";
import { copyButton } from "./copying.js";
import { confirm, open } from "./dialogs.js";
import { button, el, setText } from "./dom.js";
import { stamp } from "./formats.js";
import { say } from "./notices.js";
import { qrCode } from "./qr_code.js";

const HIDDEN = "••••••••••••••••";

// `box` is where it was asked for: nobody who has left wants to see it.
async function showCode(channel, box) {
  const code = await qrCode(channel.publish.url, "QR code of the publish address");
  if (!box.isConnected || document.querySelector("dialog")) return;
  const missing = "QR codes are not installed on this machine; run ./setup.sh again. Server and key can be copied.";
  open("Publish address", [
    code ?? el("p", {}, missing),
    el("p", { class: "hint" }, "Server and stream key in one. Who scans this can publish to the channel."),
  ]);
}

function row(name, value, ...buttons) {
  return el("div", { class: "row" }, el("dt", {}, name), el("dd", {}, value, el("div", { class: "buttons" }, ...buttons)));
}

export class PublishBox {
  #server = el("code");
  #key = el("code", { class: "key" }, HIDDEN);
  #expiry = el("span");
  #shown = false;
  #channel = null;
  #show = button("Show", () => this.#toggle(), { "aria-pressed": "false", "aria-label": "Show the stream key" });
  node;

  // `path` is the channel's; `changed(channel)` is called with what a new key gave.
  constructor(path, changed) {
    this.node = el("section", { class: "sheet publish", "aria-labelledby": "publish" },
      el("h2", { id: "publish" }, "Go on air"),
      el("p", { class: "hint" }, "In OBS: Settings → Stream, service Custom, then paste these two and start streaming."),
      el("dl", {},
        row("Server", this.#server, copyButton(() => this.#channel.publish.server, "the server")),
        row("Stream key", this.#key,
          copyButton(() => this.#channel.publish.stream_key, "the stream key"),
          this.#show,
          button("QR code", () => showCode(this.#channel, this.node)),
        ),
        row("Works until", this.#expiry, button("New key…", () => this.#renew(path, changed))),
      ),
    );
  }

  update(channel) {
    this.#channel = channel;
    setText(this.#server, channel.publish.server);
    setText(this.#key, this.#shown ? channel.publish.stream_key : HIDDEN);
    setText(this.#expiry, stamp(channel.publish.expires_at));
  }

  #toggle() {
    this.#shown = !this.#shown;
    this.#show.textContent = this.#shown ? "Hide" : "Show";
    this.#show.setAttribute("aria-pressed", String(this.#shown));
    this.update(this.#channel);
  }

  #renew(path, changed) {
    confirm({
      title: "New stream key",
      text: "The old key stops working: an encoder that uses it is cut off and cannot come back without the new one.",
      action: "Make a new key",
      act: async () => {
        changed(await call(`${path}/key`, { method: "POST" }));
        say("The channel has a new stream key.");
      },
    });
  }
}
