// Renders a page of Markdown: anchors as the code host makes them, links between pages, code in colours, pictures of diagrams.
import {
  bundledLanguages,
  bundledThemes,
  codeToTokensWithThemes,
  createOnigurumaEngine,
  createShikiInternal,
  loadBuiltinWasm,
} from '@gerrit0/mini-shiki';
import { renderMermaidSVG } from 'beautiful-mermaid';
import MarkdownIt from 'markdown-it';

const THEMES = { light: 'github-light', dark: 'github-dark' };
const markdown = new MarkdownIt({ html: true, highlight: coloured });
const { escapeHtml } = markdown.utils;
/** Tokens that begin a row or an item. */
const NAMED = ['tr_open td_open', 'list_item_open paragraph_open'];
let shiki;

/** Loads the grammars of these languages. Code in a language without a grammar has no colours. */
export async function loadLanguages(names) {
  await loadBuiltinWasm();
  shiki = await createShikiInternal({
    engine: createOnigurumaEngine(),
    langs: [...names].filter((name) => name in bundledLanguages).map((name) => bundledLanguages[name]),
    themes: Object.values(THEMES).map((name) => bundledThemes[name]),
  });
}

/** Parses a page. Headings get their anchors; `named`: rows of tables and items of lists that begin with a name in code get one too. */
export function parse(text, named) {
  const tokens = markdown.parse(text, {});
  const anchors = new Set();
  let section = '';
  for (const [at, token] of tokens.entries()) {
    const next = tokens[at + 1];
    if (token.type === 'heading_open') {
      const slug = slugOf(plainText(next));
      section = slug;
      for (let count = 1; anchors.has(section); count++) section = `${slug}-${count}`;
      anchors.add(section);
      token.attrSet('id', section);
    } else if (named && NAMED.includes(`${token.type} ${next?.type}`)) {
      const { id, name } = /^(?:<a id="(?<id>\w+)"><\/a>)?`(?<name>[^`]+)`/.exec(tokens[at + 2].content)?.groups ?? {};
      if (name === undefined || (id === undefined && token.type !== 'tr_open')) continue;
      token.meta = { name, anchor: id ?? `${section}-${slugOf(name)}` };
      if (id === undefined) token.attrSet('id', token.meta.anchor);
    }
  }
  return tokens;
}

/** Writes a page as HTML. `link(target)` returns the address of a link or a picture. */
export function render(tokens, link) {
  for (const { children } of tokens) {
    for (const child of children ?? []) {
      if (child.type === 'link_open') child.attrSet('href', link(child.attrGet('href')));
      else if (child.type === 'image') child.attrSet('src', link(child.attrGet('src')));
    }
  }
  return markdown.renderer.render(tokens, { ...markdown.options }, {});
}

/** Returns the text of a token without its markup. */
export function plainText({ children, content }) {
  if (children === null) return content;
  return children
    .filter(({ type }) => type !== 'html_inline')
    .map(({ type, content: text }) => (type === 'softbreak' ? ' ' : text))
    .join('');
}

/** Returns the anchor that the code host gives a heading. */
function slugOf(heading) {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

/** Lets a long name break at its underscores, in a narrow column of a table for example. */
markdown.renderer.rules.code_inline = (tokens, at) =>
  `<code>${escapeHtml(tokens[at].content).replaceAll('_', '_<wbr>')}</code>`;

/** Wraps tables, so that a wide one scrolls and not the page. */
markdown.renderer.rules.table_open = () => '<div class="table" tabindex="0"><table>\n';
markdown.renderer.rules.table_close = () => '</table></div>\n';

const { fence } = markdown.renderer.rules;
markdown.renderer.rules.fence = (tokens, at, ...rest) =>
  tokens[at].info === 'mermaid' ? picture(tokens[at].content) : fence(tokens, at, ...rest);

/** Draws a diagram, in the colours of the page. The font of the page replaces the one that the drawing would load from the network. */
function picture(text) {
  // Without `line`, edges would have the colour of the page's rules, which is faint.
  const colours = {
    bg: 'var(--paper)',
    fg: 'var(--ink)',
    line: 'var(--quiet)',
    accent: 'var(--quiet)',
    muted: 'var(--quiet)',
  };
  const svg = renderMermaidSVG(text, { ...colours, transparent: true, padding: 8 });
  const label = escapeHtml(text.trim().replaceAll(/\s+/g, ' '));
  return `<figure class="diagram" tabindex="0">${svg
    .replaceAll(/ *@import [^\n]*\n/g, '')
    .replaceAll(/font-family: 'Inter',/g, 'font-family:')
    .replace('<svg', `<svg role="img" aria-label="${label}"`)
    // On a narrow screen a wide picture scrolls, where it would become unreadable.
    .replace(/ width="([\d.]+)" height="[\d.]+" style="/, ' width="$1" style="min-width:min($1px,42rem);')}</figure>\n`;
}

/** Colours code. Each colour is a pair: for light and for dark pages. */
export function coloured(code, language) {
  const lang = shiki.getLoadedLanguages().includes(language) ? language : 'text';
  const lines = codeToTokensWithThemes(shiki, code.trimEnd(), { lang, themes: THEMES });
  const html = lines.map((line) =>
    line
      .map(({ content, variants: { light, dark } }) => {
        const text = escapeHtml(content);
        return lang === 'text' || light.color === undefined
          ? text
          : `<span style="color:light-dark(${light.color},${dark.color})">${text}</span>`;
      })
      .join(''),
  );
  return `<pre class="code ${language}" tabindex="0"><code>${html.join('\n')}\n</code></pre>`;
}
