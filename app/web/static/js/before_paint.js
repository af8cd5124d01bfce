// Sets the theme before anything is drawn. A classic script in the head: a module would come too late.

try {
  const theme = localStorage.getItem("soundkin-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Nothing may be kept in this browser: the theme is the system's.
}
