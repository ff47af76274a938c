// Evidence bundles checked in the browser (docs/reference/evidence-bundle.md): the archive strictly, every file against the
// manifests, the checkpoint, every entry's proof, and the banks' chains. Read piece by piece, so a large bundle needs no more
// memory than its largest file; what unpacks to more than it says is refused at once.
import { Fault, base64, ed25519, hex, leafHash, openCheckpoint, parseKey, pathLength, rootOf, same, sha256, text, unusable, wrong } from "./proof.js";
import { readEntry } from "./entry.js";

const FILES = 10_000, NAME = 200, LARGEST = 256 * 1024 * 1024, END = 22, CENTRAL = 46, LOCAL = 30;
const encoder = new TextEncoder();
const bytesOf = async (blob) => new Uint8Array(await blob.arrayBuffer());
const view = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
// An archive not of the form of a bundle is no bundle: nothing in it was checked.
const zip = (where) => unusable("zip", where);

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n >>> 0;
});
const crc32 = (bytes) => {
  let sum = ~0;
  for (let at = 0; at < bytes.length; at++) sum = CRC[(sum ^ bytes[at]) & 255] ^ (sum >>> 8);
  return ~sum >>> 0;
};

// The files of an archive by name. A local header says the same as its central one, and nothing lies between them.
const directory = async (file) => {
  if (file.size < END) zip("end");
  const end = view(await bytesOf(file.slice(-END)));
  const count = end.getUint16(10, true), size = end.getUint32(12, true), start = end.getUint32(16, true);
  if (end.getUint32(0, true) !== 0x06054b50 || end.getUint32(4, true) || end.getUint16(8, true) !== count || end.getUint16(20, true)) zip("end");
  if (count > FILES || size > FILES * (CENTRAL + NAME) || start + size !== file.size - END) zip("end");
  const central = await bytesOf(file.slice(start, start + size)), fields = view(central);
  const files = new Map(), taken = new Set();
  let at = 0, next = 0, total = 0;
  for (let left = count; left > 0; left--) {
    if (at + CENTRAL > size || fields.getUint32(at, true) !== 0x02014b50) zip("central directory");
    const long = fields.getUint16(at + 28, true), name = text(central.subarray(at + CENTRAL, at + CENTRAL + long));
    const [method, crc, packed, whole] = [fields.getUint16(at + 10, true), fields.getUint32(at + 16, true), fields.getUint32(at + 20, true), fields.getUint32(at + 24, true)];
    if (!name || long > NAME || at + CENTRAL + long > size || !/^[\w-][\w.-]*(\/[\w-][\w.-]*)*$/.test(name) || taken.has(name.toLowerCase())) unusable("zip-name", (name ?? "").slice(0, 80));
    const odd = fields.getUint16(at + 8, true) & ~0x0806 || fields.getUint32(at + 30, true) || fields.getUint16(at + 34, true) || fields.getUint32(at + 42, true) !== next;
    if (odd || ![0, 8].includes(method) || (!method && packed !== whole)) zip(name);
    const local = view(await bytesOf(file.slice(next, next + LOCAL + long)));
    if (local.byteLength < LOCAL + long || local.getUint32(0, true) !== 0x04034b50 || local.getUint16(28, true)) zip(name);
    for (let byte = 0; byte < 24; byte++) if (local.getUint8(4 + byte) !== central[at + 6 + byte]) zip(name);
    if (!same(new Uint8Array(local.buffer, LOCAL), central.subarray(at + CENTRAL, at + CENTRAL + long))) zip(name);
    files.set(name, { name, method, crc, whole, data: file.slice(next + LOCAL + long, next + LOCAL + long + packed) });
    taken.add(name.toLowerCase());
    next += LOCAL + long + packed;
    at += CENTRAL + long;
    if ((total += whole) >= 2 ** 32) unusable("zip-bomb", name);
  }
  if (next !== start || at !== size) zip("central directory");
  return files;
};

// One file, unpacked to exactly the length and sum it says.
const unpack = async ({ name, method, crc, whole, data }) => {
  if (whole > LARGEST) unusable("too-long");
  if (method && !globalThis.DecompressionStream) unusable("no-inflate");
  let stream;
  try { stream = method ? data.stream().pipeThrough(new DecompressionStream("deflate-raw")) : data.stream(); } catch { unusable("no-inflate"); }
  const bytes = new Uint8Array(whole), reader = stream.getReader();
  let at = 0;
  try {
    for (let part; !(part = await reader.read()).done; at += part.value.length) {
      if (at + part.value.length > whole) unusable("zip-bomb", name);
      bytes.set(part.value, at);
    }
  } catch (error) {
    // The rest is not worth reading.
    reader.cancel().catch(() => {});
    if (error instanceof Fault) throw error;
    unusable("zip-crc", name);
  }
  if (at !== whole || crc32(bytes) !== crc) unusable("zip-crc", name);
  return bytes;
};

