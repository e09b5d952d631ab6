// What a channel shows: its newest picture, or its player.

import { call } from "./api.js";
import { copyButton } from "./copying.js";
import { button, el, setText } from "./dom.js";
import { say } from "./notices.js";
import { NewestPicture } from "./pictures.js";
import { Player } from "./player.js";
import { show } from "./snapshots.js";

const NOW = { max_age: 1 }; // seconds: what is on air, not what was at the last keyframe

export class Screen {
  #picture;
  #player;
  #playing = null; // "hls" or "vod"
  #channel = null;
  #path;
  #live = button("Watch live", () => this.#play("hls"), { class: "main" });
  #whole = button("", () => this.#play("vod"));
  #stop = button("Stop playing", () => this.#end());
  #take = button("Take a snapshot", () => this.#takeOne());
  #copy = copyButton(() => this.#channel.playback.hls, "the link to watch", "Copy link");
  node;

  constructor(path, signal) {
    this.#path = path;
    this.#picture = new NewestPicture(signal);
    this.#player = new Player(signal);
    this.#player.video.hidden = true;
    this.node = el("section", { class: "screen", "aria-label": "Picture and player" },
      el("div", { class: "stage" }, this.#picture.node, this.#player.video),
      el("div", { class: "buttons" }, this.#live, this.#whole, this.#stop, this.#take, this.#copy),
      this.#player.said,
    );
  }

  async update(channel) {
    this.#channel = channel;
    const onAir = channel.state === "live" || channel.state === "interrupted";
    this.#live.hidden = !channel.playback.hls || !onAir || this.#playing === "hls";
    this.#whole.hidden = !channel.playback.vod || this.#playing === "vod";
    setText(this.#whole, onAir ? "Watch from its beginning" : "Watch the last broadcast");
    this.#stop.hidden = this.#playing === null;
    this.#take.hidden = !onAir;
    this.#copy.hidden = !channel.playback.hls;
    if (this.#playing === null) await this.#picture.update(channel);
  }

  #play(what) {
    this.#playing = what;
    this.#show();
    this.#player.play(async () => (await call(this.#path)).playback[what], { whole: what === "vod" });
    this.#player.video.focus();
  }

  async #takeOne() {
    this.#take.disabled = true;
    try {
      show(await call(`${this.#path}/snapshots`, { method: "POST", body: NOW }));
    } catch (error) {
      say(error.message);
    } finally {
      this.#take.disabled = false;
    }
  }

  #end() {
    const played = this.#playing;
    this.#playing = null;
    this.#player.stop();
    this.#show();
    (played === "hls" && !this.#live.hidden ? this.#live : this.#whole).focus();
  }

  #show() {
    this.#player.video.hidden = this.#playing === null;
    this.#picture.node.hidden = this.#playing !== null;
    this.update(this.#channel);
  }
}
