// Plays HLS: by hls.js where the browser has Media Source Extensions, else by the browser itself.

import { here } from "./api.js";
import { el } from "./dom.js";

const AGAIN_MS = 2_000;
const TRIES = 10; // to open a playlist; the first one of a broadcast takes some seconds

async function library() {
  try {
    return (await import("./lib/hls.mjs")).default;
  } catch {
    return null;
  }
}

export class Player {
  #hls = null;
  #timer;
  #tries = 0;
  video = el("video", { controls: true, muted: true, playsinline: true, "aria-label": "Player" });
  said = el("p", { class: "hint", role: "status" });

  constructor(signal) {
    this.video.muted = true;
    signal.addEventListener("abort", () => this.stop());
    this.video.addEventListener("playing", () => {
      this.#tries = 0;
      this.said.textContent = "";
    });
  }

  // Plays what `link()` gives: asked for again when a try fails, for links expire. It may reject.
  async play(link) {
    this.stop();
    this.said.textContent = "Opening…";
    const Hls = await library();
    if (Hls?.isSupported()) this.#playByLibrary(Hls, link);
    else if (this.video.canPlayType("application/vnd.apple.mpegurl")) this.#playByBrowser(link);
    else this.said.textContent = "This browser plays no HLS by itself, and hls.js is not installed; run ./setup.sh again.";
  }

  stop() {
    clearTimeout(this.#timer);
    this.#tries = 0;
    this.#close();
    this.said.textContent = "";
  }

  #close() {
    this.#hls?.destroy();
    this.#hls = null;
    this.video.onerror = null;
    this.video.removeAttribute("src");
    this.video.load();
  }

  async #playByLibrary(Hls, link) {
    // No worker: a script of its own would need a wider policy, and remuxing one stream is little work.
    const hls = new Hls({ enableWorker: false, backBufferLength: 60 });
    let recovered = false;
    this.#hls = hls;
    hls.on(Hls.Events.ERROR, (_, { fatal, type }) => {
      if (!fatal) return;
      // One that comes back needs another beginning: a first segment without sound makes hls.js refuse the next one,
      // which has it. A live playlist has moved on when it is opened again.
      if (type === Hls.ErrorTypes.MEDIA_ERROR && !recovered) {
        recovered = true;
        hls.recoverMediaError();
      } else {
        this.#later(() => this.#playByLibrary(Hls, link));
      }
    });
    hls.on(Hls.Events.MANIFEST_PARSED, () => this.#start());
    const address = await this.#address(link);
    if (this.#hls !== hls) return; // stopped meanwhile
    if (address === null) {
      this.#later(() => this.#playByLibrary(Hls, link));
      return;
    }
    hls.loadSource(address);
    hls.attachMedia(this.video);
  }

  async #playByBrowser(link) {
    const again = () => this.#later(() => this.#playByBrowser(link));
    const address = await this.#address(link);
    if (address === null) {
      again();
      return;
    }
    this.video.onerror = again;
    this.video.src = address;
    this.#start();
  }

  async #address(link) {
    try {
      return here(await link());
    } catch {
      return null;
    }
  }

  // A browser may refuse to play unasked; then the controls are there to press.
  #start() {
    this.video.play().catch(() => (this.said.textContent = ""));
  }

  #later(work) {
    this.#tries += 1;
    this.#close();
    if (this.#tries > TRIES) {
      this.said.textContent = "Nothing can be played. Is the channel on air?";
      return;
    }
    this.said.textContent = "Waiting for the playlist…";
    this.#timer = setTimeout(work, AGAIN_MS);
  }
}
