// "Verify in this browser" for one entry of the custody log: a button `[data-check]` whose `data-check` is the address of the
// entry's `.tlog-proof`, `data-key` the log's verifier key, `data-into` the id of the element to draw into and `data-words` the
// id of the list of words. The button is shown by this module, so without it nothing promises what can't be done; what checks is
// fetched when somebody asks for it.
const offer = (root) => root.querySelectorAll("[data-check]").forEach((button) => (button.hidden = false));
document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-check]");
  if (!button) return;
  const into = document.getElementById(button.dataset.into);
  const { check, draw, wordsOf } = await import("./check.js");
  const word = wordsOf(document.getElementById(button.dataset.words));
  into.replaceChildren(word("busy"));
  const answer = await fetch(button.dataset.check).catch(() => null);
  const found = answer?.ok ? await check(await answer.blob(), button.dataset.key) : { kind: "unusable", why: ["unread", answer?.status ?? ""] };
  draw(into, found, word);
});
new MutationObserver(() => offer(document)).observe(document.body, { childList: true, subtree: true });
offer(document);
