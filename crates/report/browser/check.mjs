// Opens sample reports in Chromium and uses them as a reader would. Needs Node 20 and Chromium, nothing else:
//
//   node crates/report/browser/check.mjs [folder for screenshots]
//
// CHROMIUM names the browser where it is not `chromium`; SAMPLE_REPORT an example program that is built already.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import { Browser } from "./chromium.mjs";

const crate = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = process.argv[2] ?? mkdtempSync(join(tmpdir(), "report-check-"));
mkdirSync(folder, { recursive: true });

function sample(name, ...options) {
  const path = join(folder, `${name}.html`);
  if (process.env.SAMPLE_REPORT) execFileSync(process.env.SAMPLE_REPORT, [path, ...options]);
  else execFileSync("cargo", ["run", "-q", "--example", "sample_report", "--", path, ...options], { cwd: crate, stdio: "inherit" });
  return pathToFileURL(path).href;
}

const addresses = {
  sample: sample("sample"),
  one: sample("one-class", "1"),
  two: sample("two-classes", "2"),
  hundred: sample("hundred-classes", "100"),
  short: sample("one-epoch", "2", "1"),
  long: sample("thousand-epochs", "2", "1000"),
  hostile: sample("hostile", "3", "hostile"),
};

const browser = await Browser.start();
let failed = 0;

/** Runs `steps` on a fresh page, then asks what every page must fulfil: no complaint, no request but itself. */
async function check(title, address, options, steps) {
  const page = await browser.open(address, options);
  try {
    await steps(page);
    assert.deepEqual(page.complaints, [], "console messages or exceptions");
    assert.deepEqual(page.requests.filter((url) => !url.startsWith("data:")), [address], "requests");
    if (options.script !== false) {
      assert.equal(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), true, "wider than the window");
    }
    console.log(`ok    ${title}`);
  } catch (error) {
    failed++;
    console.log(`FAIL  ${title}\n${error.stack}`);
  } finally {
    await page.close();
  }
}

const shot = async (page, name, whole) => writeFileSync(join(folder, `${name}.png`), await page.screenshot(whole));
const count = (page, selector) => page.evaluate((wanted) => document.querySelectorAll(wanted).length, selector);
const text = (page, selector) => page.evaluate((wanted) => document.querySelector(wanted).textContent.trim(), selector);
const LOSS = '[data-chart="loss"]';

await check("everything is drawn", addresses.sample, {}, async (page) => {
  assert.equal(await count(page, ".chart svg"), 5);
  const lines = await page.evaluate(`[...document.querySelectorAll(".chart path.line")].map((p) => p.getTotalLength())`);
  assert.equal(lines.length, 7);
  assert.ok(lines.every((length) => length > 100), `lengths of the curves: ${lines}`);
  assert.equal(await count(page, ".matrix tbody td"), 100);
  const pictures = await page.evaluate(`Promise.all([...document.images].map((i) => i.decode().then(() => i.naturalWidth * i.naturalHeight)))`);
  assert.equal(pictures.length, 24);
  assert.ok(pictures.every((area) => area >= 28 * 28));
  assert.equal(await count(page, ".scores dd"), 5);
  await shot(page, "light");
});

await check("dark", addresses.sample, { scheme: "dark" }, async (page) => {
  const light = await page.evaluate(`getComputedStyle(document.body).backgroundColor`);
  assert.equal(light, "rgb(18, 19, 22)");
  await shot(page, "dark");
  await page.click(".theme");
  assert.equal(await page.evaluate(`getComputedStyle(document.body).backgroundColor`), "rgb(250, 249, 246)");
});

await check("on a phone", addresses.sample, { width: 390, height: 844, touch: true }, (page) => shot(page, "phone"));

