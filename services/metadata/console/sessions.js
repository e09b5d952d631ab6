// A channel's broadcasts, the newest first, each with its time line.

import { call } from "./api.js";
import { button, el, setText } from "./dom.js";
import { count, length, seconds, size, time } from "./formats.js";
import { KeyedList } from "./keyed_list.js";
import { say } from "./notices.js";
import { timeLine } from "./time_line.js";
import { badge, reasonWords } from "./words.js";

const PAGE = 5;

function countWords({ snapshots, recordings, segments, bytes }) {
  const counts = [count(snapshots, "snapshot"), count(recordings, "recording"), count(segments, "HLS segment"), size(bytes)];
  return counts.join(" · ");
}

// The newest is open and folds when a newer one comes, unless somebody has opened or folded it.
function sessionRow(session) {
  const state = badge();
  const summary = el("span");
  const counts = el("p", { class: "hint" });
  const reason = el("p", { class: "reason" });
  const lines = el("div");
  let shown = "";
  let touched = false;
  const head = el("summary", { click: () => (touched = true) }, state.node, time(session.started_at), summary);
  const node = el("details", {}, head, reason, counts, lines);
  return {
    node,
    update(now, at) {
      if (!touched) node.open = at === 0;
      state.show(now.state);
      setText(summary, ` · ${length(Math.max(0, seconds(now.started_at, now.ended_at ?? new Date())))}`);
      setText(counts, countWords(now.counts));
      setText(reason, now.state_reason ? reasonWords(now.state_reason) : "");
      // A time line that grows is drawn again; one that stands still is left alone.
      const version = JSON.stringify([now.parts, now.gaps, now.ended_at]);
      if (version === shown && now.ended_at) return;
      shown = version;
      lines.replaceChildren(...timeLine(now));
    },
  };
}

export class Sessions {
  #path;
  #signal;
  #shown = PAGE;
  #empty = el("p", { class: "hint" }, "Nothing was on air yet.");
  #rows = el("div");
  #turn = 0; // counts what was asked: an answer to an earlier question shows nothing
  #older = button("Older broadcasts", () => this.#more());
  #list = new KeyedList(this.#rows, (session) => session.id, sessionRow);
  node = el("section", { class: "sheet", "aria-labelledby": "sessions" },
    el("h2", { id: "sessions" }, "Broadcasts"), this.#empty, this.#rows, el("div", { class: "buttons" }, this.#older));

  constructor(path, signal) {
    this.#path = path;
    this.#signal = signal;
    this.#older.hidden = true;
  }

  async update() {
    this.#turn += 1;
    const turn = this.#turn;
    const { items, next } = await call(`${this.#path}/sessions?limit=${this.#shown}`, { signal: this.#signal });
    if (turn !== this.#turn) return;
    this.#list.show(items);
    this.#empty.hidden = items.length > 0;
    this.#older.hidden = next === null;
  }

  async #more() {
    this.#shown += PAGE;
    try {
      await this.update();
    } catch (error) {
      if (!this.#signal.aborted) say(error.message);
    }
  }
}
