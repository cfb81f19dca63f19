// The address after the # holds the filters and what is open: whoever is sent it sees the same.
const names = ["outcome", "family", "op", "layer", "text", "sort"];
const isAnchor = (text) => /^[cm]-[a-z0-9-]+$/.test(text);

const stated = () => {
  const text = location.hash.slice(1);
  return new URLSearchParams(isAnchor(text) ? { open: text } : text);
};

const addressOf = (opened) => {
  const state = new URLSearchParams();
  for (const name of names) if (form.elements[name].value) state.set(name, form.elements[name].value);
  if (opened) state.set("open", opened);
  return `#${state}`;
};

const restore = () => {
  const state = stated();
  for (const name of names) form.elements[name].value = state.get(name) ?? "";
  chooseSort(state.get("sort") ?? "");
};
const apply = () => { filter(); sort(); };

let waiting = 0;
form.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => { apply(); close(); history.replaceState(null, "", addressOf("")); }, 120);
});
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", () => setTimeout(() => form.dispatchEvent(new Event("input"))));
form.hidden = false;

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href^='#']");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const anchor = link.hash.slice(1);
  if (isAnchor(anchor)) {
    event.preventDefault();
    if (addressOf(anchor) === location.hash) open(anchor);
    else location.hash = addressOf(anchor);
  } else if (document.getElementById(anchor)) close();
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && document.body.classList.contains("reading")) location.hash = addressOf("");
});

// A plain anchor (a section) leaves the filters alone; any other address sets them.
const arrive = async () => {
  const state = stated();
  const plain = location.hash && !names.some((name) => state.has(name)) && !state.has("open");
  if (plain) {
    close();
    document.getElementById(location.hash.slice(1))?.scrollIntoView();
    return;
  }
  if (!isAnchor(location.hash.slice(1))) {
    const before = addressOf("");
    restore();
    if (before !== addressOf("")) apply();
  }
  const opened = state.get("open");
  if (opened) await open(opened);
  else {
    close();
    if (names.some((name) => state.has(name)) && !scrollY) document.getElementById("matrix").scrollIntoView();
  }
};
addEventListener("hashchange", arrive);
arrive();
