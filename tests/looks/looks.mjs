// Looks at every notice in Chromium as its reader may: narrow and wide, light and dark. Started by `run` (README.md).

import { readFile, readdir, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import axe from 'axe-core';
import { chromium } from 'playwright-core';

const WIDTHS = [360, 1280];
const SCHEMES = ['light', 'dark'];
// Gmail hides what is beyond about 102 KB behind a link.
const MAX_HTML = 100 * 1024;
const MAX_COLUMNS = 76;
// axe is most of the run time, and what it finds seldom depends on the width: all pages narrow, these wide as well.
const AXE_WIDE = ['en', 'zh-Hant'];
const SHOT_LANGUAGE = 'en';
const SHOT_NAMES = ['announcement', 'several-companies', 'decision-set', 'digest'];
const PARALLEL = 2;
// Milliseconds for what takes a moment: a machine that does much else is no finding.
const TIMEOUT = 60_000;
// Chromium at times never takes a picture. That says nothing of the notice, which is looked at again in a new one.
const ATTEMPTS = 3;
// Places of a finding that are printed; findings.txt has all.
const PLACES = 6;

const AXE = {
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  // Off unless asked for by name; part of WCAG 2.2 AA.
  rules: { 'target-size': { enabled: true } },
  resultTypes: ['violations', 'incomplete'],
};

// --- in the page: everything here is sent to the browser as text ------------------------------------------------------

// What does not depend on width and colours.
function inspectOnce(language) {
  const found = [];
  const find = (rule, detail) => found.push([rule, detail]);
  const start = (text) => text.trim().replace(/\s+/g, ' ').slice(0, 60);

  if (document.documentElement.lang !== language) find('language', `lang is "${document.documentElement.lang}"`);
  const headings = [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')];
  const h1 = headings.filter((heading) => heading.localName === 'h1').length;
  if (h1 !== 1) find('one-h1', `${h1} h1`);
  let level = 0;
  for (const heading of headings) {
    const own = Number(heading.localName[1]);
    if (own > level + 1) find('heading-levels', `h${own} after h${level}: ${start(heading.textContent)}`);
    level = own;
  }
  for (const image of document.images) {
    if (!image.hasAttribute('alt')) find('image-alt', image.outerHTML.slice(0, 80));
    if (!image.naturalWidth) find('image-broken', image.outerHTML.slice(0, 80));
  }
  // A text that hides where a link goes is what readers are taught to distrust.
  for (const link of document.querySelectorAll('a[href]')) {
    const [text, href] = [link.textContent.trim(), link.getAttribute('href')];
    if (text !== href && `mailto:${text}` !== href) find('link-text', `"${start(text)}" goes to ${href}`);
  }
  if (document.querySelector('ol') && !document.querySelector('ol a[href^="http"]')) {
    find('link-text', 'no sign-in link in the steps');
  }
  // Mail programs remove these.
  const removed = 'script, form, input, button, iframe, object, embed, video, audio, link';
  for (const element of document.querySelectorAll(removed)) {
    find('mail-element', `<${element.localName}>`);
  }
  return found;
}

// What does.
function inspectSeen(dark) {
  const found = [];
  const find = (rule, detail) => found.push([rule, detail]);
  const start = (text) => text.trim().replace(/\s+/g, ' ').slice(0, 60);
  const name = (element) => `<${element.localName}${element.className ? ` class="${element.className}"` : ''}>`;

  // WCAG's relative luminance of a colour, 0 black to 1 white, and its opacity. A canvas reads any CSS colour.
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const luminance = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = [...canvas.getImageData(0, 0, 1, 1).data].map((byte) => byte / 255);
    const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return [0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b), a];
  };
  const background = (element) => luminance(getComputedStyle(element).backgroundColor);
  // The background behind a text is its nearest element's that has one; behind all is the browser's sheet, white unless
  // the page says that it can be dark.
  const sheet = dark && getComputedStyle(document.documentElement).colorScheme.includes('dark') ? 0 : 1;
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const [light, opacity] = background(at);
      if (opacity > 0.5) return light;
    }
    return sheet;
  };
  const right = (ground) => (dark ? ground < 0.1 : ground > 0.7);

  const width = document.documentElement.clientWidth;
  const scroll = Math.max(document.documentElement.scrollWidth, document.body.scrollWidth);
  if (scroll > width) find('scrolls-sideways', `${scroll} pixels in ${width}`);
  const sticksOut = (box) => box.width > 0 && box.height > 0 && (box.left < -0.5 || box.right > width + 0.5);

  if (!right(behind(document.body))) find('page-colour', `the page is not ${dark ? 'dark' : 'light'}`);
  for (const element of document.body.querySelectorAll('*')) {
    if (!element.checkVisibility()) continue;
    const box = element.getBoundingClientRect();
    if (sticksOut(box)) find('sticks-out', `${name(element)} from ${Math.round(box.left)} to ${Math.round(box.right)}`);
    // A logo may need its own ground, and a bar is all colour: its numbers stand beside it.
    if (element.localName === 'img' || !element.textContent.trim()) continue;
    const [light, opacity] = background(element);
    if (opacity > 0.5 && box.width > width / 2 && box.height > 0 && !right(light)) {
      find('box-colour', `${name(element)} is not ${dark ? 'dark' : 'light'}`);
    }
  }

  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const [text, element] = [texts.currentNode, texts.currentNode.parentElement];
    if (!text.data.trim() || !element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    const boxes = [...range.getClientRects()];
    if (boxes.length === 0) continue;
    const style = getComputedStyle(element);
    if (boxes.some(sticksOut)) find('sticks-out', `text "${start(text.data)}"`);
    if (parseFloat(style.fontSize) < 13) find('small-text', `${style.fontSize}: "${start(text.data)}"`);
    const [ink, ground] = [luminance(style.color)[0], behind(element)];
    if (!right(ground) || (dark ? ink < 0.3 : ink > 0.3)) {
      const wanted = dark ? 'light text on dark' : 'dark text on light';
      find('text-colour', `${style.color} is not ${wanted}: "${start(text.data)}"`);
    }
  }
  return found;
}

