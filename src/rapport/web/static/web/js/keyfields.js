// Fields that take a key by its being pressed. Without script the key is typed as words, such as Ctrl k.
import { keysOf, labelOf } from "./keynames.js";

const LEFT_ALONE = ["Tab", "Enter", "Escape", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"];

export function startKeyFields() {
  for (const field of document.querySelectorAll("[data-key-field]")) {
    field.addEventListener("focus", () => field.select());
    field.addEventListener("keydown", (event) => {
      if (event.isComposing || LEFT_ALONE.includes(event.key)) return;
      if (event.key === "Backspace" || event.key === "Delete") {
        field.value = "";
        event.preventDefault();
        return;
      }
      const [key] = keysOf(event);
      if (!key || (key.length > 1 && !/\+.$/u.test(key))) return;
      field.value = labelOf(key);
      field.select();
      event.preventDefault();
    });
  }
}
