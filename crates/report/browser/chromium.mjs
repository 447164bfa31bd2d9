// A browser to test with: Chromium without a window, driven over a pipe in its own protocol, so that nothing beyond
// Node and the browser is needed.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const FLAGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe",
  // The browser's own traffic: none, and what is left has no way out.
  "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
  "--disable-default-apps", "--disable-features=OptimizationHints,MediaRouter", "--proxy-server=http://127.0.0.1:9",
];

export class Browser {
  static async start() {
    const browser = new Browser();
    browser.profile = mkdtempSync(join(tmpdir(), "report-browser-"));
    browser.child = spawn(process.env.CHROMIUM ?? "chromium", [...FLAGS, `--user-data-dir=${browser.profile}`, "about:blank"], {
      stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
    });
    browser.waiting = new Map();
    browser.listeners = [];
    browser.lastId = 0;
    let text = "";
    browser.child.stdio[4].setEncoding("utf8").on("data", (chunk) => {
      text += chunk;
      const messages = text.split("\0");
      text = messages.pop();
      for (const message of messages) browser.receive(JSON.parse(message));
    });
    const died = new Promise((_, reject) => {
      browser.child.on("error", reject);
      browser.child.on("exit", (code) => reject(new Error(`the browser ended with ${code}`)));
    });
    died.catch(() => {});
    browser.died = died;
    return browser;
  }

  receive({ id, method, params, result, error, sessionId }) {
    if (id === undefined) {
      for (const listener of this.listeners) listener(method, params, sessionId);
      return;
    }
    const { resolve, reject, name } = this.waiting.get(id);
    this.waiting.delete(id);
    if (error) reject(new Error(`${name}: ${error.message}`));
    else resolve(result);
  }

  send(method, params = {}, sessionId = undefined) {
    const id = ++this.lastId;
    const answer = new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject, name: method }));
    this.child.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    const late = new Promise((_, reject) => setTimeout(() => reject(new Error(`${method}: no answer in 60 s`)), 60_000).unref());
    return Promise.race([answer, this.died, late]);
  }

  /** Opens `address`; `width`, `height`, `scheme` ("light" or "dark"), `touch` shape what the page sees. */
  async open(address, { width = 1280, height = 900, scheme = "light", touch = false, script = true } = {}) {
    const { targetId } = await this.send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page(this, sessionId, targetId);
    for (const domain of ["Page", "Runtime", "Log", "Network"]) await page.send(`${domain}.enable`);
    if (!script) await page.send("Emulation.setScriptExecutionDisabled", { value: true });
    await page.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
    await page.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: touch ? 2 : 1, mobile: touch });
    const loaded = page.event("Page.loadEventFired");
    await page.send("Page.navigate", { url: address });
    await loaded;
    if (script) await page.settle();
    return page;
  }

  async close() {
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.send("Browser.close").catch(() => {});
    await ended;
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

class Page {
  constructor(browser, sessionId, targetId) {
    Object.assign(this, { browser, sessionId, targetId });
    this.complaints = []; // console errors and warnings, exceptions, refused loads
    this.requests = []; // addresses the page asked for
    browser.listeners.push((method, params, session) => {
      if (session !== sessionId) return;
      if (method === "Runtime.exceptionThrown") this.complaints.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
      if (method === "Runtime.consoleAPICalled") this.complaints.push(params.args.map((a) => a.value ?? a.description).join(" "));
      if (method === "Log.entryAdded") this.complaints.push(`${params.entry.level}: ${params.entry.text}`);
      if (method === "Network.requestWillBeSent") this.requests.push(params.request.url);
    });
  }

  send(method, params) {
    return this.browser.send(method, params, this.sessionId);
  }

  event(name) {
    return new Promise((resolve) => {
      const listener = (method, params, session) => {
        if (method !== name || session !== this.sessionId) return;
        this.browser.listeners.splice(this.browser.listeners.indexOf(listener), 1);
        resolve(params);
      };
      this.browser.listeners.push(listener);
    });
  }

  /** The value of `expression` in the page; a function is called there with `argument`. */
  async evaluate(expression, argument) {
    const source = typeof expression === "function" ? `(${expression})(${JSON.stringify(argument)})` : expression;
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", {
      expression: source, awaitPromise: true, returnByValue: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** Waits until the page has drawn twice. */
  settle() {
    return this.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))");
  }

  async mouse(type, x, y, button = "none", clickCount = 0) {
    await this.send("Input.dispatchMouseEvent", { type, x, y, button, clickCount, buttons: button === "left" ? 1 : 0 });
  }

  async click(selector) {
    const [x, y] = await this.middle(selector);
    await this.mouse("mouseMoved", x, y);
    await this.mouse("mousePressed", x, y, "left", 1);
    await this.mouse("mouseReleased", x, y, "left", 1);
    await this.settle();
  }

  async key(key) {
    const text = key.length === 1 ? key : undefined;
    await this.send("Input.dispatchKeyEvent", { type: "keyDown", key, text });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", key });
    await this.settle();
  }

  /** Scrolls the element into sight; the middle of it on the screen. */
  async middle(selector) {
    const { x, y, width, height } = await this.box(selector);
    return [x + width / 2, y + height / 2];
  }

  async box(selector) {
    return this.evaluate((wanted) => {
      const element = document.querySelector(wanted);
      if (!element) throw new Error(`nothing matches ${wanted}`);
      element.scrollIntoView({ block: "center", behavior: "instant" });
      const { x, y, width, height } = element.getBoundingClientRect();
      return { x, y, width, height };
    }, selector);
  }

  /** The whole page, or what is on the screen, as PNG bytes. */
  async screenshot(whole = true) {
    const { data } = await this.send("Page.captureScreenshot", { format: "png", captureBeyondViewport: whole });
    return Buffer.from(data, "base64");
  }

  async pdf() {
    const { data } = await this.send("Page.printToPDF", { printBackground: true });
    return Buffer.from(data, "base64");
  }

  close() {
    return this.browser.send("Target.closeTarget", { targetId: this.targetId });
  }
}