await check("pointing, zooming, switching", addresses.sample, {}, async (page) => {
  const { x, y, width, height } = await page.box(`${LOSS} .plot`);
  await page.mouse("mouseMoved", x + width / 2, y + height / 2);
  await page.settle();
  assert.match(await text(page, `${LOSS} .legend`), /^epoch 10training 0\.\d{4}validation 0\.\d{4}/);
  // The charts point together.
  assert.match(await text(page, '[data-chart="accuracy"] .legend'), /^epoch 10training \d\d\.\d\d%/);

  const first = () => page.evaluate(`document.querySelector('${LOSS} path.train').getAttribute("d")`);
  const whole = await first();
  await page.mouse("mousePressed", x + width * 0.4, y + 50, "left", 1);
  await page.mouse("mouseMoved", x + width * 0.7, y + 50, "left");
  await page.mouse("mouseReleased", x + width * 0.7, y + 50, "left", 1);
  await page.settle();
  assert.notEqual(await first(), whole, "dragging zooms");
  await page.click(".controls .reset");
  assert.equal(await first(), whole, "and the button shows all again");

  await page.click(`${LOSS} [data-scale="log"]`);
  assert.notEqual(await first(), whole);
  assert.equal(await page.evaluate(`document.querySelector('${LOSS} [data-scale="log"]').getAttribute("aria-pressed")`), "true");
  await page.click(`${LOSS} [data-scale="linear"]`);
  assert.equal(await first(), whole);

  await page.click('[data-axis="step"]');
  assert.match(await text(page, `${LOSS} .legend`), /^step 9,380training/);
  assert.equal(await count(page, `${LOSS} path.faint`), 1, "the raw losses behind the smoothed ones");
  await page.mouse("mouseMoved", ...(await page.middle(`${LOSS} .plot`)));
  await page.settle();
  await shot(page, "by-step", false);
  await page.evaluate(`{ const slider = document.querySelector(".smoothing input"); slider.value = 0; slider.dispatchEvent(new Event("input")); }`);
  await page.settle();
  assert.equal(await count(page, `${LOSS} path.faint`), 0);
});

await check("by keyboard", addresses.sample, {}, async (page) => {
  await page.evaluate(`document.querySelector('${LOSS} .plot').focus()`);
  await page.key("ArrowLeft");
  await page.key("ArrowLeft");
  assert.match(await text(page, `${LOSS} [aria-live]`), /^epoch 19, training 0\.\d+, validation 0\.\d+$/);
  await page.key("+");
  assert.equal(await page.evaluate(`document.querySelector(".reset").hidden`), false);
  await page.key("Escape");
  assert.equal(await page.evaluate(`document.querySelector(".reset").hidden`), true);

  await page.evaluate(`document.querySelector(".matrix-frame .scroll").focus()`);
  for (const key of ["ArrowDown", "ArrowRight", "ArrowRight"]) await page.key(key);
  assert.equal(await text(page, ".readout"), "T-shirt taken for Pullover: 20 of 1,000 (2.00%)");
});

await check("reading the matrix", addresses.sample, {}, async (page) => {
  await page.mouse("mouseMoved", ...(await page.middle(".matrix tbody tr:nth-child(5) td:nth-child(6)")));
  await page.settle();
  assert.match(await text(page, ".readout"), /^Coat recognised: \d+ of 1,000 \(\d\d\.\d\d%\)$/);
  assert.equal(await count(page, ".matrix .on"), 3);
});

await check("sorting", addresses.sample, {}, async (page) => {
  const recalls = () => page.evaluate(`[...document.querySelectorAll(".classes tbody td:nth-child(3)")].map((cell) => parseFloat(cell.textContent))`);
  const before = await recalls();
  const up = before.toSorted((a, b) => a - b);
  assert.notDeepEqual(before, up, "the sample has something to sort");
  await page.click(".classes th:nth-child(3) button");
  assert.deepEqual(await recalls(), up);
  assert.equal(await page.evaluate(`document.querySelector(".classes th:nth-child(3)").getAttribute("aria-sort")`), "ascending");
  await page.click(".classes th:nth-child(3) button");
  assert.deepEqual(await recalls(), up.toReversed());
  await page.click(".classes th:nth-child(1) button");
  assert.equal(await text(page, ".classes tbody th"), "Ankle boot");
});

