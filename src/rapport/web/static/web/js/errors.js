// What went wrong between here and the server, in words, at the bottom of the page.
import { toast } from "./toasts.js";
import { say } from "./words.js";

export function startErrors() {
  document.body.addEventListener("htmx:sendError", () => toast(say("unreachable"), { bad: true }));
  document.body.addEventListener("htmx:timeout", () => toast(say("unreachable"), { bad: true }));
  document.body.addEventListener("htmx:responseError", (event) => {
    const { status } = event.detail.xhr;
    if (![403, 404, 409, 422].includes(status)) toast(say("failed"), { bad: true });
  });
  // A session that ended answers with the login page: never swap that into a pane.
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.xhr.responseURL && new URL(event.detail.xhr.responseURL).pathname.startsWith("/login/")) {
      event.detail.shouldSwap = false;
      toast(say("signedOut"), { bad: true });
    }
  });
}
