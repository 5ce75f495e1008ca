// Menus are <details>: one at a time, closed by Escape, by a choice, or by a click elsewhere.
const ITEMS = ".menu-panel :is(button, a, select, input:not([type=hidden]))";

export function openMenu(menu) {
  menu.open = true;
  menu.querySelector(ITEMS)?.focus();
}

export function closeMenus(except = null) {
  let closed = false;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (menu === except) continue;
    const inside = menu.contains(document.activeElement);
    menu.open = false;
    if (inside) menu.querySelector("summary").focus();
    closed = true;
  }
  return closed;
}

export function startMenus() {
  document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));
  document.addEventListener("submit", () => closeMenus());
  document.addEventListener("keydown", (event) => {
    const menu = event.target.closest?.("details.menu[open]");
    if (!menu || !["ArrowDown", "ArrowUp"].includes(event.key) || event.target.matches("select, textarea, input")) return;
    const items = [...menu.querySelectorAll(ITEMS)];
    const step = event.key === "ArrowDown" ? 1 : -1;
    items.at((items.indexOf(document.activeElement) + step) % items.length)?.focus();
    event.preventDefault();
  });
}
