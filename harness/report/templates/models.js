// Models' pages: those that are not laid out are unpacked from the file when somebody opens them.
const packed = lazily(() => JSON.parse(document.getElementById("pack")?.textContent ?? '{"places":{},"sheets":[]}'));

const unpack = async (sheet) => {
  const bytes = Uint8Array.from(atob(sheet), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const read = document.createElement("template");
  read.innerHTML = await new Response(stream).text(); // written by the report's own escaping templates
  return read.content;
};

const pageOf = async (name) => {
  const there = document.querySelector(`[data-model="${CSS.escape(name)}"]`);
  const place = packed().places[name];
  if (there || place === undefined || !globalThis.DecompressionStream) return there;
  const page = (await unpack(packed().sheets[place])).querySelector(`[data-model="${CSS.escape(name)}"]`);
  document.getElementById("models").append(page);
  return page;
};

// A field's anchor leads to its row in the matrix, which knows the model.
const modelOf = (anchor) => anchor.startsWith("m-") ? anchor
  : matrix?.querySelector(`a[href="#${CSS.escape(anchor)}"]`)?.closest("tr").dataset.m;

let left = null; // where the reader was before opening a page

const close = () => {
  for (const page of document.querySelectorAll(".model.open")) page.classList.remove("open");
  if (!document.body.classList.contains("reading")) return;
  document.body.classList.remove("reading");
  if (left !== null) scrollTo({ top: left, behavior: "instant" });
  left = null;
};

// Where there is no page to open, its row in the lists is shown, as without JavaScript.
const reveal = (anchor) => {
  const row = document.getElementById(anchor);
  for (let node = row; node; node = node.parentElement) if (node.tagName === "DETAILS") node.open = true;
  row?.scrollIntoView();
};

const open = async (anchor) => {
  const name = modelOf(anchor);
  const page = name && await pageOf(name);
  if (!page) { reveal(anchor); return; }
  if (!document.body.classList.contains("reading")) left = scrollY;
  for (const other of document.querySelectorAll(".model.open")) other.classList.remove("open");
  page.classList.add("open");
  document.body.classList.add("reading");
  const cell = page.querySelector(`[data-cell="${CSS.escape(anchor)}"]`);
  if (cell) cell.open = true;
  offerCopies(page);
  (cell ?? page).scrollIntoView({ behavior: "instant" });
  (cell?.firstElementChild ?? page).focus({ preventScroll: true });
};
