// A broadcast on a time line: its parts, and the gaps between them with their causes. The same as a list below it.

import { el, svg } from "./dom.js";
import { clock, count, length, seconds, time } from "./formats.js";
import { causeWord, outputWord } from "./words.js";

const LEAST = 0.6; // per cent of the width: what is very short is still seen

function mediaWords({ video, audio }) {
  const seen = video && [video.width && `${video.width}×${video.height}`, video.codec].filter(Boolean).join(" ");
  const heard = audio && [audio.codec, audio.sample_rate && `${audio.sample_rate / 1000} kHz`].filter(Boolean).join(" ");
  return [seen, heard].filter(Boolean).join(", ");
}

// Gives parts and gaps as spans of one kind, in the order of time.
function spansOf(session, now) {
  const parts = session.parts.map((part, at) => ({
    kind: "part", from: part.from, to: part.to ?? now, runs: part.to === null, title: `Part ${at + 1}`, detail: mediaWords(part),
  }));
  const gaps = session.gaps.map((gap) => ({
    kind: "gap", from: gap.from, to: gap.to, runs: false, title: "Gap",
    detail: `${causeWord(gap.cause)} (${gap.outputs.map(outputWord).join(", ")})`,
  }));
  return [...parts, ...gaps].sort((one, other) => new Date(one.from) - new Date(other.from));
}

function bar(span, begin, whole) {
  const x = Math.max(0, (seconds(begin, span.from) / whole) * 100);
  const width = Math.max(LEAST, (seconds(span.from, span.to) / whole) * 100);
  const words = `${span.title}, ${clock(span.from)} to ${span.runs ? "now" : clock(span.to)}: ${span.detail}`;
  // A gap is a low bar, so that it is told from a part without colours too.
  const [y, height] = span.kind === "gap" ? ["35%", "30%"] : ["0%", "100%"];
  return svg("rect", { class: span.kind, x: `${Math.min(x, 100 - LEAST)}%`, y, width: `${Math.min(width, 100 - x)}%`, height },
    svg("title", {}, words));
}

function line(span) {
  return el("li", { class: span.kind },
    el("span", { class: "mark", "aria-hidden": "true" }),
    el("span", {}, el("strong", {}, span.title), ` ${length(seconds(span.from, span.to))} · `,
      time(span.from, clock), " to ", span.runs ? "now" : time(span.to, clock)),
    el("span", { class: "hint" }, span.detail),
  );
}

// Gives the drawing and the list of a session whose answer has parts or gaps, else a sentence.
export function timeLine(session) {
  const now = new Date().toISOString();
  const spans = spansOf(session, now);
  if (!spans.length) return [el("p", { class: "hint" }, "Nothing was captured yet.")];
  const begin = spans[0].from;
  // What is open goes on until now, also while nothing comes.
  const end = spans.reduce((latest, span) => (span.to > latest ? span.to : latest), session.ended_at ? begin : now);
  const whole = Math.max(0.001, seconds(begin, end));
  const label = `Time line: ${count(session.parts.length, "part")} and ${count(session.gaps.length, "gap")} in ${length(whole)}; listed below`;
  return [
    el("figure", { class: "time-line" },
      // Parts first: a gap that lies inside one is drawn over it.
      svg("svg", { role: "img", "aria-label": label },
        ["part", "gap"].flatMap((kind) => spans.filter((span) => span.kind === kind).map((span) => bar(span, begin, whole)))),
      el("figcaption", {}, time(begin, clock), el("span", {}, length(whole)), session.ended_at ? time(end, clock) : el("span", {}, "now")),
    ),
    el("ol", { class: "spans" }, spans.map(line)),
  ];
}
