// Picking cases in the list, one by one or in a range, and doing something to all of them at once.
//
// A picked case keeps the version it had when it was picked: whoever changes it afterwards, be it the
// customer with new words, keeps it from being changed unseen.
import { focusRow, refreshList } from "./list.js";
import { loadCase, openCase } from "./navigation.js";
import { say } from "./words.js";

const picked = new Map(); // case → what its box says: "case:version"
let anchor = null; // where a range begins

export function anyPicked() {
  return picked.size > 0;
}

function boxes() {
  return [...document.querySelectorAll("#rows .pick input")];
}

function caseOf(box) {
  return box.value.split(":")[0];
}

function pick(box, on) {
  if (on) picked.set(caseOf(box), box.value);
  else picked.delete(caseOf(box));
}

// After any change of the rows: the boxes say again what is picked. What left the list is picked no more.
export function restorePicks() {
  const here = new Set();
  for (const box of boxes()) {
    const id = caseOf(box);
    here.add(id);
    box.checked = picked.has(id);
    if (box.checked) box.value = picked.get(id);
    box.closest(".row").classList.toggle("is-picked", box.checked);
  }
  for (const id of picked.keys()) if (!here.has(id)) picked.delete(id);
  const bar = document.getElementById("bulk");
  if (!bar) return;
  bar.classList.toggle("is-on", picked.size > 0);
  document.querySelector(".list-pane").classList.toggle("picking", picked.size > 0);
  const number = document.getElementById("bulk-number");
  const words = picked.size ? say(picked.size === 1 ? "onePicked" : "somePicked", { n: picked.size }) : "";
  if (number.textContent !== words) number.textContent = words;
}

function current() {
  const row = document.activeElement?.closest?.("#rows .row") ?? document.querySelector(`#row-${openCase()}`);
  return row?.querySelector(".pick input") ?? null;
}

// From where the last one was picked to this one, all alike.
function range(box, on = true) {
  const all = boxes();
  const from = all.findIndex((one) => caseOf(one) === anchor);
  const to = all.indexOf(box);
  const [first, last] = from < 0 ? [to, to] : [Math.min(from, to), Math.max(from, to)];
  all.slice(first, last + 1).forEach((one) => pick(one, on));
  restorePicks();
}

function toggle(box, on) {
  pick(box, on);
  anchor = caseOf(box);
  restorePicks();
}

export function pickCurrent() {
  const box = current();
  if (box) toggle(box, !picked.has(caseOf(box)));
}

export function pickTo() {
  const box = current();
  if (box) range(box);
}

export function pickAll() {
  if (!anyPicked() && !document.activeElement?.closest(".list-pane")) return false;
  boxes().forEach((box) => pick(box, true));
  restorePicks();
  return true;
}

export function unpick() {
  if (!anyPicked()) return false;
  picked.clear();
  restorePicks();
  return true;
}

async function done({ done: finished, left }) {
  const first = document.querySelector("#rows .is-picked");
  const place = Math.max([...document.querySelectorAll("#rows .row")].indexOf(first), 0);
  finished.forEach((id) => picked.delete(String(id)));
  left.forEach(([id, version]) => picked.has(String(id)) && picked.set(String(id), `${id}:${version}`));
  await refreshList({ apply: true });
  restorePicks();
  const open = openCase();
  if (open && finished.includes(Number(open))) loadCase(location.pathname + location.search, { quiet: true });
  if (document.activeElement === document.body || document.activeElement.closest("#bulk")) focusRow(place);
}

export function startSelect() {
  if (!document.getElementById("bulk")) return;
  // A page that "back" brought has its boxes as they were.
  boxes().filter((box) => box.checked).forEach((box) => pick(box, true));
  restorePicks();
  document.addEventListener("click", (event) => {
    const box = event.target.closest("#rows .pick input");
    if (box) {
      if (event.shiftKey && anchor) range(box, box.checked);
      else toggle(box, box.checked);
    } else if (event.shiftKey && event.button === 0) {
      const row = event.target.closest("#rows .row");
      if (!row) return;
      event.preventDefault();
      anchor ??= openCase();
      range(row.querySelector(".pick input"));
    } else if (event.target.closest("[data-unpick]")) {
      event.preventDefault();
      unpick();
      focusRow(0);
    }
  });
  // A range is not a piece of text to be marked.
  document.getElementById("list").parentElement.addEventListener("mousedown", (event) => {
    if (event.shiftKey && event.target.closest("#rows .row")) event.preventDefault();
  });
  // Enter in a field presses the button beside it, and not the first one of the form.
  document.getElementById("bulk").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches("input")) return;
    event.preventDefault();
    event.target.closest(".menu-panel").querySelector("button[name=do].primary, .inline button[name=do]")?.click();
  });
  document.body.addEventListener("htmx:afterSwap", restorePicks);
  document.body.addEventListener("rapport:bulk", (event) => done(event.detail));
}
