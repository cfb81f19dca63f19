"use strict";
// The page is complete without this script; it adds filters, copy buttons, and opens what a link points at.
(() => {
  const form = document.querySelector(".filter");
  const rows = [...document.querySelectorAll("[data-row]")].map((node) => ({ node, text: null, cells: node.matches(".matrix tr") ? [...node.querySelectorAll("td")] : null }));
  // A row's own text is read only when somebody searches: twelve thousand of them take a while.
  const textOf = (row) => (row.text ??= (row.node.querySelector("summary") ?? row.node).textContent.toLowerCase());

  const filter = () => {
    const kind = form.elements.outcome.value;
    const wanted = form.elements.text.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const fits = (node) => !kind || node.classList.contains(kind) || (kind === "o-ok" && node.classList.contains("ok"));
      const matches = row.cells ? row.cells.filter(fits) : [];
      const found = (row.cells ? matches.length > 0 : fits(row.node)) && wanted.every((word) => textOf(row).includes(word));
      row.node.hidden = !found;
      for (const cell of row.cells ?? []) cell.classList.toggle("dim", Boolean(kind) && !fits(cell));
      if (found && row.cells) shown += 1;
    }
    for (const body of document.querySelectorAll(".matrix tbody")) body.hidden = !body.querySelector("[data-row]:not([hidden])");
    form.querySelector("output").value = kind || wanted.length ? `${shown} case${shown === 1 ? "" : "s"}` : "";
  };

  let waiting = 0;
  form.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(filter, 120); });
  form.addEventListener("submit", (event) => { event.preventDefault(); filter(); });
  form.hidden = false;

  const copy = async (button, text) => {
    try { await navigator.clipboard.writeText(text); button.textContent = "copied"; }
    catch { getSelection().selectAllChildren(button.parentNode.firstChild.parentNode); button.textContent = "select + Ctrl-C"; }
    setTimeout(() => { button.textContent = "copy"; }, 1500);
  };
  const offerCopy = (root) => {
    for (const command of root.querySelectorAll("pre.cmd:not(:has(.copy))")) {
      const text = command.textContent;
      const button = Object.assign(document.createElement("button"), { type: "button", className: "copy", textContent: "copy" });
      button.setAttribute("aria-label", "Copy this command");
      button.addEventListener("click", () => copy(button, text));
      command.append(button);
    }
  };
  // Buttons appear when details open: one per cell from the start would double the page's work.
  document.addEventListener("toggle", (event) => { if (event.target.open) offerCopy(event.target); }, true);
  for (const open of document.querySelectorAll("header, details[open]")) offerCopy(open);

  const reveal = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    if (!target) return;
    target.hidden = false;
    for (let node = target; node; node = node.parentElement) if (node.tagName === "DETAILS") node.open = true;
    target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  addEventListener("beforeprint", () => { for (const cell of document.querySelectorAll("details.cell")) cell.open = true; });
  reveal();
})();
