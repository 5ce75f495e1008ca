// The files that go along with a reply: chosen, dropped or pasted, each with its description.
function describe(box) {
  const input = box.querySelector('input[type="file"]');
  const list = box.querySelector(".chosen");
  const said = new Map([...list.querySelectorAll("input")].map((field) => [field.dataset.of, field.value]));
  list.replaceChildren(
    ...[...input.files].map((file, number) => {
      const row = document.createElement("li");
      const name = document.createElement("span");
      name.className = number < Number(box.dataset.most) ? "name" : "name too-many";
      name.textContent = name.title = file.name;
      const field = document.createElement("input");
      field.name = "alt";
      field.type = "text";
      field.placeholder = box.dataset.describe;
      field.setAttribute("aria-label", `${box.dataset.describe}: ${file.name}`);
      field.dataset.of = file.name;
      field.value = said.get(file.name) ?? "";
      row.append(name, field);
      return row;
    }),
  );
}

function add(box, files) {
  const input = box.querySelector('input[type="file"]');
  const all = new DataTransfer();
  for (const file of [...input.files, ...files]) all.items.add(file);
  input.files = all.files;
  describe(box);
}

export function startFiles() {
  document.addEventListener("change", (event) => {
    if (event.target.matches('.files input[type="file"]')) describe(event.target.closest(".files"));
  });
  document.addEventListener("paste", (event) => {
    const box = event.target.closest?.(".reply-form")?.querySelector(".files");
    if (box && event.clipboardData.files.length) {
      event.preventDefault();
      add(box, event.clipboardData.files);
    }
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
