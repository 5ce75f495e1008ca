// Every <time data-since> counts, and every reply that waits to leave counts down.
import { say, shortDuration } from "./words.js";

const OVERDUE_SECONDS = 3600; // as durations.py

export function tick(root = document) {
  const now = Date.now();
  for (const clock of root.querySelectorAll("time[data-since]")) {
    const seconds = (now - Date.parse(clock.dateTime)) / 1000;
    setText(clock, shortDuration(seconds));
    const state = clock.closest("[data-wait]");
    if (state && seconds >= OVERDUE_SECONDS && state.classList.contains("is-waiting")) {
      state.classList.replace("is-waiting", "is-overdue");
      const use = state.querySelector("use");
      use?.setAttribute("href", use.getAttribute("href").replace(/#.*/, "#circle-alert"));
    }
  }
  for (const mark of root.querySelectorAll("[data-leaves]")) {
    const seconds = Math.ceil((Date.parse(mark.dataset.leaves) - now) / 1000);
    setText(mark, seconds > 0 ? say("sendingIn", { n: seconds }) : say("leaving"));
  }
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function startClocks() {
  tick();
  setInterval(tick, 1000);
  document.body.addEventListener("htmx:afterSettle", () => tick());
}
