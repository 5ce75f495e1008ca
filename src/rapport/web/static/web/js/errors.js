// What went wrong between here and the server, in words, at the bottom of the page.
import { loadCase, openCase } from "./navigation.js";
import { toast } from "./toasts.js";
import { say } from "./words.js";

export function startErrors() {
  document.body.addEventListener("htmx:sendError", () => toast(say("unreachable"), { bad: true }));
  document.body.addEventListener("htmx:timeout", () => toast(say("unreachable"), { bad: true }));
  document.body.addEventListener("htmx:responseError", (event) => {
    const { status } = event.detail.xhr;
    if (![403, 404, 409, 422].includes(status)) toast(say("failed"), { bad: true });
  });
  // A whole page (a form that is out of date, say) never goes into a pane: its words are shown, and the
  // case is fetched anew, so that the next try carries what it needs. What was typed stays.
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    if (!/^\s*<!doctype/i.test(event.detail.xhr.responseText)) return;
    event.detail.shouldSwap = false;
    if (new URL(event.detail.xhr.responseURL).pathname.startsWith("/login/")) {
      toast(say("signedOut"), { bad: true });
      return;
    }
    const page = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
    const words = [...page.querySelectorAll("main h1, main h1 + p")].map((element) => element.textContent.trim());
    toast(words.join(". ") || say("failed"), { bad: true });
    if (openCase()) loadCase(location.pathname + location.search, { quiet: true });
  });
}
