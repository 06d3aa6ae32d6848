// Typing hides the rows of the classes that do not have it in their names.
const search = document.getElementById("find-class");
search?.addEventListener("input", () => {
  const wanted = search.value.trim().toLowerCase();
  const rows = [...document.getElementById("classes-table").tBodies[0].rows];
  for (const row of rows) row.hidden = !row.cells[0].dataset.value.toLowerCase().includes(wanted);
  const left = rows.filter(row => !row.hidden).length;
  document.getElementById("found-classes").textContent = wanted ? `${left} of ${rows.length} classes` : "";
});
