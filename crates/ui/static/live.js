// Live parts and forms in place. Pages work without it; see the crate documentation for what it listens to.
const own = (url) => {
  const { origin, pathname, href } = new URL(url, location);
  if (origin !== location.origin || !pathname.startsWith("/s/")) throw new TypeError(url);
  return href;
};
const rules = { createHTML: (html) => html, createScriptURL: own };
const policy = globalThis.trustedTypes?.createPolicy("bailee", rules) ?? rules;
document.addEventListener("bailee:worker", ({ detail }) => detail.give(new Worker(policy.createScriptURL(detail.url), { type: "module" })));
const parse = (html) => {
  const box = document.createElement("template");
  box.innerHTML = policy.createHTML(html);
  return box.content;
};
const lang = document.documentElement.lang;
const moment = new Intl.DateTimeFormat(lang + "-u-nu-latn", { dateStyle: "medium", timeStyle: "short" });
const dress = (root) => {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (isNaN(at)) continue;
    time.title ||= time.textContent;
    time.textContent = moment.format(at);
  }
  for (const button of root.querySelectorAll("[data-copy]")) button.hidden = false;
};
const waiting = new Map();
const put = (next, now) => {
  const old = next.id && document.getElementById(next.id);
  if (!old) return;
  const active = document.activeElement;
  const inside = old.contains(active) && active !== document.body;
  if (inside && !now && active.matches("input, textarea, select")) return void waiting.set(next.id, next);
  const back = inside && active.id;
  dress(next);
  waiting.delete(next.id);
  old.replaceWith(next);
  if (!inside) return;
  next.tabIndex = -1;
  ((back && document.getElementById(back)) || next.querySelector(".summary, button, a") || next).focus();
};
const patch = (html, now) => [...parse(html).children].forEach((next) => put(next, now));
document.addEventListener("focusout", () => setTimeout(() => waiting.forEach((next) => put(next))));
document.addEventListener("bailee:patch", (event) => patch(event.detail, true));

const page = (html, url) => {
  const whole = parse(html);
  const main = whole.querySelector("main");
  if (!main) return location.assign(url);
  document.title = whole.querySelector("title")?.textContent ?? document.title;
  dress(main);
  document.querySelector("main").replaceWith(main);
  const first = main.querySelector(".summary, h1");
  first?.setAttribute("tabindex", "-1");
  first?.focus();
};
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("[data-fetch]") || form.ariaBusy === "true") return;
  event.preventDefault();
  form.ariaBusy = "true";
  try {
    const body = new URLSearchParams(new FormData(form, event.submitter));
    const answer = await fetch(event.submitter?.getAttribute("formaction") ?? form.action, { method: "POST", body, headers: { "x-fragment": "1" } });
    if (answer.redirected) return location.assign(answer.url);
    const html = await answer.text();
    answer.headers.has("x-fragment") ? patch(html, true) : page(html, answer.url);
  } catch {
    const live = document.getElementById("live");
    if (live) live.textContent = live.dataset.failed;
  } finally {
    form.ariaBusy = "false";
  }
});
document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
  button.lastChild.textContent = button.dataset.done;
});

const url = document.body.dataset.stream;
if (url) {
  const live = document.getElementById("live");
  let last = new Date();
  const beat = () => {
    last = new Date();
    document.body.classList.remove("is-stale");
    if (!live?.classList.contains("stale")) return;
    live.classList.remove("stale");
    live.textContent = live.dataset.live;
  };
  const source = new EventSource(url);
  source.addEventListener("open", beat);
  source.addEventListener("beat", beat);
  source.addEventListener("patch", (event) => (beat(), patch(event.data)));
  source.addEventListener("reload", () => location.reload());
  // A page kept for "back" would keep its line open, and a browser has only six to one server.
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  setInterval(() => {
    if (new Date() - last < 10_000 || document.body.classList.contains("is-stale")) return;
    document.body.classList.add("is-stale");
    live?.classList.add("stale");
    if (live) live.textContent = `${live.dataset.stale} ${last.toLocaleTimeString(lang + "-u-nu-latn")}`;
  }, 1000);
}
dress(document);
document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
