// Nobody is logged in here: what this device was told of somebody goes, and it is told nothing more.
if ("serviceWorker" in navigator) {
  navigator.serviceWorker.getRegistration("/").then((registration) => registration?.active?.postMessage("signed-out"));
}
