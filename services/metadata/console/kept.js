// What was kept of a channel: lists that are asked for often only while they are seen and can have changed.

const STILL_MS = 30_000; // while nothing is on air, and for those who search or hear what is not in the window

export class Kept {
  #lists;
  #channel = null;
  #watch = new IntersectionObserver((entries) => this.#see(entries));
  nodes;

  // `lists` are `[list, every]`: a list has a `node` and `update()`; `every(channel)` says how often it is asked for (ms)
  // while it is seen and the channel on air.
  constructor(lists, signal) {
    this.#lists = lists.map(([list, every]) => ({ list, every, asked: -Infinity, version: "", seen: false }));
    this.nodes = lists.map(([list]) => list.node);
    this.nodes.forEach((node) => this.#watch.observe(node));
    signal.addEventListener("abort", () => this.#watch.disconnect());
  }

  // Brings up to date what is due.
  async update(channel) {
    this.#channel = channel;
    await Promise.all(this.#lists.filter((each) => this.#isDue(each)).map((each) => this.#load(each)));
  }

  #version() {
    return `${this.#channel.state} ${this.#channel.session}`;
  }

  #isDue(each) {
    if (each.seen && each.version !== this.#version()) return true;
    const every = each.seen && this.#channel.session !== null ? each.every(this.#channel) : STILL_MS;
    return performance.now() - each.asked >= every;
  }

  async #load(each) {
    each.asked = performance.now();
    each.version = this.#version();
    try {
      await each.list.update();
    } catch (error) {
      each.asked = -Infinity;
      throw error;
    }
  }

  #see(entries) {
    for (const { target, isIntersecting } of entries) {
      this.#lists.find(({ list }) => list.node === target).seen = isIntersecting;
    }
    // The page's own refresh asks again for what fails here, and says so.
    if (this.#channel) this.update(this.#channel).catch(() => {});
  }
}
