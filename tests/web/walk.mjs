// Walks through the pages of `trueline ui` as a person does, in a real Chromium.
//
//     node walk.mjs URL NODE_MODULES [PICTURES]
//
// Fails at the first thing that is not as it should be: an error on the console, a violation that axe finds, a page
// that is wider than the screen, a run that does not move. With a third argument, pictures of every page go there.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import assert from "node:assert/strict";

const [url, modules, pictures] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: new URL(url).origin });
const page = await context.newPage();
page.setDefaultTimeout(30_000);

const errors = [];
let expected = [];
page.on("console", (message) => {
  const isExpected = expected.some((text) => message.text().includes(text));
  if (["error", "warning"].includes(message.type()) && !isExpected) errors.push(message.text());
});
page.on("pageerror", (error) => errors.push(String(error)));

const looks = [
  { name: "wide-light", width: 1280, colorScheme: "light" },
  { name: "wide-dark", width: 1280, colorScheme: "dark" },
  { name: "phone-light", width: 390, colorScheme: "light" },
  { name: "phone-dark", width: 390, colorScheme: "dark" },
];

// axe is run past the policy of the page, which would not let it in; pages themselves get no such favour.
const violations = async () => {
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run({ resultTypes: ["violations"] }));
  return found.violations.map((one) => `${one.id}: ${one.help}\n  ${one.nodes.map((node) => node.html).slice(0, 3).join("\n  ")}`);
};

// A violation has to do with the width or with the colours; the fourth combination shows no third.
const look = async (name) => {
  for (const { name: as, width, colorScheme } of looks) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    const found = as === "phone-dark" ? [] : await violations();
    assert.deepEqual(found, [], `${name}, ${as}: ${found.join("\n")}`);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(over <= 0, `${name}, ${as}: ${over} pixels wider than the screen`);
    if (pictures) await page.screenshot({ path: `${pictures}/${name}-${as}.png`, fullPage: true });
  }
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.emulateMedia({ colorScheme: "light" });
  assert.deepEqual(errors, [], `${name}: ${errors.join("\n")}`);
  console.log(`looked at ${name}: ${page.url()}`);
};

const heading = (name) => page.getByRole("heading", { level: 1, name });
const follow = async (link) => {
  await link.first().click();
  await page.waitForLoadState("load");
};
const section = (name) => page.getByRole("region", { name, exact: true });
// The JSON twin of a page says the same.
const twin = async () => {
  const path = await page.getByRole("link", { name: "This page as JSON" }).getAttribute("href");
  const answer = await page.request.get(new URL(path, url).href);
  assert.equal(answer.status(), 200, path);
  return answer.json();
};

const start = async (everything, pipeline = "flight-delays") => {
  await page.goto(`${url}pipelines/${pipeline}`);
  await page.getByText("Start a run").click();
  if (everything) await page.getByLabel("Run every stage").check();
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await page.waitForURL(/\/runs\/run_/);
};

