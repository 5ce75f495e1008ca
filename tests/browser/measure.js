// What of a page is broken, as sentences: how wide it is, what lies outside, what is cut off, what lies on something else.
(() => {
  const broken = [];
  const wide = innerWidth;
  const name = (one) => `${one.tagName.toLowerCase()}${one.id ? `#${one.id}` : ""}${one.classList.length ? `.${[...one.classList].join(".")}` : ""} “${(one.getAttribute("aria-label") || one.textContent).trim().slice(0, 30)}”`;
  const hidden = (one) => !one.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true });
  // Seen by screen readers only, or a box whose label is what one sees.
  const unseen = (one) => {
    if (one.closest(".sr-only, .skip, .nobody, [aria-hidden=true]") || (one.matches("input") && getComputedStyle(one).opacity === "0")) return true;
    for (let up = one; up; up = up.parentElement) if (getComputedStyle(up).clipPath === "inset(50%)") return true;
    return false;
  };
  const scrolls = (style, way) => ["auto", "scroll"].includes(style[way]);
  const mayScroll = (one) => one.closest(".table-scroll, pre, .views-saved");
  const boxes = new Map();
  // Its parts on the page that are not hidden behind the edges of what it lies in.
  const seen = (one) => {
    if (boxes.has(one)) return boxes.get(one);
    let rects = [...one.getClientRects()].map(({ left, right, top, bottom }) => ({ left, right, top, bottom }));
    for (let up = one.parentElement; up && up !== document.body; up = up.parentElement) {
      const style = getComputedStyle(up);
      if (style.overflowX === "visible" && style.overflowY === "visible") continue;
      if (getComputedStyle(one).position === "fixed") break;
      const box = up.getBoundingClientRect();
      const whole = box.width >= wide; // as the page itself: what it cuts off at its sides is outside the screen
      rects = rects.map((rect) => ({
        left: whole ? rect.left : Math.max(rect.left, box.left), right: whole ? rect.right : Math.min(rect.right, box.right),
        top: Math.max(rect.top, box.top), bottom: Math.min(rect.bottom, box.bottom),
      }));
    }
    rects = rects.filter((rect) => rect.right - rect.left > 1 && rect.bottom - rect.top > 1);
    boxes.set(one, rects);
    return rects;
  };

  if (document.documentElement.scrollWidth > wide) broken.push(`the page is ${document.documentElement.scrollWidth} wide`);
  const all = [...document.body.querySelectorAll("*")].filter((one) => !one.closest("svg, template, script") && !hidden(one) && !unseen(one));
  for (const one of all) {
    const style = getComputedStyle(one);
    const over = one.scrollWidth - one.clientWidth;
    if (over > 1 && one.clientWidth && scrolls(style, "overflowX") && !mayScroll(one) && !one.matches("textarea, input")) broken.push(`scrolls sideways by ${over}: ${name(one)}`);
    const words = [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!words && !one.matches("button, input, select, textarea, a, summary")) continue;
    if (words && over > 1 && one.clientWidth && style.overflowX === "visible" && !style.display.startsWith("inline")) broken.push(`words stand out by ${over}: ${name(one)}`);
    if (seen(one).some((rect) => rect.left < -1 || rect.right > wide + 1)) broken.push(`outside the screen: ${name(one)}`);
    const card = one.parentElement.closest(".card, .bubble, .notice, .news, .table-holder, .menu-panel");
    const edges = card?.getBoundingClientRect();
    if (edges && !one.closest(".menu-panel:not(.menu-panel .menu-panel), .rail-label") && seen(one).some((rect) => rect.left < edges.left - 1 || rect.right > edges.right + 1)) broken.push(`outside its card: ${name(one)}`);
  }
  const controls = all.filter((one) => one.matches("a[href], button, summary, select, textarea, input:not([type=hidden])"));
  for (const one of controls) {
    const whole = [...one.getClientRects()];
    let up = one.parentElement;
    for (; up && up !== document.body; up = up.parentElement) {
      const style = getComputedStyle(up);
      if (["hidden", "clip"].includes(style.overflowX) || ["hidden", "clip"].includes(style.overflowY)) break;
      if (scrolls(style, "overflowX") || scrolls(style, "overflowY")) up = null;
      if (!up) break;
    }
    if (!up || up === document.body || up.matches(".app, .desk")) continue;
    const box = up.getBoundingClientRect();
    if (whole.some((rect) => rect.width && (rect.left < box.left - 1 || rect.right > box.right + 1))) broken.push(`cut off at the side: ${name(one)} in ${name(up)}`);
    else if (whole.some((rect) => rect.height && (rect.top < box.top - 1 || rect.bottom > box.bottom + 1))) broken.push(`cut off: ${name(one)} in ${name(up)}`);
  }
  // What floats lies on what is under it by its nature; two things that float, or do not, must not.
  const layer = (one) => {
    for (let up = one; up && up !== document.body; up = up.parentElement) if (["fixed", "sticky"].includes(getComputedStyle(up).position) || up.matches(".menu-panel, .contact, .search-panel, dialog")) return up;
    return null;
  };
  const parts = controls.filter((one) => !one.closest(".pick")).map((one) => ({ one, layer: layer(one), rects: seen(one) })).filter((part) => part.rects.length);
  parts.forEach((first, index) => {
    for (const second of parts.slice(index + 1)) {
      if (first.layer !== second.layer || first.one.contains(second.one) || second.one.contains(first.one)) continue;
      const lies = first.rects.some((a) => second.rects.some((b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2));
      if (lies) broken.push(`on one another: ${name(first.one)} and ${name(second.one)}`);
    }
  });
  return broken;
})()
