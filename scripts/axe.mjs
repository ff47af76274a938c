// Walks through the demonstration like its first administrator and a courier, and looks at every page on the way.
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import lighthouse, { desktopConfig } from "lighthouse";
import puppeteer from "puppeteer-core";

const AIM_BYTES = 30_000;
const ready = JSON.parse(await readFile(process.argv[2], "utf8"));
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const launch = (...more) => puppeteer.launch({
  executablePath: process.env.CHROME ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows", "--disable-renderer-backgrounding", ...more],
});
const browser = await launch("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream");
let bad = 0;

// 1. Something to look at: an administrator, a resident, a courier, a parcel and an alarm.
const admin = await browser.newPage();
const kiosk = await browser.newPage();
const cabinets = await browser.newPage();
await kiosk.setViewport({ width: 1080, height: 1920 });
const fill = async (page, path, fields) => {
  await page.bringToFront();
  if (path) await page.goto(ready.portal + path);
  for (const [name, value] of Object.entries(fields)) {
    const field = await page.$(`[name=${name}]:not([type=hidden])`);
    if ((await field.evaluate((it) => it.tagName)) === "SELECT") await field.evaluate((it) => (it.selectedIndex = it.options.length - 1));
    else await field.type(value);
  }
  await Promise.all([page.waitForNavigation(), page.click("main form[method=post] .button.primary")]);
};
await admin.goto(ready.set_up);
await fill(admin, null, { name: "Site office", email: "office@example.org", password: "correct horse battery", again: "correct horse battery" });
await fill(admin, "/people/residents/new", { name: "Maria Reyes", unit: "4B", email: "maria@example.org", phone: "+49 30 5550101" });
await admin.goto(ready.portal + "/carriers");
await admin.type("[name=name]", "Northwind Parcels");
await admin.keyboard.press("Enter");
await admin.waitForFunction(() => document.querySelector("table")?.innerText.includes("Northwind"));
await fill(admin, "/people/couriers/new", { name: "Casey Long", carrier: "", email: "courier@example.org" });
const mailbox = await browser.newPage();
await mailbox.bringToFront();
await mailbox.goto(ready.portal + "/demo/mailbox");
const letter = await mailbox.waitForFunction(() => document.querySelector("#mailbox .text")?.textContent.match(/\d{4} \d{4}/)?.[0]);
const code = (await letter.jsonValue()).replace(" ", "");
await cabinets.bringToFront();
await cabinets.goto(ready.portal + "/demo");

// 2. axe, light and dark, on a telephone and on a computer.
const look = async (page, name, sizes = [[390, 844], [1440, 900]]) => {
  for (const scheme of ["light", "dark"]) {
    for (const [width, height] of sizes) {
      await page.setViewport({ width, height });
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }, { name: "prefers-reduced-motion", value: "reduce" }]);
      // Two frames, so that colours have settled.
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
      bad += violations.length;
      if (!violations.length) continue;
      console.log(`${name} ${scheme} ${width}: ${violations.length} findings`);
      for (const it of violations) console.log(`  ${it.id} (${it.impact}): ${it.help}\n    ${it.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join("\n    ")}`);
    }
  }
  looked += 1;
};
let looked = 0;
const upright = [[1080, 1920]];
const screen = (name) => kiosk.waitForFunction((it) => document.querySelector("#screen")?.dataset.screen === it, {}, name);
await kiosk.bringToFront();
await kiosk.goto(ready.kiosks[0]);
await screen("home");
await look(kiosk, "kiosk home", upright);
for (const digit of code) await kiosk.click(`[data-key="${digit}"]`);
await screen("find");
await kiosk.click('[data-letter="4"]');
await kiosk.waitForSelector(".k-list button");
await look(kiosk, "kiosk find", upright);
await kiosk.locator(".k-list button").click();
await screen("confirm");
await look(kiosk, "kiosk confirm", upright);
await kiosk.click("[value=confirm]");
await screen("size");
await look(kiosk, "kiosk size", upright);
await kiosk.click("[name=size]");
await screen("place");
await look(kiosk, "kiosk place", upright);
await cabinets.bringToFront();
await cabinets.locator("[id^=door-0-].primary").click();
await kiosk.bringToFront();
await screen("deposited");
await look(kiosk, "kiosk deposited", upright);
await kiosk.click("[value=finish]");
await screen("home");
await cabinets.bringToFront();
await cabinets.locator("#door-1-6").click();
await mailbox.bringToFront();
await mailbox.waitForFunction(() => document.querySelector("img.qr"));

