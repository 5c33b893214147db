/**
 * Pages: the status page, `assets/status.html`, which is served as it is; and HTML as tagged templates, in which every value is escaped
 * except the results of such templates. By their policy a browser loads nothing from elsewhere.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ownFile } from '../../process/index.js';
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

/** Returns the status page, whose script reads the documents of the same server. */
export function statusPage(): ControlAnswer {
  return answer(STATUS_FILE, inside('style', STATUS_FILE), inside('script', STATUS_FILE));
}

/** Content of a page. `first`: the id of the keyboard's first target. */
export interface PageParts {
  readonly title: string;
  readonly first: string;
  readonly header: Html;
  readonly main: Html;
  /** Style in addition to that of the status page. */
  readonly style: string;
}

/** Returns a page without a script. */
export function framed({ title, first, header, main, style }: PageParts): ControlAnswer {
  const css = inside('style', STATUS_FILE) + style;
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
</body>
</html>
`;
  return answer(`<!doctype html>\n${body.text}`, css);
}

/** Read when this module is loaded: the files on disk may be others later. */
const STATUS_FILE = readFileSync(ownFile('../assets/status.html'), 'utf8');

/** Returns the text of the only element of this name. */
function inside(element: string, page: string): string {
  return page.slice(page.indexOf(`<${element}>`) + element.length + 2, page.indexOf(`</${element}>`));
}

/** Returns a page that a browser allows only the style and the script of these texts. */
function answer(page: string, style: string, script?: string): ControlAnswer {
  const policy = [
    "default-src 'none'",
    `style-src ${digest(style)}`,
    ...(script === undefined ? [] : [`script-src ${digest(script)}`, "connect-src 'self'"]),
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return new ControlAnswer(200, page, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy.join('; '),
    'referrer-policy': 'no-referrer',
  });
}

function digest(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
