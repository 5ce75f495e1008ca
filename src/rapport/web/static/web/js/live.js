// Hints from the server: fetch again what they concern. After any gap, everything once.
import { loadCase, openCase } from "./navigation.js";
import { refreshList } from "./list.js";
import { say } from "./words.js";

const SETTLE_MS = 120; // one action sends several hints
const PATIENCE_MS = 3000; // a reconnect that is quicker than this is nobody's business
let source;
let timer;
let banner;
let pending = { all: false, cases: new Set() };

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

function soon() {
  // The first hint starts the wait and later ones join it: under a steady stream it still runs.
  timer ??= setTimeout(() => {
    timer = undefined;
    const { all, cases } = pending;
    pending = { all: false, cases: new Set() };
    refresh(all, cases);
  }, SETTLE_MS);
}

function refresh(all, cases) {
  document.body.dispatchEvent(new CustomEvent("rapport:hint"));
  if (!document.getElementById("desk")) return;
  refreshList();
  const open = openCase();
  if (open && (all || cases.has(Number(open)))) loadCase(location.pathname + location.search, { quiet: true });
}

function connect(url) {
  source = new EventSource(url);
  source.addEventListener("hello", () => {
    calm();
    pending.all = true;
    soon();
  });
  source.addEventListener("hint", (event) => {
    const hint = JSON.parse(event.data);
    if (hint.cases.length) hint.cases.forEach((id) => pending.cases.add(id));
    else pending.all = true;
    soon();
  });
  source.addEventListener("paused", () => worry(say("paused")));
  source.addEventListener("bye", () => {
    source.close();
    clearTimeout(banner);
    tell(say("signedOut"));
  });
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) retry(url);
    worry(say("lost"));
  };
}

// The browser gives up on an answer that is not a stream: a proxy's error, or the login page.
async function retry(url) {
  try {
    const answer = await fetch(url, { method: "HEAD", credentials: "same-origin" });
    if (answer.status === 401) {
      clearTimeout(banner);
      tell(say("signedOut"));
      setTimeout(() => retry(url), 10_000);
      return;
    }
  } catch {
    // still unreachable
  }
  setTimeout(() => connect(url), 2000);
}

export function startLive() {
  const holder = document.querySelector("[data-live]");
  if (!holder || !window.EventSource) return;
  connect(holder.dataset.live);
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => {
    if (event.persisted) connect(holder.dataset.live);
  });
  // What was done here shows at once, stream or no stream.
  document.body.addEventListener("rapport:changed", () => refreshList({ apply: !document.getElementById("list")?.matches(":hover") }));
}