try {
  await page.goto(url);
  await heading("Pipelines").waitFor();
  assert.equal(await page.getByText("never ran").count(), 2);
  await look("nothing-yet");

  // A run is started, and moves without the page being loaded again.
  await start(false);
  await page.evaluate(() => (window.isTheSame = true));
  await page.locator(".node.running").first().waitFor();
  await page.getByText(/\d rows|step \d/).first().waitFor();
  if (pictures) await page.screenshot({ path: `${pictures}/running.png`, fullPage: true });
  await page.locator(".head .state.succeeded").waitFor({ timeout: 60_000 });
  assert.ok(await page.evaluate(() => window.isTheSame), "the page was loaded again");
  await page.locator(".node.succeeded", { hasText: "gate" }).waitFor();
  const run = page.url();
  await look("run");
  assert.equal((await twin()).stages.length, 6);

  // A stage, from the graph.
  await follow(page.getByRole("link", { name: /model\s+gbdt/ }));
  await heading("model").waitFor();
  await page.getByText("It ran for the first time").waitFor();
  await section("Log").getByRole("row").nth(1).waitFor();
  await look("stage");
  assert.equal((await twin()).outputs.length, 3);
  const copied = page.getByRole("button", { name: /^Copy the digest/ }).first();
  await copied.click();
  await page.getByText("Copied", { exact: true }).waitFor();
  const clipboard = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(clipboard, /^sha256:[0-9a-f]{64}$/);

  // What transforms learned, as tables.
  await page.goto(`${run}/stages/features`);
  await section("What it learned").getByRole("row", { name: /one-hot carrier, origin/ }).getByText("EWR, JFK, LGA").waitFor();
  await look("transform");
  await page.goto(`${run}/stages/plane`);
  await section("What it learned").getByText("3,322 keys").waitFor();
  await look("lookup");
  await follow(section("Outputs").getByRole("row", { name: /^state/ }).getByRole("link").first());
  await section("What was learned").getByText("3,322 keys").waitFor();
  await look("state");
  await page.goBack();
  await follow(page.getByRole("link", { name: "model", exact: true }));

  // What it made, and where that comes from.
  await follow(section("Outputs").getByRole("row", { name: /^report/ }).getByRole("link").first());
  await page.getByText("Stages that have it").waitFor();
  await look("artifact");
  await twin();

  // From the package back to the data.
  await follow(page.getByRole("link", { name: "Packages", exact: true }));
  await look("packages");
  await twin();
  await follow(page.getByRole("link", { name: "flight-delays", exact: true }));
  await look("package-history");
  await twin();
  await follow(page.getByRole("row", { name: /accepted/ }).getByRole("link", { name: "1", exact: true }));
  await page.getByText("The chain that serving runs").waitFor();
  await look("package");
  await twin();
  await follow(page.getByRole("link", { name: /^Lineage/ }));
  await heading(/flight-delays@1/).waitFor();
  await look("lineage");
  await twin();
  await follow(page.locator("a.node.dataset", { hasText: "flights" }));
  await look("content");
  await follow(page.getByRole("link", { name: /^flights of/ }));
  await heading("flights").waitFor();
  await page.getByRole("img", { name: "Histogram of dep_delay" }).waitFor({ timeout: 60_000 });
  await look("dataset");
  await twin();

  // The second run takes everything from the cache, and says why.
  await start(false);
  await page.locator(".head .state.succeeded").waitFor({ timeout: 60_000 });
  assert.equal(await page.locator(".node.cached").count(), 5);
  await follow(page.getByRole("link", { name: /features\s+tabular/ }));
  await page.getByText("All that its result depends on is as in").waitFor();
  await look("cached-stage");
  await page.goto(`${url}pipelines/flight-delays`);
  await look("grid");
  assert.equal((await twin()).runs.length, 2);

  // The keyboard is enough.
  await page.reload();
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the content");
  const cells = page.locator("table[data-grid] tbody tr").first().getByRole("link");
  await cells.first().focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowDown");
  assert.match(await page.evaluate(() => document.activeElement.getAttribute("href")), /stages\/plane$/);
  await page.keyboard.press("/");
  // Whatever begins alike is told apart by choosing.
  expected = ["409 (Conflict)", "404 (Not Found)"];
  await page.keyboard.type("run_");
  await page.keyboard.press("Enter");
  await page.getByText("It may be one of these").waitFor();
  await look("ambiguous");
  await follow(page.locator(".candidates").getByRole("link"));
  await heading(/run_/).waitFor();
  await page.goto(`${url}nowhere`);
  await look("nowhere");
  expected = [];

  // A study, trial by trial.
  await start(false, "tuned");
  await page.locator(".head .state", { hasText: /refused|succeeded/ }).waitFor({ timeout: 60_000 });
  await look("run-of-a-study");
  await follow(section("Studies").getByRole("link", { name: "model" }));
  await page.getByRole("img", { name: /quality.auc of 4 trials/ }).waitFor();
  await look("study");
  assert.equal((await twin()).trials.length, 4);

  // One stage alone, anew.
  await page.goto(`${url}pipelines/flight-delays`);
  await page.getByText("Start a run").click();
  await page.getByLabel("Run anew from").selectOption("plane");
  await page.getByText("Only some stages").click();
  await page.getByLabel("plane", { exact: true }).check();
  await look("start");
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await page.locator(".head .state.succeeded").waitFor({ timeout: 60_000 });
  const alone = await twin();
  assert.deepEqual([alone.from, alone.only], ["plane", ["plane"]]);
  assert.equal(alone.stages.find((stage) => stage.name === "plane").state, "succeeded");
  assert.equal(alone.stages.find((stage) => stage.name === "model").state, "skipped");

  // A run is given up, and taken up again.
  await start(true);
  const given = page.url();
  await page.getByRole("button", { name: "Cancel this run" }).click();
  await page.locator(".head .state.cancelled").waitFor({ timeout: 60_000 });
  await look("cancelled");
  await page.getByRole("button", { name: "Resume this run" }).click();
  await page.waitForURL((now) => now.href !== given && /\/runs\/run_/.test(now.href));
  await page.locator(".head .state.succeeded").waitFor({ timeout: 60_000 });
  assert.ok(given.endsWith((await twin()).resumes));
  await page.goto(`${url}runs`);
  assert.equal(await page.getByRole("row").count(), 7);
  await look("runs");
  await page.goto(url);
  await look("pipelines");
  await page.goto(run);
  await heading(/run_/).waitFor();

  // Features, from what is in force to what was made of it.
  await follow(page.getByRole("link", { name: "Features", exact: true }));
  await heading("Features").waitFor();
  await look("features");
  const features = await twin();
  const [{ name: view }] = features.views;
  await follow(section("Views").getByRole("link", { name: view, exact: true }));
  await heading(view).waitFor();
  await section("Online now").getByRole("row").nth(1).waitFor();
  await look("feature-view");
  assert.ok((await twin()).versions[0].is_current);
  await follow(page.locator("a.node.source"));
  await look("feature-source");
  await twin();
  await follow(page.locator("a.node.service"));
  await section("Features, in order").waitFor();
  await look("feature-service");
  assert.equal((await twin()).training_sets.length, 1);
  await follow(section("Training sets").getByRole("row").nth(1).getByRole("link"));
  await page.getByText("What its rows found in each view").waitFor();
  await look("training-set");
  await twin();
} catch (error) {
  console.error(`at ${page.url()}`);
  if (pictures) await page.screenshot({ path: `${pictures}/failed.png`, fullPage: true });
  console.error(error);
  process.exitCode = 1;
} finally {
  await browser.close();
}
