// A file checked and told: what it says, what was checked, what was not, or the first thing wrong. Works on bytes and words,
// not on the page, so that the page for files and the custody log's own pages say the same.
import { Fault, checkProof, hex, leafHash, parseKey, unusable } from "./proof.js";
import { readEntry } from "./entry.js";

const MINUTE = 60_000;
// The keys of some lines, one each; at least one of a log.
export const readKeys = async (lines) => {
  const keys = await Promise.all(lines.split("\n").map((line) => line.trim()).filter(Boolean).map(parseKey));
  return keys.some((key) => key.type === 1) ? keys : unusable("key", "");
};

const time = (ms) => (Math.abs(ms) < 8.64e15 ? new Date(ms) : null);

const receipt = async (bytes, keys, now) => {
  const { checkpoint, cosigned, unchecked, entry, index } = await checkProof(bytes, keys, now);
  const told = readEntry(entry);
  if (told.at > now + 60 * MINUTE) throw new Fault("unsound", "future", told.source);
  const kinds = { CompartmentOpened: "opened", CompartmentForced: "forced", CompartmentFoundOpen: "found-open" };
  const facts = [["at", time(told.at)], ["source", told.source]];
  if (told.fromBank) facts.push(["seq", String(told.seq)], ["quality", told.quality]);
  facts.push(["log", checkpoint.origin], ["place", `${index} / ${checkpoint.size}`], ["leaf", hex(await leafHash(entry))]);
  return {
    says: told.opens ? [kinds[told.kind], String(told.door).padStart(2, "0")] : ["says", told.kind],
    facts,
    did: [["did-form"], ["did-checkpoint", checkpoint.origin], ["did-entry", checkpoint.size], ...cosigned.map((one) => ["did-witness", one.name, time(one.time * 1000)])],
    not: [["not-key"], ...(cosigned.length ? [] : [["not-witness"]]), ...(unchecked ? [["not-signatures", unchecked]] : []), ["not-others"]],
  };
};

// Checks a file against keys, one a line. Never throws: { kind: "sound" | "unsound" | "unusable", … }.
export const check = async (file, lines, now = Date.now()) => {
  try {
    const keys = await readKeys(lines);
    const [first, second] = new Uint8Array(await file.slice(0, 2).arrayBuffer());
    if (first === 0x50 && second === 0x4b) {
      const { bundle } = await import("./bag.js");
      return { kind: "sound", ...(await bundle(file, keys, now)) };
    }
    if (file.size > 1_200_000) unusable("too-long");
    return { kind: "sound", ...(await receipt(new Uint8Array(await file.arrayBuffer()), keys, now)) };
  } catch (error) {
    if (error instanceof Fault) return { kind: error.kind, why: [error.code, ...error.values] };
    return { kind: "unusable", why: ["unread", error.message] };
  }
};

// Draws what `check` found into an element; `word` gives the text of a key in the reader's language.
export const draw = (into, verdict, word, name = "") => {
  const moment = new Intl.DateTimeFormat(`${document.documentElement.lang}-u-nu-latn`, { dateStyle: "long", timeStyle: "long" });
  // A witness may sign any number as its time.
  const told = (value) => (value instanceof Date && !isNaN(value) ? moment.format(value) : value instanceof Date ? "–" : (value ?? "–"));
  // A value keeps its own direction amid the reader's (U+2068, U+2069).
  const say = ([key, ...values]) => values.reduce((text, value, at) => text.replace(`%${at + 1}`, () => `\u2068${told(value)}\u2069`), word(key));
  const make = (tag, properties, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  // A list is a word, and what it is about.
  const shown = (value) =>
    value instanceof Date ? make("time", { dateTime: value.toISOString() }, told(value))
    : Array.isArray(value) ? make("span", {}, word(value[0]), " ", make("bdi", {}, value[1]))
    : make("bdi", {}, value ?? "–");
  const list = (key, items) => [make("h3", {}, word(key)), make("ul", { className: "prose" }, ...items.map((item) => make("li", {}, say(item))))];
  const tone = { sound: "ok", unsound: "bad", unusable: "warn" }[verdict.kind];
  const head = make("h2", { tabIndex: -1 }, word(verdict.kind));
  const parts = [make("div", { className: `notice ${tone}` }, make("div", {}, head, name && make("p", { className: "muted", dir: "auto" }, name)))];
  if (verdict.why) parts.push(make("p", { className: "strong" }, say([verdict.why[0], ...verdict.why.slice(1)])));
  if (verdict.says) parts.push(make("p", { className: "strong" }, say(verdict.says)));
  if (verdict.facts) parts.push(make("dl", { className: "facts" }, ...verdict.facts.flatMap(([key, value]) => [make("dt", {}, word(key)), make("dd", {}, shown(value))])));
  if (verdict.did) parts.push(...list("done", verdict.did));
  if (verdict.not) parts.push(...list("undone", verdict.not));
  const card = make("section", { className: "card" }, ...parts);
  card.dataset.verdict = verdict.kind;
  if (verdict.why) card.dataset.why = verdict.why[0];
  into.replaceChildren(card);
  head.focus();
};

// The words of a page: a hidden list of keys and texts.
export const wordsOf = (list) => {
  const words = new Map([...list.querySelectorAll("dt")].map((key) => [key.textContent, key.nextElementSibling.textContent]));
  return (key) => words.get(key) ?? key;
};
