#!/usr/bin/env node
// Builds the site in `site/dist` from the Markdown of the repository: the README and all pages that its links lead to. docs/README.md is
// its navigation. Addresses are the paths of the files, and all links are relative: any directory of any server can hold the site.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import MiniSearch from 'minisearch';
import { coloured, loadLanguages, parse, plainText, render } from './markdown.mjs';
import { options } from './search-options.mjs';

const root = fileURLToPath(new URL('../', import.meta.url));
const out = process.argv[2] ?? join(root, 'site/dist');
const PICTURES = ['.png', '.svg', '.webp', '.jpg'];
const LANGUAGES = {
  '.ini': 'ini',
  '.ts': 'ts',
  '.mjs': 'js',
  '.js': 'js',
  '.json': 'json',
  '.service': 'ini',
  '.yml': 'yaml',
};
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const entryPoints = Object.keys(exports).filter((path) => exports[path].types !== undefined);

/** Pages of Markdown by path, in the order in which links reach them. */
const pages = new Map();
/** Files of other kinds that pages link to or show. */
const files = new Set();
addPage('README.md');
for (const [path, { tokens }] of pages) for (const target of targetsOf(tokens)) follow(path, target);
const navigation = sectionsOf('docs/README.md');

rmSync(out, { recursive: true, force: true });
const languages = [...pages.values()].flatMap(({ tokens }) => tokens.map(({ info }) => info.split(' ')[0]));
await loadLanguages(new Set([...languages, ...Object.values(LANGUAGES)].filter((name) => name !== '')));
const search = new MiniSearch(options);
for (const [path, page] of pages) {
  search.addAll(entriesOf(path, page));
  const html = render(page.tokens, (target) => addressOf(path, target));
  write(path, page, html);
}
for (const path of files) {
  if (PICTURES.includes(extname(path))) cpSync(join(root, path), join(out, path), { recursive: true });
  else writeFile(path);
}
for (const name of ['site.css', 'site.js', 'search-options.mjs'])
  cpSync(join(root, 'site', name), join(out, '_site', name.replace('.mjs', '.js')));
cpSync(fileURLToPath(import.meta.resolve('minisearch')), join(out, '_site/minisearch.js'));
writeFileSync(join(out, '_site/index.json'), JSON.stringify(search));
process.stdout.write(`${pages.size} pages, ${files.size} files: ${relative(process.cwd(), out)}/index.html\n`);

function addPage(path) {
  const tokens = parse(readFileSync(join(root, path), 'utf8'), path.startsWith('docs/reference/'));
  const at = tokens.findIndex(({ type, tag }) => type === 'heading_open' && tag === 'h1');
  if (at === -1) throw new Error(`${path}: no heading of the first level`);
  const headings = tokens.flatMap((token, place) =>
    token.type === 'heading_open' && token.tag === 'h2'
      ? { anchor: token.attrGet('id'), text: plainText(tokens[place + 1]) }
      : [],
  );
  pages.set(path, { tokens, title: plainText(tokens[at + 1]), headings });
}

/** Returns the targets of all links and pictures. */
function targetsOf(tokens) {
  return tokens.flatMap(({ children, content }) => [
    ...(children ?? []).flatMap((child) => child.attrGet('href') ?? child.attrGet('src') ?? []),
    ...(children === null
      ? []
      : [...content.matchAll(/<(?:img|source)\b[^>]*\bsrc(?:set)?="([^" ]+)/g)].map(([, src]) => src)),
  ]);
}

/** Adds the page or file that a link leads to. */
function follow(from, target) {
  const path = pathOf(from, target);
  if (path === undefined || pages.has(path)) return;
  if (!existsSync(join(root, path))) throw new Error(`${from}: ${target} does not exist`);
  if (path.endsWith('.md')) addPage(path);
  else files.add(path);
}

/** Returns the path of the file that a link of a page leads to. Undefined for a link to another site. */
function pathOf(from, target) {
  if (/^[a-z]+:/.test(target)) return undefined;
  const [file] = decodeURI(target).split('#');
  if (file === '') return from;
  const path = join(dirname(from), file);
  const folder = existsSync(join(root, path)) && statSync(join(root, path)).isDirectory();
  return folder ? join(path, 'README.md') : path;
}

/** Returns the path in the site for a file of the repository. */
function placeOf(path) {
  if (PICTURES.includes(extname(path))) return path;
  return path.endsWith('.md') ? path.replace(/README\.md$/, 'index.md').replace(/md$/, 'html') : `${path}.html`;
}

