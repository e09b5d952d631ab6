// The first view: all channels with their state and newest picture.

import { call } from "./api.js";
import { channelCard } from "./channel_card.js";
import { button, el, setText } from "./dom.js";
import { count as counted, number } from "./formats.js";
import { KeyedList } from "./keyed_list.js";
import { repeat } from "./refresh.js";
import { stateWord } from "./words.js";

const PAGE = 48;
const MOST = 1_000; // of one answer
const STATES = ["live", "starting", "interrupted", "blocked", "idle"];

function words(channel) {
  const labels = Object.entries(channel.labels).flat();
  return [channel.id, channel.name, channel.description, ...labels].join("\n").toLowerCase();
}

function newcomer() {
  return el("div", { class: "sheet empty" },
    el("h2", {}, "No channel yet"),
    el("p", {}, "A channel is one stream that is kept: its pictures, its recordings, and a link to watch it."),
    el("ol", {},
      el("li", {}, "Create a channel. Its defaults are good for a start."),
      el("li", {}, "In OBS open Settings → Stream, choose the service Custom, and paste the server and the stream key that the channel shows."),
      el("li", {}, "Start streaming. The first picture is here within seconds."),
    ),
    el("a", { class: "button main", href: "#/new" }, "Create the first channel"),
  );
}

export function showChannels(view, signal) {
  let shown = PAGE;
  let channels = null;
  let more = false;
  const cards = el("ul", { class: "cards" });
  const list = new KeyedList(cards, (channel) => channel.id, (channel) => channelCard(channel, signal));
  const count = el("p", { class: "count", role: "status" });
  const empty = newcomer();
  const find = el("input", { type: "search", id: "find", placeholder: "Name, id or label", input: draw });
  const state = el("select", { id: "state", change: draw }, el("option", { value: "" }, "All"),
    STATES.map((each) => el("option", { value: each }, stateWord(each))));
  const filters = el("div", { class: "filters" },
    el("label", { for: "find" }, "Find", find),
    el("label", { for: "state" }, "State", state),
  );
  const older = button("Show more", () => {
    shown = Math.min(shown + PAGE, MOST);
    refresh();
  });

  function draw() {
    if (channels === null) return;
    const sought = find.value.trim().toLowerCase();
    const found = channels.filter(
      (channel) => (!state.value || channel.state === state.value) && words(channel).includes(sought),
    );
    list.show(found);
    const live = channels.filter((channel) => channel.state === "live").length;
    const part = found.length < channels.length ? `${number(found.length)} of ` : "";
    setText(count, `${part}${counted(channels.length, more ? "newest channel" : "channel")}, ${number(live)} live`);
    empty.hidden = channels.length > 0;
    filters.hidden = count.hidden = channels.length === 0;
    older.hidden = !more || shown === MOST;
  }

  async function load() {
    const page = await call(`channels?limit=${shown}`, { signal });
    channels = page.items;
    more = page.next !== null;
    draw();
  }

  empty.hidden = filters.hidden = older.hidden = true;
  view.append(
    el("div", { class: "title" }, el("h1", {}, "Channels"), el("a", { class: "button main", href: "#/new" }, "New channel")),
    filters, count, empty, cards, el("div", { class: "buttons" }, older),
  );
  const refresh = repeat(load, signal);
}
