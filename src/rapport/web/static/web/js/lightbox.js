// Pictures of a case, large: a native dialog, so Escape closes it and the focus goes back by itself.
let pictures = [];
let at = 0;

function show(index) {
  const box = document.getElementById("lightbox");
  at = (index + pictures.length) % pictures.length;
  const small = pictures[at].querySelector("img");
  const large = box.querySelector("img");
  large.src = pictures[at].href;
  large.alt = small.alt;
  box.querySelector("figcaption").textContent = small.alt;
  box.querySelector("output").textContent = `${at + 1} / ${pictures.length}`;
  box.querySelector(".lightbox-steps").hidden = pictures.length < 2;
}

export function startLightbox() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-lightbox]");
    if (link && event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey) {
      event.preventDefault();
      pictures = [...document.querySelectorAll("#entries a[data-lightbox]")];
      show(pictures.indexOf(link));
      document.getElementById("lightbox").showModal();
      return;
    }
    const step = event.target.closest("#lightbox [data-step]");
    if (step) show(at + Number(step.dataset.step));
    else if (event.target.id === "lightbox") event.target.close(); // beside the picture
  });
  document.addEventListener("keydown", (event) => {
    if (!document.getElementById("lightbox")?.open || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    const forward = (event.key === "ArrowRight") === (document.documentElement.dir !== "rtl");
    show(at + (forward ? 1 : -1));
    event.preventDefault();
  });
}
