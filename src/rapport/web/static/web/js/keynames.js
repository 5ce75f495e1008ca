// How a key is written: as in keymap.py, "a", "A", "?", "Control+k", "Control+Shift+k", "Alt+k".
export const onMac = /Mac|iPhone|iPad/.test(navigator.platform);

// A key that gives a letter of another script is known by its place on the keyboard, where that says one.
function byPlace(event) {
  const place = /^(?:Key([A-Z])|Digit(\d))$/.exec(event.code);
  return place ? (place[1]?.toLowerCase() ?? place[2]) : null;
}

function turned(key) {
  return key === key.toLowerCase() ? key.toUpperCase() : key.toLowerCase();
}

// The names an event may have in the table, the likeliest first; none for what only is held with others.
export function keysOf(event) {
  if (["Control", "Shift", "Alt", "Meta", "AltGraph", "CapsLock", "Dead", "Process"].includes(event.key)) return [];
  const held = onMac ? event.metaKey : event.ctrlKey;
  const other = onMac ? event.ctrlKey : event.metaKey;
  // AltGr writes characters, which come as they are; Ctrl and Alt together are somebody else's.
  const written = event.getModifierState?.("AltGraph") ?? false;
  if (other || (held && event.altKey && !written)) return [];
  const named = event.key.length > 1;
  const place = byPlace(event);
  if ((held || event.altKey) && !written) {
    const shift = event.shiftKey ? "Shift+" : "";
    const before = `${held ? "Control+" : "Alt+"}${shift}`;
    const latin = /^[\x21-\x7e]$/.test(event.key) ? event.key.toLowerCase() : null;
    return [named ? event.key : latin ?? place ?? event.key.toLowerCase()].map((key) => before + key);
  }
  if (named) return [event.key];
  const key = event.getModifierState?.("CapsLock") ? turned(event.key) : event.key;
  if (/^[\x21-\x7e]$/.test(key) || !place) return [key];
  return [key, event.shiftKey ? place.toUpperCase() : place];
}

// A key for people, as label() in keymap.py has it.
export function labelOf(key) {
  if (key.length === 1) return key.toLowerCase() === key ? key : `⇧ ${key.toLowerCase()}`;
  const plus = key.endsWith("++");
  const parts = (plus ? key.slice(0, -2) : key).split("+");
  return [...parts, ...(plus ? ["+"] : [])].map((part) => ({ Control: "Ctrl", Shift: "⇧" })[part] ?? part).join(" ");
}
