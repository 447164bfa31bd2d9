"use strict";

// Line charts in SVG. Charts of one group share their horizontal axis: zoom one and all follow, point at one and
// all read their values there.

const MARGIN = { top: 10, right: 14, bottom: 28, left: 54 };

function svg(parent, name, attributes = {}, text = "") {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text) element.textContent = text;
  parent.append(element);
  return element;
}

function html(parent, name, className = "", text = "") {
  const element = document.createElement(name);
  if (className) element.className = className;
  if (text) element.textContent = text;
  parent.append(element);
  return element;
}

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
const minus = (text) => text.replace("-", "−");

/** Four significant digits, as the tables print them. */
function showReal(value) {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 1e-4 || size >= 1e6) return minus(value.toExponential(3).replace(/\.?0+e/, "e").replace("+", ""));
  return minus(size >= 1000 ? value.toFixed(0) : value.toPrecision(4));
}

const showPercent = (value) => `${(value * 100).toFixed(2)}%`;
const showCount = (value) => Math.round(value).toLocaleString("en");

/** Round values about `count` to an axis: steps of 1, 2 or 5 times a power of ten. */
function linearTicks(low, high, count, smallest = 0) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(smallest, power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999));
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) ticks.push(i * step);
  return { ticks, step };
}

/** Powers of ten, or as many of their multiples as a short axis needs. */
function logTicks(low, high) {
  for (const factors of [[1], [1, 2, 5], [1, 2, 3, 4, 5, 6, 7, 8, 9]]) {
    const ticks = [];
    for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e++) {
      for (const factor of factors) {
        const tick = Number(`${factor}e${e}`);
        if (tick >= low * 0.9999 && tick <= high * 1.0001) ticks.push(tick);
      }
    }
    if (ticks.length >= 3) {
      const every = Math.ceil(ticks.length / 7);
      return ticks.filter((_, i) => i % every === 0);
    }
  }
  return linearTicks(low, high, 4).ticks.filter((tick) => tick > 0);
}

/** Exponential moving average without the bias of its start; gaps stay gaps. */
function smoothed(values, weight) {
  if (weight === 0) return values;
  let mean = 0;
  let mass = 0;
  return values.map((value) => {
    if (!isNumber(value)) return null;
    mean = weight * mean + (1 - weight) * value;
    mass = weight * mass + (1 - weight);
    return mean / mass;
  });
}

/** Index of the entry of the rising list `values` that is nearest to `value`. */
function nearest(values, value) {
  let low = 0;
  let high = values.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (values[middle] < value) low = middle;
    else high = middle;
  }
  return Math.abs(values[low] - value) <= Math.abs(values[high] - value) ? low : high;
}

class ChartGroup {
  constructor(axis, onZoom = () => {}) {
    this.axis = axis; // "epoch" or "step"
    this.smoothing = 0.9;
    this.range = null; // [low, high] when zoomed
    this.cursor = null;
    this.charts = [];
    this.onZoom = onZoom;
  }

  setAxis(axis) {
    this.axis = axis;
    this.cursor = null;
    this.zoom(null);
  }

  setSmoothing(weight) {
    this.smoothing = weight;
    this.draw();
  }

  zoom(range) {
    this.range = range;
    this.onZoom(range !== null);
    this.draw();
  }

  point(x) {
    this.cursor = x;
    for (const chart of this.charts) chart.drawCursor();
  }

  draw() {
    for (const chart of this.charts) chart.draw();
  }

  /** The whole horizontal extent, the same for every chart of the group. */
  extent() {
    const all = this.charts.flatMap((chart) => chart.series().flatMap((s) => [s.x[0], s.x[s.x.length - 1]]));
    const low = Math.min(...all);
    const high = Math.max(...all);
    return low < high ? [low, high] : [low - 0.5, high + 0.5];
  }
}

