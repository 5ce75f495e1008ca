// The files that go along with a reply: chosen, dropped or pasted, each with its description.
//
// What was chosen is kept here per field, since a browser forgets it with each new choice.
const kept = new WeakMap();

const fieldOf = (box) => box.querySelector('input[type="file"]');

function rowsOf(box) {
  const field = fieldOf(box);
  if (!kept.has(field)) kept.set(field, []);
  return kept.get(field);
}

function show(box) {
  const rows = rowsOf(box);
  const all = new DataTransfer();
  for (const { file } of rows) all.items.add(file);
  fieldOf(box).files = all.files;
  const most = Number(box.dataset.most);
  box.querySelector(".chosen").replaceChildren(...rows.map((row, number) => drawn(box, row, number < most)));
  box.querySelector(".too-many-note").hidden = rows.length <= most;
}

function drawn(box, row, fits) {
  const line = box.querySelector("template").content.firstElementChild.cloneNode(true);
  const name = line.querySelector(".name");
  name.textContent = name.title = row.file.name;
  line.classList.toggle("too-many", !fits);
  const words = line.querySelector("input");
  words.value = row.alt;
  words.addEventListener("input", () => (row.alt = words.value));
  const remove = line.querySelector("button");
  for (const element of [words, remove]) {
    element.setAttribute("aria-label", element.getAttribute("aria-label").replace("{name}", row.file.name));
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

export function startFiles() {
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
