// A long thread opens at the first unread message, grows on both ways without moving what is read, and
// remembers how far it was read.
import { part } from "./morph.js";
import { toast } from "./toasts.js";
import { say } from "./words.js";

const REFRESHED = 200; // of what is on the screen, so many of the newest messages are asked for anew
const NEAR_PX = 600;
const READ_MS = 800;
let watcher;
let reader;
let timer;
let readUntil = new Map(); // case → the newest message that was on the screen
let untold = []; // what came on the screen and the server was not told of, oldest first: {id, url, until, since}
let loading = new Set();
let asked; // the message from which on the case was asked for anew

const thread = () => document.getElementById("thread");
const entries = () => document.getElementById("entries");
const messages = () => [...document.querySelectorAll("#entries > .message[data-message]:not(.earlier)")];

export function atEnd() {
  const box = thread();
  return !box || (!document.getElementById("newer") && box.scrollHeight - box.scrollTop - box.clientHeight < 80);
}

export function toEnd() {
  const box = thread();
  if (box) box.scrollTop = box.scrollHeight;
  shown();
}

// Where somebody left off; at a message the address names; else at the newest.
export function openAt() {
  const named = /^#m\d+$/.test(location.hash) ? document.querySelector(location.hash) : null;
  const line = document.getElementById("unread-line");
  const box = thread();
  if (!box) return;
  if (named) {
    named.scrollIntoView({ block: "center" });
  } else if (line) {
    box.scrollTop = 0;
    box.scrollTop = line.getBoundingClientRect().top - box.getBoundingClientRect().top - box.clientHeight / 4;
  } else {
    box.scrollTop = box.scrollHeight;
  }
  watch();
}

// What a screen shows already, for whoever asks the server for the case again.
export function windowHeaders() {
  const here = messages();
  const first = here.at(-REFRESHED) ?? here[0];
  asked = first?.id;
  return first ? { "X-Thread-Since": first.dataset.message } : {};
}

// The answer holds the newer part of what is on the screen: what is older stays as it is.
export function keepOlder(html) {
  const now = entries();
  const page = new DOMParser().parseFromString(html, "text/html");
  const fresh = page.getElementById("entries");
  if (!now || !fresh || fresh.dataset.case !== now.dataset.case) return html;
  const first = fresh.querySelector(".message[data-message]:not(.earlier)");
  const here = first && document.getElementById(first.id);
  // A case that lost that message, as when two are parted again, is shown as it is now.
  if (!here || here.classList.contains("earlier") || first.id !== asked) return html;
  // Older ones that came to a case which showed all it had, as when two become one, are still to be fetched.
  const all = here === messages()[0] && !document.getElementById("older");
  for (const extra of fresh.querySelectorAll(`:scope > .earlier${all ? "" : ", :scope > #older"}`)) extra.remove();
  const known = new Set([...fresh.children].map((one) => one.id));
  const kept = [];
  for (let one = here.previousElementSibling; one; one = one.previousElementSibling) {
    if (one.id && one.id !== "unread-line" && !known.has(one.id)) kept.unshift(page.importNode(one, true));
    else if (one.classList.contains("day")) fresh.querySelector(`#${one.id}`)?.remove(), kept.unshift(page.importNode(one, true));
  }
  fresh.prepend(...kept);
  // What stands between the entries would not be where it was, and each entry behind it would be taken out and put
  // in again: drawn anew, and a film in it stopped.
  for (const one of [...fresh.childNodes]) if (one.nodeType === Node.TEXT_NODE) one.remove();
  // The line stays where it was drawn: it says where somebody came in, not where they are.
  const line = document.getElementById("unread-line");
  page.getElementById("unread-line")?.remove();
  const below = line?.nextElementSibling?.id && page.getElementById(line.nextElementSibling.id);
  if (below) below.before(page.importNode(line, true));
  return page.body.innerHTML;
}

// Only what is not here yet comes in, and what is read stays where it is.
function insert(link, html, way) {
  const list = entries();
  const sentinel = link.closest(".load");
  const page = new DOMParser().parseFromString(html, "text/html").getElementById("entries");
  if (!page || !list.contains(sentinel)) return;
  const other = page.querySelector(way === "older" ? "#newer" : "#older");
  other?.remove();
  for (const extra of page.querySelectorAll(":scope > .earlier")) extra.remove();
  for (const one of [...page.children]) {
    if (!one.id || one.id === sentinel.id) continue;
    const twin = document.getElementById(one.id);
    // A copy from before the page gives way; a day that goes on is named once, where it begins.
    if (twin?.classList.contains("earlier") || (twin && way === "older")) twin.remove();
    else if (twin) one.remove();
  }
  const box = thread();
  const still = way === "older" ? sentinel.nextElementSibling : null;
  const before = still?.getBoundingClientRect().top;
  box.toggleAttribute("data-still", true);
  sentinel.replaceWith(...page.children);
  if (still) box.scrollTop += still.getBoundingClientRect().top - before;
  box.toggleAttribute("data-still", false);
  list.toggleAttribute("data-more", document.getElementById("newer") !== null);
  htmx.process(list);
  watch();
}

async function load(link) {
  const way = link.dataset.load;
  if (loading.has(way)) return;
  loading.add(way);
  link.setAttribute("aria-busy", "true");
  const url = link.href;
  const answer = await part(url, "entries");
  loading.delete(way);
  link.removeAttribute("aria-busy");
  if (answer?.status === 200) insert(link, answer.html, way);
  else toast(say(answer ? "failed" : "unreachable"), { bad: true });
}

