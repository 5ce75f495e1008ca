// The emoji to choose from: a field to find them by name, and a grid under it that the arrow keys walk. The focus
// stays in the field; Enter puts the emoji into the reply or note, Escape goes back there.
import { find, load, recent, remember, setTone, shown, tone } from "./aids-emoji.js";
import { insertAt } from "./aids-insert.js";
import { say } from "./words.js";

const HANDS = ["✋", "✋🏻", "✋🏼", "✋🏽", "✋🏾", "✋🏿"];
let picker = null;

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function cell(one, id) {
  const option = make("span", { role: "option", id, "aria-label": one.name, title: one.name, "aria-selected": "false" }, shown(one));
  option.dataset.emoji = one.char;
  return option;
}

const cells = () => [...picker.grid.querySelectorAll("[role=option]")];
const active = () => picker.grid.querySelector('[aria-selected="true"]');

function activate(option) {
  active()?.setAttribute("aria-selected", "false");
  if (option) {
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    picker.input.setAttribute("aria-activedescendant", option.id);
  } else {
    picker.input.removeAttribute("aria-activedescendant");
  }
}

// Up and down go to the nearest one of the next row that has any, also into another group.
function vertical(step) {
  const from = (active() ?? cells()[0])?.getBoundingClientRect();
  if (!from) return;
  const rows = cells()
    .map((option) => ({ option, box: option.getBoundingClientRect() }))
    .filter(({ box }) => (step > 0 ? box.top > from.top + 4 : box.top < from.top - 4));
  const top = (step > 0 ? Math.min : Math.max)(...rows.map(({ box }) => box.top));
  const row = rows.filter(({ box }) => Math.abs(box.top - top) < 4);
  row.sort((a, b) => Math.abs(a.box.left - from.left) - Math.abs(b.box.left - from.left));
  if (row[0]) activate(row[0].option);
}

function horizontal(step) {
  const all = cells();
  activate(all[Math.max(0, Math.min(all.length - 1, all.indexOf(active()) + step))]);
}

function groupsOf(all, words) {
  const names = words.groups.split("|");
  const used = recent().map((char) => all.find((one) => one.char === char)).filter(Boolean);
  const groups = names.map((name, group) => [name, all.filter((one) => one.group === group)]);
  return [[words.recent, used], ...groups].filter(([, some]) => some.length);
}

async function draw() {
  const { input, grid, words } = picker;
  const text = input.value.trim();
  let groups;
  try {
    groups = text ? [[words.found, (await find(words.emojiUrl, text)).slice(0, 120)]] : groupsOf(await load(words.emojiUrl), words);
  } catch {
    picker?.grid.replaceChildren(make("p", { class: "is-muted" }, words.emojiFailed));
    return;
  }
  if (!picker || picker.input.value.trim() !== text) return;
  let number = 0;
  grid.replaceChildren(
    ...groups.map(([name, some], at) =>
      make(
        "div",
        { role: "group", "aria-labelledby": `emoji-group-${at}` },
        make("p", { class: "small is-muted", id: `emoji-group-${at}` }, name),
        make("div", { class: "emoji-cells", role: "presentation" }, ...some.map((one) => cell(one, `emoji-${++number}`))),
      ),
    ),
  );
  activate(cells()[0]);
  picker.status.textContent = text ? say("suggestions", { n: number }) : "";
}

function tones(words) {
  const names = words.tones.split("|");
  const box = make("fieldset", { class: "emoji-tones" }, make("legend", { class: "sr-only" }, words.tone));
  for (const [value, hand] of HANDS.entries()) {
    const radio = make("input", { type: "radio", name: "emoji-tone", value, class: "sr-only", "aria-label": names[value] });
    radio.checked = tone() === value;
    radio.addEventListener("change", () => {
      setTone(value);
      draw();
    });
    box.append(make("label", { title: names[value] }, radio, hand));
  }
  return box;
}

function take(option) {
  const one = option.dataset.emoji;
  const text = option.textContent;
  const { field, start, end } = picker;
  remember(one);
  close();
  if (field.isConnected) insertAt(field, start, end, text);
}

function onKey(event) {
  if (event.isComposing) return;
  const rtl = getComputedStyle(picker.grid).direction === "rtl" ? -1 : 1;
  if (event.key === "Escape") {
    const { field } = picker;
    close();
    field.focus();
  } else if (event.target !== picker.input) {
    return;
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    vertical(event.key === "ArrowDown" ? 1 : -1);
  } else if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
    horizontal((event.key === "ArrowRight" ? 1 : -1) * rtl);
  } else if (event.key === "Enter") {
    if (active()) take(active());
  } else {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
}

function elsewhere(event) {
  if (picker && !picker.panel.contains(event.target) && !picker.button.contains(event.target)) close();
}

function close() {
  if (!picker) return;
  picker.panel.remove();
  picker.button.setAttribute("aria-expanded", "false");
  document.removeEventListener("pointerdown", elsewhere);
  document.removeEventListener("focusin", elsewhere);
  picker = null;
}

function place(panel, button) {
  const box = button.getBoundingClientRect();
  const width = Math.min(340, innerWidth - 8);
  const rtl = getComputedStyle(button).direction === "rtl";
  const edge = rtl ? box.left : box.right - width;
  panel.style.width = `${width}px`;
  panel.style.left = `${Math.max(4, Math.min(edge, innerWidth - width - 4))}px`;
  panel.style.bottom = `${Math.max(4, innerHeight - box.top + 4)}px`;
  panel.style.maxHeight = `${Math.min(360, box.top - 8)}px`;
}

export function openPicker({ button, field, words }) {
  if (picker) {
    close();
    field.focus();
    return;
  }
  const grid = make("div", { role: "listbox", id: "emoji-grid", class: "emoji-grid", "aria-label": words.emoji });
  const input = make("input", {
    type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": "emoji-grid", "aria-autocomplete": "list",
    "aria-label": words.findEmoji, placeholder: words.findEmoji, autocomplete: "off", maxlength: "40",
  });
  const status = make("div", { class: "sr-only", role: "status" });
  const panel = make("div", { class: "emoji-picker", role: "dialog", "aria-label": words.emoji }, input, grid, tones(words), status);
  picker = { button, field, words, grid, input, status, panel, start: field.selectionStart, end: field.selectionEnd };
  input.addEventListener("input", draw);
  panel.addEventListener("keydown", onKey);
  grid.addEventListener("mousedown", (event) => event.preventDefault());
  grid.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) take(option);
  });
  document.body.append(panel);
  place(panel, button);
  button.setAttribute("aria-expanded", "true");
  document.addEventListener("pointerdown", elsewhere);
  document.addEventListener("focusin", elsewhere);
  input.focus();
  draw();
}