// --- the checks -------------------------------------------------------------------------------------------------------

const pairs = (list, other) => list.flatMap((one) => other.map((two) => [one, two]));

async function axeFindings(page) {
  const results = await page.evaluate((options) => globalThis.axe.run(document, options), AXE);
  // Contrast that axe cannot compute (a picture behind the text, say) is as bad as one too low: nobody would look.
  const unsure = results.incomplete.filter((rule) => rule.id.startsWith('color-contrast'));
  return [...results.violations, ...unsure].flatMap((rule) =>
    rule.nodes.map((node) => {
      const why = [...node.any, ...node.all, ...node.none].map(({ message }) => message).join(' ');
      return [`axe:${rule.id}`, `${why || rule.help} (at ${node.target.join(' ')})`];
    }),
  );
}

// The columns of a line in a terminal or a monospaced mail program: East Asian characters are two wide.
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
function columns(line) {
  let sum = 0;
  for (const character of line) sum += /[\p{M}\p{Cf}]/u.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return sum;
}

function textFindings(text) {
  // The preview's first line is not the mail's text but its subject, which mail programs show as they like.
  return text.replace(/^Subject: .*/, '').split(/\r?\n/).flatMap((line) => {
    const long = columns(line);
    // One word that cannot be broken, such as an address, has a line to itself. East Asian text can be, anywhere.
    const unbreakable = /^\S+$/.test(line.trim()) && !WIDE.test(line);
    return long > MAX_COLUMNS && !unbreakable ? [['text-columns', `${long} columns: ${line.trim().slice(0, 60)}`]] : [];
  });
}

// All findings of one notice, as { rule, detail, where }.
async function check(page, { dir, out, language, name }) {
  const findings = [];
  const add = (list, ...seen) => {
    const where = [`${language}/${name}`, ...seen].join(' ');
    findings.push(...list.map(([rule, detail]) => ({ rule, detail, where })));
  };

  const file = join(dir, language, `${name}.html`);
  const bytes = (await readFile(file)).length;
  if (bytes >= MAX_HTML) add([['html-size', `${bytes} bytes`]]);
  const text = await readFile(join(dir, language, `${name}.txt`), 'utf8').catch(() => null);
  add(text === null ? [['no-text', 'no .txt beside it']] : textFindings(text));

  // A mail that fetches anything tells its sender when it was read, and looks broken until the reader allows it.
  const address = pathToFileURL(file).href;
  await page.unrouteAll();
  await page.route('**', (route) => {
    const asked = route.request().url();
    if (asked === address) return route.continue();
    add([['request', asked.slice(0, 120)]]);
    return route.abort();
  });
  page.removeAllListeners();
  // That a request was refused is said above.
  page.on('console', (said) => {
    if (said.type() === 'error' && !said.text().startsWith('Failed to load resource')) add([['console', said.text()]]);
  });
  page.on('pageerror', (error) => add([['console', error.message]]));

  await page.goto(address);
  await page.evaluate(axe.source);
  add(await page.evaluate(inspectOnce, language));
  const shown = language === SHOT_LANGUAGE || SHOT_NAMES.includes(name);
  // The same page throughout: loading it again for each would take longer than all else but axe.
  for (const [width, scheme] of pairs(WIDTHS, SCHEMES)) {
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme: scheme });
    add(await page.evaluate(inspectSeen, scheme === 'dark'), width, scheme);
    if (width === WIDTHS[0] || AXE_WIDE.includes(language)) add(await axeFindings(page), width, scheme);
    if (shown) await page.screenshot({ path: join(out, language, `${name}-${width}-${scheme}.png`), fullPage: true });
  }
  return findings;
}

