// The command palette: a combobox over what can be done here, where one can go, and what the server finds.
//
// Commands come from the table of keys on the page, pages from the server once each time it opens. What was used
// last stands first; only names of commands and pages are kept for that, on this device, nobody's words.
import { commandsHere, runCommand } from "./keys.js";
import { labelOf, onMac } from "./keynames.js";
import { go } from "./navigation.js";

const DELAY_MS = 150;
const LEAST = 2;
const KEPT = 8;
const MOST = 8; // of one kind, with words typed
const WITHOUT_SPACES = /[\u0E00-\u0EFF\u1000-\u109F\u1780-\u17FF\u3040-\u30FF\u3400-\u9FFF]/;
const PLAIN = { ł: "l", đ: "d", ø: "o", æ: "ae", œ: "oe", ß: "ss", ı: "i" };
let dialog, input, list;
let commands = [];
let pages = [];
let asked = 0; // for what was typed
let opened = 0; // for the pages
let timer = 0;

const plain = (text) =>
  text.normalize("NFKD").replace(/\p{M}/gu, (mark) => (/[\u0300-\u036f]/.test(mark) ? "" : mark)).toLowerCase()
    .replace(/[łđøæœßı]/g, (letter) => PLAIN[letter]);
const wordsOf = (text) => plain(text).split(/[^\p{L}\p{M}\p{N}]+/u).filter(Boolean);

// How well a label fits: every word begins one of its words, in the same order best; null when one does not.
function fit(wanted, label) {
  const words = wordsOf(label);
  let score = 0;
  let last = -1;
  for (const one of wanted) {
    const at = words.findIndex((word, index) => index !== last && word.startsWith(one));
    if (at < 0) {
      if (!WITHOUT_SPACES.test(one) || !plain(label).includes(one)) return null;
      score += 20;
    } else {
      score += (at > last ? 0 : 10) + at + (words[at] === one ? 0 : 1);
      last = at;
    }
  }
  return score;
}

function memory() {
  return `rapport:used:${dialog.dataset.user}`;
}

function used() {
  try {
    const kept = JSON.parse(localStorage.getItem(memory()) ?? "[]");
    return Array.isArray(kept) ? kept.filter((one) => typeof one === "string") : [];
  } catch {
    return [];
  }
}

function remember(id) {
  try {
    localStorage.setItem(memory(), JSON.stringify([id, ...used().filter((one) => one !== id)].slice(0, KEPT)));
  } catch {
    // Without storage nothing stands first.
  }
}

function commandOption(row) {
  const option = dialog.querySelector("template").content.firstElementChild.cloneNode(true);
  const key = row.dataset.key;
  option.querySelector(".label").textContent = row.cells[1].textContent;
  option.querySelector("kbd").hidden = !key;
  option.querySelector("kbd").textContent = key ? shown(labelOf(key)) : "";
  option.dataset.id = `command-${row.dataset.commandRow}`;
  return { option, label: row.cells[1].textContent, row };
}

function shown(label) {
  return onMac ? label.replace("Ctrl", "⌘") : label;
}

function fill(name, items) {
  const group = document.getElementById(`palette-${name}`);
  while (group.children.length > 1) group.lastElementChild.remove();
  group.append(...items);
  group.hidden = !items.length;
}

function options() {
  return [...list.querySelectorAll("ul:not([hidden]) [role=option]")];
}

function choose(index) {
  const all = options();
  all.forEach((option, at) => {
    option.id = `palette-option-${at}`;
    option.setAttribute("aria-selected", String(at === index));
  });
  if (all[index]) {
    input.setAttribute("aria-activedescendant", all[index].id);
    all[index].scrollIntoView({ block: "nearest" });
  } else {
    input.removeAttribute("aria-activedescendant");
  }
}

function chosen() {
  return options().findIndex((option) => option.getAttribute("aria-selected") === "true");
}

function told() {
  const n = options().length;
  list.hidden = !n;
  input.setAttribute("aria-expanded", String(n > 0));
  const none = dialog.querySelector(".palette-none");
  none.hidden = n > 0;
  const words = n ? dialog.dataset.found.replace("%(n)s", n) : none.textContent;
  const status = dialog.querySelector("[role=status]");
  if (status.textContent !== words) status.textContent = words;
}

function best(items, wanted, before) {
  const order = (item) => (before.includes(item.option.dataset.id) ? before.indexOf(item.option.dataset.id) : KEPT);
  return items
    .map((item) => ({ item, score: fit(wanted, `${item.label} ${item.more ?? ""}`) }))
    .filter((one) => one.score !== null)
    .sort((one, other) => one.score - other.score || order(one.item) - order(other.item))
    .slice(0, MOST)
    .map((one) => one.item.option);
}

