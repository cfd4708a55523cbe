"use strict";

const find = (selector, root = document) => root.querySelector(selector);
const findAll = (selector, root = document) => [...root.querySelectorAll(selector)];

const form = find("#controls");
const cards = findAll(".card");
const selects = findAll("select", form);
const radios = findAll('input[name="picture"]', form);
const blend = find("#blend");
const viewer = find("#viewer");

// --- filters ---

const MAX_FOLDED = 24; // cards that are shown before the reader asks for all
const more = find("#more");
let isFolded = true;

function showMatching() {
  const wanted = selects.map((select) => select.value).filter(Boolean);
  let num = 0;
  for (const card of cards) {
    const tokens = card.dataset.tokens.split(" ");
    const matches = wanted.every((token) => tokens.includes(token));
    num += matches ? 1 : 0;
    card.hidden = !matches || (isFolded && num > MAX_FOLDED);
  }
  for (const select of selects) select.classList.toggle("active", select.value !== "");
  find("#count").value = `${num} of ${cards.length} samples`;
  find("#none").hidden = num > 0;
  more.hidden = !isFolded || num <= MAX_FOLDED;
  more.textContent = `Show ${num - MAX_FOLDED} more`;
  chooseTabStop();
}

function unfold() {
  isFolded = false;
  showMatching();
}

more.addEventListener("click", () => {
  const first = cards.filter((card) => card.hidden);
  unfold();
  findButton(first.find((card) => !card.hidden)).focus();
});

// --- pictures ---

function showPicture() {
  const checked = radios.find((radio) => radio.checked);
  if (!checked) return;
  const isAll = checked.value === "*";
  const first = radios[0].value;
  document.body.classList.toggle("all", isAll);
  blend.disabled = isAll || checked.value === first;
  const isBlended = !blend.disabled && blend.value < 100;
  document.body.style.setProperty("--blend", blend.disabled ? 1 : blend.value / 100);
  for (const image of findAll(".stack img")) {
    const name = image.dataset.picture;
    image.hidden = !(isAll || name === checked.value || (isBlended && name === first));
  }
  for (const legend of findAll("[data-for]")) {
    legend.hidden = !(isAll || legend.dataset.for === checked.value);
  }
}

// --- keys: one sample is in the order of Tab, arrows move among all ---

const listShown = () => cards.filter((card) => !card.hidden);
const findButton = (card) => find(".open", card);

function chooseTabStop(chosen = listShown()[0]) {
  for (const card of cards) findButton(card).tabIndex = card === chosen ? 0 : -1;
}

function countColumns(shown) {
  const top = shown[0].offsetTop;
  const num = shown.findIndex((card) => card.offsetTop !== top);
  return num < 0 ? shown.length : num;
}

function moveFocus(event) {
  const shown = listShown();
  const place = shown.findIndex((card) => card.contains(document.activeElement));
  if (place < 0) return;
  const columns = countColumns(shown);
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
  const ends = { Home: 0, End: shown.length - 1 };
  const target = event.key in steps ? place + steps[event.key] : ends[event.key];
  if (target === undefined) return;
  event.preventDefault();
  const card = shown[target];
  if (!card) return;
  chooseTabStop(card);
  findButton(card).focus();
}

function chooseByNumber(event) {
  const isTyping = ["SELECT", "INPUT"].includes(event.target.tagName) && event.target.type !== "radio";
  if (isTyping || event.ctrlKey || event.altKey || event.metaKey) return;
  const radio = radios[Number(event.key) - 1];
  if (!radio) return;
  radio.checked = true;
  showPicture();
}

// --- one sample ---

let opened = null;

function openCard(card) {
  opened = card;
  const pictures = findAll("img", card).map((image) => {
    const figure = document.createElement("figure");
    const copy = image.cloneNode();
    copy.hidden = false;
    copy.loading = "eager";
    const caption = document.createElement("figcaption");
    caption.textContent = image.dataset.picture;
    figure.append(copy, caption);
    return figure;
  });
  find("#viewer-pictures").replaceChildren(...pictures);
  const facts = find(".facts", card).cloneNode(true);
  find("#viewer-title").textContent = find("caption", facts).textContent;
  const said = [...card.querySelectorAll(".said")].map((line) => line.cloneNode(true));
  find("#viewer-facts").replaceChildren(...said, ...facts.children);
  if (!viewer.open) viewer.showModal();
}

function openNeighbor(step) {
  if (opened === listShown().at(-1)) unfold();
  const shown = listShown();
  const card = shown[shown.indexOf(opened) + step];
  if (card) openCard(card);
}

viewer.addEventListener("close", () => {
  chooseTabStop(opened);
  findButton(opened).focus();
});
viewer.addEventListener("click", (event) => {
  if (event.target === viewer) viewer.close();
});
viewer.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (step) openNeighbor(step);
});
find("#previous").addEventListener("click", () => openNeighbor(-1));
find("#next").addEventListener("click", () => openNeighbor(1));
find("#close").addEventListener("click", () => viewer.close());

// --- the rest ---

for (const card of cards) findButton(card).addEventListener("click", () => openCard(card));
find(".grid").addEventListener("keydown", moveFocus);
document.addEventListener("keydown", chooseByNumber);
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", () => {
  showMatching();
  showPicture();
});
form.addEventListener("reset", () =>
  setTimeout(() => {
    showMatching();
    showPicture();
  })
);

const copy = find("#copy");
if (navigator.clipboard) {
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(find("#command").textContent);
    copy.textContent = "Copied";
    setTimeout(() => (copy.textContent = "Copy"), 2000);
  });
}

showMatching();
showPicture();
