// The kiosk: keypad and keyboard under the finger, the camera, and a page that follows the bank. Every form also works without it.
const $ = (css, root = document) => root.querySelector(css);
const said = $("#said");
const stale = $("#stale");
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const home = () => $("#screen")?.dataset.screen === "home";

// 1. Parts of the page. A part is replaced only if it says something else; what was typed stays.
let version = 0;
const say = () => {
  const screen = $("#screen");
  said.textContent = [$("h1", screen), $(".k-door span", screen), $(".k-lead", screen)].map((part) => part?.textContent ?? "").join(". ");
};
const settle = () => {
  const asked = $("#idle .k-ask");
  for (const part of document.querySelectorAll(".k-top, #notices, .k-stage, .k-foot")) part.inert = Boolean(asked);
  if (asked) $("[data-focus]", asked).focus();
  startClocks();
  startCamera();
  startBoard();
};
const patch = (html) => {
  const before = $("#screen").dataset.screen;
  const typed = $("[data-query]")?.value;
  const tags = [...html.matchAll(/ id="(notices|screen|side|idle)"[^>]* data-tag="(\w+)"/g)];
  const known = tags.filter(([, id, tag]) => document.getElementById(id)?.dataset.tag === tag);
  if (tags.length === known.length) return;
  for (const [, id] of known) document.getElementById(id).id = `${id}-kept`;
  document.dispatchEvent(new CustomEvent("bailee:patch", { detail: html }));
  for (const [, id] of known) document.getElementById(`${id}-kept`).id = id;
  const screen = $("#screen");
  settle();
  if (screen.dataset.screen === before) {
    const query = $("[data-query]");
    if (query && typed !== undefined) query.value = typed;
    return;
  }
  document.title = `${$("h1", screen).textContent} · Bailee`;
  scrollTo(0, 0);
  clear();
  if (!$("#idle .k-ask")) ($("[data-focus]", screen) ?? $("h1", screen))?.focus();
  say();
};
const lost = (text) => {
  stale.textContent = text;
  document.body.classList.toggle("is-stale", Boolean(text));
};
const line = new EventSource(document.body.dataset.events);
// A page kept for "back" would keep its line open, and a browser has only six to one server.
addEventListener("pagehide", () => line.close());
addEventListener("pageshow", (event) => event.persisted && location.reload());
let last = performance.now();
const alive = () => {
  last = performance.now();
  if (stale.textContent) lost("");
};
for (const kind of ["open", "beat"]) line.addEventListener(kind, alive);
line.addEventListener("patch", (event) => {
  alive();
  version = Number(event.lastEventId.split(".")[0]);
  patch(event.data);
});
setInterval(() => {
  if (performance.now() - last > 9_500) lost(stale.dataset.text);
  if (line.readyState === 2 && performance.now() - last > 15_000) location.reload();
}, 1000);

// 2. Forms in place.
const send = async (form, button) => {
  if (form.ariaBusy === "true") return;
  form.ariaBusy = "true";
  try {
    const body = new URLSearchParams(new FormData(form, button));
    const answer = await fetch(form.action, { method: "POST", body, headers: { "x-fragment": "1" } });
    const html = await answer.text();
    // The stream may have brought a later view while this answer was on its way.
    if (answer.headers.has("x-fragment") && Number(answer.headers.get("x-version")) >= version) patch(html);
  } catch {
    lost(stale.dataset.failed);
  } finally {
    form.ariaBusy = "false";
  }
};
document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-act]")) return;
  event.preventDefault();
  if (event.target.matches("[data-pad]") && $("[data-code]").value.length < 8) return;
  send(event.target, event.submitter);
});

// 3. The keypad: dots only, nothing is echoed or spoken but how many.
const dots = () => {
  const code = $("[data-code]");
  if (!code) return;
  code.value = code.value.replace(/\D/g, "").slice(0, 8);
  [...$("[data-slots]").children].forEach((slot, at) => slot.classList.toggle("on", at < code.value.length));
};
const clear = () => {
  const code = $("[data-code]");
  if (code) code.value = "";
  dots();
};
const full = (delay) => {
  const code = $("[data-code]");
  if (code.value.length < 8) return;
  setTimeout(() => {
    if (!code.isConnected || code.value.length < 8) return;
    code.form.requestSubmit();
    clear();
  }, delay);
};
const press = (key, delay = 0) => {
  const code = $("[data-code]");
  if (!code) return;
  for (const note of document.querySelectorAll("[data-own]")) note.remove();
  if (key === "clear") code.value = "";
  else if (key === "back") code.value = code.value.slice(0, -1);
  else code.value += key;
  dots();
  said.textContent = `${code.value.length} ${said.dataset.digits}`;
  full(delay);
};