// A browser with one page. Its profile is an empty folder that Playwright makes and removes. Chromium asks for nothing of its own
// accord.
async function open() {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run']
      .concat(['--disable-background-networking', '--disable-component-update', '--disable-sync']),
  });
  const page = await browser.newPage();
  page.setDefaultTimeout(TIMEOUT);
  return { browser, page };
}

// Checks all notices of a folder: DIR/LANGUAGE/NAME.html.
async function checkAll(dir, out) {
  const notices = [];
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const names = (await readdir(join(dir, entry.name))).filter((file) => file.endsWith('.html'));
    notices.push(...names.map((file) => ({ dir, out, language: entry.name, name: file.slice(0, -'.html'.length) })));
    // Nothing that an earlier run left is taken for this one's.
    await rm(join(out, entry.name), { recursive: true, force: true });
  }
  if (notices.length === 0) throw new Error(`no LANGUAGE/NAME.html in ${dir}`);

  const findings = [];
  const queue = [...notices];
  const worker = async () => {
    // One page for all: a new one starts a process, which takes longer than looking at a notice. In a browser of its own: one that
    // shows several pages takes pictures of the foremost alone.
    let { browser, page } = await open();
    try {
      for (let notice; (notice = queue.shift()); ) {
        for (let attempt = 1; ; attempt += 1) {
          try {
            findings.push(...(await check(page, notice)));
            break;
          } catch (error) {
            if (error.name !== 'TimeoutError' || attempt === ATTEMPTS) throw error;
            console.log(`looks: ${notice.language}/${notice.name}: the browser hangs, and another is asked`);
            await browser.close();
            ({ browser, page } = await open());
          }
        }
      }
    } finally {
      await browser.close();
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  return { notices, findings };
}

// The same finding in many places is one to mend: said once, with its places.
function report(findings, most = Infinity) {
  const groups = new Map();
  for (const { rule, detail, where } of findings) {
    const key = `${rule}: ${detail}`;
    groups.set(key, (groups.get(key) ?? new Set()).add(where));
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, places]) => {
      const more = places.size > most ? ` and ${places.size - most} more` : '';
      return `${key}\n    in ${[...places].sort().slice(0, most).join(', ')}${more}\n`;
    })
    .join('');
}

// --- the check of the checks ------------------------------------------------------------------------------------------