await admin.bringToFront();
const paths = ["/", "/banks", "/parcels", "/people", "/people?kind=couriers", "/people/residents/new", "/people/couriers/new", "/carriers", "/alerts", "/audit", "/evidence", "/verify", "/witnesses", "/settings", "/settings/tokens", "/settings/enrol", "/nothing-here", "/demo", "/demo/mailbox"];
for (const [from, link] of [["/banks", "main a[href^='/banks/']"], ["/parcels", "main a[href^='/parcels/']"], ["/people", "main th a[href^='/people/']"], ["/audit", "main a[href^='/audit/']"], ["/settings", "main a[href^='/settings/templates/']"]]) {
  await admin.goto(ready.portal + from);
  paths.push(await admin.$eval(link, (it) => it.getAttribute("href")));
}
const [bank, parcel, person] = paths.slice(-5);
paths.push(`${person}/erase`, `/files?about=${encodeURIComponent(`parcel ${parcel.split("/").at(-1)}`)}`, `/evidence?parcel=${parcel.split("/").at(-1)}`);
paths.push(`${bank}?view=table`, `${bank}?compartment=1`);
const weights = [];
for (const path of paths) {
  let bytes = 0;
  const cdp = await admin.createCDPSession();
  await cdp.send("Network.enable");
  await cdp.send("Network.setCacheDisabled", { cacheDisabled: true });
  cdp.on("Network.loadingFinished", (it) => (bytes += it.encodedDataLength));
  await admin.goto(ready.portal + path, { waitUntil: "load" });
  weights.push([bytes, path]);
  await cdp.detach();
  await look(admin, path);
}
const stranger = await (await browser.createBrowserContext()).newPage();
await stranger.bringToFront();
for (const path of ["/sign-in", "/setup?token=used"]) {
  await stranger.goto(ready.portal + path);
  await look(stranger, path);
}
console.log(`axe: ${bad} findings on ${looked} pages`);
weights.sort(([a], [b]) => b - a);
console.log(`heaviest pages, with all they load and nothing cached: ${weights.slice(0, 8).map(([bytes, path]) => `${path} ${(bytes / 1000).toFixed(1)} kB`).join(", ")}`);
bad += weights.filter(([bytes, path]) => bytes > AIM_BYTES && path !== "/demo/mailbox").length;

// 3. Lighthouse, with the administrator's cookies; the kiosk with and without a camera to look at.
const blind = await launch();
const categories = ["performance", "accessibility", "best-practices"];
for (const [name, by, url, config] of [
  ["overview, telephone", browser, ready.portal + "/", undefined],
  ["overview, computer", browser, ready.portal + "/", desktopConfig],
  ["kiosk, telephone", blind, ready.kiosks[0], undefined],
  ["kiosk, computer", blind, ready.kiosks[0], desktopConfig],
  ["kiosk with camera, computer", browser, ready.kiosks[0], desktopConfig],
]) {
  const port = Number(new URL(by.wsEndpoint()).port);
  const { lhr } = await lighthouse(url, { port, onlyCategories: categories, disableStorageReset: true, output: "json", logLevel: "error" }, config);
  await writeFile(new URL(`lighthouse-${name.replaceAll(/\W+/g, "-")}.json`, import.meta.url), JSON.stringify(lhr));
  const scores = categories.map((it) => Math.round(lhr.categories[it].score * 100));
  const missed = Object.values(lhr.audits).filter((it) => it.score !== null && it.score < 0.9 && lhr.categories.performance.auditRefs.concat(lhr.categories.accessibility.auditRefs, lhr.categories["best-practices"].auditRefs).some((ref) => ref.id === it.id && ref.weight > 0));
  console.log(`lighthouse ${name}: ${scores.join("/")}, ${(lhr.audits["total-byte-weight"].numericValue / 1000).toFixed(1)} kB${missed.map((it) => `\n  ${it.id}: ${it.title} ${it.displayValue ?? ""}`).join("")}`);
  bad += scores.filter((score) => score < 100).length;
}
await Promise.all([browser.close(), blind.close()]);
process.exitCode = bad ? 1 : 0;
