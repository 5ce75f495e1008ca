// The menu beside the send button, and the channel that speaks.
import { openMenu } from "./menus.js";

export function openWays() {
  const menu = document.getElementById("menu-send");
  if (menu) openMenu(menu);
}

// The button says who speaks.
function nameVoice(form) {
  const chosen = form.elements.channel?.selectedOptions?.[0];
  const label = form.querySelector(".send-main .to-public .label");
  if (chosen && label) label.textContent = chosen.dataset.label;
}

export function startWays({ recount }) {
  const all = () => document.querySelectorAll(".reply-form").forEach(nameVoice);
  all();
  document.body.addEventListener("htmx:afterSettle", all);
  document.addEventListener("change", (event) => {
    if (!event.target.matches('.reply-form [name="channel"], .reply-form [name="numbered"]')) return;
    nameVoice(event.target.form);
    recount(event.target.form);
  });
  document.addEventListener("keydown", (event) => {
    // In a time's field Enter means the button beside it, not the form's first one.
    if (event.key === "Enter" && event.target.matches(".send-ways input")) {
      event.preventDefault();
      event.target.closest(".inline").querySelector("button").click();
    }
    if (event.key === "Enter" && event.shiftKey && (event.ctrlKey || event.metaKey) && event.target.matches(".reply-form textarea")) {
      event.preventDefault();
      openWays();
    }
  });
  document.addEventListener("submit", (event) => {
    const change = event.target.closest(".scheduled-ways details");
    if (change) change.open = false; // what was typed stays in it, should the change be refused
  });
  // A time that was looked at and left is not meant.
  document.addEventListener(
    "toggle",
    (event) => {
      if (!event.target.matches?.(".send-ways") || event.target.open) return;
      for (const field of event.target.querySelectorAll("input")) field.value = "";
    },
    true,
  );
}