const manifest = (bytes, name) => {
  const lines = new Map();
  for (const line of (text(bytes) ?? wrong("bag", name)).split("\n").slice(0, -1)) {
    const [, hash, path] = /^([0-9a-f]{64}) [ *](\S+)$/.exec(line) ?? wrong("bag", name);
    if (lines.has(path)) wrong("bag", name);
    lines.set(path, hash);
  }
  return lines;
};

const KEPT = new Set(["data/statement.json", "data/log/checkpoint", "data/log/key", "data/log/entries.jsonl"]);
// Every file of the bag against the manifests; gives back the few that are looked into.
const bag = async (files) => {
  const top = [...files.keys()][0]?.split("/")[0] ?? zip("empty"), kept = new Map();
  const inside = new Map([...files].map(([name, file]) => [name.startsWith(`${top}/`) ? name.slice(top.length + 1) : unusable("zip-name", name), file]));
  if (!inside.has("bagit.txt")) unusable("foreign");
  const open = (name) => unpack(inside.get(name) ?? wrong("missing", name));
  if (!/^BagIt-Version: 1\.0\nTag-File-Character-Encoding: UTF-8\n$/.test(text(await open("bagit.txt")) ?? "")) wrong("bag", "bagit.txt");
  const tags = manifest(await open("tagmanifest-sha256.txt"), "tagmanifest-sha256.txt");
  const payload = manifest(await open("manifest-sha256.txt"), "manifest-sha256.txt");
  for (const tag of ["bagit.txt", "bag-info.txt", "manifest-sha256.txt"]) if (!tags.has(tag)) wrong("unlisted", tag);
  for (const path of payload.keys()) if (!path.startsWith("data/")) wrong("bag", "manifest-sha256.txt");
  for (const [path, hash] of [...tags, ...payload]) {
    const bytes = await open(path);
    if (hex(await sha256(bytes)) !== hash) wrong("changed", path);
    const named = /^data\/files\/([0-9a-f]+)\./.exec(path);
    if (path.startsWith("data/files/") && named?.[1] !== hash) wrong("changed", path);
    if (KEPT.has(path)) kept.set(path, bytes);
  }
  for (const name of inside.keys()) if (name !== "tagmanifest-sha256.txt" && !tags.has(name) && !payload.has(name)) wrong("unlisted", name);
  const enclosed = [...payload.keys()].filter((path) => path.startsWith("data/files/"));
  return { count: payload.size, enclosed, file: (name) => kept.get(name) ?? wrong("missing", name) };
};

// The proofs of entries in order: each path ends where it meets a hash that one before has shown.
const prover = ({ size, root }) => {
  const known = [{ from: 0n, to: size, hash: root }];
  return async (leaf, index, path) => {
    while (known.length && known.at(-1).to <= index) known.pop();
    const range = known.pop();
    if (!range || index < range.from) wrong("path");
    let { from, to } = range;
    if (path.length !== pathLength(index - from, to - from)) wrong("length", path.length, pathLength(index - from, to - from));
    const found = await rootOf(leaf, index - from, to - from, path);
    if (!found || !same(found, range.hash)) wrong("path");
    for (let sibling = path.length - 1; sibling >= 0; sibling--) {
      const middle = from + (1n << BigInt((to - from - 1n).toString(2).length - 1));
      if (index < middle) known.push({ from: middle, to, hash: path[sibling] });
      [from, to] = index < middle ? [from, middle] : [middle, to];
    }
  };
};

