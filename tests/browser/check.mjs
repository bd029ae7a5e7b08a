// node check.mjs PAGE.html CHROMIUM [FOLDER]: what is wrong with a page, as JSON on stdout.
// With FOLDER, a picture of every view is saved there.
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { FileSystemConfigLoader, HtmlValidate } from "html-validate";
import puppeteer from "puppeteer-core";

const [page_file, chromium, pictures] = process.argv.slice(2);
const axe_file = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const VIEWS = [1280, 360].flatMap((width) => ["light", "dark"].map((scheme) => ({ width, scheme })));

async function validated() {
  const loader = new FileSystemConfigLoader({
    root: true,
    extends: ["html-validate:recommended"],
    rules: {
      "long-title": "off",
      "no-inline-style": "off", // drawings carry their styles
      "no-trailing-whitespace": "off",
      "prefer-native-element": "off", // <section> would be no region without a heading of its own
    },
  });
  const report = await new HtmlValidate(loader).validateFile(page_file);
  return report.results.flatMap(({ messages }) =>
    messages.map((m) => `${m.line}:${m.column} ${m.ruleId}: ${m.message}`),
  );
}

async function seen(browser, { width, scheme }) {
  const page = await browser.newPage();
  const console_errors = [];
  const requests = [];
  page.on("console", (message) => message.type() === "error" && console_errors.push(message.text()));
  page.on("pageerror", (error) => console_errors.push(String(error)));
  page.on("request", (request) => requests.push(request.url()));
  await page.setViewport({ width, height: 900 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.goto(pathToFileURL(resolve(page_file)).href);
  if (pictures) {
    await page.screenshot({ path: join(pictures, `${width}-${scheme}.png`), fullPage: true });
  }
  const scroll_width = await page.evaluate(() => document.documentElement.scrollWidth);
  await page.addScriptTag({ path: axe_file });
  const { violations } = await page.evaluate(() => axe.run());
  await page.close();
  return {
    width,
    scheme,
    scroll_width,
    console_errors,
    requests: requests.filter((url) => /^(https?|wss?):/.test(url)),
    violations: violations.map(({ id, impact, nodes }) => ({
      id,
      impact,
      where: nodes.slice(0, 3).map((node) => `${node.target}: ${node.failureSummary}`),
    })),
  };
}

const profile = await mkdtemp(join(tmpdir(), "edgefacet-chromium-"));
const browser = await puppeteer.launch({
  executablePath: chromium,
  userDataDir: profile,
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});
try {
  const views = [];
  for (const view of VIEWS) views.push(await seen(browser, view));
  console.log(JSON.stringify({ html: await validated(), views }, null, 1));
} finally {
  await browser.close();
  await rm(profile, { recursive: true, force: true });
}
