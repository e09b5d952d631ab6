// A channel's newest picture, fetched with the token and shown in an image element.

import { channelPath, picture } from "./api.js";
import { el } from "./dom.js";
import { REFRESH_MS } from "./refresh.js";
import { isOnAir } from "./words.js";

export class NewestPicture {
  #image = el("img", { alt: "", hidden: true });
  #empty = el("span", { class: "no-picture" }, "No picture yet");
  #signal;
  #address = null;
  #asked = -Infinity;
  #state = null;
  #seen = false;
  #channel = null;
  // Nobody pays for pictures that nobody sees: those scrolled out of the window wait.
  #watch = new IntersectionObserver(([entry]) => {
    this.#seen = entry.isIntersecting;
    if (this.#channel) this.update(this.#channel);
  });
  node = el("div", { class: "picture" }, this.#image, this.#empty);

  constructor(signal) {
    this.#signal = signal;
    this.#watch.observe(this.node);
    signal.addEventListener("abort", () => this.leave());
  }

  // Fetches the picture again if there can be a newer one; never rejects, for a picture is not worth a notice.
  async update(channel) {
    this.#channel = channel;
    if (!this.#seen || this.#signal.aborted || !this.#isDue(channel)) return;
    this.#asked = performance.now();
    this.#state = channel.state;
    try {
      this.#show(await picture(channelPath(channel.id, "/snapshots/latest"), this.#signal), channel);
    } catch {
      // 404: there is none yet. Anything else shows in the list's own refresh.
    }
  }

  leave() {
    this.#watch.disconnect();
    this.#seen = false;
    if (this.#address) URL.revokeObjectURL(this.#address);
    this.#address = null;
  }

  #isDue(channel) {
    if (channel.state !== this.#state) return true;
    if (!isOnAir(channel)) return false;
    const every = Math.max(REFRESH_MS - 500, this.#address ? channel.image_time * 500 : 0);
    return performance.now() - this.#asked >= every;
  }

  #show(blob, channel) {
    if (this.#signal.aborted || !this.node.isConnected) return;
    const old = this.#address;
    this.#address = URL.createObjectURL(blob);
    this.#image.src = this.#address;
    this.#image.alt = `Newest picture of ${channel.name || channel.id}`;
    this.#image.hidden = false;
    this.#empty.hidden = true;
    if (old) this.#image.addEventListener("load", () => URL.revokeObjectURL(old), { once: true });
  }
}
