// Sorting: rows by a key, worst first, in one body; by family they go back to where they were.
const outcomes = [...form.elements.outcome.options].map((option) => option.value).filter((value) => value.startsWith("o-"));
const flat = Object.assign(document.createElement("tbody"), { hidden: true });
matrix?.append(flat);

// The form lists outcomes with ok first, then from the worst on; what was not run comes last.
const rankOf = (field) => {
  if (!field?.run) return outcomes.length + 1;
  const place = outcomes.findIndex((outcome) => field.node.classList.contains(outcome));
  return (place === 0 ? outcomes.length : place) - (field.node.classList.contains("a") ? 100 : 0);
};
const largest = (row, name) => Math.max(-1, ...row.fields.map((field) => {
  const value = field.node.dataset[name];
  return value === "inf" ? Number.MAX_VALUE : Number(value ?? -1);
}));
const at = (row, column) => row.fields.find((field) => field.first <= column && column <= field.last);

const keys = {
  worst: (row) => Math.min(...row.fields.map(rankOf)),
  margin: (row) => -largest(row, "x"),
  latency: (row) => -largest(row, "t"),
  name: () => 0,
};

const sort = () => {
  const { value } = form.elements.sort;
  const column = value.startsWith("column-") ? Number(value.slice(7)) : null;
  const key = column === null ? keys[value] : (row) => rankOf(at(row, column));
  const ordered = rows().map((row) => ({ row, key: key ? key(row) : 0 }));
  if (key) ordered.sort((one, other) => one.key - other.key || one.row.name.localeCompare(other.row.name, "en"));
  for (const { row } of ordered) (key ? flat : row.body).append(row.node);
  flat.hidden = !key;
  for (const body of matrix?.querySelectorAll("tbody[data-family]") ?? []) body.classList.toggle("emptied", Boolean(key));
  for (const head of matrix?.querySelectorAll("[data-sort]") ?? []) {
    const mine = head.dataset.sort === "name" ? value === "name" : column !== null && head === heads[column];
    if (mine) head.setAttribute("aria-sort", head.dataset.sort === "name" ? "ascending" : "descending");
    else head.removeAttribute("aria-sort");
  }
};

// A column's head is a button: worst first in that column, and once more to go back to families.
const heads = [...matrix?.querySelectorAll("[data-sort=column]") ?? []];
const chooseSort = (value) => {
  const { sort: choice } = form.elements;
  if (heads[value.slice(7)] && ![...choice.options].some((option) => option.value === value)) {
    choice.append(new Option(`by ${columns()[value.slice(7)]}`, value));
  }
  choice.value = value;
};
const offerSorting = (head, value, said) => {
  const button = Object.assign(document.createElement("button"), { type: "button", title: said });
  button.append(...head.childNodes);
  head.append(button);
  button.addEventListener("click", () => {
    chooseSort(form.elements.sort.value === value ? "" : value);
    form.dispatchEvent(new Event("input"));
  });
};
heads.forEach((head, place) => offerSorting(head, `column-${place}`, "Sort: worst here first"));
if (matrix) offerSorting(matrix.querySelector("[data-sort=name]"), "name", "Sort by name");
