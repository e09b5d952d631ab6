// One channel: what it shows, how to publish to it, what was kept of it, and what a moderator may do.

import { call, channelPath } from "./api.js";
import { ChannelHeader } from "./channel_header.js";
import { button, el } from "./dom.js";
import { PublishBox } from "./publish_box.js";
import { recordingList } from "./recordings.js";
import { repeat } from "./refresh.js";
import { Screen } from "./screen.js";
import { Sessions } from "./sessions.js";
import { snapshotList } from "./snapshots.js";

const KEPT_MS = 4_500; // a session's manifest is written every 5 s and no more often
const STILL_MS = 30_000; // while nothing is on air

function showGone(view) {
  view.replaceChildren(el("h1", {}, "There is no such channel"),
    el("p", {}, "It may have been deleted."), button("All channels", () => (location.hash = "#/")));
}

export function showChannel(view, signal, id) {
  const path = channelPath(id);
  const header = new ChannelHeader(path, (channel) => update(channel));
  const screen = new Screen(path, signal);
  const publish = new PublishBox(path, (channel) => update(channel));
  const kept = [new Sessions(path, signal), snapshotList(path, signal), recordingList(path, signal)];
  let asked = -Infinity;
  let session;
  const page = el("div", { class: "channel", hidden: true },
    header.node, el("div", { class: "columns" }, screen.node, publish.node), kept.map((each) => each.node));

  function update(channel) {
    document.title = `${channel.name || channel.id} · streamkeep`;
    header.update(channel);
    publish.update(channel);
    screen.update(channel);
    page.hidden = false;
  }

  // Lists of what was kept are read from manifests, so they are asked for only when those can have changed.
  async function loadKept(channel) {
    const every = channel.session === null ? STILL_MS : KEPT_MS;
    if (channel.session === session && performance.now() - asked < every) return;
    await Promise.all(kept.map((each) => each.update()));
    session = channel.session;
    asked = performance.now();
  }

  async function load() {
    let channel;
    try {
      channel = await call(path, { signal });
    } catch (error) {
      if (error.status !== 404) throw error;
      gone.abort();
      showGone(view);
      return;
    }
    update(channel);
    await loadKept(channel);
  }

  view.append(page);
  const gone = new AbortController();
  repeat(load, AbortSignal.any([signal, gone.signal]));
}
