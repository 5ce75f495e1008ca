// Hints from the server: fetch again what they concern. After any gap, everything once.
import { loadCase, openCase } from "./navigation.js";
import { refreshList } from "./list.js";
import { screen } from "./together.js";
import { say } from "./words.js";

const SETTLE_MS = 120; // one action sends several hints
// After a fetch the list rests so many times as long as that took: many screens of a busy server take turns, and
// whoever opens a case is not behind all of their lists.
const SHARE = 4;
const LONGEST_REST_MS = 10_000;
const PATIENCE_MS = 3000; // a reconnect that is quicker than this is nobody's business
let source;
let timer;
let banner;
let again; // the next try to connect
let pending = nothing();
let resting = false;
let due = false; // something changed while the list rested
let later; // a fetch for the numbers beside the lists alone, which may come late

function tell(text) {
  const box = document.getElementById("connection");
  box.querySelector("span").textContent = text;
  box.hidden = text === "";
}

function worry(text) {
  clearTimeout(banner);
  banner = setTimeout(() => tell(text), PATIENCE_MS);
}

function calm() {
  clearTimeout(banner);
  tell("");
}

function nothing() {
  return { all: false, lists: false, cases: new Set() };
}

function soon() {
  // The first hint starts the wait and later ones join it: under a steady stream it still runs.
  timer ??= setTimeout(() => {
    timer = undefined;
    const { all, lists, cases } = pending;
    pending = nothing();
    refresh(all, lists, cases);
  }, SETTLE_MS);
}

// A list of one's own cases does not change with those of others; how many there are elsewhere may be said later.
function concerns(hint) {
  if (hint.mine !== false || document.getElementById("desk")?.dataset.view !== "mine") return true;
  return hint.cases.some((id) => document.getElementById(`row-${id}`));
}

function refresh(all, lists, cases) {
  if (lists) document.body.dispatchEvent(new CustomEvent("rapport:hint"));
  if (!document.getElementById("desk")) return;
  if (lists) listInTurn();
  const open = openCase();
  if (open && (all || cases.has(Number(open)))) loadCase(location.pathname + location.search, { quiet: true });
}

async function listInTurn() {
  clearTimeout(later);
  later = undefined;
  due = true;
  if (resting) return;
  resting = true;
  due = false;
  const began = performance.now();
  try {
    await refreshList();
  } finally {
    // Not all at the same moment: each a little earlier or later.
    const rest = (performance.now() - began) * SHARE * (0.75 + Math.random() / 2);
    setTimeout(() => {
      resting = false;
      if (due) listInTurn();
    }, Math.min(rest, LONGEST_REST_MS));
  }
}

function connect(url) {
  clearTimeout(again);
  source?.close();
  source = undefined;
  if (document.hidden) return; // the tab is connected once it is looked at
  source = new EventSource(`${url}?screen=${screen}`);
  source.addEventListener("hello", () => {
    calm();
    document.body.dispatchEvent(new CustomEvent("rapport:mentions"));
    pending.all = true;
    pending.lists = true;
    soon();
  });
  source.addEventListener("hint", (event) => {
    const hint = JSON.parse(event.data);
    if (!hint.thread && concerns(hint)) pending.lists = true;
    else if (!hint.thread) later ??= setTimeout(listInTurn, LONGEST_REST_MS);
    if (hint.cases.length) hint.cases.forEach((id) => pending.cases.add(id));
    else pending.all = true;
    soon();
  });
  source.addEventListener("mentions", () => document.body.dispatchEvent(new CustomEvent("rapport:mentions")));
  source.addEventListener("look", (event) => document.body.dispatchEvent(new CustomEvent("rapport:look", { detail: JSON.parse(event.data) })));
  source.addEventListener("paused", () => worry(say("paused")));
  source.addEventListener("bye", () => {
    source.close();
    signedOut(url);
  });
  source.onerror = () => {
    if (source?.readyState === EventSource.CLOSED) retry(url);
    worry(say("lost"));
  };
}

// Whoever logs in again in another tab finds this one alive.
function signedOut(url) {
  clearTimeout(banner);
  tell(say("signedOut"));
  again = setTimeout(() => retry(url), 10_000);
}

// The browser gives up on an answer that is not a stream: a proxy's error, or the login page.
async function retry(url) {
  try {
    const answer = await fetch(url, { method: "HEAD", credentials: "same-origin" });
    if (answer.status === 401) {
      signedOut(url);
      return;
    }
  } catch {
    // still unreachable
  }
  again = setTimeout(() => connect(url), 2000);
}

export function startLive() {
  const holder = document.querySelector("[data-live]");
  if (!holder || !window.EventSource) return;
  connect(holder.dataset.live);
  // A browser opens six connections to one server, for all its tabs together: a stream in each of six
  // tabs would leave none for anything else. A tab that comes back fetches everything once.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) connect(holder.dataset.live);
    else if (source) {
      source.close();
      source = undefined;
      clearTimeout(banner);
    }
  });
  addEventListener("pagehide", () => {
    clearTimeout(again);
    source?.close();
  });
  addEventListener("pageshow", (event) => {
    if (event.persisted) connect(holder.dataset.live);
  });
  // What was done here shows at once, stream or no stream.
  document.body.addEventListener("rapport:changed", () => refreshList({ apply: !document.getElementById("list")?.matches(":hover") }));
}
