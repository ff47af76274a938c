// Receipts checked in the browser: C2SP tlog-proof, signed-note and cosignature over RFC 6962, by WebCrypto alone.
// Nothing here touches the page or the network. What is wrong is thrown as a Fault with a code and its values.
export class Fault extends Error {
  // `kind` is "unsound" (something is wrong) or "unusable" (nothing could be checked).
  constructor(kind, code, ...values) {
    super([code, ...values].join(" "));
    Object.assign(this, { kind, code, values });
  }
}
export const wrong = (code, ...values) => { throw new Fault("unsound", code, ...values); };
export const unusable = (code, ...values) => { throw new Fault("unusable", code, ...values); };

const FIRST = "c2sp.org/tlog-proof@v1";
const LONGEST = 1_200_000, SIGNATURES = 100, HASHES = 64;
const encoder = new TextEncoder();
export const text = (bytes) => {
  try { return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes); } catch { return null; }
};
export const same = (a, b) => a.length === b.length && a.every((byte, at) => byte === b[at]);
export const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
export const concat = (...parts) => {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) { all.set(part, at); at += part.length; }
  return all;
};
// The bytes of canonical base64; null for any other spelling.
export const base64 = (encoded) => {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(encoded) || encoded.length % 4) return null;
  let decoded;
  try { decoded = atob(encoded); } catch { return null; }
  return btoa(decoded) === encoded ? Uint8Array.from(decoded, (one) => one.charCodeAt(0)) : null;
};
const decimal = (digits) => {
  if (!/^(0|[1-9][0-9]{0,19})$/.test(digits)) return null;
  const number = BigInt(digits);
  return number < 2n ** 64n ? number : null;
};

export const sha256 = async (...parts) => {
  if (!globalThis.crypto?.subtle) unusable("no-webcrypto");
  return new Uint8Array(await crypto.subtle.digest("SHA-256", concat(...parts)));
};
export const leafHash = (entry) => sha256([0], entry);
export const nodeHash = (left, right) => sha256([1], left, right);
export const ed25519 = async (key, message, signature) => {
  if (!globalThis.crypto?.subtle) unusable("no-webcrypto");
  let imported;
  try { imported = await crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]); } catch (error) {
    return error.name === "NotSupportedError" ? unusable("no-ed25519") : false;
  }
  return crypto.subtle.verify("Ed25519", imported, signature, message);
};