const GOOD = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A notice</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<style>:root { color-scheme: light dark } body { margin: 0 } a { color: #0b57d0 }
@media (prefers-color-scheme: dark) { body { background: #15181c; color: #e8eaed } a { color: #8ab4f8 } }</style></head>
<body><main><h1>A notice</h1><p>Text.</p><ol><li><a href="https://x.test/">https://x.test/</a></li></ol></main></body>
</html>`;
// What may be longer than a line: the subject, which is none, and a word.
const TEXT = `Subject: ${'word '.repeat(20)}\n\nA notice\n\nhttps://x.test/${'word-'.repeat(20)}\n`;
const PIXEL = 'data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7';
const PALE = `.pale { color: #868686; background: #fff }
@media (prefers-color-scheme: dark) { .pale { color: #5a5a5a; background: #15181c } }`;
const NEVER_DARK = 'body { background: #fff !important; color: #000 !important } a { color: #0b57d0 !important }';

// What is broken: how, and the rules that must tell, no others.
const style = (css) => GOOD.replace('</style>', `${css}</style>`);
const put = (html) => GOOD.replace('</main>', `${html}</main>`);
const BROKEN = {
  'good': [GOOD, TEXT, []],
  'low-contrast': [style(PALE).replace('<p>', '<p class="pale">'), TEXT, ['axe:color-contrast', 'text-colour']],
  'remote-image': [put('<img src="https://x.test/pixel.png" alt="">'), TEXT, ['image-broken', 'request']],
  'attached-image': [put('<img src="cid:logo" alt="">'), TEXT, ['image-broken', 'request']],
  'remote-style': [put('<style>@import "https://x.test/font.css";</style>'), TEXT, ['request']],
  'other-file': [put('<img src="good.txt" alt="">'), TEXT, ['image-broken', 'request']],
  'no-alt': [put(`<img src="${PIXEL}">`), TEXT, ['axe:image-alt', 'image-alt']],
  'two-h1': [put('<h1>Another</h1>'), TEXT, ['one-h1']],
  'skipped-level': [put('<h3>Another</h3>'), TEXT, ['axe:heading-order', 'heading-levels']],
  'too-wide': [put('<div style="width: 1400px">Wide</div>'), TEXT, ['scrolls-sideways', 'sticks-out']],
  'cut-off': [put(`<p style="overflow: hidden; white-space: nowrap">${'long '.repeat(300)}</p>`), TEXT, ['sticks-out']],
  'too-large': [GOOD.replace('</body>', `<!--${'-'.repeat(101 * 1024)}--></body>`), TEXT, ['html-size']],
  'wrong-language': [GOOD.replace('lang="en"', 'lang="de"'), TEXT, ['language']],
  'dark-ignored': [style(NEVER_DARK), TEXT, ['page-colour', 'text-colour']],
  'white-box-in-dark': [put('<p style="background: #fff; color: #333">A box</p>'), TEXT, ['box-colour', 'text-colour']],
  'small-text': [put('<p style="font-size: 12px">Small</p>'), TEXT, ['small-text']],
  'hidden-link': [GOOD.replace('>https://x.test/<', '>Sign in<'), TEXT, ['link-text']],
  'no-link': [GOOD.replace(/<a .*<\/a>/, 'Sign in'), TEXT, ['link-text']],
  'script-error': [put('<script>throw new Error("broken")</script>'), TEXT, ['console', 'mail-element']],
  'long-line': [GOOD, `${'word '.repeat(17)}words\n`, ['text-columns']],
  'long-line-wide': [GOOD, `${'\u5b57'.repeat(39)}\n`, ['text-columns']],
  'no-text': [GOOD, null, ['no-text']],
};

async function selfTest(out) {
  const dir = join(out, 'self-test', 'pages');
  await rm(dir, { recursive: true, force: true });
  await mkdir(join(dir, 'en'), { recursive: true });
  for (const [name, [html, text]] of Object.entries(BROKEN)) {
    await writeFile(join(dir, 'en', `${name}.html`), html);
    if (text !== null) await writeFile(join(dir, 'en', `${name}.txt`), text);
  }
  const { findings } = await checkAll(dir, join(out, 'self-test'));
  let wrong = 0;
  for (const [name, [, , expected]] of Object.entries(BROKEN)) {
    const own = findings.filter(({ where }) => where.split(' ')[0] === `en/${name}`);
    const rules = [...new Set(own.map(({ rule }) => rule))].sort();
    if (rules.join() === [...expected].sort().join()) continue;
    wrong += 1;
    console.log(`${name}: expected [${expected}], found [${rules}]\n${report(own)}`);
  }
  const number = Object.keys(BROKEN).length;
  console.log(`looks: self-test of ${number} pages, ${wrong} wrong`);
  return wrong === 0;
}

// --- the run ----------------------------------------------------------------------------------------------------------

const [what, out] = process.argv.slice(2);
const started = Date.now();
try {
  let good;
  if (what === '--self-test') {
    good = await selfTest(out);
  } else {
    const { notices, findings } = await checkAll(what, out);
    await writeFile(join(out, 'findings.txt'), report(findings));
    process.stdout.write(report(findings, PLACES));
    const seconds = Math.round((Date.now() - started) / 1000);
    console.log(`looks: ${notices.length} notices, ${findings.length} findings, ${seconds} s; screenshots in ${out}`);
    good = findings.length === 0;
  }
  process.exitCode = good ? 0 : 1;
} catch (error) {
  console.error(`looks: ${error.message}`);
  process.exitCode = 1;
}
