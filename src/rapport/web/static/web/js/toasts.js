// What was just done, and the way back. It goes by itself, but not while somebody looks at it.
import { say } from "./words.js";

const SHOWN_MS = 12_000;
let timer;

export function toast(text, { bad = false } = {}) {
  const box = document.createElement("div");
  box.className = bad ? "toast bad" : "toast";
  if (bad) box.setAttribute("role", "alert");
  const words = document.createElement("span");
  words.textContent = text;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "dismiss";
  button.dataset.dismiss = "";
  button.setAttribute("aria-label", say("dismiss"));
  button.textContent = "×";
  box.append(words, button);
  document.getElementById("toasts").replaceChildren(box);
}

export function startToasts() {
  const toasts = document.getElementById("toasts");
  const restart = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (toasts.matches(":hover, :focus-within") || toasts.querySelector(".bad")) restart();
      else toasts.replaceChildren();
    }, SHOWN_MS);
  };
  new MutationObserver(restart).observe(toasts, { childList: true });
  if (toasts.childElementCount) restart();
  toasts.addEventListener("click", (event) => {
    if (event.target.closest("[data-dismiss]")) toasts.replaceChildren();
  });
  document.body.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful && event.target.closest?.("#toasts [data-undo]")) toasts.replaceChildren();
  });
}
