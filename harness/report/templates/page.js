"use strict";
// The page is complete without this script; it adds filters, copy buttons, and opens what a link points at.
(() => {
  const form = document.querySelector(".filter");
  const lower = (node) => node.textContent.toLowerCase();

  // Texts are read only when somebody searches: twelve thousand of them take a while.
  const lazily = (read) => { let kept = null; return () => (kept ??= read()); };
  const columns = lazily(() => {
    const places = [...document.querySelectorAll(".matrix .g[colspan]")].flatMap((head) => Array(head.colSpan).fill(lower(head)));
    return [...document.querySelectorAll(".matrix thead tr:last-child th")].map((head, index) => `${lower(head)} ${places[index]}`);
  });
  const cellsOf = (row) => [...row.querySelectorAll("td")].map((node, index) => ({
    node, text: lazily(() => `${lower(row.firstElementChild)} ${columns()[index]} ${lower(node)}`),
  }));
  const matrix = [...document.querySelectorAll(".matrix [data-row]")].map((node) => ({ node, cells: lazily(() => cellsOf(node)) }));
  const others = [...document.querySelectorAll("tr[data-row], details[data-row]")]
    .filter((node) => !node.closest(".matrix"))
    .map((node) => ({ node, text: lazily(() => lower(node.querySelector("summary") ?? node)) }));

  const filter = () => {
    const kind = form.elements.outcome.value;
    const wanted = form.elements.text.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const active = Boolean(kind) || wanted.length > 0;
    const fits = (item) => !active || ((!kind || item.node.classList.contains(kind)) && wanted.every((word) => item.text().includes(word)));
    let shown = 0;
    for (const row of matrix) {
      let found = 0;
      for (const cell of active ? row.cells() : []) {
        const fit = !cell.node.classList.contains("none") && fits(cell);
        cell.node.classList.toggle("dim", !fit);
        found += fit ? 1 : 0;
      }
      if (!active) for (const dim of row.node.querySelectorAll(".dim")) dim.classList.remove("dim");
      row.node.hidden = active && !found;
      shown += found;
    }
    for (const item of others) item.node.hidden = !fits(item);
    for (const body of document.querySelectorAll(".matrix tbody, .failures tbody")) {
      const empty = active && !body.querySelector("[data-row]:not([hidden])");
      (body.closest(".matrix") ? body : body.closest("#attention > .more") ?? body.closest(".wrap")).hidden = empty;
    }
    const first = active && document.querySelector(".matrix tr:not([hidden]) td[class^='o-']:not(.dim)");
    if (first) first.closest(".wrap").scrollLeft = first.offsetLeft - first.parentNode.firstElementChild.offsetWidth;
    form.querySelector("output").value = active ? `${shown.toLocaleString("en")} cell${shown === 1 ? "" : "s"}` : "";
  };

  let waiting = 0;
  form.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(filter, 150); });
  form.addEventListener("submit", (event) => { event.preventDefault(); filter(); });
  form.hidden = false;

  const copy = async (button, text) => {
    try { await navigator.clipboard.writeText(text); button.textContent = "copied"; }
    catch { getSelection().selectAllChildren(button.parentNode); button.textContent = "press Ctrl-C"; }
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
