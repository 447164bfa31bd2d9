"use strict";

// Reading the confusion matrix: point at a cell, or walk with the arrow keys.

function readableMatrix(frame, { classes, counts }) {
  const table = frame.querySelector("table");
  const region = frame.querySelector(".scroll");
  const readout = frame.querySelector(".readout");
  const rows = [...table.tBodies[0].rows];
  const columnHeads = [...table.tHead.rows[1].cells].slice(1);
  const support = counts.map((row) => row.reduce((sum, count) => sum + count, 0));
  let here = null;
  let lit = [];

  const leave = () => {
    for (const element of lit) element.classList.remove("on");
    lit = [];
  };
  const read = (t, p) => {
    leave();
    here = [t, p];
    const cell = rows[t].cells[p + 1];
    lit = [cell, rows[t].cells[0], columnHeads[p]];
    for (const element of lit) element.classList.add("on");
    const share = support[t] ? ` (${showPercent(counts[t][p] / support[t])})` : "";
    readout.replaceChildren();
    html(readout, "b", "", classes[t]);
    readout.append(t === p ? " recognised: " : " taken for ");
    if (t !== p) {
      html(readout, "b", "", classes[p]);
      readout.append(": ");
    }
    readout.append(`${showCount(counts[t][p])} of ${showCount(support[t])}${share}`);
    return cell;
  };

  table.addEventListener("pointerover", (event) => {
    const cell = event.target.closest("tbody td");
    if (cell) read(cell.parentElement.sectionRowIndex, cell.cellIndex - 1);
  });
  table.addEventListener("pointerleave", leave);
  region.addEventListener("blur", leave);
  region.addEventListener("keydown", (event) => {
    const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!move || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const inside = (value) => Math.min(Math.max(value, 0), classes.length - 1);
    const [t, p] = here ? [inside(here[0] + move[0]), inside(here[1] + move[1])] : [0, 0];
    read(t, p).scrollIntoView({ block: "nearest", inline: "nearest" });
  });
}
