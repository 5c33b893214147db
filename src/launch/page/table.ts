/** A table that scrolls by itself where the page is narrow. */
import { type Html, html } from './html.js';

/** `#` before a head: its column has numbers. */
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
