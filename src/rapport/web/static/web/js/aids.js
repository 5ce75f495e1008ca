// What completes a reply or a note as it is typed: `/` saved replies, `:` emoji, `@` people, `#` hashtags.
// One list for all of them. What the server offers comes drawn; what is inserted is plain text.
import { insertAt } from "./aids-insert.js";
import { OptionList } from "./aids-list.js";
import { say } from "./words.js";

const DELAY_MS = 100;
const FIELDS = ".composer textarea";

// Where each sign begins a completion. The first group is what was typed behind it.
// Names of colleagues and replies may hold spaces, so what was begun behind one of them comes first.
const SIGNS = [
  { kind: "emoji", within: ".composer", typed: /(?:^|[^\p{L}\p{N}:/]):([\p{L}\p{M}\p{N}_+-]{2,30})$/u },
  { kind: "replies", within: ".reply-form", typed: /(?:^|\s)\/((?! )[^\n/]{0,40})$/u },
  { kind: "people", within: ".reply-form", typed: /(?:^|[\s([{"'«„“¿¡])@([\p{L}\p{M}\p{N}_.@-]{0,60})$/u },
  { kind: "hashtags", within: ".reply-form", typed: /(?:^|[\s([{"'«„“¿¡])#([\p{L}\p{M}\p{N}_]{0,60})$/u },
  { kind: "colleagues", within: ".note-form", typed: /(?:^|[\s([{"'«„“¿¡])@((?! )[^\n@]{0,40})$/u },
];

let list;
let asked = 0;
let timer;
let inserting = false;
// Where somebody said no, until they go elsewhere; and where nothing was found, until something else is typed.
let refused = null;
let nothing = null;

const settings = () => document.getElementById("aids")?.dataset;

// What is being typed at the caret: {kind, start, end, text}, null for nothing that can be completed.
function typedAt(field) {
  if (field.selectionStart !== field.selectionEnd) return null;
  const end = field.selectionStart;
  const before = field.value.slice(0, end);
  for (const { kind, within, typed } of SIGNS) {
    const found = field.closest(within) && typed.exec(before);
    if (found) return { kind, start: end - found[1].length - 1, end, text: found[1] };
  }
  return null;
}

const same = (one, other) => one && other && one.kind === other.kind && one.start === other.start;

function close() {
  asked += 1;
  clearTimeout(timer);
  list.close();
}

function look(field) {
  const typed = typedAt(field);
  if (!same(typed, refused)) refused = null;
  if (!same(typed, nothing) || !typed.text.startsWith(nothing.text)) nothing = null;
  if (!typed || refused || nothing || !settings()) {
    if (list.isOpen || timer) close();
    return;
  }
  clearTimeout(timer);
  timer = setTimeout(() => offer(field, typed), list.isOpen ? DELAY_MS : 0);
}

async function offer(field, typed) {
  timer = undefined;
  const mine = ++asked;
  const options = typed.kind === "emoji" ? await emoji(typed.text) : await fromServer(field, typed);
  if (mine !== asked || document.activeElement !== field || !same(typedAt(field), typed)) return;
  if (!options) return; // the field works without the list
  const words = settings();
  const note = typed.kind === "replies" && !typed.text ? noReplies(words) : null;
  if (!options.length && !note) {
    nothing = typed;
    list.close();
    return;
  }
  list.open(field, {
    options,
    note,
    label: words[typed.kind],
    said: options.length ? say("suggestions", { n: options.length }) : words.noReplies,
    take: (option) => take(field, option),
  });
}

async function fromServer(field, { kind, text }) {
  const url = new URL(settings()[`${kind}Url`], location.href);
  url.searchParams.set("q", text);
  url.searchParams.set("answers", field.form.elements.in_reply_to?.value ?? "");
  try {
    const answer = await fetch(url, { headers: { "HX-Request": "true" }, credentials: "same-origin", cache: "no-store" });
    if (!answer.ok || answer.redirected) return null;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return [...page.querySelectorAll("[role=option]")];
  } catch {
    return null;
  }
}

async function emoji(text) {
  try {
    const { emojiOptions } = await import("./aids-emoji.js");
    return await emojiOptions(settings().emojiUrl, text);
  } catch {
    return null;
  }
}

function noReplies(words) {
  const link = document.createElement("a");
  link.href = words.newUrl;
  link.target = "_blank";
  link.textContent = words.writeOne;
  const note = document.createElement("span");
  note.append(words.noReplies, " ", link);
  return note;
}

function take(field, option) {
  const typed = typedAt(field);
  const text = option.dataset.text;
  const { usedUrl } = settings();
  close();
  if (!typed) return;
  inserting = true;
  insertAt(field, typed.start, typed.end, text);
  inserting = false;
  if (option.dataset.reply) count(field, usedUrl, option.dataset.reply);
  if (option.dataset.emoji) import("./aids-emoji.js").then(({ remember }) => remember(option.dataset.emoji));
}

// How often a saved reply is used is only counted: when it cannot be told, nothing is lost.
function count(field, url, reply) {
  const body = new FormData();
  body.set("reply", reply);
  body.set("csrfmiddlewaretoken", field.form.elements.csrfmiddlewaretoken.value);
  fetch(url, { method: "POST", body, keepalive: true }).catch(() => {});
}

function onKey(event) {
  if (!list.isOpen || event.target !== list.field || event.isComposing) return;
  if (event.ctrlKey || event.metaKey || event.altKey) {
    if (event.key === "Enter") close(); // sends
    return;
  }
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    if (!list.options.length) return;
    list.move(event.key === "ArrowDown" ? 1 : -1);
  } else if ((event.key === "Enter" || event.key === "Tab") && !event.shiftKey && list.active) {
    list.active.click();
  } else if (event.key === "Escape") {
    refused = typedAt(event.target);
    close();
  } else {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
}

// The field that is written in: the one of the reply, or of the note.
function fieldInUse() {
  const held = document.activeElement?.matches?.(FIELDS) ? document.activeElement : null;
  return held ?? [...document.querySelectorAll(FIELDS)].find((field) => field.offsetParent);
}

async function onClick(event) {
  const button = event.target.closest("[data-aid]");
  if (!button) return;
  const field = fieldInUse();
  if (!field) return;
  if (button.dataset.aid === "replies") {
    const at = field.selectionEnd;
    const apart = at === 0 || /\s/.test(field.value[at - 1]) ? "" : " ";
    insertAt(field, field.selectionStart, at, `${apart}/`);
    return;
  }
  const { openPicker } = await import("./aids-picker.js");
  openPicker({ button, field, words: settings() });
}

export function startAids() {
  if (!document.getElementById("desk")) return;
  list = new OptionList();
  document.addEventListener("input", (event) => {
    // While an input method composes, what stands in the field is not written yet.
    if (event.target.matches(FIELDS) && !event.isComposing && !inserting && event.detail !== "draft") look(event.target);
  });
  document.addEventListener("compositionend", (event) => {
    if (event.target.matches(FIELDS)) look(event.target);
  });
  document.addEventListener("selectionchange", () => {
    const field = list.field;
    if (field && !typedAt(field)) close();
  });
  document.addEventListener("focusout", (event) => {
    if (event.target === list.field && !event.relatedTarget?.closest(".aid-panel")) close();
  });
  document.addEventListener("keydown", onKey, { capture: true });
  document.addEventListener("click", onClick);
}
