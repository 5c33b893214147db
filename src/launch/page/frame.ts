/** The HTML around every page, and the policy by which a browser takes nothing for it from anywhere else. */
import { createHash } from 'node:crypto';
import { Html, html } from './html.js';
import { STYLE } from './page-assets.js';

/** A page as it is sent. */
export interface SentPage {
  readonly text: string;
  /** Its `Content-Security-Policy`. */
  readonly policy: string;
}

/** What stands in the frame. `first`: the id of what the first stop of the keyboard leads to. */
export interface PageParts {
  readonly title: string;
  readonly first: string;
  readonly header: Html;
  readonly main: Html;
  /** Beside the style of all pages. */
  readonly style?: string;
  readonly script?: string;
}

export function framed({ title, first, header, main, style = '', script }: PageParts): SentPage {
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
  return { text: `<!doctype html>\n${body.text}`, policy: policyOf(css, script) };
}

/** Nothing from anywhere else, and nothing that does not stand in the page. */
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
