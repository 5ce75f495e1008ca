// Walking between cases without loading the whole page; every step has an address, and "back" works.
import { focusField } from "./composer.js";
import { restoreDrafts } from "./drafts.js";
import { morph, part } from "./morph.js";
import { atEnd, keepOlder, openAt, startThread, toEnd, watch, windowHeaders } from "./thread.js";
import { toast } from "./toasts.js";
import { say } from "./words.js";

let latest = 0;
const listTitle = document.querySelector("#views [aria-current] span")?.textContent ?? "Rapport";
let path = location.pathname + location.search;

export function openCase() {
  return document.getElementById("case")?.dataset.case ?? null;
}

function mark() {
  const id = openCase();
  for (const link of document.querySelectorAll("#rows a[data-case]")) {
    if (link.dataset.case === id) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

// Fetches what the address says into the case pane. `quiet`: a live update, which moves nothing.
export async function loadCase(url, { quiet = false } = {}) {
  const mine = ++latest;
  const follow = atEnd();
  const answer = await part(url, "case", quiet ? windowHeaders() : {});
  if (mine !== latest) return false; // somebody went on in the meantime
  if (answer === null || answer.status >= 500) {
    if (!quiet) toast(say(answer === null ? "unreachable" : "failed"), { bad: true });
    return false;
  }
  if (answer.status === 401) {
    if (!quiet) location.assign(url);
    return false;
  }
  if (answer.status !== 200) {
    if (!quiet) morph(document.getElementById("toasts"), answer.html, "innerHTML");
    return false;
  }
  const opened = openCase();
  morph(document.getElementById("case"), quiet ? keepOlder(answer.html) : answer.html);
  document.getElementById("desk").classList.toggle("has-case", openCase() !== null);
  restoreDrafts();
  mark();
  document.body.dispatchEvent(new CustomEvent("rapport:case"));
  if (opened !== openCase()) openAt();
  else if (quiet && follow) toEnd();
  watch();
  return true;
}

// `at`: where in the case to go, "end" or the id of an entry.
export async function go(url, { then = "", at = "" } = {}) {
  const target = new URL(url, location.href);
  history.pushState(null, "", target);
  path = target.pathname + target.search;
  const loaded = await loadCase(path);
  if (loaded) {
    const name = document.querySelector(".case-title h1")?.textContent.trim();
    document.title = name ? `${name} · Rapport` : listTitle;
    if (at === "end") toEnd();
    else if (at) document.getElementById(at)?.scrollIntoView({ block: "center" });
    if (then) focusField(then);
    else document.getElementById("thread")?.focus({ preventScroll: true });
  }
}

function ordinary(event) {
  return event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
}

export function startNavigation() {
  mark();
  startThread({ go });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-case], a[data-case-link], a[data-back], a[data-changes]");
    if (!link || !ordinary(event) || event.defaultPrevented) return;
    event.preventDefault();
    if ("changes" in link.dataset) {
      loadCase(location.pathname + location.search).then(toEnd);
    } else {
      // Found by a search: the case opens at the message.
      const at = /^#m\d+$/.test(link.hash) ? link.hash.slice(1) : "";
      go(link.href.split("#")[0], { then: link.dataset.then, at });
    }
  });
  addEventListener("popstate", () => {
    const now = location.pathname + location.search;
    if (now === path) return; // only the part behind # changed: the drawer
    const view = (address) => address.split("/case/")[0] + (address.split("?")[1] ?? "");
    if (view(now).split("?")[0] !== view(path).split("?")[0] && view(now) !== view(path)) {
      location.reload();
      return;
    }
    path = now;
    loadCase(now);
  });
  // An answer about a case that was left in the meantime must not take the place of the open one.
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target?.id !== "case") return;
    const about = /\/case\/(\d+)\//.exec(event.detail.pathInfo?.requestPath ?? "");
    if (about && about[1] !== openCase()) {
      event.detail.shouldSwap = false;
      const notice = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html").querySelector("[role=alert]");
      if (event.detail.xhr.status >= 400 && notice) toast(notice.textContent.trim(), { bad: true });
    }
  });
  // What was pressed may be gone with what it did (a menu of a closed case, a notice): the focus goes to
  // the thread then, not to the top of the page.
  document.body.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.target?.id !== "case" || event.detail.requestConfig?.verb !== "post") return;
    setTimeout(() => {
      if (document.activeElement === document.body) document.getElementById("thread")?.focus({ preventScroll: true });
    });
  });
  document.body.addEventListener("htmx:afterSwap", (event) => {
    latest += 1; // what was asked for before this answer is older than it
    if (event.detail.target?.id === "case" && event.detail.requestConfig?.verb === "post") {
      const { path: asked } = event.detail.requestConfig;
      if (/\/(reply|note)\//.test(asked)) {
        const newest = document.getElementById("newer") && document.getElementById("to-newest");
        if (newest) go(newest.href, { at: "end" });
        else toEnd();
      }
    }
    mark();
  });
}