// What this page knows itself; what the server finds is put behind it when it comes.
function render() {
  const wanted = wordsOf(input.value);
  const before = used();
  if (wanted.length) {
    fill("recent", []);
    fill("commands", best(commands, wanted, before));
    fill("places", best(pages, wanted, before));
  } else {
    const all = [...commands, ...pages];
    const recent = before.map((id) => all.find((item) => item.option.dataset.id === id)).filter(Boolean).slice(0, 4);
    const rest = (items) => items.filter((item) => !recent.includes(item)).map((item) => item.option);
    fill("recent", recent.map((item) => item.option));
    fill("commands", rest(commands));
    fill("places", rest(pages));
  }
  choose(0);
  told();
}

async function answer(query) {
  try {
    const got = await fetch(dialog.dataset.url + query, {
      headers: { "HX-Request": "true" },
      credentials: "same-origin",
      cache: "no-store",
    });
    if (!got.ok || got.redirected) return null;
    return new DOMParser().parseFromString(await got.text(), "text/html").body;
  } catch {
    return null; // commands work without it
  }
}

async function find() {
  const mine = ++asked;
  const text = input.value.trim();
  if (text.length < LEAST && !/^#?\d+$/.test(text)) {
    fill("cases", []);
    fill("people", []);
    told();
    return;
  }
  const body = await answer(`?q=${encodeURIComponent(text)}`);
  if (mine !== asked || !dialog.open || !body) return;
  const at = options()[chosen()];
  for (const name of ["cases", "people"]) {
    fill(name, [...body.querySelectorAll(`[data-group=${name}] > li`)]);
  }
  choose(Math.max(options().indexOf(at), 0));
  told();
}

function typed() {
  render();
  clearTimeout(timer);
  timer = setTimeout(find, DELAY_MS);
}

async function places() {
  const mine = ++opened;
  const body = await answer("");
  if (mine !== opened || !dialog.open || !body) return;
  pages = [...body.querySelectorAll("li")].map((option) => ({
    option,
    label: option.querySelector(".label").textContent,
    more: option.querySelector(".hint").textContent,
  }));
  const kept = options()[chosen()]?.dataset.id;
  const moved = chosen() > 0;
  render();
  if (moved) choose(Math.max(options().findIndex((option) => option.dataset.id === kept), 0));
  if (input.value.trim()) find();
}

function run(option, { aside = false } = {}) {
  const { id, url } = option.dataset;
  if (id) remember(id);
  if (url && aside) {
    window.open(url, "_blank", "noopener");
    return;
  }
  dialog.close();
  const command = commands.find((item) => item.option === option);
  if (command) runCommand(command.row);
  else if ("caseUrl" in option.dataset && document.getElementById("desk")) go(url);
  else location.assign(url);
}

function onKey(event) {
  if (event.isComposing) return;
  const all = options();
  const control = event.ctrlKey || event.metaKey;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const step = event.key === "ArrowDown" ? 1 : -1;
    if (all.length) choose((chosen() + step + all.length) % all.length);
  } else if (event.key === "PageDown" || event.key === "PageUp") {
    choose(Math.min(Math.max(chosen() + (event.key === "PageDown" ? 8 : -8), 0), all.length - 1));
  } else if (event.key === "Enter") {
    if (all[chosen()]) run(all[chosen()], { aside: control });
  } else if (control && event.key.toLowerCase() === "k") {
    dialog.close();
  } else {
    return;
  }
  event.preventDefault();
}

export function openPalette() {
  if (!dialog || document.querySelector("dialog[open]")) return;
  clearTimeout(timer); // of words that were typed the last time
  asked += 1; // whatever is still under way was asked for the last time
  const here = commandsHere();
  commands = [];
  pages = [];
  input.value = "";
  for (const name of ["recent", "commands", "places", "cases", "people"]) fill(name, []);
  dialog.showModal();
  input.focus();
  const mine = opened + 1;
  // The field is painted at once, what can be chosen right after it.
  requestAnimationFrame(() =>
    setTimeout(() => {
      if (mine !== opened) return;
      commands = here.map(commandOption);
      render();
    }),
  );
  places();
}

export function startPalette() {
  dialog = document.getElementById("palette");
  if (!dialog) return;
  input = document.getElementById("palette-input");
  list = document.getElementById("palette-list");
  input.addEventListener("input", typed);
  input.addEventListener("keydown", onKey);
  // A press must not take the focus out of the field before the click chooses.
  list.addEventListener("mousedown", (event) => event.preventDefault());
  dialog.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) run(option, { aside: event.ctrlKey || event.metaKey });
    else if (event.target === dialog || event.target.closest("[data-palette-close]")) dialog.close();
  });
}
