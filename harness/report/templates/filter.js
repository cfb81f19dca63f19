// Filters: which fields of the matrix fit, which rows have any, and how many. The page is complete without.
const form = document.querySelector(".filter");
const matrix = document.querySelector(".matrix");
const lower = (node) => node.textContent.toLowerCase();
const lazily = (read) => { let kept = null; return () => (kept ??= read()); };

// Columns as text, in the order of the table's: a field that spans several is all of them.
const columns = lazily(() => {
  const [ways, releases] = matrix.tHead.rows;
  const names = [...ways.cells].slice(1).flatMap((head) => Array(head.colSpan).fill(lower(head.querySelector("code"))));
  return [...releases.cells].map((head, place) => `${names[place]} ${lower(head)}`);
});

const fieldsOf = (row, name, ops) => {
  let place = 0;
  return [...row.cells].slice(1).map((node) => {
    const first = place;
    place += node.colSpan;
    const text = lazily(() => `${name} ${ops} ${columns().slice(first, first + node.colSpan).join(" ")} ${lower(node)} `
      + `${node.firstElementChild?.title.toLowerCase() ?? ""} ${node.dataset.op ?? ""} ${node.dataset.layer ?? ""}`);
    return { node, first, last: place - 1, run: !node.classList.contains("none"), text };
  });
};

// Rows are read once, when somebody filters or sorts: thousands of fields take a moment.
const rows = lazily(() => [...matrix?.querySelectorAll("tr[data-m]") ?? []].map((node, order) => {
  const name = lower(node.cells[0]);
  return { node, order, name, body: node.parentNode, fields: fieldsOf(node, name, node.dataset.ops) };
}));

const wanted = () => {
  const value = (name) => form.elements[name].value.trim().toLowerCase();
  return {
    outcome: form.elements.outcome.value, family: form.elements.family.value, op: value("op"), layer: value("layer"),
    words: value("text").split(/\s+/).filter(Boolean),
  };
};

const fitsOutcome = (field, outcome) => {
  const { classList } = field.node;
  return outcome === "f" ? !classList.contains("o-ok") && !classList.contains("o-route-absent") : classList.contains(outcome);
};

const fits = (field, want) => field.run
  && (!want.outcome || fitsOutcome(field, want.outcome))
  && (!want.op || (field.node.dataset.op ?? "").includes(want.op))
  && (!want.layer || (field.node.dataset.layer ?? "").includes(want.layer))
  && want.words.every((word) => field.text().includes(word));

const filter = () => {
  const want = wanted();
  const active = Boolean(want.outcome || want.family || want.op || want.layer || want.words.length);
  const shown = new Set();
  let cells = 0;
  for (const row of rows()) {
    const inFamily = !want.family || row.body.dataset.family === want.family;
    let found = 0;
    for (const field of row.fields) {
      const fit = !active || (inFamily && fits(field, want));
      if (field.node.classList.contains("dim") === fit) field.node.classList.toggle("dim", !fit);
      if (!fit || !field.run) continue;
      found += field.node.colSpan;
      shown.add(field.node.firstElementChild.hash.slice(1));
    }
    row.node.hidden = active && !found;
    cells += found;
  }
  for (const body of matrix?.tBodies ?? []) body.hidden = active && !body.querySelector("tr[data-m]:not([hidden])");
  for (const row of document.querySelectorAll("tr[data-of]")) row.hidden = active && !shown.has(row.dataset.of);
  for (const wrap of document.querySelectorAll("#attention .wrap")) {
    (wrap.closest(".more") ?? wrap).hidden = active && !wrap.querySelector("tr[data-of]:not([hidden])");
  }
  form.querySelector("output").value = active ? `${cells.toLocaleString("en")} cell${cells === 1 ? "" : "s"}` : "";
};
