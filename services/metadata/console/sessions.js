// A channel's broadcasts, the newest first, each with its time line.

import { call } from "./api.js";
import { button, el, setText } from "./dom.js";
import { length, number, seconds, size, time } from "./formats.js";
import { KeyedList } from "./keyed_list.js";
import { timeLine } from "./time_line.js";
import { badge, reasonWords } from "./words.js";

const PAGE = 5;

function countWords({ snapshots, recordings, segments, bytes }) {
  return `${number(snapshots)} snapshots · ${number(recordings)} recordings · ${number(segments)} HLS segments · ${size(bytes)}`;
}

function sessionRow(session, isNewest) {
  const state = badge();
  const summary = el("span");
  const counts = el("p", { class: "hint" });
  const reason = el("p", { class: "reason" });
  const lines = el("div");
  let shown = "";
  return {
    node: el("details", { open: isNewest },
      el("summary", {}, state.node, time(session.started_at), summary), reason, counts, lines),
    update(now) {
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
  #older = button("Older broadcasts", () => {
    this.#shown += PAGE;
    this.update();
  });
  #list = new KeyedList(this.#rows, (session) => session.id, (session) => sessionRow(session, this.#list.size === 0));
  node = el("section", { class: "sheet", "aria-labelledby": "sessions" },
    el("h2", { id: "sessions" }, "Broadcasts"), this.#empty, this.#rows, el("div", { class: "buttons" }, this.#older));

  constructor(path, signal) {
    this.#path = path;
    this.#signal = signal;
    this.#older.hidden = true;
  }

  async update() {
    const { items, next } = await call(`${this.#path}/sessions?limit=${this.#shown}`, { signal: this.#signal });
    this.#list.show(items);
    this.#empty.hidden = items.length > 0;
    this.#older.hidden = next === null;
  }
}