// A verifier key as it is written, `name+id+base64`: 1 is a log's, 4 that of a witness.
export const parseKey = async (line) => {
  const [, name, id, encoded] = /^([^\s+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(line) ?? [];
  const bytes = encoded && base64(encoded);
  if (!bytes || bytes.length !== 33 || ![1, 4].includes(bytes[0])) unusable("key", line.slice(0, 80));
  const digest = await sha256(encoder.encode(`${name}\n`), bytes);
  if (hex(digest.subarray(0, 4)) !== id) unusable("key", line.slice(0, 80));
  return { name, id, type: bytes[0], key: bytes.subarray(1) };
};

export const parseNote = (note) => {
  if (/[\x00-\x09\x0b-\x1f]/.test(note)) wrong("note");
  const blank = note.lastIndexOf("\n\n");
  if (blank < 0 || !note.endsWith("\n") || blank + 2 >= note.length) wrong("note");
  const lines = note.slice(blank + 2, -1).split("\n");
  if (lines.length > SIGNATURES) wrong("signatures");
  const signatures = lines.map((line, at) => {
    const [, name, encoded] = /^\u2014 ([^\s+]+) (\S+)$/.exec(line) ?? [];
    const bytes = encoded && base64(encoded);
    if (!bytes || bytes.length < 5) wrong("signature-line", at + 1);
    return { name, id: hex(bytes.subarray(0, 4)), signature: bytes.subarray(4) };
  });
  return { text: note.slice(0, blank + 1), signatures };
};

export const parseCheckpoint = (body) => {
  const [origin, size, root, ...more] = body.slice(0, -1).split("\n");
  const checkpoint = { origin, size: decimal(size ?? ""), root: base64(root ?? "") };
  if (!origin || checkpoint.size === null || checkpoint.root?.length !== 32 || more.includes("")) wrong("checkpoint");
  return checkpoint;
};

// Follows the hand-overs in a note from a log's key to the one that signs, which may be the same (docs/reference/key-handover.md).
const HANDOVER = "bailee-key-handover/v1", STEPS = 16;
const idOf = async (name, ...type) => hex((await sha256(encoder.encode(`${name}\n`), ...type)).subarray(0, 4));
const spelt = (bytes) => btoa(String.fromCharCode(...bytes));
const vkey = (log) => `${log.name}+${log.id}+${spelt(concat([1], log.key))}`;
const follow = async (known, signatures) => {
  let log = known, size = -1n, steps = 0;
  const has = (id) => signatures.filter((line) => line.name === log.name && line.id === id);
  for (; steps < STEPS && !has(log.id).length; steps++) {
    const lines = has(await idOf(log.name, [0xff], encoder.encode(HANDOVER), log.key));
    if (!lines.length) break;
    const said = lines[0].signature.slice();
    if (lines.length > 1 || said.length !== 208) wrong("handover", log.name);
    const view = new DataView(said.buffer), key = said.subarray(0, 32), at = view.getBigUint64(32);
    const next = { name: log.name, id: await idOf(log.name, [1], key), type: 1, key };
    const lead = [HANDOVER, log.name, vkey(log), vkey(next), at, spelt(said.subarray(40, 72)), view.getBigUint64(72)];
    const statement = encoder.encode(`${lead.join("\n")}\n`);
    const signed = (await ed25519(log.key, statement, said.subarray(80, 144))) && (await ed25519(key, statement, said.subarray(144)));
    if (!signed || at <= size) wrong("handover", log.name);
    [log, size] = [next, at];
  }
  return { log, size, steps };
};

// Checks that the log of one of the keys signed a checkpoint; tells what it says, and which witnesses cosigned it when.
export const openCheckpoint = async (note, keys, now = Date.now()) => {
  const { text: body, signatures } = parseNote(note);
  const checkpoint = parseCheckpoint(body);
  const of = (key) => signatures.filter((line) => line.name === key.name && line.id === key.id);
  let log = null, steps = 0;
  for (const key of keys.filter((one) => one.type === 1 && one.name === checkpoint.origin)) {
    const followed = await follow(key, signatures);
    if (!of(followed.log).length) continue;
    if (followed.size >= checkpoint.size) wrong("handover", checkpoint.origin);
    ({ log, steps } = followed);
    break;
  }
  if (!log) wrong("signer", checkpoint.origin);
  for (const line of of(log))
    if (!(await ed25519(log.key, encoder.encode(body), line.signature))) wrong("signature", log.name);
  const cosigned = [];
  for (const witness of keys.filter((key) => key.type === 4))
    for (const { signature } of of(witness)) {
      const time = signature.length === 72 && new DataView(signature.buffer, signature.byteOffset).getBigUint64(0);
      const message = encoder.encode(`cosignature/v1\ntime ${time}\n${body}`);
      if (!time || !(await ed25519(witness.key, message, signature.subarray(8)))) wrong("cosignature", witness.name);
      if (Number(time) * 1000 > now + 300_000) wrong("future", witness.name);
      cosigned.push({ name: witness.name, time: Number(time) });
    }
  return { checkpoint, cosigned, unchecked: signatures.length - of(log).length - steps - cosigned.length };
};

export const parseProof = (bytes) => {
  if (bytes.length > LONGEST) unusable("too-long");
  const all = text(bytes);
  if (!all?.startsWith(`${FIRST}\n`)) unusable("foreign");
  const end = all.indexOf("\n\n");
  if (end < 0) wrong("note");
  const lines = all.slice(FIRST.length + 1, end).split("\n");
  let number = 2, extra = null;
  if (lines[0].startsWith("extra ")) {
    extra = base64(lines.shift().slice(6));
    if (!extra) wrong("extra");
    number += 1;
  }
  const index = /^index (\d+)$/.exec(lines.shift() ?? "");
  const at = index && decimal(index[1]);
  if (at === null) wrong("index", number);
  if (lines.length > HASHES) wrong("hashes");
  const path = lines.map((line, place) => {
    const hash = base64(line);
    return hash?.length === 32 ? hash : wrong("hash", number + 1 + place);
  });
  return { extra, index: at, path, note: all.slice(end + 2) };
};

// How many hashes the proof of an entry has (RFC 6962 §2.1.1).
export const pathLength = (index, size) => {
  let steps = 0;
  for (; size > 1n; steps++) {
    const left = 1n << BigInt((size - 1n).toString(2).length - 1);
    [index, size] = index < left ? [index, left] : [index - left, size - left];
  }
  return steps;
};

// The root a path leads to (RFC 9162 §2.1.3.2); null when the path is not one of that entry.
export const rootOf = async (leaf, index, size, path) => {
  let node = index, last = size - 1n, root = leaf;
  for (const sibling of path) {
    if (last === 0n) return null;
    if (node & 1n || node === last) {
      root = await nodeHash(sibling, root);
      while (!(node & 1n) && node) { node >>= 1n; last >>= 1n; }
    } else {
      root = await nodeHash(root, sibling);
    }
    node >>= 1n;
    last >>= 1n;
  }
  return last === 0n ? root : null;
};

// Checks that an entry with that hash is in the tree of a root.
export const isIncluded = async (leaf, index, size, path, root) => {
  if (index >= size) wrong("beyond", index, size);
  const needed = pathLength(index, size);
  if (path.length !== needed) wrong("length", path.length, needed);
  const found = await rootOf(leaf, index, size, path);
  if (!found || !same(found, root)) wrong("path");
};

// Checks a receipt with the keys somebody trusts; tells what it proves.
export const checkProof = async (bytes, keys, now) => {
  const proof = parseProof(bytes);
  if (!proof.extra) unusable("no-extra");
  const opened = await openCheckpoint(proof.note, keys, now);
  await isIncluded(await leafHash(proof.extra), proof.index, opened.checkpoint.size, proof.path, opened.checkpoint.root);
  return { ...opened, entry: proof.extra, index: proof.index };
};