// Parts are fetched before their end is reached; and what was on the screen for a moment was read.
export function watch() {
  watcher?.disconnect();
  reader?.disconnect();
  const box = thread();
  if (!box) return;
  watcher = new IntersectionObserver(
    (seen) => seen.filter((one) => one.isIntersecting).forEach((one) => load(one.target)),
    { root: box, rootMargin: `${NEAR_PX}px 0px` },
  );
  for (const link of box.querySelectorAll("[data-load]")) watcher.observe(link);
  reader = new IntersectionObserver(read, { root: box, threshold: 0.01 });
  for (const one of messages()) reader.observe(one);
  shown();
}

function read(seen) {
  const list = entries();
  if (!list || document.hidden) return;
  const newest = Math.max(...seen.filter((one) => one.isIntersecting).map((one) => Number(one.target.dataset.message)), 0);
  if (untold.some((one) => one.id !== list.dataset.case)) tellRead();
  if (newest <= (readUntil.get(list.dataset.case) ?? 0)) return;
  readUntil.set(list.dataset.case, newest);
  untold.push({ id: list.dataset.case, url: list.dataset.seen, until: newest, since: performance.now() });
  timer ??= setTimeout(tellRead, READ_MS);
}

// What was passed in less than that, as by somebody who walks through the list, was not read. What was, is told
// of also when the page is left, and while one message follows another.
function tellRead() {
  clearTimeout(timer);
  timer = undefined;
  const now = performance.now();
  const here = document.hidden ? undefined : entries()?.dataset.case;
  const read = new Map();
  const waiting = [];
  for (const one of untold) {
    if (now - one.since >= READ_MS - 20) read.set(one.url, one.until);
    else if (one.id === here) waiting.push(one);
    else readUntil.delete(one.id); // passed by: it is to be told of when somebody comes back to it
  }
  untold = waiting;
  for (const [url, until] of read) tell(url, until);
  if (waiting.length) timer = setTimeout(tellRead, READ_MS - (now - waiting[0].since));
}

function tell(url, until) {
  const token = document.querySelector("#case [name=csrfmiddlewaretoken]")?.value ?? document.querySelector("[name=csrfmiddlewaretoken]")?.value;
  if (!token) return;
  const body = new URLSearchParams({ until, csrfmiddlewaretoken: token });
  // How far somebody read matters to nobody at once: if it cannot be kept now, the next message brings it.
  fetch(url, { method: "POST", body, credentials: "same-origin", keepalive: true }).catch(() => {});
}

function shown() {
  const button = document.getElementById("to-newest");
  const box = thread();
  if (button && box) button.hidden = atEnd() || box.scrollHeight - box.scrollTop - box.clientHeight < box.clientHeight / 2;
}

// Walking through the messages with keys: the one in the middle of the screen is where it begins.
export function stepMessage(direction) {
  const all = [...document.querySelectorAll("#entries > .message, #entries > .note")];
  if (!all.length) return;
  const at = all.indexOf(document.activeElement?.closest?.("#entries > .entry"));
  const middle = thread().getBoundingClientRect().top + thread().clientHeight / 2;
  const start = at >= 0 ? at + direction : all.findLastIndex((one) => one.getBoundingClientRect().top < middle);
  const next = all[Math.min(Math.max(start, 0), all.length - 1)];
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

export function messageMenu(open) {
  const here = document.activeElement?.closest?.("#entries > .message") ?? messages().at(-1);
  const menu = here?.querySelector("details.message-menu");
  if (menu) open(menu);
}

export function toggleHistory() {
  const folds = [...document.querySelectorAll("#entries details[data-history]")];
  const open = folds.some((one) => !one.open);
  for (const one of folds) one.open = open;
}

async function copyLink(link) {
  try {
    await navigator.clipboard.writeText(link.href);
    toast(link.dataset.copied);
  } catch {
    location.hash = new URL(link.href).hash; // no clipboard here: the address bar holds it then
  }
}

export function startThread({ go }) {
  openAt();
  document.addEventListener("click", (event) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const loader = event.target.closest("[data-load]");
    const copied = event.target.closest("[data-copy-link]");
    const named = event.target.closest("[data-to-message]");
    const newest = event.target.closest("[data-newest]");
    if (!(loader || copied || named || newest)) return;
    event.preventDefault();
    if (loader) load(loader);
    else if (copied) copyLink(copied);
    else if (newest && !document.getElementById("newer")) toEnd();
    else if (newest) go(newest.href, { at: "end" });
    else toMessage(named, go);
  });
  thread()?.closest("#desk")?.addEventListener("scroll", shown, { capture: true, passive: true });
  document.addEventListener("visibilitychange", () => (document.hidden ? tellRead() : watch()));
  window.addEventListener("pagehide", tellRead);
  // Whatever is done to the case, the part of it that is on the screen stays on the screen.
  document.body.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.target?.id === "case") Object.assign(event.detail.headers, windowHeaders());
  });
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target?.id === "case") event.detail.serverResponse = keepOlder(event.detail.serverResponse);
  });
  document.body.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target?.id === "case" || event.detail.elt?.id === "case") watch();
  });
}

function toMessage(link, go) {
  const here = document.getElementById(`m${link.dataset.toMessage}`);
  if (here) {
    here.scrollIntoView({ block: "center" });
    here.focus({ preventScroll: true });
  } else {
    go(link.href, { at: `m${link.dataset.toMessage}` });
  }
}

