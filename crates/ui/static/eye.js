// The kiosk's eye, beside the page so that no key waits for a picture: grey pixels to the controller on this machine,
// one frame at a time. Told {to, frames?} once, then {open} whenever the page may look; frames also come one by one.
const LONGEST = 1280;
const EVERY_MS = 60;
let to, open = false, busy = false, next = 0;
let view;

// The brightness of a picture. Most cameras give it as a plane of its own; any other picture is drawn and weighed.
const luma = async (picture) => {
  const { width, height } = picture.visibleRect ?? picture;
  if (/^(I4|NV12)/.test(picture.format ?? "") && Math.max(width, height) <= LONGEST) {
    const planes = new Uint8Array(picture.allocationSize());
    const [grey] = await picture.copyTo(planes);
    if (grey.stride === width) return { width, height, bytes: planes.subarray(grey.offset, grey.offset + width * height) };
    const bytes = new Uint8Array(width * height);
    for (let row = 0; row < height; row++) bytes.set(planes.subarray(grey.offset + row * grey.stride, grey.offset + row * grey.stride + width), row * width);
    return { width, height, bytes };
  }
  const scale = Math.min(1, LONGEST / Math.max(width, height));
  const across = Math.round(width * scale), down = Math.round(height * scale);
  if (view?.canvas.width !== across || view.canvas.height !== down) view = new OffscreenCanvas(across, down).getContext("2d", { willReadFrequently: true });
  view.drawImage(picture, 0, 0, across, down);
  const { data } = view.getImageData(0, 0, across, down);
  const bytes = new Uint8Array(across * down);
  for (let at = 0, from = 0; at < bytes.length; at++, from += 4) bytes[at] = (data[from] * 77 + data[from + 1] * 150 + data[from + 2] * 29) >> 8;
  return { width: across, height: down, bytes };
};
const look = async (picture) => {
  if (!open || busy || performance.now() < next) return picture.close();
  busy = true;
  next = performance.now() + EVERY_MS;
  try {
    const { width, height, bytes } = await luma(picture).finally(() => picture.close());
    const headers = { "content-type": "application/octet-stream" };
    const answer = await fetch(`${to}?width=${width}&height=${height}`, { method: "POST", body: bytes, headers });
    if (answer.status === 200) postMessage(await answer.json());
    if (!answer.ok) next += 500;
  } catch {
    next += 500;
  } finally {
    busy = false;
    postMessage({ ready: true });
  }
};
const follow = async (frames) => {
  const reader = frames.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    look(value);
  }
};
addEventListener("message", ({ data }) => {
  to = data.to ?? to;
  open = data.open ?? open;
  if (data.frames) follow(data.frames);
  if (data.picture) look(data.picture);
});
