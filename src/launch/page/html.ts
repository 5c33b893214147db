/** HTML and SVG as tagged templates: every value is escaped, but what was made by such a template. */

export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What may stand in a template. Lists stand one behind the other; undefined is nothing. */
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

/** A table that scrolls by itself where the page is narrow. `#` before a head: its column has numbers. */
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