// 4. The on-screen keyboard.
let board = 0;
const startBoard = () => {
  const root = $("[data-board]");
  if (!root) return;
  const keys = root.querySelectorAll("[data-keys]");
  if (board >= keys.length) board = 0;
  keys.forEach((group, at) => group.classList.toggle("on", at === board));
  const letters = [...keys].findIndex((group) => !group.classList.contains("digits"));
  keys.forEach((group, at) => group.classList.toggle("near", at === (board || letters)));
  root.querySelectorAll("[data-show]").forEach((show, at) => (show.ariaPressed = String(at === board)));
};
let searching;
const search = () => {
  clearTimeout(searching);
  searching = setTimeout(() => $("[data-search]") && send($("[data-search]")), 200);
};
const letter = (key) => {
  const query = $("[data-query]");
  query.value = key === "back" ? [...query.value].slice(0, -1).join("") : (query.value + key).slice(0, 64);
  query.focus();
  search();
};

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("button");
  if (!button) return;
  const { key, letter: typed, show } = button.dataset;
  if (key) press(key);
  if (typed) letter(typed);
  if (show) {
    board = Number(show);
    startBoard();
  }
});
document.addEventListener("input", (event) => {
  if (event.target.matches("[data-query]")) search();
  if (event.target.matches("[data-code]")) {
    dots();
    full(0);
  }
});

// 5. Physical keys. A hand scanner types a QR code's text very fast and ends with Enter; a person doesn't.
let burst = "";
let burstAt = 0;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (!home()) return void (event.key === "Escape" && $("[data-escape]")?.click());
  const field = event.target.matches("input:not([data-code])") || (event.target.matches("button, summary") && /^(Enter| )$/.test(event.key));
  if (field) return;
  const scan = $("#token");
  if (event.timeStamp - burstAt > 80) burst = "";
  burstAt = event.timeStamp;
  if (event.key === "Enter" && scan && burst.length > 16) {
    event.preventDefault();
    scan.value = burst;
    burst = "";
    clear();
    scan.form.requestSubmit();
    scan.value = "";
    return;
  }
  if (event.key.length === 1) burst += event.key;
  if (burst.length > 8) clear();
  const key = /^[0-9]$/.test(event.key) ? event.key : { Backspace: "back", Delete: "clear", Escape: "clear" }[event.key];
  if (!key) return;
  event.preventDefault();
  if (burst.length <= 8) press(key, 120);
});

// 6. The camera. The picture is looked at in `eye.js`, beside this page, and by the controller on this machine.
let stream, eye;
const shut = () => {
  for (const track of stream?.getTracks() ?? []) track.stop();
  eye?.terminate();
  stream = eye = undefined;
};
const startCamera = async () => {
  const video = $("video[data-camera]");
  if (!video) return shut();
  if (video.dataset.on) return;
  video.dataset.on = "1";
  const box = video.closest("[data-scan]");
  const hint = (name) => box.querySelectorAll("[data-hint]").forEach((note) => (note.hidden = note.dataset.hint !== name));
  let seen;
  try {
    seen = stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 }, audio: false });
    video.srcObject = seen;
    await video.play();
  } catch {
    box.classList.add("off");
    return hint("off");
  }
  // The screen may have changed meanwhile.
  if (!video.isConnected || stream !== seen) {
    for (const track of seen.getTracks()) track.stop();
    return;
  }
  const give = (worker) => (eye = worker);
  document.dispatchEvent(new CustomEvent("bailee:worker", { detail: { url: video.dataset.eye, give } }));
  const worker = eye, to = video.dataset.camera;
  let waiting = true;
  worker.addEventListener("message", ({ data }) => {
    waiting ||= Boolean(data.ready);
    if (data.qr && data.qr !== "same") hint(data.qr);
  });
  const frames = globalThis.MediaStreamTrackProcessor && new MediaStreamTrackProcessor({ track: seen.getVideoTracks()[0], maxBufferSize: 1 }).readable;
  worker.postMessage({ to, frames }, frames ? [frames] : []);
  while (video.isConnected && worker === eye) {
    const open = !document.hidden && home();
    worker.postMessage({ open });
    if (!frames && open && waiting) {
      waiting = false;
      const picture = await createImageBitmap(video);
      worker.postMessage({ picture }, [picture]);
    }
    await wait(frames ? 250 : 60);
  }
};

// 7. Countdowns, and forgetting what the last person left behind.
let clocks = [];
const startClocks = () => {
  clocks = [...document.querySelectorAll("[data-countdown]")].map((node) => ({ node, ends: performance.now() + Number(node.dataset.countdown) * 1000 }));
};
const two = (n) => String(n).padStart(2, "0");
setInterval(() => {
  for (const { node, ends } of clocks) {
    const left = Math.max(0, Math.ceil((ends - performance.now()) / 1000));
    const hours = Math.floor(left / 3600), minutes = Math.floor(left / 60) % 60;
    node.textContent = node.dataset.as === "seconds" ? left : hours ? `${hours}:${two(minutes)}:${two(left % 60)}` : `${minutes}:${two(left % 60)}`;
  }
}, 250);
let touched = performance.now();
for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, () => (touched = performance.now()));
setInterval(() => {
  if (!home() || performance.now() - touched < 45_000) return;
  touched = performance.now();
  clear();
  const reset = $("[data-reset]");
  if (reset) reset.form.requestSubmit(reset);
}, 1000);
document.addEventListener("contextmenu", (event) => event.preventDefault());
addEventListener("pageshow", clear);
settle();
