// The button that holds moving clips still: each shows its still picture, as where the system asks for less motion.
const hold = document.getElementById("hold");
if (hold && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
  hold.hidden = false;
  hold.addEventListener("click", () => {
    const isHeld = hold.getAttribute("aria-pressed") !== "true";
    hold.setAttribute("aria-pressed", isHeld);
    for (const source of document.querySelectorAll("source[data-still]"))
      source.media = isHeld ? "all" : "(prefers-reduced-motion: reduce)";
  });
}
