// Figures follow what happens, but a table that changes every second cannot be read.
import { morph, part } from "./morph.js";

const PAUSE_MS = 4000;
let timer;

export function startFigures() {
  const holder = document.getElementById("figures");
  if (!holder) return;
  document.body.addEventListener("rapport:hint", () => {
    timer ??= setTimeout(async () => {
      timer = undefined;
      const answer = await part(location.pathname + location.search, "figures");
      if (answer?.status === 200) morph(document.getElementById("figures"), answer.html);
    }, PAUSE_MS);
  });
}
