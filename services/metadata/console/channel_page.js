// One channel: what it shows, how to publish to it, what was kept of it, and what a moderator may do.

import { call, channelPath } from "./api.js";
import { ChannelHeader } from "./channel_header.js";
import { closeAll } from "./dialogs.js";
import { button, el } from "./dom.js";
import { Kept } from "./kept.js";
import { PublishBox } from "./publish_box.js";
import { recordingList } from "./recordings.js";
import { REFRESH_MS, repeat } from "./refresh.js";
import { Screen } from "./screen.js";
import { Sessions } from "./sessions.js";
import { snapshotList } from "./snapshots.js";
import { isOnAir } from "./words.js";

const IDLE_MS = 5_000; // from one look at a channel to the next while nothing is on air
// Lists are read from manifests, each written every 5 s and no more often.
const SOONEST_MS = 4_500;
const LISTS_MS = 9_500;
const STEERING = /[\u202a-\u202e\u2066-\u2069]/g; // turns the direction of what follows, which a title cannot isolate

const slowly = () => LISTS_MS;
const byPictures = ({ image_time: s }) => Math.min(LISTS_MS, Math.max(SOONEST_MS, s * 1000 - 500));

function showGone(view) {
  closeAll();
  view.replaceChildren(el("h1", {}, "There is no such channel"),
    el("p", {}, "It may have been deleted."), button("All channels", () => (location.hash = "#/")));
}

export function showChannel(view, signal, id) {
  const path = channelPath(id);
  const header = new ChannelHeader(path, (channel) => update(channel));
  const screen = new Screen(path, signal);
  const publish = new PublishBox(path, (channel) => update(channel));
  const kept = new Kept([
    [new Sessions(path, signal), slowly],
    [snapshotList(path, signal), byPictures],
    [recordingList(path, signal), slowly],
  ], signal);
  const page = el("div", { class: "channel", hidden: true },
    header.node, el("div", { class: "columns" }, screen.node, publish.node), kept.nodes);

  function update(channel) {
    document.title = `${channel.name.replace(STEERING, "") || channel.id} · streamkeep`;
    header.update(channel);
    publish.update(channel);
    screen.update(channel);
    page.hidden = false;
  }

  // Gives the time to the next look (ms).
  async function load() {
    let channel;
    try {
      channel = await call(path, { signal });
    } catch (error) {
      if (error.status !== 404) throw error;
      gone.abort();
      showGone(view);
      return IDLE_MS;
    }
    update(channel);
    await kept.update(channel);
    return isOnAir(channel) ? REFRESH_MS : IDLE_MS;
  }

  view.append(page);
  const gone = new AbortController();
  repeat(load, AbortSignal.any([signal, gone.signal]));
}
