// Times, lengths and sizes as people read them.

import { el } from "./dom.js";

const DAY = { year: "numeric", month: "short", day: "numeric" };
const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
const stamps = new Intl.DateTimeFormat(undefined, { ...DAY, ...CLOCK });
const clocks = new Intl.DateTimeFormat(undefined, CLOCK);
const numbers = new Intl.NumberFormat();

export const stamp = (text) => stamps.format(new Date(text));
export const clock = (text) => clocks.format(new Date(text));
export const number = (value) => numbers.format(value);
export const count = (value, one, many = `${one}s`) => `${number(value)} ${value === 1 ? one : many}`;

// Gives a time in the reader's zone; pointing at it shows UTC, as the API and the files' names have it.
export function time(text, form = stamp) {
  return el("time", { datetime: text, title: `${text.replace("T", " ").replace("Z", "")} UTC` }, form(text));
}

export const seconds = (from, to) => (new Date(to) - new Date(from)) / 1000;

// Gives a length: 0.4 s, 12 s, 3 min 7 s, 2 h 5 min.
export function length(given) {
  if (given < 9.95) return `${Number(given.toFixed(1))} s`;
  const whole = Math.round(given);
  if (whole < 60) return `${whole} s`;
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  return hours ? `${hours} h ${minutes} min` : `${minutes} min${rest ? ` ${rest} s` : ""}`;
}

export function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const step = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** step;
  return `${value < 9.95 && step ? value.toFixed(1) : Math.round(value)} ${units[step]}`;
}

// The value of an <input type="datetime-local">, which is in the reader's zone.
export function localInput(text) {
  if (!text) return "";
  const moment = new Date(text);
  return new Date(moment - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

export const LAST_LOCAL_INPUT = "9999-12-31T23:59:59"; // later years are written in another way

// Gives the moment that stands in such an input, null if none does; throws a RangeError for one that there is not.
export function momentIn(input) {
  if (!input.value && !input.validity.badInput) return null;
  const moment = new Date(input.value);
  if (!(moment.getUTCFullYear() <= 9999)) {
    throw new RangeError("must be a whole date and time that exists, with a year of four digits");
  }
  return moment.toISOString();
}
