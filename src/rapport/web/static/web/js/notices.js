// The bell follows what happens, and so does its page. What is opened is read: the server sees that.
import { announce } from "./announce.js";
import { morph, part } from "./morph.js";

const PAUSE_MS = 400; // an open case is read by the refresh that a hint brings; the count comes after it
let timer;

async function refresh() {
  timer = undefined;
  const bell = document.getElementById("bell");
  const answer = await part(bell.dataset.bell, "bell");
  const before = Number(bell.dataset.count);
  if (answer?.status === 200) morph(bell, answer.html);
  if (Number(document.getElementById("bell").dataset.count) > before) announce(document.querySelector("#bell .sr-only")?.textContent);
  mark();
  const list = document.getElementById("notices");
  if (!list || list.dataset.later !== undefined) return;
  const news = await part(location.pathname + location.search, "notices");
  if (news?.status === 200) morph(document.getElementById("notices"), news.html);
}

// The app's icon counts too, where it is installed.
function mark() {
  const count = Number(document.getElementById("bell").dataset.count);
  if (count) navigator.setAppBadge?.(count).catch(() => {});
  else navigator.clearAppBadge?.().catch(() => {});
}

function soon() {
  clearTimeout(timer);
  timer = setTimeout(refresh, PAUSE_MS);
}

export function startNotices() {
  if (!document.getElementById("bell")) return;
  mark();
  document.body.addEventListener("rapport:hint", soon);
  document.addEventListener("keydown", (event) => {
    if (!["j", "k", "ArrowDown", "ArrowUp"].includes(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest?.("input, textarea, select, dialog, details[open]")) return;
    const links = [...document.querySelectorAll("#notices a[data-notice]")];
    if (!links.length) return;
    const at = links.indexOf(document.activeElement);
    const to = ["j", "ArrowDown"].includes(event.key) ? at + 1 : at < 0 ? 0 : at - 1;
    links[Math.min(Math.max(to, 0), links.length - 1)].focus();
    event.preventDefault();
  });
}
