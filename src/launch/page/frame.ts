/**
 * Parts of pages: HTML and SVG as tagged templates, in which every value is escaped except the results of such
 * templates; the style of all pages; and a policy by which a browser loads nothing from elsewhere.
 */
import { createHash } from 'node:crypto';
import { ControlAnswer } from '../control/control-server.js';

export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** Values of a template. Members of a list are joined; undefined is empty. */
export type Shown = Html | string | number | undefined | readonly Shown[];

export function html(strings: TemplateStringsArray, ...values: readonly Shown[]): Html {
  return new Html(strings.reduce((text, string, at) => text + shown(values[at - 1]) + string));
}

function shown(value: Shown): string {
  if (value === undefined) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'object') return value.map(shown).join('');
  return String(value).replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Returns a table that scrolls if the page is narrow. `#` before a heading: its column has numbers. */
export function table(caption: string, heads: readonly string[], rows: readonly Html[]): Html {
  const head = heads.map((each) =>
    each.startsWith('#')
      ? html`<th scope="col" class="number">${each.slice(1)}</th>`
      : html`<th scope="col">${each}</th>`,
  );
  return html`<div class="scroll"><table><caption>${caption}</caption>
<thead><tr>${head}</tr></thead>
<tbody>
${rows}</tbody></table></div>`;
}

/** Content of a page. `first`: the id of the keyboard's first target. */
export interface PageParts {
  readonly title: string;
  readonly first: string;
  readonly header: Html;
  readonly main: Html;
  /** Style in addition to that of all pages. */
  readonly style?: string;
  readonly script?: string;
}

/** Returns a page with its policy. */
export function framed({ title, first, header, main, style = '', script }: PageParts): ControlAnswer {
  const css = STYLE + style;
  const code = script === undefined ? undefined : html`<script>${new Html(script)}</script>\n`;
  const body = html`<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${new Html(css)}</style>
</head>
<body>
<header>
<a class="skip" href="#${first}">To the content</a>
${header}</header>
<main>
${main}</main>
${code}</body>
</html>
`;
  return new ControlAnswer(200, `<!doctype html>\n${body.text}`, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policyOf(css, script),
    'referrer-policy': 'no-referrer',
  });
}

/** Allows only the style and script of the page itself. */
function policyOf(style: string, script: string | undefined): string {
  return [
    "default-src 'none'",
    `style-src ${digest(style)}`,
    ...(script === undefined ? [] : [`script-src ${digest(script)}`, "connect-src 'self'"]),
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

function digest(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1a1c20; --quiet: #5b616b; --paper: #fff; --panel: #f4f5f7; --line: #d5d9df; --good: #12703c; --bad: #b3261e; --one: #1558b0; --two: #a8480b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --quiet: #a4abb6; --paper: #15171a; --panel: #1f2226; --line: #3a3f46; --good: #6dd49a; --bad: #ff8a80; --one: #8ab4f8; --two: #fcad70; } }
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
header, main { max-width: 76rem; margin: 0 auto; padding: 1rem 1.25rem; }
header { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; align-items: baseline; border-bottom: 1px solid var(--line); }
h1 { font-size: 1.35rem; margin: 0; }
h2 { font-size: 1.05rem; margin: 1.75rem 0 .5rem; }
h3 { font-size: .95rem; margin: 1rem 0 .25rem; }
p { margin: .25rem 0; }
.quiet, caption { color: var(--quiet); }
a { color: var(--one); }
.skip { position: absolute; left: -999rem; }
.skip:focus { position: static; }
.good { color: var(--good); }
.bad { color: var(--bad); font-weight: 600; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; padding: .25rem 0; }
th, td { text-align: left; padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; white-space: nowrap; }
td.number, th.number { text-align: right; padding-right: 1.25rem; font-variant-numeric: tabular-nums; }
td.long { overflow-wrap: anywhere; min-width: 14rem; }
pre { background: var(--panel); padding: .75rem; overflow-x: auto; margin: .25rem 0 .75rem; }
code, pre { font: 13px/1.4 ui-monospace, monospace; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 1rem; }
figure { margin: 0; background: var(--panel); border-radius: 6px; padding: .5rem .75rem; }
svg text { fill: var(--ink); font: 12px system-ui, sans-serif; }
svg .name { font-weight: 600; font-size: 13px; }
svg .fact, svg .scale { fill: var(--quiet); }
svg rect { fill: var(--panel); stroke: var(--line); }
svg rect.app { stroke: var(--one); }
svg rect.errors { stroke: var(--bad); stroke-width: 2; }
svg rect.place { fill: var(--paper); }
svg .arrow { fill: var(--quiet); }
svg .way { stroke: var(--quiet); fill: none; }
svg .axis { stroke: var(--line); }
svg .line { fill: none; stroke-width: 2; stroke: var(--one); }
svg .line.second { stroke: var(--two); stroke-dasharray: 5 3; }
.chart { width: 100%; height: auto; display: block; }
button { font: inherit; color: inherit; background: var(--panel); border: 1px solid var(--line); border-radius: 4px; padding: .15rem .75rem; }
:focus-visible { outline: 3px solid var(--one); outline-offset: 2px; }
`;