class Chart {
  /**
   * `lines(axis)` gives the series: `{ name, className, x, y, smooth }`. `best` picks the value worth a mark: "min" or
   * "max" of the last series. `show` prints a value, `fromZero` starts the vertical axis at zero.
   */
  constructor(figure, group, { title, lines, show, best = null, fromZero = false, ceiling = Infinity }) {
    Object.assign(this, { figure, group, title, lines, show, best, fromZero, ceiling });
    this.scale = "linear";
    this.plot = figure.querySelector(".plot");
    this.legend = figure.querySelector(".legend");
    this.spoken = figure.querySelector("[aria-live]");
    group.charts.push(this);
    for (const button of figure.querySelectorAll("[data-scale]")) {
      button.addEventListener("click", () => {
        this.scale = button.dataset.scale;
        press(button);
        this.draw();
      });
    }
    this.plot.tabIndex = 0;
    this.plot.setAttribute("role", "group");
    this.plot.setAttribute("aria-roledescription", "chart");
    this.plot.setAttribute(
      "aria-label",
      `${title}. Left and right arrows read the values, plus and minus zoom, Escape shows everything.`,
    );
    this.listen();
    new ResizeObserver(() => {
      if (this.plot.clientWidth !== this.width) this.draw();
    }).observe(this.plot);
  }

  /** The series of the present axis that hold any value. */
  series() {
    return this.lines(this.group.axis).filter((line) => line.y.some(isNumber));
  }

  /** What is drawn: the series, smoothed where they ask for it. */
  drawn() {
    const weight = this.group.smoothing;
    return this.series().map((line) => ({ ...line, y: line.smooth ? smoothed(line.y, weight) : line.y, raw: line.y }));
  }

