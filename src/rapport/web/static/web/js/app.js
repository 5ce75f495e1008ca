// The desk works without script; this keeps it live, quick and driven by keys.
import { startAids } from "./aids.js";
import { startClocks } from "./clocks.js";
import { startComposer } from "./composer.js";
import { startCopy } from "./copy.js";
import { startDrafts } from "./drafts.js";
import { startErrors } from "./errors.js";
import { startFiles } from "./files.js";
import { startFigures } from "./figures.js";
import { startKeys } from "./keys.js";
import { startLightbox } from "./lightbox.js";
import { startList } from "./list.js";
import { startLive } from "./live.js";
import { startMenus } from "./menus.js";
import { startMorph } from "./morph.js";
import { startNavigation } from "./navigation.js";
import { startPalette } from "./palette.js";
import { startPicture } from "./picture.js";
import { startSearch } from "./search.js";
import { startSelect } from "./select.js";
import { startTogether } from "./together.js";
import { startToasts } from "./toasts.js";

startMorph();
startErrors();
startToasts();
startMenus();
startClocks();
startKeys();
startPalette();
if (document.getElementById("desk")) {
  startDrafts();
  startComposer();
  startFiles();
  startNavigation();
  startLightbox();
  startList();
  startSearch();
  startSelect();
  startTogether();
}
startFigures();
startCopy();
startPicture();
startAids();
startLive();
