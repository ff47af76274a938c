// An event beside the list of events. A link in the list opens it there where there is room; everywhere else, and without this
// module, the link leads to the event's own page. Escape closes and goes back to the row, arrow keys go through the rows.
const room = matchMedia("(min-width: 72rem)");
const links = () => [...document.querySelectorAll(".explorer tbody th a")];
const drawer = () => document.getElementById("drawer");
const isOpen = () => !drawer().hidden;
let shown = null, asked = 0;

const mark = (link) => {
  document.querySelector(".explorer tr[aria-current]")?.removeAttribute("aria-current");
  link?.closest("tr").setAttribute("aria-current", "true");
};
const close = () => {
  const empty = Object.assign(document.createElement("aside"), { id: "drawer", hidden: true });
  asked += 1;
  drawer().replaceWith(empty);
  mark(null);
  shown?.focus();
};
// `into` says whether the reader goes into the drawer or stays on the row.
const open = async (link, into) => {
  const mine = (asked += 1);
  const answer = await fetch(link.href, { headers: { "x-fragment": "1" } }).catch(() => null);
  if (mine !== asked) return;
  const html = answer?.ok && !answer.redirected ? await answer.text() : "";
  if (mine !== asked) return;
  if (!html.startsWith("<aside")) return location.assign(link.href);
  document.dispatchEvent(new CustomEvent("bailee:patch", { detail: html }));
  shown = link;
  mark(link);
  import("./check-entry.js");
  if (into) document.getElementById("drawer-title")?.focus();
};

document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-close]")) return close();
  const link = event.target.closest?.(".explorer tbody th a");
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (!link || !plain || !room.matches) return;
  event.preventDefault();
  open(link, true);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && isOpen()) return close();
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const all = links(), at = all.indexOf(document.activeElement);
  if (!step || at < 0 || event.metaKey || event.ctrlKey || event.altKey) return;
  const next = all[at + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
  if (isOpen() && room.matches) open(next, false);
});
