// Commands and their keys, as shortcuts.py has them: the table on the page is the only list of them here.
import { closeMenus, openMenu } from "./menus.js";
import { applyNew, step } from "./list.js";
import { focusField } from "./composer.js";
import { startKeyFields } from "./keyfields.js";
import { keysOf } from "./keynames.js";
import { actOnMention, applyMentions, onMentions, stepMention } from "./mentions.js";
import { openPalette } from "./palette.js";
import { anyPicked, pickAll, pickCurrent, pickTo, unpick } from "./select.js";
import { messageMenu, stepMessage, toggleHistory } from "./thread.js";
import { openWays } from "./ways.js";

const actions = {
  next: () => (onMentions() ? stepMention(1) : step(1)),
  previous: () => (onMentions() ? stepMention(-1) : step(-1)),
  open: () => false, // the focused case is a link
  leave,
  apply: () => (onMentions() ? applyMentions() : applyNew()),
  pick: pickCurrent,
  range: pickTo,
  all: pickAll,
  filter: () => openMenu(document.getElementById("filter-menu")),
  view: (row) => (control(row) ? control(row).click() : location.assign(row.dataset.url)),
  search: () => document.getElementById("search")?.select(), // what is typed takes the place of what was searched
  "message-next": () => stepMessage(1),
  "message-previous": () => stepMessage(-1),
  "message-menu": () => messageMenu(openMenu),
  history: toggleHistory,
  newest: () => document.querySelector("[data-newest]")?.click(),
  contact: () => document.querySelector(".contact-toggle")?.click(),
  reply: () => focusField("reply"),
  note: () => focusField("note"),
  send: () => false, // composer.js, in the field
  "send-ways": openWays,
  follow: () => document.querySelector("[data-follow]")?.click(),
  assign: () => menu("assign"),
  priority: () => menu("priority"),
  tag: () => (anyPicked() ? menu("tag") : document.getElementById("tag-name")?.focus()),
  snooze: () => menu("snooze"),
  close: () => menu("close"),
  letter: () => document.querySelector("[data-new-letter]")?.click(),
  "mention-case": () => actOnMention("case"),
  "mention-seen": () => actOnMention("seen"),
  "mention-spam": () => actOnMention("spam"),
  "mention-mute": () => actOnMention("mute"),
  undo: () => [...document.querySelectorAll("[data-undo] button")].at(-1)?.click(),
  palette: openPalette,
  away: () => document.querySelector(".rail-me [name=away]")?.click(),
  "log-out": () => document.querySelector(".rail-me [data-log-out]")?.click(),
  help: () => document.getElementById("keys").showModal(),
};

// What has to be on the page for a command to do anything; beside it, what it needs itself.
const places = { list: "#list, #mention-list", mention: "#mention[data-mention]", case: "#case[data-case]", composer: "#composer" };
const needs = {
  apply: "#new-chip:not([hidden]), #mention-chip:not([hidden])",
  search: "#search",
  filter: "#filter-menu",
  "mention-case": "[data-mention-case]",
  "mention-seen": "[data-mention-seen]",
  "mention-spam": "[data-mention-spam]",
  "mention-mute": "[data-mention-mute]",
  pick: "#rows .pick input",
  range: "#rows .pick input",
  all: "#rows .pick input",
  letter: "[data-new-letter]",
  newest: "[data-newest]:not([hidden])",
  reply: ".reply-form textarea",
  note: ".note-form textarea",
  "send-ways": "#menu-send",
  assign: '[data-menu="assign"]',
  priority: '[data-menu="priority"]',
  tag: "#tag-name",
  snooze: '[data-menu="snooze"]',
  close: '[data-menu="close"]',
  undo: "[data-undo] button",
};

function control(row) {
  return document.querySelector(`[data-command="${row.dataset.commandRow}"]`);
}

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

function rows() {
  return [...document.querySelectorAll("#keys [data-command-row]")];
}

// The commands that would do something on this page, as it is now: what is most of this place first.
export function commandsHere() {
  const near = ["composer", "case", "mention", "list", "everywhere"];
  const order = (row) => near.indexOf(row.dataset.where);
  return rows().filter(fitsHere).sort((one, other) => order(one) - order(other));
}

function fitsHere(row) {
  const { does, where } = row.dataset;
  if ("fixed" in row.dataset || does === "palette") return false;
  if (anyPicked() && document.querySelector(`[data-bulk="${does}"]`)) return true;
  if (places[where] && !document.querySelector(places[where])) return false;
  return !needs[does] || document.querySelector(needs[does]) !== null;
}

export function runCommand(row) {
  return actions[row.dataset.does]?.(row);
}

function onKey(event, table) {
  if (event.defaultPrevented || event.isComposing) return;
  if (document.querySelector("dialog[open]")) return;
  const row = keysOf(event)
    .map((key) => table.get(key))
    .find(Boolean);
  if (!row || row.dataset.does === "open") return;
  const { does } = row.dataset;
  if (does !== "leave" && does !== "palette" && typing(event.target)) return;
  if (runCommand(row) !== false || row.dataset.key.length === 1) event.preventDefault();
}

export function startKeys() {
  const table = new Map(rows().filter((row) => row.dataset.key).map((row) => [row.dataset.key, row]));
  document.addEventListener("keydown", (event) => onKey(event, table));
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-action]");
    if (link && event.button === 0 && !event.metaKey && !event.ctrlKey && actions[link.dataset.action]) {
      event.preventDefault();
      closeMenus();
      actions[link.dataset.action](link);
    }
    const toggle = event.target.closest(".contact-toggle");
    if (toggle && matchMedia("(min-width: 1100px)").matches) {
      event.preventDefault();
      document.getElementById("desk").classList.toggle("contact-hidden");
    }
  });
  startKeyFields();
}
