// Auto, light or dark; theme.js applies the choice before the first paint of the next visit.

import { byId } from "./dom.js";

const STORED = "playvitals.theme";

export function startThemeSwitch() {
  const root = document.documentElement;
  for (const input of byId("theme").querySelectorAll("input")) {
    input.checked = input.value === root.dataset.theme;
    input.addEventListener("change", () => {
      root.dataset.theme = input.value;
      try {
        if (input.value === "auto") localStorage.removeItem(STORED);
        else localStorage.setItem(STORED, input.value);
      } catch {
        // Storage is forbidden: the choice holds until the page is left.
      }
    });
  }
}