// The banks' own order: each event names the one before, and the bank signed heads of its chain.
const chains = () => {
  const banks = new Map();
  const of = (bank) => banks.get(bank) ?? banks.set(bank, { shas: new Map(), key: null, heads: 0 }).get(bank);
  return {
    heads: () => [...banks.values()].reduce((sum, bank) => sum + bank.heads, 0),
    take: async (entry, leaf) => {
      if (entry.fromBank) {
        const bank = of(entry.source), before = bank.shas.get(entry.seq - 1n);
        if (before && before !== entry.prev) wrong("chain", entry.source, entry.seq);
        bank.shas.set(entry.seq, hex(await sha256(leaf)));
      } else if (entry.enrolled) {
        of(entry.enrolled.bank).key = entry.enrolled.key;
      } else if (entry.head) {
        const { bank: name, seq, head, signature } = entry.head, bank = of(name), held = bank.shas.get(seq);
        if (!held && !bank.key) return;
        if (held && held !== hex(head)) wrong("chain", name, seq);
        const statement = encoder.encode(`bailee-chain-head/v1\n${name}\n${seq}\n${hex(head)}\n`);
        if (!bank.key || !(await ed25519(bank.key, statement, signature))) wrong("chain", name, seq);
        bank.heads += 1;
      }
    },
  };
};

const entries = async (bytes, checkpoint) => {
  const prove = prover(checkpoint), chain = chains();
  const lines = (text(bytes) ?? wrong("line", 1)).split("\n").slice(0, -1);
  const attached = new Set();
  let last = -1, asked = 0;
  for (const [at, line] of lines.entries()) {
    try {
      let one;
      try { one = JSON.parse(line); } catch { wrong("line", at + 1); }
      const leaf = base64(String(one?.leaf)), path = Array.isArray(one?.path) && one.path.map((hash) => base64(String(hash)));
      if (!leaf || !path || path.some((hash) => hash?.length !== 32) || !Number.isSafeInteger(one.index)) wrong("line", at + 1);
      if (one.index <= last) wrong("order", at + 1);
      last = one.index;
      if (BigInt(last) >= checkpoint.size) wrong("beyond", last, checkpoint.size);
      await prove(await leafHash(leaf), BigInt(last), path);
      const entry = readEntry(leaf);
      await chain.take(entry, leaf);
      if (entry.attached) attached.add(entry.attached);
      asked += one.why === "asked";
    } catch (fault) {
      // Which of many entries it is matters more than anything else.
      if (fault instanceof Fault && fault.kind === "unsound" && !["line", "order", "chain"].includes(fault.code)) wrong("bundle-entry", last);
      throw fault;
    }
  }
  return { all: lines.length, asked, heads: chain.heads(), attached };
};

const parsed = (json) => {
  try { return JSON.parse(json); } catch { return wrong("statement"); }
};

// Checks an evidence bundle; tells what it says and how far it was checked.
export const bundle = async (file, keys, now) => {
  const { count, enclosed, file: kept } = await bag(await directory(file));
  const statement = parsed(text(kept("data/statement.json")));
  const note = text(kept("data/log/checkpoint")) ?? wrong("note"), origin = note.split("\n")[0];
  const known = keys.some((key) => key.type === 1 && key.name === origin);
  const own = known ? [] : [await parseKey((text(kept("data/log/key")) ?? "").trim())];
  const { checkpoint, cosigned } = await openCheckpoint(note, [...keys, ...own], now);
  const said = statement?.log;
  if (statement?.format !== "bailee-evidence/1" || said?.origin !== origin || String(said.size) !== String(checkpoint.size) || !same(base64(String(said.root)) ?? [], checkpoint.root)) wrong("statement");
  const found = await entries(kept("data/log/entries.jsonl"), checkpoint);
  for (const path of enclosed) if (!found.attached.has(path.slice(11, 75))) wrong("unattached", path);
  if (statement.entries?.all !== found.all || statement.entries?.asked !== found.asked) wrong("statement");
  const at = new Date(statement.exported?.at);
  if (!(at.getTime() <= now + 3_600_000)) wrong("future", "data/statement.json");
  const subject = /^([a-z]+)(?: (.*))?$/.exec(statement.request?.subject);
  return {
    says: ["says-bundle", found.asked],
    facts: [["subject", subject && [`about-${subject[1]}`, subject[2] ?? ""]], ["reason", String(statement.request?.reason ?? "–")], ["exported", at], ["by", String(statement.exported?.by ?? "")], ["log", origin], ["size", String(checkpoint.size)]],
    did: [["did-manifest", count], ["did-checkpoint", origin], ["did-entries", found.all], ["did-heads", found.heads], ...cosigned.map((one) => ["did-witness", one.name, new Date(one.time * 1000)])],
    not: [[known ? "not-key" : "not-own-key"], ...(cosigned.length ? [] : [["not-witness"]]), ["not-left-out"], ["not-openings"], ["not-tables"]],
  };
};
