"use strict";
(() => {
  const form = document.querySelector("form.filter"), text = form.elements.text, only = form.elements.only;
  const rows = [...document.querySelectorAll("tr[data-k]")], told = form.querySelector("output");
  const families = [...document.querySelectorAll("section.family")];
  const apply = () => {
    const want = text.value.trim().toLowerCase();
    let shown = 0;
    for (const row of rows) {
      const hit = row.dataset.k.includes(want) && (!only.value || row.classList.contains(only.value));
      row.hidden = !hit;
      shown += hit;
    }
    for (const family of families) family.hidden = !family.querySelector("tr[data-k]:not([hidden])");
    told.textContent = want || only.value ? `${shown} of ${rows.length}` : "";
    history.replaceState(null, "", want ? `#q=${encodeURIComponent(want)}` : location.pathname);
  };
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  if (location.hash.startsWith("#q=")) { text.value = decodeURIComponent(location.hash.slice(3)); apply(); }
})();
