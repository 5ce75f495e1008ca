// The live count beside a reply: guessed at once, then as the network counts it. And whether it may be sent.
import { showCut } from "./cut.js";
import { startWays } from "./ways.js";
import { say, shortDuration } from "./words.js";

const PAUSE_MS = 250;
let timer;

function show(output, length, limit) {
  output.textContent = `${length} / ${limit}`;
  output.classList.toggle("over", length > limit);
  output.classList.toggle("near", length <= limit && length > limit * 0.9);
}

async function ask(form, field, output) {
  const text = field.value;
  const body = new FormData();
  body.set("text", text);
  body.set("visibility", form.elements.visibility?.value ?? "");
  body.set("in_reply_to", form.elements.in_reply_to?.value ?? "");
  body.set("channel", form.elements.channel?.value ?? "");
  if (form.elements.numbered?.checked) body.set("numbered", "1");
  body.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
  try {
    const answer = await fetch(form.dataset.length, { method: "POST", body, headers: { "HX-Request": "true" } });
    if (!answer.ok) return;
    const found = await answer.json();
    if (!field.isConnected || field.value !== text) return;
    show(output, found.length, found.limit);
    showCut(form, text, found);
  } catch {
    // The guess stays; the server counts again before anything is sent.
  }
}

export function count(field) {
  const form = field.form;
  const output = form?.querySelector("output.length");
  if (!output || !form.dataset.length) return;
  const isPrivate = form.elements.visibility?.value === "private";
  show(output, [...field.value.trim()].length, Number(isPrivate ? output.dataset.limitPrivate : output.dataset.limit));
  clearTimeout(timer);
  if (!field.value.trim()) showCut(form, "", null);
  else timer = setTimeout(() => ask(form, field, output), PAUSE_MS);
}

// How far the server's clock is from this device's, learned once from each time the server wrote.
const clocks = new WeakMap();

function serverNow(box) {
  const seen = clocks.get(box);
  if (seen?.wrote === box.dataset.now) return Date.now() + seen.ahead;
  const ahead = Date.parse(box.dataset.now) - Date.now();
  clocks.set(box, { wrote: box.dataset.now, ahead });
  return Date.now() + ahead;
}

// Shows the window that counts and how long it is open; when the last one closes, sending privately ends with it.
export function watchWindows() {
  const box = document.querySelector(".reply-form .windows");
  if (!box) return;
  const now = serverNow(box);
  const open = [...box.querySelectorAll("[data-until]")];
  const counts = open.find((line) => Date.parse(line.dataset.until) > now);
  for (const line of open) line.hidden = line !== counts;
  box.querySelector(".window-over").hidden = Boolean(counts);
  if (counts) {
    const text = say("left", { duration: shortDuration((Date.parse(counts.dataset.until) - now) / 1000) });
    const left = counts.querySelector(".left");
    if (left.textContent !== text) left.textContent = text;
  }
  if (!("closesSend" in box.dataset)) return;
  const form = box.closest("form");
  const closed = !counts && form.elements.visibility?.value === "private";
  for (const button of form.querySelectorAll("button.send")) {
    // Focus that stands on a button as it closes would be lost.
    if (closed && button === document.activeElement) form.querySelector("textarea").focus();
    button.disabled = closed;
  }
}

export function focusField(mode) {
  const radio = document.querySelector(`.modes [value="${mode}"]`);
  if (radio) radio.checked = true;
  const field = document.querySelector(mode === "note" ? ".note-form textarea" : ".reply-form textarea");
  field?.focus();
  field?.setSelectionRange(field.value.length, field.value.length);
}

export function startComposer() {
  document.addEventListener("input", (event) => {
    if (event.target.matches(".reply-form textarea")) count(event.target);
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches(".modes input")) focusField(event.target.value);
    if (event.target.matches('.reply-form [name="visibility"]')) {
      count(event.target.form.querySelector("textarea"));
      watchWindows();
    }
  });
  // Ctrl or Cmd and Enter sends what is in the field.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.shiftKey && event.target.matches(".composer textarea")) {
      event.preventDefault();
      const form = event.target.form;
      const button = form.querySelector(".send-main, .note-send");
      if (!button.disabled) form.requestSubmit(button);
    }
  });
  // A kept field does not come back from the server, so its count must not fall back to the server's.
  document.body.addEventListener("htmx:afterSettle", () => {
    const field = document.querySelector(".reply-form textarea");
    if (field) count(field);
    watchWindows();
  });
  startWays({ recount: (form) => count(form.querySelector("textarea")) });
  watchWindows();
  setInterval(watchWindows, 1000);
}
