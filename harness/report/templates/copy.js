// Copy buttons, and everything unfolded on paper.
const copy = async (button, text) => {
  try { await navigator.clipboard.writeText(text); button.textContent = "Copied"; }
  catch { getSelection().selectAllChildren(button.parentNode); button.textContent = "Press Ctrl-C"; }
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
};

const offerCopies = (root) => {
  for (const command of root.querySelectorAll("pre.cmd:not(:has(.copy))")) {
    const text = command.textContent;
    const button = Object.assign(document.createElement("button"), { type: "button", className: "copy", textContent: "Copy" });
    button.setAttribute("aria-label", "Copy this command");
    button.addEventListener("click", () => copy(button, text));
    command.append(button);
  }
};
offerCopies(document);

const unfolded = new Set();
addEventListener("beforeprint", () => {
  const folded = ".model.open details, body:not(.reading) :is(.model details, #attention .more)";
  for (const details of document.querySelectorAll(folded)) if (!details.open) { details.open = true; unfolded.add(details); }
});
addEventListener("afterprint", () => {
  for (const details of unfolded) details.open = false;
  unfolded.clear();
});