  draw() {
    const width = (this.width = this.plot.clientWidth);
    // On paper the picture gives the plot its height, so a plot that was never drawn has none.
    const height = (this.height = this.plot.clientHeight || this.height || Math.round(width / 2));
    this.plot.replaceChildren();
    this.surface = null;
    const lines = (this.current = this.drawn());
    if (width < 80) return;
    if (lines.length === 0) {
      html(this.plot, "p", "note", "No finite value on this axis.");
      this.legend.replaceChildren();
      return;
    }
    const root = svg(this.plot, "svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
    this.left = MARGIN.left;
    this.right = width - MARGIN.right;
    this.top = MARGIN.top;
    this.bottom = height - MARGIN.bottom;
    [this.low, this.high] = this.group.range ?? this.group.extent();
    this.toX = (x) => this.left + ((x - this.low) / (this.high - this.low)) * (this.right - this.left);
    this.setVertical(lines);

    this.drawAxes(root);
    const clip = `clip-${this.figure.dataset.chart}`;
    svg(svg(root, "clipPath", { id: clip }), "rect", {
      x: this.left - 5, y: this.top - 5, width: this.right - this.left + 10, height: this.bottom - this.top + 10,
    });
    const canvas = svg(root, "g", { "clip-path": `url(#${clip})` });
    for (const line of lines) {
      if (line.smooth && this.group.smoothing > 0) this.drawLine(canvas, line.x, line.raw, `${line.className} faint`);
    }
    for (const line of lines) this.drawLine(canvas, line.x, line.y, line.className);
    this.mark = this.best ? this.drawBest(canvas, lines[lines.length - 1]) : null;
    this.pointer = svg(canvas, "g", { class: "pointer" });
    this.selection = svg(canvas, "rect", { class: "selection", y: this.top, height: this.bottom - this.top, width: 0 });
    this.surface = root;
    this.drawCursor();
  }

  /** Fits the vertical axis to the values in sight. */
  setVertical(lines) {
    const log = this.scale === "log";
    let low = Infinity;
    let high = -Infinity;
    for (const line of lines) {
      line.y.forEach((y, i) => {
        if (!isNumber(y) || (log && y <= 0) || line.x[i] < this.low || line.x[i] > this.high) return;
        low = Math.min(low, y);
        high = Math.max(high, y);
      });
    }
    if (low > high) [low, high] = log ? [0.1, 1] : [0, 1];
    if (this.fromZero) low = Math.min(0, low);
    const position = log ? Math.log10 : (y) => y;
    const back = log ? (y) => 10 ** y : (y) => y;
    let [a, b] = [position(low), position(high)];
    const room = a < b ? (b - a) * 0.06 : Math.abs(a) * 0.1 || 0.5;
    a = this.fromZero ? a : a - room;
    b += room;
    [this.floor, this.roof] = [back(a), Math.min(back(b), Math.max(high, this.ceiling))];
    b = position(this.roof);
    this.toY = (y) => (log && y <= 0 ? NaN : this.bottom - ((position(y) - a) / (b - a)) * (this.bottom - this.top));
  }

  drawAxes(root) {
    const axes = svg(root, "g", { class: "axes" });
    const rows = Math.max(2, Math.round((this.bottom - this.top) / 36));
    const { ticks, step } = linearTicks(this.floor, this.roof, rows);
    const isShare = this.show === showPercent;
    const digits = Math.max(0, -Math.floor(Math.log10((isShare ? 100 : 1) * step) + 1e-9));
    const label = (y) => {
      if (Math.abs(y) < step * 1e-6) return isShare ? "0%" : "0";
      if (isShare) return `${(y * 100).toFixed(digits)}%`;
      if (this.scale === "log" || step < 1e-4 || this.roof >= 1e6) return showReal(Number(y.toPrecision(6))).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
      return minus(digits ? y.toFixed(digits) : showCount(y));
    };
    for (const y of this.scale === "log" ? logTicks(this.floor, this.roof) : ticks) {
      const at = Math.round(this.toY(y)) + 0.5;
      svg(axes, "line", { x1: this.left, x2: this.right, y1: at, y2: at });
      svg(axes, "text", { x: this.left - 8, y: at + 3.5, "text-anchor": "end" }, label(y));
    }
    svg(axes, "text", { x: this.left - 8, y: this.bottom + 18, "text-anchor": "end" }, this.group.axis);
    const columns = Math.max(2, Math.round((this.right - this.left) / 90));
    for (const x of linearTicks(this.low, this.high, columns, 1).ticks) {
      svg(axes, "text", { x: this.toX(x), y: this.bottom + 18, "text-anchor": "middle" }, showCount(x));
    }
  }

  drawLine(parent, xs, ys, className) {
    let path = "";
    let open = false;
    const dots = [];
    const inSight = xs.filter((x) => x >= this.low && x <= this.high).length;
    for (let i = 0; i < xs.length; i++) {
      // One point beyond each edge, so that the line leaves the picture.
      if ((xs[i + 1] ?? Infinity) < this.low || (xs[i - 1] ?? -Infinity) > this.high) continue;
      const y = isNumber(ys[i]) ? this.toY(ys[i]) : NaN;
      if (!Number.isFinite(y)) {
        open = false;
        continue;
      }
      const at = `${this.toX(xs[i]).toFixed(1)} ${y.toFixed(1)}`;
      path += `${open ? "L" : "M"}${at}`;
      const alone = !open && !isNumber(ys[i + 1]);
      if (alone || inSight <= 24) dots.push(at);
      open = true;
    }
    svg(parent, "path", { class: `line ${className}`, d: path });
    if (className.includes("faint")) return;
    for (const dot of dots) {
      const [cx, cy] = dot.split(" ");
      svg(parent, "circle", { class: `dot ${className}`, cx, cy, r: 2.75 });
    }
  }

  drawBest(parent, line) {
    const sign = this.best === "min" ? 1 : -1;
    let best = -1;
    line.y.forEach((y, i) => {
      if (isNumber(y) && (best < 0 || sign * y < sign * line.y[best])) best = i;
    });
    svg(parent, "circle", {
      class: `ring ${line.className}`, cx: this.toX(line.x[best]), cy: this.toY(line.y[best]) || -99, r: 6,
    });
    return { name: line.name, x: line.x[best], y: line.y[best] };
  }

  /** The dots under the pointer, and the legend with their values; without a pointer, the last ones. */
  drawCursor() {
    if (!this.pointer || !this.surface) return;
    this.pointer.replaceChildren();
    const cursor = this.group.cursor;
    const lines = this.current;
    const densest = lines.reduce((a, b) => (b.x.length > a.x.length ? b : a));
    const at = cursor === null ? densest.x[densest.x.length - 1] : densest.x[nearest(densest.x, cursor)];
    if (cursor !== null) {
      svg(this.pointer, "line", { x1: this.toX(at), x2: this.toX(at), y1: this.top, y2: this.bottom });
    }
    this.legend.replaceChildren();
    html(this.legend, "span", "where", `${this.group.axis} ${showCount(at)}`);
    const spoken = [`${this.group.axis} ${showCount(at)}`];
    for (const line of lines) {
      const i = nearest(line.x, at);
      const item = html(this.legend, "span", `item ${line.className}`);
      html(item, "i", "key");
      item.append(`${line.name} `);
      const value = isNumber(line.y[i]) ? this.show(line.y[i]) : "–";
      html(item, "b", "", value);
      spoken.push(`${line.name} ${value}`);
      if (cursor !== null && isNumber(line.y[i]) && Number.isFinite(this.toY(line.y[i]))) {
        svg(this.pointer, "circle", {
          class: `dot ${line.className}`, cx: this.toX(line.x[i]), cy: this.toY(line.y[i]), r: 4,
        });
      }
    }
    if (this.mark) {
      const { name, x, y } = this.mark;
      html(this.legend, "span", "best", `best ${name} ${this.show(y)} at ${this.group.axis} ${showCount(x)}`);
    }
    this.reading = spoken.join(", ");
    this.densest = densest;
  }

  listen() {
    let start = null;
    const across = (event) => {
      const box = this.plot.getBoundingClientRect();
      return Math.min(Math.max(event.clientX - box.left, this.left), this.right);
    };
    const toValue = (at) => this.low + ((at - this.left) / (this.right - this.left)) * (this.high - this.low);
    this.plot.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !this.surface) return;
      start = across(event);
      this.plot.setPointerCapture(event.pointerId);
    });
    this.plot.addEventListener("pointermove", (event) => {
      if (!this.surface) return;
      const at = across(event);
      this.group.point(toValue(at));
      if (start !== null) {
        this.selection.setAttribute("x", Math.min(start, at));
        this.selection.setAttribute("width", Math.abs(at - start));
      }
    });
    this.plot.addEventListener("pointerup", (event) => {
      if (start === null) return;
      const from = start;
      const to = across(event);
      start = null;
      this.selection.setAttribute("width", 0);
      if (Math.abs(to - from) >= 6) this.zoomTo(toValue(Math.min(from, to)), toValue(Math.max(from, to)));
    });
    this.plot.addEventListener("pointercancel", () => {
      start = null;
      this.selection?.setAttribute("width", 0);
    });
    this.plot.addEventListener("pointerleave", () => start === null && this.group.point(null));
    this.plot.addEventListener("dblclick", () => this.group.zoom(null));
    this.plot.addEventListener("blur", () => this.group.point(null));
    this.plot.addEventListener("keydown", (event) => this.onKey(event));
  }

  onKey(event) {
    if (!this.surface || event.ctrlKey || event.metaKey || event.altKey) return;
    const xs = this.densest.x;
    const first = xs.findIndex((x) => x >= this.low);
    const last = xs.findLastIndex((x) => x <= this.high);
    const here = this.group.cursor === null ? last + 1 : nearest(xs, this.group.cursor);
    const stride = event.shiftKey ? 10 : 1;
    const moves = { ArrowLeft: here - stride, ArrowRight: here + stride, Home: first, End: last };
    if (event.key in moves) {
      this.group.point(xs[Math.min(Math.max(moves[event.key], first), last)]);
      this.spoken.textContent = this.reading;
    } else if (event.key === "+" || event.key === "=" || event.key === "-") {
      const middle = this.group.cursor ?? (this.low + this.high) / 2;
      const factor = event.key === "-" ? 2 : 0.5;
      this.zoomTo(middle + (this.low - middle) * factor, middle + (this.high - middle) * factor);
    } else if (event.key === "Escape") {
      this.group.zoom(null);
    } else {
      return;
    }
    event.preventDefault();
  }

  /** Zooms, but neither beyond the data nor closer than one unit of the axis. */
  zoomTo(low, high) {
    const [first, last] = this.group.extent();
    const short = Math.max(0, 1 - (high - low)) / 2;
    const range = [Math.max(first, low - short), Math.min(last, high + short)];
    this.group.zoom(range[0] <= first && range[1] >= last ? null : range);
  }
}

/** Marks `button` as the chosen one of its switch. */
function press(button) {
  for (const other of button.parentElement.querySelectorAll("button")) {
    other.setAttribute("aria-pressed", String(other === button));
  }
}
