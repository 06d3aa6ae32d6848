// The confusion matrix: what a field says, arrow keys, and the videos of a field.
{
const data = JSON.parse(document.getElementById("confusion-data").textContent);
const cells = new Map(data.cells.map(([is, called, number, videos]) => [is + "," + called, {number, videos}]));
const found = (is, called) => cells.get(is + "," + called) ?? {number: 0, videos: []};
const said = document.getElementById("said");
const grid = document.querySelector("table[role=grid]");

const sentence = (is, called, number) => {
  const whose = `${number} of ${data.support[is]} videos of ${data.labels[is]} ${number === 1 ? "was" : "were"} called `;
  return whose + (called === undefined ? "a class that is not shown" : is === called ? "so" : data.labels[called]);
};
// the classes of a field; the last column may be that of the classes that are not shown
const place = cell => [data.shown[cell.parentElement.sectionRowIndex], data.shown[cell.cellIndex - 1]];
const say = cell => {
  const [is, called] = place(cell);
  said.textContent = sentence(is, called, called === undefined ? Number(cell.textContent) : found(is, called).number);
  grid.querySelectorAll(".here").forEach(head => head.classList.remove("here"));
  cell.parentElement.cells[0].classList.add("here");
  grid.tHead.rows[0].cells[cell.cellIndex].classList.add("here");
};
const inGrid = event => event.target.closest("tbody td");

grid.addEventListener("mouseover", event => inGrid(event) && say(inGrid(event)));
grid.addEventListener("focusin", event => inGrid(event) && say(inGrid(event)));
grid.addEventListener("click", event => {
  const cell = inGrid(event);
  if (cell) { move(cell); show(...place(cell)); }
});
const move = cell => {
  grid.querySelector("td[tabindex='0']").tabIndex = -1;
  cell.tabIndex = 0;
  cell.focus();
};
const steps = {ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0]};
grid.addEventListener("keydown", event => {
  const cell = inGrid(event);
  if (!cell) return;
  const row = cell.parentElement, rows = row.parentElement.rows;
  let next = null;
  if (event.key in steps) {
    const [down, right] = steps[event.key];
    next = rows[row.sectionRowIndex + down]?.cells[cell.cellIndex + right];
  } else if (event.key === "Home" || event.key === "End") {
    const line = event.ctrlKey ? rows[event.key === "Home" ? 0 : rows.length - 1] : row;
    next = line.cells[event.key === "Home" ? 1 : line.cells.length - 1];
  } else if (event.key === "Enter" || event.key === " ") {
    show(...place(cell));
  } else return;
  event.preventDefault();
  if (next && next.tagName === "TD") move(next);
});

// The videos of a field, with their picture where the page has one.
const pictures = new Map([...document.querySelectorAll("[data-video]")].map(figure => [figure.dataset.video, figure]));
const panel = document.getElementById("cell");
const show = (is, called) => {
  if (called === undefined) return;
  const {number, videos} = found(is, called);
  document.getElementById("cell-title").textContent = sentence(is, called, number);
  document.getElementById("cell-videos").replaceChildren(...videos.map(([name, path]) => {
    const item = document.createElement("li"), figure = pictures.get(name), source = document.createElement("span");
    source.className = "source";
    source.textContent = path;
    if (!figure) { item.append(name, source); return item; }
    const link = document.createElement("a");
    link.href = "#" + figure.id;
    const picture = figure.querySelector("img")?.cloneNode();
    if (picture) { picture.removeAttribute("id"); picture.alt = ""; link.append(picture); }
    link.append(name);
    item.append(link, source);
    return item;
  }));
  const more = number - videos.length;
  document.getElementById("cell-more").textContent = more > 0 ? `and ${more} more: predictions.parquet has them all` : "";
  panel.hidden = false;
  panel.focus({preventScroll: true});
  panel.scrollIntoView({block: "nearest"});
};
const linkButton = (text, action) => {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "link";
  button.textContent = text;
  button.addEventListener("click", action);
  return button;
};
const opener = (is, called, text) => linkButton(text, () => show(is, called));
for (const button of document.querySelectorAll(".pairs button"))
  button.addEventListener("click", () => show(Number(button.dataset.true), Number(button.dataset.called)));

// Of many classes, those that are not in the matrix are found by name, or by a part of it.
const classSearch = document.getElementById("class-search");
const search = () => {
  const target = document.getElementById("class-found"), said = document.getElementById("class-said");
  const wanted = classSearch.value.trim().toLowerCase();
  const names = data.labels.map((label, number) => [label.toLowerCase(), number]);
  const matches = wanted ? names.filter(([name]) => name.includes(wanted)) : [];
  const exact = matches.find(([name]) => name === wanted) ?? (matches.length === 1 ? matches[0] : undefined);
  target.replaceChildren();
  said.textContent = !wanted ? "" : !matches.length ? "no such class" : exact ? "" : `${matches.length} classes`;
  if (!exact) {
    const items = document.createElement("ul");
    items.append(...matches.slice(0, 20).map(([, number]) => {
      const item = document.createElement("li");
      item.append(linkButton(data.labels[number], () => {
        classSearch.value = data.labels[number];
        search();
        classSearch.focus();
      }));
      return item;
    }));
    if (matches.length) target.append(items);
    return;
  }
  const is = exact[1];
  const list = (title, entries) => {
    const head = document.createElement("h3"), items = document.createElement("ul");
    head.textContent = title;
    items.append(...entries.sort((one, other) => other[1] - one[1]).map(([button, number]) => {
      const item = document.createElement("li");
      item.append(button, ` ${number}`);
      return item;
    }));
    target.append(head, items);
  };
  const all = data.cells;
  list(`The ${data.support[is]} videos of ${data.labels[is]} were called`,
       all.filter(cell => cell[0] === is).map(cell => [opener(is, cell[1], data.labels[cell[1]]), cell[2]]));
  list(`Called ${data.labels[is]} were videos of`,
       all.filter(cell => cell[1] === is).map(cell => [opener(cell[0], is, data.labels[cell[0]]), cell[2]]));
};
classSearch?.addEventListener("input", search);
}
