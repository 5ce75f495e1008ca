// The keys of shortcuts.py: the table on the page is the only list of them.
import { closeMenus, openMenu } from "./menus.js";
import { applyNew, step } from "./list.js";
import { focusField } from "./composer.js";
import { messageMenu, stepMessage, toggleHistory } from "./thread.js";

const actions = {
  next: () => step(1),
  previous: () => step(-1),
  open: () => false, // the focused case is a link
  leave,
  apply: applyNew,
  search: () => document.getElementById("search")?.focus(),
  "message-next": () => stepMessage(1),
  "message-previous": () => stepMessage(-1),
  "message-menu": () => messageMenu(openMenu),
  history: toggleHistory,
  newest: () => document.querySelector("[data-newest]")?.click(),
  reply: () => focusField("reply"),
  note: () => focusField("note"),
  assign: () => menu("assign"),
  priority: () => menu("priority"),
  tag: () => document.getElementById("tag-name")?.focus(),
  snooze: () => menu("snooze"),
  close: () => menu("close"),
  letter: () => document.querySelector("[data-new-letter]")?.click(),
  undo: () => [...document.querySelectorAll("[data-undo] button")].at(-1)?.click(),
  help: () => document.getElementById("keys").showModal(),
};

function menu(name) {
  const element = document.querySelector(`[data-menu="${name}"]`);
  if (!element) return;
  if (element.tagName === "DETAILS") openMenu(element);
  else element.querySelector("button").focus();
}

function leave() {
  if (closeMenus()) return;
  const field = document.activeElement;
  if (field?.matches("input, textarea, select")) {
    field.blur();
    document.getElementById("thread")?.focus({ preventScroll: true });
  } else if (location.hash === "#contact") {
    history.back();
  } else if (document.querySelector("#desk.has-case")) {
    const current = document.querySelector("#rows a[aria-current]");
    if (current && current.offsetParent) current.focus();
    else document.querySelector("[data-back]")?.click();
  }
}

function typing(element) {
  return element.isContentEditable || element.matches("textarea, select, input:not([type=radio], [type=checkbox], [type=button], [type=submit])");
}

export function startKeys() {
  const table = new Map([...document.querySelectorAll("#keys tr[data-key]")].map((row) => [row.dataset.key, row.dataset.does]));
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.key !== "Escape" && typing(event.target)) return;
    const action = actions[table.get(event.key)];
    if (!action || event.key === "Enter") return;
    event.preventDefault();
    action();
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-action=help]");
    if (link && event.button === 0 && !event.metaKey && !event.ctrlKey) {
      event.preventDefault();
      actions.help();
    }
    const toggle = event.target.closest(".contact-toggle");
    if (toggle && matchMedia("(min-width: 1100px)").matches) {
      event.preventDefault();
      document.getElementById("desk").classList.toggle("contact-hidden");
    }
  });
}
