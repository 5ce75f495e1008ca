// The list stays true without moving under anybody's pointer: new cases wait behind a chip.
import { announceRows } from "./announce.js";
import { morph, part } from "./morph.js";
import { openCase } from "./navigation.js";
import { anyPicked, restorePicks } from "./select.js";
import { say } from "./words.js";

const MARGIN = 40;
const LARGEST_PAGE = 200; // as views/desk.py
let waiting = false; // whether there is more to show than is shown
let held = 0; // cases that wait behind the chip
let asked = 0;
// Somebody asked for the list as it is now. A live update that overtakes their answer brings it instead.
let wanted = false;

function busy() {
  const list = document.getElementById("list");
  return anyPicked() || list.scrollTop > 0 || list.matches(":hover") || list.contains(document.activeElement) || openMenuInside();
}

function openMenuInside() {
  return document.querySelector(".list-pane details.menu[open]") !== null;
}

function rowsOf(root) {
  return [...root.querySelectorAll("li.row")];
}

export async function refreshList({ apply = false } = {}) {
  const list = document.getElementById("list");
  if (!list) return;
  wanted ||= apply;
  const mine = ++asked;
  const shown = Math.max(rowsOf(list).length, MARGIN);
  // Whoever reads the list keeps every row they see, so what came above them is asked for on top.
  const margin = wanted || !busy() ? 0 : MARGIN;
  const url = new URL(list.dataset.url, location.href);
  url.searchParams.set("limit", Math.min(LARGEST_PAGE, shown + margin));
  const answer = await part(url, "list");
  if (mine !== asked || answer?.status !== 200) return;
  const page = new DOMParser().parseFromString(answer.html, "text/html");
  morph(document.getElementById("views"), page.getElementById("views").outerHTML);
  const fresh = page.getElementById("list");
  // A list longer than an answer may be is not cut short under anybody's eyes.
  if (wanted || (!busy() && shown <= LARGEST_PAGE)) show(fresh);
  else hold(fresh);
  restorePicks();
}

function show(fresh) {
  const list = document.getElementById("list");
  if (!wanted) announceRows(newIn(rowsOf(list), fresh));
  waiting = wanted = false;
  held = 0;
  const focused = document.activeElement?.dataset?.case;
  const place = links().indexOf(document.activeElement);
  morph(list, fresh.outerHTML);
  document.getElementById("new-chip").hidden = true;
  markOpen();
  if (focused) {
    const row = document.querySelector(`#rows a[data-case="${focused}"]`);
    if (row) row.focus({ preventScroll: true });
    else focusRow(place); // whoever stood on a row that left stands on the one that took its place
  }
}

function markOpen() {
  const id = openCase();
  for (const link of document.querySelectorAll("#rows a[data-case]")) {
    link.toggleAttribute("aria-current", false);
    if (link.dataset.case === id) link.setAttribute("aria-current", "true");
  }
}

// Somebody points at the list or reads it: rows change where they are, none moves.
function hold(fresh) {
  waiting = true;
  const list = document.getElementById("list");
  const now = rowsOf(list);
  const incoming = new Map(rowsOf(fresh).map((row) => [row.id, row]));
  const here = new Set(now.map((row) => row.id));
  const more = fresh.querySelector("#rows-end") !== null;
  let moved = 0;
  const order = [...incoming.keys()].filter((id) => here.has(id));
  now.filter((row) => incoming.has(row.id)).forEach((row, index) => {
    if (order[index] !== row.id) moved += 1;
  });
  // Rows below the last one that the answer knows may just lie deeper than it reaches.
  const reaches = now.findLastIndex((row) => incoming.has(row.id));
  now.forEach((row, index) => {
    const next = incoming.get(row.id);
    if (next) {
      const current = row.querySelector("a[aria-current]") !== null;
      morph(row, next.outerHTML);
      if (current) document.querySelector(`#${row.id} a`)?.setAttribute("aria-current", "true");
    } else if (!more || index < reaches) {
      row.classList.add("left-list");
      row.querySelector(".row-preview").dataset.note = say("gone");
    }
  });
  const added = newIn(now, fresh);
  const news = added || (moved ? 1 : 0);
  const chip = document.getElementById("new-chip");
  announceRows(Math.max(added - held, 0));
  held = added;
  chip.hidden = news === 0;
  chip.querySelector("span").textContent = news === 1 ? say("oneNew") : say("someNew", { n: news });
}

function newIn(now, fresh) {
  const here = new Set(now.map((row) => row.id));
  const added = rowsOf(fresh).filter((row) => !here.has(row.id)).length;
  return Math.max(added - countTail(now, fresh), 0);
}

// Rows that follow the last shown one were always there, behind "Show more".
function countTail(now, fresh) {
  const ids = rowsOf(fresh).map((row) => row.id);
  const last = [...now].reverse().find((row) => ids.includes(row.id));
  return last ? ids.length - 1 - ids.indexOf(last.id) : 0;
}

export function applyNew() {
  const list = document.getElementById("list");
  if (!list) return;
  list.scrollTop = 0;
  refreshList({ apply: true });
}

function links() {
  return [...document.querySelectorAll("#rows a[data-case]")];
}

// The row at a place, or the last one; where there is none, the field above them.
export function focusRow(place) {
  const all = links();
  (all[Math.min(Math.max(place, 0), all.length - 1)] ?? document.getElementById("search"))?.focus({ preventScroll: true });
}

export function step(direction) {
  const all = links();
  if (!all.length) return;
  let index = all.indexOf(document.activeElement);
  if (index < 0) index = all.findIndex((link) => link.dataset.case === openCase());
  const next = index < 0 ? 0 : Math.min(Math.max(index + direction, 0), all.length - 1);
  all[next].focus();
  if (next === all.length - 1) document.querySelector("#rows-end a")?.click();
}

export function startList() {
  document.addEventListener("click", (event) => {
    if (event.target.closest("#new-chip")) applyNew();
  });
  document.getElementById("list")?.parentElement.addEventListener("mouseleave", () => {
    if (waiting && !busy()) refreshList();
  });
}
