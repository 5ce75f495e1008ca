// How new parts of the page take the place of old ones without taking away what somebody does there.
//
// An element with data-keep stays as it is while the new one keeps the same value (typed words, a chosen
// visibility), unless the new one says data-reset. data-reset="append" puts what is typed already behind
// the words that come back.
import { tick } from "./clocks.js";

export function startMorph() {
  const callbacks = Idiomorph.defaults.callbacks;
  callbacks.beforeNodeMorphed = (before, after) => {
    if (!(before instanceof Element) || !(after instanceof Element)) return true;
    if (before.dataset.keep !== undefined && before.dataset.keep === after.dataset.keep) {
      if (!("reset" in after.dataset)) return false;
      if (after.dataset.reset === "append" && before.value?.trim()) {
        after.textContent = `${after.value}\n\n${before.value}`;
      }
    }
    // A menu or a fold that somebody opened stays open.
    if (before.tagName === "DETAILS" && before.open && before.id && before.id === after.id) after.open = keepsOpen(before);
    return true;
  };
}

function keepsOpen(details) {
  return "keepOpen" in details.dataset || (details.classList.contains("menu") && !details.dataset.done);
}

// Morphs one part of the page into what the server sent, keeping place, focus and selection.
export function morph(target, html, style = "outerHTML") {
  Idiomorph.morph(target, html, { morphStyle: style });
  const fresh = document.getElementById(target.id);
  if (fresh) {
    htmx.process(fresh);
    tick(fresh);
  }
  return fresh;
}

// One part of a page, by the same address as the whole. Null when it could not be had.
export async function part(url, target, headers = {}) {
  try {
    const answer = await fetch(url, {
      headers: { "HX-Request": "true", "HX-Target": target, "HX-Current-URL": location.href, ...headers },
      credentials: "same-origin",
      cache: "no-store",
    });
    // Logged out: the answer is the login page, which belongs into no pane.
    if (answer.redirected && new URL(answer.url).pathname.startsWith("/login/")) return { status: 401, html: "" };
    return { status: answer.status, html: await answer.text() };
  } catch {
    return null;
  }
}
