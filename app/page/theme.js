// Sets the chosen theme before the first paint; a module would come too late for that.
(() => {
  let theme = null;
  try {
    theme = localStorage.getItem("playvitals.theme");
  } catch {
    // Storage is forbidden: the system's theme it is.
  }
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
})();
