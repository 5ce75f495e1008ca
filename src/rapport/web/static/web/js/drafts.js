// What is typed and not sent is kept on this device, per person and case, until it is safe.
const MAX_AGE_MS = 30 * 24 * 3600 * 1000;

function keyOf(field) {
  return `rapport-draft-${document.getElementById("desk").dataset.user}-${field}`;
}

function store(action) {
  try {
    return action(localStorage);
  } catch {
    return null; // private windows and full disks: the field itself still holds the words
  }
}

function read(field) {
  const saved = store((box) => box.getItem(keyOf(field)));
  try {
    return saved ? JSON.parse(saved).text : "";
  } catch {
    return "";
  }
}

export function forget(field) {
  store((box) => box.removeItem(keyOf(field)));
}

function save(field, text) {
  if (text.trim()) store((box) => box.setItem(keyOf(field), JSON.stringify({ text, at: Date.now() })));
  else forget(field);
}

export function restoreDrafts(root = document) {
  for (const field of root.querySelectorAll("textarea[data-draft]")) {
    if (field.value !== "") {
      // Words that came back from the server (a reply taken back) are kept as if they were typed.
      if (field.value !== read(field.dataset.draft)) save(field.dataset.draft, field.value);
    } else {
      const text = read(field.dataset.draft);
      if (text) {
        field.value = text;
        field.dispatchEvent(new Event("input", { bubbles: true }));
      }
    }
  }
}

function sweep() {
  store((box) => {
    for (const key of Object.keys(box).filter((name) => name.startsWith("rapport-draft-"))) {
      const saved = JSON.parse(box.getItem(key));
      if (!saved?.at || Date.now() - saved.at > MAX_AGE_MS) box.removeItem(key);
    }
  });
}

export function startDrafts() {
  sweep();
  restoreDrafts();
  document.addEventListener("input", (event) => {
    const field = event.target.dataset?.draft;
    if (!field) return;
    save(field, event.target.value);
  });
  // Sent by the server once the words are in the database.
  document.body.addEventListener("rapport:sent", (event) => forget(`${event.detail.case}-${event.detail.field}`));
  document.body.addEventListener("htmx:afterSettle", () => restoreDrafts());
}
