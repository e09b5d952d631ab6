// A channel's recordings: MP4 files to watch and to download.

import { here, toSave } from "./api.js";
import { open } from "./dialogs.js";
import { button, el } from "./dom.js";
import { length, size, stamp, time } from "./formats.js";
import { MediaList } from "./media_list.js";
import { say } from "./notices.js";

const PAGE = 12;

async function watch(item, list) {
  const video = el("video", { controls: true, playsinline: true });
  open(`Recording of ${stamp(item.started_at)}`, [video], { wide: true, close: () => video.removeAttribute("src") });
  video.onerror = () => video.getAttribute("src") && say("The recording cannot be played.");
  const fresh = await list.fresh(item).catch(() => item);
  video.src = here(fresh.url);
  video.play().catch(() => {}); // the browser may want a press on the controls
}

// Follows a download link; one that has expired is replaced first.
async function download(event, item, list) {
  const link = event.currentTarget;
  const fresh = list.fresh(item);
  if (new Date(item.expires_at) > Date.now() + 5_000) return;
  event.preventDefault();
  try {
    link.href = toSave((await fresh).url);
    Object.assign(item, await fresh);
    link.click();
  } catch (error) {
    say(error.message);
  }
}

function row(item, list) {
  const link = el("a", {
    class: "button",
    href: toSave(item.url),
    download: true,
    "aria-label": `Download the recording of ${stamp(item.started_at)}`,
    click: (event) => download(event, item, list),
  }, "Download");
  const node = el("li", {},
    el("span", { class: "when" }, time(item.started_at)),
    el("span", { class: "hint" }, `${length(item.duration)} · ${size(item.bytes)}`),
    el("span", { class: "buttons" },
      button("Watch", () => watch(item, list), { "aria-label": `Watch the recording of ${stamp(item.started_at)}` }), link),
  );
  return {
    node,
    update(now) {
      item = now;
      link.href = toSave(now.url);
    },
  };
}

export function recordingList(path, signal) {
  return new MediaList({ title: "Recordings", kind: "recordings", path, signal, limit: PAGE, className: "lines", row });
}
