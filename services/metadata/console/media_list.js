// A list of what was kept, newest first: by time, page by page, and fresh while nobody has gone back.

import { call } from "./api.js";
import { button, el, freshId } from "./dom.js";
import { KeyedList } from "./keyed_list.js";
import { say } from "./notices.js";
import { TimeRange } from "./time_range.js";

export class MediaList {
  #kind;
  #path;
  #signal;
  #limit;
  #list;
  #rows;
  #next = null;
  #items = [];
  #wentBack = false; // older pages are shown, so the list stands still
  #turn = 0; // counts what was asked: an answer to an earlier question shows nothing
  #range;
  #empty = el("p", { class: "hint", hidden: true });
  #older = button("Older", () => this.#more(), { hidden: true });
  #newest = button("Newest", () => this.#reset(), { hidden: true });
  node;

  // `kind` is the list's name in the API; `row(item, list)` gives an item's row.
  constructor({ title, kind, path, signal, limit, className, row }) {
    this.#kind = kind;
    this.#path = path;
    this.#signal = signal;
    this.#limit = limit;
    this.#rows = el("ul", { class: className });
    this.#list = new KeyedList(this.#rows, (item) => item.key, (item) => row(item, this));
    this.#range = new TimeRange(() => this.#first(), this.#newest);
    const id = freshId(kind);
    this.node = el("section", { class: "sheet", "aria-labelledby": id },
      el("div", { class: "section-title" }, el("h2", { id }, title), this.#range.node),
      this.#range.problem, this.#empty, this.#rows, el("div", { class: "buttons" }, this.#older),
    );
  }

  get items() {
    return this.#items;
  }

  // Shows what is new, unless a time was chosen or older pages are open.
  async update() {
    if (!this.#wentBack && !this.#range.isChosen) await this.#load();
  }

  // Gives an item with a link that works now: links expire.
  async fresh(item) {
    if (new Date(item.expires_at) > Date.now() + 5_000) return item;
    const at = item.captured_at ?? item.started_at;
    const after = new Date(Date.parse(at) + 1).toISOString();
    const { items } = await this.#ask({ from: at, to: after });
    return items.find((each) => each.key === item.key) ?? item;
  }

  #ask(query) {
    const given = Object.entries(query).filter(([, value]) => value);
    return call(`${this.#path}/${this.#kind}?${new URLSearchParams([["limit", this.#limit], ...given])}`, { signal: this.#signal });
  }

  async #load(cursor = null) {
    this.#turn += 1;
    const turn = this.#turn;
    this.#newest.hidden = !this.#wentBack && !this.#range.isChosen; // the way back, also when nothing comes
    const page = await this.#ask({ from: this.#range.from, to: this.#range.to, cursor });
    if (turn !== this.#turn) return;
    this.#items = cursor ? [...this.#items, ...page.items] : page.items;
    this.#next = page.next;
    this.#list.show(this.#items);
    this.#older.hidden = page.next === null;
    this.#empty.hidden = this.#items.length > 0;
    this.#empty.textContent = this.#range.isChosen ? `No ${this.#kind} in this time.` : `No ${this.#kind} yet.`;
  }

  async #first() {
    this.#wentBack = false;
    await this.#tried(() => this.#load());
  }

  async #more() {
    this.#wentBack = true;
    await this.#tried(() => this.#load(this.#next));
  }

  async #reset() {
    this.#range.clear();
    await this.#first();
  }

  async #tried(work) {
    try {
      await work();
    } catch (error) {
      if (!this.#signal.aborted) say(error.message);
    }
  }
}
