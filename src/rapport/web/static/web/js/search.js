// What could be typed next in the search box, as a list under it. The server knows the fields and their values;
// the list is chosen from with the arrow keys, as the pattern of a combobox has it, and never takes the focus.
const DELAY_MS = 120;
let asked = 0;
let timer = 0;

function parts() {
  const input = document.getElementById("search");
  return { input, panel: document.getElementById("search-panel"), list: document.getElementById("completions") };
}

function options() {
  return [...document.querySelectorAll("#completions [role=option]")];
}

function choose(index) {
  const { input } = parts();
  const all = options();
  all.forEach((option, at) => option.setAttribute("aria-selected", String(at === index)));
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

function close() {
  const { input, panel } = parts();
  asked += 1;
  clearTimeout(timer);
  panel.hidden = true;
  input.setAttribute("aria-expanded", "false");
  input.removeAttribute("aria-activedescendant");
}

async function offer() {
  const { input, panel, list } = parts();
  const mine = ++asked;
  const url = new URL(input.dataset.complete, location.href);
  url.searchParams.set("q", input.value.slice(0, input.selectionStart ?? input.value.length));
  let html = "";
  try {
    const answer = await fetch(url, { headers: { "HX-Request": "true" }, credentials: "same-origin", cache: "no-store" });
    if (!answer.ok || answer.redirected) return;
    html = await answer.text();
  } catch {
    return; // the box works without the list
  }
  if (mine !== asked || document.activeElement !== input) return;
  list.innerHTML = html;
  panel.hidden = false;
  list.hidden = !options().length;
  input.setAttribute("aria-expanded", String(!list.hidden));
  choose(-1);
}

function take(option) {
  const { input } = parts();
  const rest = input.value.slice(input.selectionStart ?? input.value.length);
  const text = option.dataset.text;
  input.value = text + rest.replace(/^\S*\s?/, "");
  input.setSelectionRange(text.length, text.length);
  input.focus();
  offer();
}

function onKey(event) {
  const { panel } = parts();
  if (event.isComposing) return;
  if (event.key === "Escape" && !panel.hidden) {
    close();
    event.preventDefault();
    event.stopPropagation();
    return;
  }
  if (panel.hidden) {
    if (event.key === "ArrowDown") {
      offer();
      event.preventDefault();
    }
    return;
  }
  const count = options().length;
  if (count && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    const step = event.key === "ArrowDown" ? 1 : -1;
    const from = chosen() < 0 && step < 0 ? 0 : chosen();
    choose((from + step + count) % count);
    event.preventDefault();
  } else if (event.key === "Enter" && chosen() >= 0) {
    take(options()[chosen()]);
    event.preventDefault();
  }
}

export function startSearch() {
  const { input, panel, list } = parts();
  if (!input || !panel) return;
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(offer, DELAY_MS);
  };
  input.addEventListener("input", soon);
  input.addEventListener("focus", soon);
  if (document.activeElement === input) soon(); // somebody was quicker than this script
  input.addEventListener("keydown", onKey);
  // A press must not move the focus before the click chooses.
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) take(option);
  });
  input.form.addEventListener("focusout", (event) => {
    if (!input.form.contains(event.relatedTarget)) close();
  });
}
