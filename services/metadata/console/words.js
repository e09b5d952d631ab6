// What states, reasons and causes mean, in a reader's words. One that is not known here is shown as the API says it.

import { el, setAttribute, setText } from "./dom.js";

const STATES = {
  idle: "Idle",
  starting: "Starting",
  live: "Live",
  interrupted: "Interrupted",
  blocked: "Blocked",
  ended: "Ended",
  failed: "Failed",
};

const REASONS = {
  blocked: "Stopped and blocked",
  publisher_away: "The publisher is not connected; the broadcast waits for it",
  publisher_silent: "A publisher is connected and sends nothing that can be captured; look at the encoder",
  source_unavailable: "Nothing comes from the source; it is tried again and again",
  source_ended: "The source has ended; what comes there next is captured",
  source_unsupported: "The source holds what cannot be captured",
  worker_failing: "Its workers died again and again; the log says of what",
  disk_full: "The disk is full; capture begins again when there is room",
};

const CAUSES = {
  publisher_away: "Nobody was connected",
  not_listening: "A publisher was on air before capture began",
  ffmpeg_lost: "ffmpeg died and was started again",
  worker_lost: "The worker died and was replaced",
  store_dropped: "The store took nothing",
  disk_full: "The disk was full",
  undecodable: "What came could not be captured",
};

const FLAGS = { black: "Black", frozen: "Frozen" };

const ON_AIR = new Set(["starting", "live", "interrupted"]);
const OUTPUTS = { snapshots: "snapshots", recordings: "recordings", hls: "HLS" };

export const stateWord = (state) => STATES[state] ?? state;
export const isOnAir = ({ state }) => ON_AIR.has(state);
export const causeWord = (cause) => CAUSES[cause] ?? cause;
export const flagWord = (flag) => FLAGS[flag] ?? flag;
export const outputWord = (output) => OUTPUTS[output] ?? output;

export function reasonWords({ code, detail }) {
  const words = REASONS[code] ?? code;
  return detail ? `${words}: ${detail}` : words;
}

// A state as a badge: the word says it, the colour only helps.
export function badge() {
  const node = el("span", { class: "badge" });
  return {
    node,
    show(state) {
      setText(node, stateWord(state));
      setAttribute(node, "data-state", state);
    },
  };
}
