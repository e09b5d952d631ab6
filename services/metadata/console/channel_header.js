// A channel's name and state, and what can be done to it.

import { call, versionTag } from "./api.js";
import { labelChips } from "./channel_card.js";
import { confirm } from "./dialogs.js";
import { button, el, setText } from "./dom.js";
import { say } from "./notices.js";
import { askToStop } from "./stop_dialog.js";
import { badge, reasonWords } from "./words.js";

export class ChannelHeader {
  #path;
  #changed;
  #channel = null;
  #name = el("bdi");
  #state = badge();
  #id = el("span", { class: "id" });
  #description = el("p", { class: "description" });
  #reason = el("p", { class: "reason" });
  #chips = el("ul", { class: "chips" });
  #edit = el("a", { class: "button" }, "Edit");
  #start = button("Start", () => this.#act("start", "The source is being fetched."), {
    class: "main", title: "Fetch the stream from the channel's source until it is stopped or completed",
  });
  #complete = button("Complete", () => this.#act("complete", "The broadcast ends as soon as nobody is connected."), {
    title: "End the broadcast as soon as nobody is connected, without waiting for a reconnect",
  });
  #stop = button("Stop and block…", () => askToStop(this.#channel, this.#path, (stopped) => this.#stopped(stopped)), { class: "danger" });
  #unblock = button("Unblock", () => this.#act("unblock", "Publishers may come in again."), { class: "main" });
  #remove = button("Delete…", () => this.#askToDelete());
  node;

  // `changed(channel)` is called with what an action gave.
  constructor(path, changed) {
    this.#path = path;
    this.#changed = changed;
    this.node = el("div", { class: "channel-header" },
      el("div", { class: "title" },
        el("div", { class: "names" }, el("h1", {}, this.#name), el("span", { role: "status" }, this.#state.node)),
        el("div", { class: "buttons" }, this.#unblock, this.#start, this.#stop, this.#complete, this.#edit, this.#remove),
      ),
      this.#reason, this.#description,
      el("div", { class: "names" }, this.#id, this.#chips),
    );
  }

  update(channel) {
    this.#channel = channel;
    setText(this.#name, channel.name || "Channel without a name");
    setText(this.#id, channel.id);
    setText(this.#description, channel.description);
    setText(this.#reason, this.#reasonOf(channel));
    this.#state.show(channel.state);
    this.#chips.replaceChildren(...labelChips(channel.labels));
    this.#edit.href = `#/channels/${encodeURIComponent(channel.id)}/edit`;
    const blocked = channel.state === "blocked";
    this.#unblock.hidden = !blocked;
    this.#stop.hidden = blocked;
    this.#start.hidden = blocked || !channel.source_url || channel.pulling;
    this.#complete.hidden = channel.session === null && !channel.pulling;
  }

  #reasonOf({ state_reason: reason, enabled }) {
    if (reason) return reasonWords(reason);
    return enabled ? "" : "This channel is disabled: nobody may publish. Edit it to let publishers in.";
  }

  async #act(what, words) {
    try {
      this.#changed(await call(`${this.#path}/${what}`, { method: "POST" }));
      say(words);
    } catch (error) {
      say(error.message);
    }
  }

  #stopped(channel) {
    this.#changed(channel);
    (this.#unblock.hidden ? this.#stop : this.#unblock).focus();
  }

  #askToDelete() {
    const channel = this.#channel;
    confirm({
      title: ["Delete ", el("bdi", {}, channel.name || channel.id), "?"],
      text: "Its broadcast ends and its stream key stops working. What was kept of it stays in the store, but the console shows it no more.",
      action: "Delete the channel",
      act: async () => {
        await call(this.#path, { method: "DELETE", etag: versionTag(channel) });
        say("The channel was deleted.");
        location.hash = "#/";
      },
    });
  }
}
