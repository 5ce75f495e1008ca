// What others see happen, said to those who hear the page: new cases, new words of customers, and what becomes of
// an answer. It goes through one live region that is always there: one that comes with its words is often not read.
import { say } from "./words.js";

const SETTLE_MS = 120; // the region is empty for a moment, so that the same words twice are heard twice
const REST_MS = 30_000; // under a stream of cases nothing else could be heard
let saying = [];
let timer;
let rested = 0; // from when on the list may speak again
let later;
let newRows = 0; // that nobody was told of yet
let shown = null; // the case whose entries these are
let leaving = new Map(); // entry of an answer that is not on the network → its state
let newest = 0; // message

export function announce(text) {
  if (!text) return;
  const region = document.getElementById("said");
  region.textContent = "";
  if (!saying.includes(text)) saying.push(text);
  clearTimeout(timer);
  timer = setTimeout(() => {
    region.textContent = saying.join(". ");
    saying = [];
  }, SETTLE_MS);
}

// So many cases came into the list, wherever they were put. Many in a row are told of together.
export function announceRows(number) {
  newRows += number;
  if (!newRows || later) return;
  later = setTimeout(tellRows, Math.max(rested - performance.now(), 0));
}

function tellRows() {
  later = undefined;
  rested = performance.now() + REST_MS;
  announce(newRows === 1 ? say("oneCase") : say("someCases", { n: newRows }));
  newRows = 0;
}

const plain = (element) => element?.textContent.replace(/\s+/g, " ").trim() ?? "";

// What of the open case is not as it was when it was looked at last.
function compare() {
  const entries = document.getElementById("entries");
  const before = { shown, leaving, newest };
  const here = [...document.querySelectorAll("#entries > .message[data-message]:not(.earlier)")];
  const pending = [...document.querySelectorAll("#entries > .pending")];
  shown = entries?.dataset.case ?? null;
  leaving = new Map(pending.map((entry) => [entry.id, { state: entry.className, who: plain(entry.querySelector(".author")) }]));
  newest = Math.max(0, ...here.map((entry) => Number(entry.dataset.message)));
  if (shown === null || shown !== before.shown) return;
  for (const entry of pending) {
    if (before.leaving.get(entry.id)?.state === entry.className || entry.classList.contains("sending")) continue;
    announce([plain(entry.querySelector(".author")), plain(entry.querySelector(".times .state")), plain(entry.querySelector(".why"))].filter(Boolean).join(": "));
  }
  if (document.getElementById("newer")) return; // a part of a long thread: its newest message is not the case's
  const fresh = here.filter((entry) => Number(entry.dataset.message) > before.newest);
  const left = [...before.leaving].filter(([id]) => !leaving.has(id));
  if (fresh.some((entry) => entry.classList.contains("own"))) left.forEach(([, { who }]) => announce(say("sent", { name: who })));
  for (const entry of fresh) if (!entry.classList.contains("own")) announce(say("wrote", { name: plain(entry.querySelector(".author")) }));
}

export function startAnnounce() {
  const connection = document.querySelector("#connection span");
  let told = "";
  new MutationObserver(() => {
    if (connection.textContent !== told) announce(connection.textContent);
    told = connection.textContent;
  }).observe(connection, { childList: true });
  compare();
  document.body.addEventListener("rapport:case", compare);
  document.body.addEventListener("htmx:afterSettle", compare);
}
