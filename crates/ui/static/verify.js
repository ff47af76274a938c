// The page "Verify a file": a file is chosen or dropped, read and checked here, and goes nowhere.
import { check, draw, wordsOf } from "./check.js";
// Fetched with the page, so that from then on it needs no network.
import "./bag.js";

const at = (id) => document.getElementById(id);
const word = wordsOf(at("words")), drop = at("drop"), input = at("file"), verdict = at("verdict");
let turn = 0;
const take = async (file) => {
  if (!file) return;
  const mine = ++turn;
  verdict.replaceChildren(word("busy"));
  const found = await check(file, at("keys").value);
  // The last file chosen is the one shown, however long an earlier one took.
  if (mine === turn) draw(verdict, found, word, file.name);
};
// The same file chosen again is to be read again: it may have changed.
input.addEventListener("click", () => (input.value = ""));
input.addEventListener("change", () => take(input.files[0]));
at("keys").addEventListener("change", () => take(input.files[0]));
for (const kind of ["dragenter", "dragover"]) addEventListener(kind, (event) => {
  event.preventDefault();
  drop.classList.add("over");
});
addEventListener("dragleave", (event) => event.relatedTarget ?? drop.classList.remove("over"));
addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  const { files } = event.dataTransfer;
  if (!files.length) return;
  input.files = files;
  take(files[0]);
});
// One may have been quicker than this script, or come back to the page.
take(input.files[0]);
