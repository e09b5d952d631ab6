// Plays HLS: by hls.js where the browser has Media Source Extensions, else by the browser itself.

import { here } from "./api.js";
import { el } from "./dom.js";

const AGAIN_MS = 2_000;
const TRIES = 10; // to open a playlist; the first one of a broadcast takes some seconds
const INSIDE = 0.1; // s after a segment's start, which is known less exactly
const LIVE = -1; // hls.js's word for a place near the end of what is on air

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
  #turn = 0; // counts openings and closings: what comes late, for an earlier one, does nothing
  #from = LIVE; // where to begin (s)
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

  // Plays what `link()` gives: asked for again when a try fails, for links expire. It may reject. `whole` begins at the
  // beginning also while the playlist still grows, which players take for a live one.
  async play(link, { whole = false } = {}) {
    this.stop();
    const turn = this.#turn;
    this.#from = whole ? 0 : LIVE;
    this.said.textContent = "Opening…";
    const Hls = await library();
    if (turn !== this.#turn) return;
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
    this.#turn += 1;
    this.#hls?.destroy();
    this.#hls = null;
    this.video.onerror = this.video.onloadedmetadata = null;
    this.video.removeAttribute("src");
    this.video.load();
  }

  async #playByLibrary(Hls, link) {
    const again = () => this.#later(() => this.#playByLibrary(Hls, link));
    const address = await this.#address(link);
    if (address === undefined) return;
    if (address === null) {
      again();
      return;
    }
    // No worker: a script of its own would need a wider policy, and remuxing one stream is little work.
    this.#hls = new Hls({ enableWorker: false, backBufferLength: 60, startPosition: this.#from });
    this.#watch(this.#hls, Hls, again);
    this.#hls.loadSource(address);
    this.#hls.attachMedia(this.video);
  }

  #watch(hls, Hls, again) {
    let recovered = false;
    hls.on(Hls.Events.MANIFEST_PARSED, () => this.#start());
    hls.on(Hls.Events.ERROR, (_, { fatal, type, frag }) => {
      if (!fatal) return;
      // One that comes back needs another beginning: a first segment without sound makes hls.js refuse the next one,
      // which has it. A live playlist has moved on when it is opened again; of a whole one, that segment is left out.
      const isMedia = type === Hls.ErrorTypes.MEDIA_ERROR;
      if (isMedia && !recovered) {
        recovered = true;
        hls.recoverMediaError();
        return;
      }
      again();
      if (isMedia && frag) this.#skipTo(frag);
    });
  }

  async #playByBrowser(link) {
    const again = () => this.#later(() => this.#playByBrowser(link));
    const address = await this.#address(link);
    if (address === undefined) return;
    if (address === null) {
      again();
      return;
    }
    this.video.onerror = again;
    this.video.onloadedmetadata = () => this.#from !== LIVE && (this.video.currentTime = this.#from);
    this.video.src = address;
    this.#start();
  }

  // Gives null if there is no link now, undefined if nobody wants it any more.
  async #address(link) {
    const turn = this.#turn;
    const found = await link().then(here).catch(() => null);
    return turn === this.#turn ? found : undefined;
  }

  // A browser may refuse to play unasked; then the controls are there to press.
  #start() {
    this.video.play().catch(() => (this.said.textContent = ""));
  }

  // Begins the next time in the segment that was refused, or after it if it was the first.
  #skipTo({ start, duration }) {
    if (this.#from === LIVE) return;
    this.#from = (start > this.#from ? start : start + duration) + INSIDE;
  }

  #later(work) {
    this.#tries += 1;
    if (this.#from !== LIVE) this.#from = this.video.currentTime || this.#from; // goes on where it broke off
    this.#close();
    if (this.#tries > TRIES) {
      this.said.textContent = "Nothing can be played. Is the channel on air?";
      return;
    }
    this.said.textContent = "Waiting for the playlist…";
    this.#timer = setTimeout(work, AGAIN_MS);
  }
}
