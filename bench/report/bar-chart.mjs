// Bar charts with quartiles as SVG, without a library, readable on light and dark pages.

const ROW = 22;
const LABEL = 168;
const BAR = 210;
const VALUE = 74;
const GAP = 28;
const HEAD = 30;
const PANEL = LABEL + BAR + VALUE;

const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; font-size: 13px; }
  .page { fill: #ffffff; }
  .bar { fill: #9fb3c8; } .marked { fill: #1f6feb; } .spread { stroke: #1f2328; stroke-width: 1; fill: none; }
  .cut { stroke: #ffffff; stroke-width: 3; fill: none; }`;

/**
 * Returns panels of bars, two in a row. A panel is `{ title, bars: [{ label, value, marked }] }`; each value is a summary. A bar of more
 * than three times the median of its panel is cut off, and its number shows its value.
 */
export function barChart(panels, { columns = 2, unit = 'µs', digits = 1 } = {}) {
  const across = Math.min(columns, panels.length);
  const rows = [];
  for (let at = 0; at < panels.length; at += across) rows.push(panels.slice(at, at + across));
  let y = 16;
  const drawn = rows.map((row) => {
    const tallest = Math.max(...row.map(({ bars }) => bars.length));
    const group = row.map((panel, column) => drawPanel(panel, 16 + column * (PANEL + GAP), y, { unit, digits }));
    y += HEAD + tallest * ROW + 18;
    return group.join('');
  });
  const width = 32 + across * PANEL + (across - 1) * GAP;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y}" viewBox="0 0 ${width} ${y}" role="img">`,
    `<title>${panels.map(({ title }) => escaped(title)).join('; ')}</title>`,
    `<style>${STYLE}</style><rect class="page" width="100%" height="100%"/>`,
    ...drawn,
    '</svg>\n',
  ].join('\n');
}

function drawPanel({ title, bars }, x, y, { unit, digits }) {
  const sorted = bars.toSorted((a, b) => a.value.median - b.value.median);
  const middle = sorted[sorted.length >> 1]?.value.median ?? 1;
  const shown = sorted.filter(({ value }) => value.median <= middle * 3);
  const longest = Math.max(...shown.map(({ value }) => value.upper), 0.1);
  const parts = [`<text class="title" x="${x}" y="${y + 12}">${escaped(title)}</text>`];
  for (const [at, bar] of sorted.entries()) {
    parts.push(drawBar(bar, x, y + HEAD + at * ROW, { longest, cut: bar.value.median > middle * 3, unit, digits }));
  }
  return parts.join('\n');
}

function drawBar({ label, value, marked }, x, y, { longest, cut, unit, digits }) {
  const left = x + LABEL;
  const scale = (number) => Math.max(0, Math.min(BAR, (number / longest) * BAR));
  const length = cut ? BAR : scale(value.median);
  const [from, to] = [left + scale(value.lower), left + scale(value.upper)];
  const middle = y + 7;
  const spread = cut
    ? `<path class="cut" d="M${left + BAR - 24} ${y - 2}l-6 18M${left + BAR - 18} ${y - 2}l-6 18"/>`
    : `<path class="spread" d="M${f(from)} ${middle}H${f(to)}M${f(from)} ${y + 3}v8M${f(to)} ${y + 3}v8"/>`;
  return [
    `<text x="${left - 8}" y="${y + 11}" text-anchor="end">${escaped(label)}</text>`,
    `<rect class="${marked ? 'marked' : 'bar'}" x="${left}" y="${y}" width="${f(length)}" height="14" rx="2"/>`,
    spread,
    `<text x="${left + BAR + 8}" y="${y + 11}">${value.median.toFixed(digits)} ${unit}</text>`,
  ].join('');
}

const f = (number) => number.toFixed(1);

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
