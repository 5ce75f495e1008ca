// One list under which a field can be completed, by the pattern of a combobox: the focus stays in the field, and
// the field says which option is active. The field is a combobox only while its list is open.
const GAP_PX = 4;
const WIDTH_PX = 460;
const LEAST_PX = 160; // of room above the field, else the list opens below

export class OptionList {
  #panel = document.createElement("div");
  #list = document.createElement("ul");
  #note = document.createElement("p");
  #status = document.createElement("div");
  #field = null;
  #take = null;

  constructor() {
    this.#panel.className = "aid-panel";
    this.#panel.hidden = true;
    this.#list.id = "aid-list";
    this.#list.setAttribute("role", "listbox");
    this.#note.className = "aid-note small is-muted";
    this.#status.className = "sr-only";
    this.#status.setAttribute("role", "status");
    this.#panel.append(this.#list, this.#note);
    document.body.append(this.#panel, this.#status);
    // A press must not move the focus before the click chooses.
    this.#panel.addEventListener("mousedown", (event) => event.target.closest("a") ?? event.preventDefault());
    this.#list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.#take?.(option);
    });
    addEventListener("resize", () => this.#place());
    document.addEventListener("scroll", () => this.#place(), { capture: true, passive: true });
  }

  get isOpen() {
    return !this.#panel.hidden;
  }

  get field() {
    return this.#field;
  }

  get options() {
    return [...this.#list.children];
  }

  get active() {
    return this.options.find((option) => option.getAttribute("aria-selected") === "true") ?? null;
  }

  // `options`: elements with role=option and an id each; `note`: words (or a link) shown where there are none.
  open(field, { options, label, said, note = null, take }) {
    if (this.#field !== field) this.close();
    this.#field = field;
    this.#take = take;
    this.#list.replaceChildren(...options);
    this.#list.setAttribute("aria-label", label);
    this.#list.hidden = !options.length;
    this.#note.replaceChildren(...(note && !options.length ? [note] : []));
    this.#note.hidden = !this.#note.childNodes.length;
    this.#panel.hidden = false;
    field.setAttribute("role", "combobox");
    field.setAttribute("aria-autocomplete", "list");
    field.setAttribute("aria-controls", this.#list.id);
    field.setAttribute("aria-expanded", String(options.length > 0));
    this.#place();
    this.#activate(0);
    if (this.#status.textContent !== said) this.#status.textContent = said;
  }

  close() {
    if (!this.#field) return;
    for (const name of ["role", "aria-autocomplete", "aria-controls", "aria-expanded", "aria-activedescendant"]) {
      this.#field.removeAttribute(name);
    }
    this.#panel.hidden = true;
    this.#list.replaceChildren();
    this.#status.textContent = "";
    this.#field = this.#take = null;
  }

  move(step) {
    const count = this.options.length;
    if (count) this.#activate((this.options.indexOf(this.active) + step + count) % count);
  }

  #activate(index) {
    this.options.forEach((option, at) => option.setAttribute("aria-selected", String(at === index)));
    const option = this.options[index];
    if (option) {
      this.#field.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    } else {
      this.#field.removeAttribute("aria-activedescendant");
    }
  }

  #place() {
    if (!this.isOpen) return;
    if (!this.#field.isConnected) {
      this.close();
      return;
    }
    const box = this.#field.getBoundingClientRect();
    const width = Math.min(WIDTH_PX, innerWidth - 2 * GAP_PX);
    const rtl = getComputedStyle(this.#field).direction === "rtl";
    const start = rtl ? box.right - width : box.left;
    const style = this.#panel.style;
    style.width = `${width}px`;
    style.insetInlineStart = "auto";
    style.left = `${Math.max(GAP_PX, Math.min(start, innerWidth - width - GAP_PX))}px`;
    const above = box.top >= LEAST_PX;
    style.top = above ? "auto" : `${box.bottom + GAP_PX}px`;
    style.bottom = above ? `${innerHeight - box.top + GAP_PX}px` : "auto";
    style.maxHeight = `${Math.min(340, (above ? box.top : innerHeight - box.bottom) - 2 * GAP_PX)}px`;
  }
}
