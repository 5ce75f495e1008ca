// The stream of mentions: walking through it, doing things with what is open or picked, and what comes meanwhile.
import { announce } from "./announce.js";
import { morph, part } from "./morph.js";
import { toast } from "./toasts.js";
import { say } from "./words.js";

const SETTLE_MS = 1500; // a stream may bring many a second
let latest = 0;
let timer;

const page = () => document.getElementById("mentions");
const links = () => [...document.querySelectorAll("#mention-rows a[data-mention]")];
const open = () => document.querySelector("#mention[data-mention]")?.dataset.mention ?? null;

export const onMentions = () => page() !== null;

function mark() {
  const id = open();
  for (const link of links()) {
    if (link.dataset.mention === id) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  page().classList.toggle("has-case", id !== null);
}

async function show(url, { push = true } = {}) {
  const mine = ++latest;
  const answer = await part(url, "mention");
  if (mine !== latest) return;
  if (answer === null || answer.status !== 200) {
    if (answer?.status === 401 || answer?.status === 404) location.assign(url);
    else toast(say(answer === null ? "unreachable" : "failed"), { bad: true });
    return;
  }
  if (push) history.pushState(null, "", url);
  morph(document.getElementById("mention"), answer.html);
  document.querySelector("#mention main").scrollTop = 0;
  mark();
}

// The one after or before the open one, opened at once: what is done next is done to it.
export function stepMention(direction) {
  const all = links();
  if (!all.length) return;
  let index = all.findIndex((link) => link.dataset.mention === open());
  if (index < 0) index = all.indexOf(document.activeElement);
  const next = index < 0 ? 0 : Math.min(Math.max(index + direction, 0), all.length - 1);
  all[next].focus({ preventScroll: true });
  all[next].scrollIntoView({ block: "nearest" });
  show(all[next].href);
  if (next === all.length - 1) more();
}

export function actOnMention(name) {
  document.querySelector(`#mention [data-mention-${name}]`)?.click();
}

export function applyMentions() {
  refresh(true);
}

async function more() {
  const link = document.querySelector("#mention-rows-end a");
  if (!link || link.dataset.asked) return;
  link.dataset.asked = "1";
  const answer = await part(link.href, "mention-rows-end");
  if (answer?.status !== 200) {
    delete link.dataset.asked;
    return;
  }
  const [pressed, before] = [document.activeElement === link, links().length];
  document.getElementById("mention-rows-end").outerHTML = answer.html;
  mark();
  if (pressed) (links()[before] ?? document.querySelector("#mention-rows-end a") ?? links().at(-1))?.focus({ preventScroll: true });
}

// What is new waits behind the chip, so that nothing moves under anybody's eyes.
async function refresh(apply = false) {
  const list = document.getElementById("mention-list");
  if (!list) return;
  const answer = await part(list.dataset.url, "mention-list");
  if (answer?.status !== 200) return;
  const fresh = new DOMParser().parseFromString(answer.html, "text/html").getElementById("mention-list");
  const badge = document.querySelector("[data-mentions-count]");
  if (badge && !location.search.includes("brand=")) {
    badge.textContent = fresh.dataset.new;
    badge.hidden = fresh.dataset.new === "";
  }
  const here = new Set(links().map((link) => link.dataset.mention));
  const added = [...fresh.querySelectorAll("a[data-mention]")].filter((link) => !here.has(link.dataset.mention)).length;
  if (apply || here.size === 0) {
    morph(list, fresh.outerHTML);
    list.scrollTop = 0;
    mark();
    return;
  }
  const chip = document.getElementById("mention-chip");
  const words = added === 1 ? say("oneNew") : say("someNew", { n: added });
  if (added > 0 && chip.querySelector("span").textContent !== words) announce(words);
  chip.querySelector("span").textContent = words;
  chip.hidden = added === 0;
}

function soon() {
  timer ??= setTimeout(() => {
    timer = undefined;
    refresh();
  }, SETTLE_MS);
}

// The row that is open once this one, or all that are picked, are done.
function following(form) {
  const all = links();
  const gone = new Set(form.id === "mention-bulk" ? [...document.querySelectorAll("#mention-rows .pick input:checked")].map((box) => box.value.split(":")[0]) : [open()]);
  if (form.id === "mention-bulk" && !gone.has(open())) return open();
  const from = all.findIndex((link) => link.dataset.mention === open());
  const next = all.slice(from + 1).find((link) => !gone.has(link.dataset.mention)) ?? all.slice(0, Math.max(from, 0)).findLast((link) => !gone.has(link.dataset.mention));
  return next?.dataset.mention ?? "";
}

async function send(form, button) {
  const data = new FormData(form, button);
  if (!form.closest("#toasts")) data.set("next", following(form) ?? "");
  data.set("limit", links().length); // as many again, or whoever went far down loses their place
  const mine = ++latest;
  let answer;
  try {
    answer = await fetch(form.action, { method: "POST", body: data, credentials: "same-origin" });
  } catch {
    toast(say("unreachable"), { bad: true });
    return;
  }
  if (answer.redirected && new URL(answer.url).pathname.startsWith("/login/")) {
    location.assign(answer.url);
    return;
  }
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (mine !== latest) return;
  if (!fresh.getElementById("mentions")) {
    const problem = fresh.querySelector("main p")?.textContent.trim();
    toast(problem || say("failed"), { bad: true });
    return;
  }
  const url = new URL(answer.url);
  url.searchParams.delete("did");
  url.searchParams.delete("limit");
  history.pushState(null, "", url);
  const list = document.getElementById("mention-list");
  const at = list.scrollTop;
  morph(list, fresh.getElementById("mention-list").outerHTML);
  document.getElementById("mention-list").scrollTop = at;
  morph(document.getElementById("mention"), fresh.getElementById("mention").outerHTML);
  document.getElementById("toasts").innerHTML = fresh.getElementById("toasts").innerHTML;
  document.querySelectorAll("#mention-rows .pick input:checked").forEach((box) => (box.checked = false));
  mark();
  announce(document.querySelector("#toasts .toast > span")?.textContent ?? "");
  (links().find((link) => link.dataset.mention === open()) ?? links()[0] ?? document.getElementById("search"))?.focus({ preventScroll: true });
  refreshBadge(fresh);
}

function refreshBadge(fresh) {
  const badge = document.querySelector("[data-mentions-count]");
  const now = fresh.querySelector("[data-mentions-count]");
  if (!badge || !now) return;
  badge.textContent = now.textContent;
  badge.hidden = now.hidden;
}

function plain(event) {
  return event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
}

export function startMentions() {
  if (!onMentions()) return;
  mark();
  if (location.search.includes("did=")) {
    const url = new URL(location.href);
    url.searchParams.delete("did");
    history.replaceState(null, "", url);
  }
  document.addEventListener("click", (event) => {
    if (event.target.closest("#mention-chip")) {
      applyMentions();
      return;
    }
    const further = event.target.closest("#mention-rows-end a");
    const link = event.target.closest("#mention-rows a[data-mention], a[data-mention-back]");
    if ((!link && !further) || !plain(event) || event.defaultPrevented) return;
    event.preventDefault();
    if (further) more();
    else show(link.href);
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-mention-form]") || event.defaultPrevented) return;
    event.preventDefault();
    send(event.target, event.submitter);
  });
  addEventListener("popstate", () => {
    if (location.pathname.startsWith("/mentions/")) show(location.pathname + location.search, { push: false });
    else location.reload();
  });
  document.body.addEventListener("rapport:mentions", soon);
}
