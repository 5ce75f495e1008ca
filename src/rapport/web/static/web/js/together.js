// The others at a case: says that this screen looks at it and that somebody writes (never what), shows who else
// does, and remembers what was on the screen when an answer was begun, so that nothing new is answered past unseen.
import { morph } from "./morph.js";
import { toEnd } from "./thread.js";

const LOOK_MS = 20_000;
const WRITE_MS = 3000;
const STOP_MS = 6000; // no key for so long: writes no more
const SETTLE_MS = 400; // many screens hear the same at once, and need not all ask at once
const SAID_AGAIN_MS = 60_000;

// Each tab is a screen of its own.
export const screen = Array.from(crypto.getRandomValues(new Uint8Array(10)), (one) => (one % 36).toString(36)).join("");

let shown = null; // the case that the server was told of last
let began = new Map(); // case → what was seen when its answer was begun, as the form says it
let said = new Map(); // "reply-12" → when it was said aloud
let writesIn = "";
let pressedAt = 0; // when a key was pressed last
let toldAt = 0; // when the server was last told so
let stopping;
let asked = 0;
let waiting;

const openCase = () => document.getElementById("case")?.dataset.case ?? null;
const seenField = () => document.querySelector('input[name="seen"]');
const replyField = () => document.querySelector(".reply-form textarea[data-draft]");

function request(id, fields) {
  const body = new FormData();
  body.set("csrfmiddlewaretoken", document.querySelector('[name="csrfmiddlewaretoken"]')?.value ?? "");
  body.set("screen", screen);
  for (const [name, value] of Object.entries(fields)) body.set(name, value);
  return [`${new URL(document.getElementById("desk").dataset.list, location.href).pathname}case/${id}/looking/`, body];
}

function leave() {
  if (shown !== null) navigator.sendBeacon(...request(shown, { gone: 1 }));
  shown = null;
}

// What somebody writes in at this moment, "" when they pressed no key for a while.
const writingNow = () => (Date.now() - pressedAt < STOP_MS ? writesIn : "");

// Tells the server, and shows what it answers.
async function look() {
  const id = openCase();
  if (shown !== null && shown !== id) leave();
  if (id === null || document.hidden) return;
  shown = id;
  const mine = ++asked;
  const rows = [...document.querySelectorAll("#rows a[data-case]")].slice(0, 200).map((row) => row.dataset.case).join(",");
  const [url, body] = request(id, { writing: writingNow(), rows, seen: began.get(id) ?? "" });
  try {
    const answer = await fetch(url, { method: "POST", body, headers: { "HX-Request": "true" } });
    if (!answer.ok || answer.redirected || mine !== asked || openCase() !== id) return;
    show(id, await answer.json());
  } catch {
    // Offline: the next turn tells it again.
  }
}

function soon() {
  waiting ??= setTimeout(() => {
    waiting = undefined;
    look();
  }, Math.random() * SETTLE_MS);
}

function show(id, { company, bars, seen, rows }) {
  if (document.getElementById(`company-${id}`)) morph(document.getElementById(`company-${id}`), company);
  const box = document.getElementById(`bars-${id}`);
  // What a reply is being asked about stays until it is sent or left.
  if (box && !box.querySelector(".is-asked")) morph(box, bars);
  const field = seenField();
  if (field) field.dataset.now = seen;
  settle();
  for (const mark of document.querySelectorAll("#rows [data-open]")) {
    const words = rows[mark.dataset.open] ?? "";
    mark.hidden = words === "";
    if (mark.title !== words) mark.title = mark.querySelector(".sr-only").textContent = words;
  }
  announce();
}

// Said aloud once when somebody begins, not at every pause for thought.
function announce() {
  const place = document.getElementById("writing-said");
  for (const one of document.querySelectorAll("#case [data-writes]")) {
    const last = said.get(one.dataset.writes) ?? 0;
    if (Date.now() - last > SAID_AGAIN_MS && place) place.textContent = one.textContent.trim();
    said.set(one.dataset.writes, Date.now());
  }
}

// The form says what was seen when its words were begun, however often the page is drawn anew.
function settle() {
  const id = openCase();
  const field = seenField();
  if (id === null || !field) return;
  if (!replyField()?.value.trim()) began.delete(id);
  else if (!began.has(id)) began.set(id, field.value);
  if (began.has(id)) field.value = began.get(id);
}

function wrote(field) {
  settle();
  writesIn = field.dataset.draft.endsWith("-note") ? "note" : "reply";
  pressedAt = Date.now();
  clearTimeout(stopping);
  stopping = setTimeout(look, STOP_MS + 50);
  if (pressedAt - toldAt < WRITE_MS) return;
  toldAt = pressedAt;
  look();
}

function stopped() {
  clearTimeout(stopping);
  pressedAt = toldAt = 0;
}

export function startTogether() {
  const again = () => {
    settle();
    look();
  };
  again();
  setInterval(look, LOOK_MS);
  document.addEventListener("input", (event) => {
    if (event.target.dataset?.draft && event.detail !== "draft") wrote(event.target);
  });
  document.body.addEventListener("rapport:case", () => {
    const other = shown !== openCase();
    if (other) {
      stopped();
      said = new Map();
    }
    again();
  });
  document.body.addEventListener("rapport:look", (event) => {
    if (String(event.detail.case) === openCase()) soon();
  });
  document.body.addEventListener("rapport:sent", (event) => {
    began.delete(String(event.detail.case));
    stopped();
    look();
  });
  // Asked about once: the page that comes back shows what is new, so that is seen.
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    const reply = /\/case\/(\d+)\/reply\//.exec(event.detail.pathInfo?.requestPath ?? "");
    if (reply && event.detail.xhr.status === 409) began.delete(reply[1]);
  });
  document.body.addEventListener("htmx:afterSettle", settle);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-show-news]");
    if (!link) return;
    event.preventDefault();
    const entry = document.querySelector(link.hash);
    if (entry) {
      entry.scrollIntoView({ block: "center" });
      entry.focus({ preventScroll: true });
    } else {
      toEnd();
    }
    const id = openCase();
    began.set(id, seenField().dataset.now ?? seenField().value);
    link.closest(".bar").remove();
    settle();
  });
  document.addEventListener("visibilitychange", () => (document.hidden ? leave() : look()));
  addEventListener("pagehide", leave);
  addEventListener("pageshow", (event) => {
    if (event.persisted) look();
  });
  addEventListener("online", look);
}
