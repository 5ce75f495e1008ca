// The files that go along with a reply: chosen, dropped or pasted, each with its description.
//
// What was chosen is kept here, since a browser forgets it with each new choice: {file, alt}. Files of a reply that
// was taken back are on the server: {id, name, alt}.
const kept = new WeakMap();

const fieldOf = (box) => box.querySelector('input[type="file"]');

// The field is another one after each reply: what left is forgotten, unless a reply came back meanwhile.
function rowsOf(box) {
  const known = kept.get(box);
  const field = fieldOf(box).id;
  if (known?.field === field) return known.rows;
  const rows = box.dataset.reset === "append" && known ? known.rows : [];
  kept.set(box, { field, rows });
  return rows;
}

// Takes over the lines that the server wrote; the ones drawn here can be removed again. Nothing else is touched, since
// somebody may be writing in one of them.
function absorb(box) {
  const written = [...box.querySelectorAll(".chosen li:not(:has(button))")];
  if (!written.length && kept.get(box)?.field === fieldOf(box).id) return;
  const rows = rowsOf(box);
  for (const line of written) {
    const [id, alt] = ["kept", "kept_alt"].map((name) => line.querySelector(`[name="${name}"]`)?.value);
    if (id && !rows.some((row) => row.id === id)) rows.push({ id, alt, name: line.querySelector(".name").textContent });
  }
  show(box);
}

function show(box) {
  const rows = rowsOf(box);
  const all = new DataTransfer();
  for (const { file } of rows) if (file) all.items.add(file);
  fieldOf(box).files = all.files;
  const most = Number(box.dataset.most);
  box.querySelector(".chosen").replaceChildren(...rows.map((row, number) => drawn(box, row, number < most)));
  box.querySelector(".too-many-note").hidden = rows.length <= most;
}

function drawn(box, row, fits) {
  const line = box.querySelector("template").content.firstElementChild.cloneNode(true);
  const name = line.querySelector(".name");
  const called = row.file?.name ?? row.name;
  name.textContent = name.title = called;
  line.classList.toggle("too-many", !fits);
  const words = line.querySelector("input");
  if (row.id) {
    words.name = "kept_alt";
    words.before(Object.assign(document.createElement("input"), { type: "hidden", name: "kept", value: row.id }));
  }
  words.value = row.alt;
  words.addEventListener("input", () => (row.alt = words.value));
  const remove = line.querySelector("button");
  for (const element of [words, remove]) {
    element.setAttribute("aria-label", element.getAttribute("aria-label").replace("{name}", called));
  }
  remove.addEventListener("click", () => {
    const rows = rowsOf(box);
    const place = rows.indexOf(row);
    rows.splice(place, 1);
    show(box);
    const next = box.querySelectorAll(".chosen button")[Math.min(place, rows.length - 1)];
    (next ?? fieldOf(box)).focus();
  });
  return line;
}

function add(box, files) {
  rowsOf(box).push(...[...files].map((file) => ({ file, alt: "" })));
  show(box);
}

const absorbAll = () => document.querySelectorAll(".reply-form .files").forEach(absorb);

export function startFiles() {
  absorbAll();
  document.body.addEventListener("htmx:afterSettle", absorbAll);
  document.addEventListener("change", (event) => {
    if (!event.target.matches('.files input[type="file"]')) return;
    add(event.target.closest(".files"), event.target.files);
  });
  document.addEventListener("paste", (event) => {
    const box = event.target.closest?.(".reply-form")?.querySelector(".files");
    const pasted = event.clipboardData;
    // Words copied from a document bring a picture of themselves along; it is the words that are wanted.
    if (!box || !pasted.files.length || pasted.types.includes("text/plain")) return;
    event.preventDefault();
    add(box, pasted.files);
  });
  document.addEventListener("dragover", (event) => {
    if (event.target.closest?.(".reply-form")?.querySelector(".files")) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    const box = event.target.closest?.(".reply-form")?.querySelector(".files");
    if (box && event.dataTransfer.files.length) {
      event.preventDefault();
      add(box, event.dataTransfer.files);
    }
  });
}