/** Returns the address, relative to a page, that a link of its Markdown leads to. */
function addressOf(from, target) {
  const path = pathOf(from, target);
  if (path === undefined || target.startsWith('#')) return target;
  return relative(dirname(from), placeOf(path)) + (/#.*/.exec(target)?.[0] ?? '');
}

/** Returns the sections of an index with the pages that they link to. A page is in the first section that links to it. */
function sectionsOf(index) {
  const sections = [];
  const seen = new Set();
  const { tokens } = pages.get(index) ?? fail(`the README does not lead to ${index}`);
  for (const [at, token] of tokens.entries()) {
    if (token.type === 'heading_open' && token.tag === 'h2')
      sections.push({ title: plainText(tokens[at + 1]), links: [] });
    for (const [place, child] of (token.children ?? []).entries()) {
      // A link to a part of a page is none to the page.
      const target = child.type === 'link_open' ? child.attrGet('href') : '#';
      const path = target.includes('#') ? undefined : pathOf(index, target);
      if (path === undefined || !pages.has(path) || seen.has(path)) continue;
      seen.add(path);
      const end = token.children.findIndex(({ type }, here) => here > place && type === 'link_close');
      const inner = token.children.slice(place + 1, end);
      const text = plainText({ children: inner });
      // A link within a sentence is a separate line here. Names of code keep their case.
      const isName = inner[0].type === 'code_inline' || text.includes('/');
      sections
        .at(-1)
        ?.links.push({ place: placeOf(path), text: isName ? text : text[0].toUpperCase() + text.slice(1) });
    }
  }
  const links = entryPoints.map((name) => ({ place: apiOf(name), text: `portico${name.slice(1)}` }));
  return [
    {
      title: 'Start',
      links: [
        { place: 'index.html', text: 'Portico' },
        { place: placeOf(index), text: pages.get(index).title },
      ],
    },
    ...sections,
    { title: 'Classes and functions', links },
  ];
}

/** Returns the page of an entry point in the API reference that typedoc writes. */
function apiOf(name) {
  return `api/modules/${`portico${name.slice(1)}`.replaceAll('/', '_')}.html`;
}

/** Returns what search finds of a page: its sections, and the names that tables and lists of the reference describe. */
function entriesOf(path, { tokens, title }) {
  const entries = [];
  let section;
  let current;
  const add = (anchor, name) => {
    const url = `${placeOf(path)}#${anchor}`;
    current = { id: `${url} ${entries.length}`, url, page: title, name, text: '' };
    entries.push(current);
  };
  for (const [at, token] of tokens.entries()) {
    if (token.type === 'heading_open') {
      add(token.attrGet('id'), plainText(tokens[at + 1]));
      section = current;
    } else if (token.meta?.anchor !== undefined) add(token.meta.anchor, token.meta.name);
    else if (token.type === 'tr_close' || token.type === 'list_item_close') current = section;
    else if (current !== undefined && (token.type === 'inline' || token.type === 'fence')) {
      if (tokens[at - 1].type !== 'heading_open') current.text += ` ${plainText(token)}`;
    }
  }
  return entries.map((entry) => ({ ...entry, excerpt: entry.text.trim().slice(0, 140) }));
}

/** Writes a file that is not Markdown as a page. */
function writeFile(path) {
  const code = coloured(readFileSync(join(root, path), 'utf8'), LANGUAGES[extname(path)] ?? 'text');
  write(path, { title: path, headings: [] }, `<h1>${path}</h1>\n${code}`);
}

function write(path, { title, headings }, html) {
  const place = placeOf(path);
  const to = (target) => relative(dirname(place), target);
  // A title may go on after the name: `portico/app: …`.
  const [name] = title.split(': ');
  const entryPoint = entryPoints.find((path) => `portico${path.slice(1)}` === name);
  const api =
    entryPoint && `<p class="api"><a href="${to(apiOf(entryPoint))}">All classes and functions of ${name}</a></p>`;
  const sections = navigation.map(({ title: section, links }, at) => {
    const here = links.some((link) => link.place === place);
    const items = links.map(
      (link) =>
        `<li><a href="${to(link.place)}"${link.place === place ? ' aria-current="page"' : ''}>${plain(link.text)}</a></li>`,
    );
    return `<details${here || at < 2 ? ' open' : ''}><summary>${plain(section)}</summary><ul>${items.join('')}</ul></details>`;
  });
  const toc = headings.map(({ anchor, text }) => `<li><a href="#${anchor}">${plain(text)}</a></li>`);
  const values = {
    title: title === 'Portico' ? title : `${plain(title)} – Portico`,
    root: to('.') || '.',
    navigation: sections.join('\n'),
    toc:
      toc.length < 2
        ? ''
        : `<nav class="toc" aria-label="On this page"><b>On this page</b><ul>${toc.join('')}</ul></nav>`,
    content: html.replace('</h1>', `</h1>${api ?? ''}`),
  };
  mkdirSync(dirname(join(out, place)), { recursive: true });
  const template = readFileSync(join(root, 'site/page.html'), 'utf8');
  writeFileSync(
    join(out, place),
    template.replaceAll(/\{(\w+)\}/g, (_, name) => values[name] ?? fail(`no value: ${name}`)),
  );
}

function plain(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

function fail(message) {
  throw new Error(message);
}