await check("one class", addresses.one, {}, async (page) => assert.equal(await count(page, ".matrix tbody td"), 1));
await check("two classes", addresses.two, { scheme: "dark" }, async (page) => assert.equal(await count(page, ".matrix tbody td"), 4));
await check("one epoch", addresses.short, {}, async (page) => {
  assert.equal(await count(page, `${LOSS} circle.dot.train`), 1);
  assert.equal(await count(page, `${LOSS} .axes text`) > 2, true);
  await shot(page, "one-epoch", false);
});
await check("a thousand epochs", addresses.long, {}, async (page) => {
  await page.click('[data-axis="step"]');
  assert.match(await text(page, `${LOSS} .legend`), /^step 469,000training 0\.\d+validation /);
  assert.match(await text(page, "#curves > .note"), /mean of 118 steps/);
  await shot(page, "thousand-epochs", false);
});
await check("a hundred classes", addresses.hundred, {}, async (page) => {
  assert.equal(await count(page, ".matrix.dense tbody td"), 10_000);
  await page.mouse("mouseMoved", ...(await page.middle(".matrix tbody tr:nth-child(50) td:nth-child(51)")));
  await page.settle();
  assert.match(await text(page, ".readout"), /^class 49 recognised: /);
  await shot(page, "hundred-classes");
});

await check("hostile texts and losses that are no numbers", addresses.hostile, {}, async (page) => {
  assert.equal(await page.evaluate("typeof window.broken"), "undefined");
  assert.match(await text(page, "h1"), /^<\/script><script>window\.broken=1<\/script><img .*\{\{style\}\}$/);
  assert.match(await text(page, ".warning"), /4 of 20 epochs, first in epoch 6/);
  const path = await page.evaluate(`document.querySelector('${LOSS} path.train').getAttribute("d")`);
  assert.equal(path.match(/M/g).length, 2, "the curve has one gap");
  assert.doesNotMatch(await page.evaluate("document.body.innerHTML"), /="[^"]*\bNaN\b/, "no NaN in an attribute");
  await shot(page, "hostile");
});

await check("without scripts", addresses.sample, { script: false }, async (page) => {
  const shown = (selector) => page.evaluate((wanted) => document.querySelector(wanted).getClientRects().length > 0, selector);
  assert.equal(await shown(LOSS), false, "an empty chart");
  assert.equal(await shown(".controls"), false, "controls that do nothing");
  assert.equal(await shown("noscript p"), true);
  assert.equal(await shown(".classes"), true);
  assert.equal(await count(page, ".matrix tbody td"), 100);
  await shot(page, "without-scripts");
});

await check("on paper", addresses.sample, { scheme: "dark" }, async (page) => {
  await page.send("Emulation.setEmulatedMedia", { media: "print" });
  await page.send("Emulation.setDeviceMetricsOverride", { width: 740, height: 1000, deviceScaleFactor: 1, mobile: false });
  await page.settle();
  assert.equal(await page.evaluate(`getComputedStyle(document.querySelector("nav")).display`), "none");
  await shot(page, "paper");
  const pdf = await page.pdf();
  assert.equal(pdf.subarray(0, 5).toString(), "%PDF-");
  writeFileSync(join(folder, "paper.pdf"), pdf);
});

await check("on paper from the first", addresses.sample, {}, async (page) => {
  // Draws anew what was empty when the page became paper, as a slow start does.
  await page.send("Emulation.setEmulatedMedia", { media: "print" });
  await page.evaluate(`document.querySelectorAll(".plot").forEach((plot) => plot.replaceChildren())`);
  await page.send("Emulation.setDeviceMetricsOverride", { width: 740, height: 1000, deviceScaleFactor: 1, mobile: false });
  await page.settle();
  const { width, height } = await page.box(`${LOSS} svg`);
  assert.ok(height > width / 4, `a picture of ${width} x ${height}`);
});

await browser.close();
console.log(`screenshots: ${folder}`);
process.exitCode = failed ? 1 : 0;
