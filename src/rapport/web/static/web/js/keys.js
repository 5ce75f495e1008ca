// The keys of shortcuts.py: the table on the page is the only list of them.
import { closeMenus, openMenu } from "./menus.js";
import { applyNew, step } from "./list.js";
import { focusField } from "./composer.js";
import { anyPicked, pickAll, pickCurrent, pickTo, unpick } from "./select.js";
import { messageMenu, stepMessage, toggleHistory } from "./thread.js";

const actions = {
  next: () => step(1),
  previous: () => step(-1),
  open: () => false, // the focused case is a link
  leave,
  apply: applyNew,
  pick: pickCurrent,
  range: pickTo,
  all: pickAll,
  filter: () => openMenu(document.getElementById("filter-menu")),
  view: (key) => document.querySelector(`[data-view-key="${key}"]`)?.click(),
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
  tag: () => (anyPicked() ? menu("tag") : document.getElementById("tag-name")?.focus()),
  snooze: () => menu("snooze"),
  close: () => menu("close"),
  letter: () => document.querySelector("[data-new-letter]")?.click(),
  undo: () => [...document.querySelectorAll("[data-undo] button")].at(-1)?.click(),
  help: () => document.getElementById("keys").showModal(),
};

// While cases are picked, a key means all of them.
function menu(name) {
  const element = document.querySelector(anyPicked() ? `[data-bulk="${name}"]` : `[data-menu="${name}"]`);
  if (!element) return;
  if (element.tagName === "DETAILS") openMenu(element);
  else element.querySelector("button").focus();
}

function leave() {
  if (closeMenus()) return;
  const field = document.activeElement;
  if (field?.matches("input:not([type=checkbox]), textarea, select")) {
    field.blur();
    document.getElementById("thread")?.focus({ preventScroll: true });
  } else if (unpick()) {
    return;
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
    if (event.defaultPrevented || event.altKey || event.isComposing) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.key !== "Escape" && typing(event.target)) return;
    const key = event.ctrlKey || event.metaKey ? `Control+${event.key}` : event.key;
    const action = actions[table.get(key)];
    if (!action || key === "Enter") return;
    if (action(key) !== false || key === event.key) event.preventDefault();
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
