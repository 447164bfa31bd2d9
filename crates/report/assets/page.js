"use strict";

// The page's charts, sortable tables and switches.

const report = JSON.parse(document.getElementById("report-data").textContent);

/** Series of the training and validation values called `key`, by epoch or by step. */
function trainingLines(key) {
  const { epochs, steps } = report;
  return (axis) => {
    const byStep = axis === "step";
    const placed = byStep ? epochs.last_step.map((step, i) => (isNumber(step) ? i : -1)).filter((i) => i >= 0) : epochs.epoch.map((_, i) => i);
    const x = placed.map((i) => (byStep ? epochs.last_step[i] : epochs.epoch[i]));
    const take = (name) => placed.map((i) => epochs[name][i]);
    const train = byStep
      ? { name: "training", className: "train", x: steps.step, y: steps[key], smooth: true }
      : { name: "training", className: "train", x, y: take(`train_${key}`) };
    return [train, { name: "validation", className: "validation", x, y: take(`validation_${key}`) }];
  };
}

function rateLine(axis) {
  const { epochs, steps } = report;
  const byStep = axis === "step" && steps.learning_rate.some(isNumber);
  if (byStep) return [{ name: "rate", className: "rate", x: steps.step, y: steps.learning_rate }];
  if (axis === "epoch") return [{ name: "rate", className: "rate", x: epochs.epoch, y: epochs.learning_rate }];
  return [];
}

const epochLine = (key, name) => () => [{ name, className: "train", x: report.epochs.epoch, y: report.epochs[key] }];

const reset = document.querySelector(".controls .reset");
const curves = new ChartGroup(report.epochs.epoch.length ? "epoch" : "step", (zoomed) => {
  reset.hidden = !zoomed;
});
const times = new ChartGroup("epoch");
const CHARTS = {
  loss: [curves, { title: "Loss", lines: trainingLines("loss"), show: showReal, best: "min" }],
  accuracy: [curves, { title: "Accuracy", lines: trainingLines("accuracy"), show: showPercent, best: "max", ceiling: 1 }],
  learning_rate: [curves, { title: "Learning rate", lines: rateLine, show: showReal, fromZero: true }],
  seconds: [times, { title: "Seconds per epoch", lines: epochLine("seconds", "seconds"), show: showReal, fromZero: true }],
  samples_per_second: [
    times,
    { title: "Samples per second", lines: epochLine("samples_per_second", "samples/s"), show: showCount, fromZero: true },
  ],
};
for (const figure of document.querySelectorAll("[data-chart]")) {
  const [group, options] = CHARTS[figure.dataset.chart];
  new Chart(figure, group, options);
}
curves.draw();
times.draw();

reset?.addEventListener("click", () => curves.zoom(null));
for (const button of document.querySelectorAll("[data-axis]")) {
  button.addEventListener("click", () => {
    press(button);
    curves.setAxis(button.dataset.axis);
    showSmoothing();
  });
}
const smoothing = document.querySelector(".smoothing");
const showSmoothing = () => smoothing?.toggleAttribute("hidden", curves.axis !== "step");
showSmoothing();
smoothing?.querySelector("input").addEventListener("input", (event) => {
  smoothing.querySelector("output").textContent = Number(event.target.value).toFixed(2);
  curves.setSmoothing(Number(event.target.value));
});

const frame = document.querySelector(".matrix-frame");
if (frame) readableMatrix(frame, report.confusion);

// Sorting: a column's button turns it up, then down. Cells without a value stay last either way.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    head.setAttribute("aria-sort", "none");
    const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of heads) other.setAttribute("aria-sort", other === head ? (up ? "ascending" : "descending") : "none");
      const compare = (a, b) => {
        const [left, right] = [key(a), key(b)];
        if (left === "" || right === "") return (left === "") - (right === "");
        const order = isNaN(left) || isNaN(right) ? left.localeCompare(right, "en", { numeric: true }) : left - right;
        return up ? order : -order;
      };
      body.append(...rows.toSorted((a, b) => compare(a, b) || 0));
    });
  });
}

const dark = matchMedia("(prefers-color-scheme: dark)");
document.querySelector(".theme").addEventListener("click", () => {
  const root = document.documentElement;
  const isDark = root.dataset.theme ? root.dataset.theme === "dark" : dark.matches;
  root.dataset.theme = isDark ? "light" : "dark";
});
