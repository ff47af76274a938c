// The kiosk's keypad, camera and patience. Every form also works without it.
const form = document.querySelector("[data-keypad]");
if (form) {
  const code = form.querySelector("[data-code]");
  const slots = document.querySelectorAll("[data-slots] > *");
  const full = Number(form.dataset.length || 0);
  let sent = false;
  const show = () => {
    slots.forEach((slot, at) => slot.classList.toggle("on", at < code.value.length));
    if (full && code.value.length >= full && !sent) {
      sent = true;
      form.requestSubmit();
    }
  };
  const press = (key) => {
    if (sent) return;
    if (key === "clear") code.value = "";
    else if (key === "back") code.value = code.value.slice(0, -1);
    else if (!full || code.value.length < full) code.value += key;
    show();
  };
  form.addEventListener("click", (event) => {
    const key = event.target.closest("[data-key]");
    if (!key) return;
    event.preventDefault();
    press(key.dataset.key);
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.matches("input, textarea, select") || event.ctrlKey || event.altKey || event.metaKey) return;
    const key = /^[0-9]$/.test(event.key) ? event.key : { Backspace: "back", Delete: "clear", Escape: "clear" }[event.key];
    if (!key) return;
    event.preventDefault();
    press(key);
  });
  code.addEventListener("input", show);
  addEventListener("pageshow", () => ((sent = false), (code.value = ""), show()));
}

const video = document.querySelector("video[data-camera]");
const watch = async () => {
  const width = 640, height = 480;
  video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { width, height }, audio: false });
  await video.play();
  const canvas = new OffscreenCanvas(width, height);
  const view = canvas.getContext("2d", { willReadFrequently: true });
  const luma = new Uint8Array(width * height);
  for (;;) {
    await new Promise((done) => setTimeout(done, 60));
    if (document.hidden || !video.isConnected) continue;
    view.drawImage(video, 0, 0, width, height);
    const { data } = view.getImageData(0, 0, width, height);
    for (let at = 0, from = 0; at < luma.length; at++, from += 4) luma[at] = (data[from] * 77 + data[from + 1] * 150 + data[from + 2] * 29) >> 8;
    const headers = { "content-type": "application/octet-stream", "x-frame-width": width, "x-frame-height": height };
    const answer = await fetch(video.dataset.post, { method: "POST", body: luma, headers }).catch(() => null);
    if (answer?.redirected) return location.assign(answer.url);
    if (answer?.headers.has("x-fragment")) document.dispatchEvent(new CustomEvent("bailee:patch", { detail: await answer.text() }));
    if (!answer?.ok) await new Promise((done) => setTimeout(done, 1000));
  }
};
if (video) watch().catch(() => (video.closest("[data-camera-box]") ?? video).setAttribute("hidden", ""));

const { idle, warn, home } = document.body.dataset;
if (idle) {
  const dialog = document.getElementById("idle");
  const count = dialog?.querySelector("[data-count]");
  let left = Number(idle) + Number(warn);
  const stay = () => {
    left = Number(idle) + Number(warn);
    if (dialog?.open) dialog.close();
  };
  for (const kind of ["pointerdown", "keydown", "input"]) document.addEventListener(kind, stay);
  setInterval(() => {
    left -= 1;
    if (left <= 0) return location.replace(home);
    if (left > Number(warn)) return;
    if (count) count.textContent = left;
    if (dialog && !dialog.open) dialog.showModal();
  }, 1000);
}
for (const clock of document.querySelectorAll("[data-countdown]")) {
  let left = Number(clock.dataset.countdown);
  const timer = setInterval(() => {
    left -= 1;
    clock.textContent = Math.max(left, 0);
    if (left > 0) return;
    clearInterval(timer);
    if (clock.dataset.then) location.replace(clock.dataset.then);
  }, 1000);
}
