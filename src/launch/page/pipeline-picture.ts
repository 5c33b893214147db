/** A pipeline as a picture: its filters in order and its app, each with its time and errors where these are measured. */
import { type Html, html } from './html.js';

/** A filter, or the app behind the last one. */
export interface Stage {
  readonly name: string;
  /** Requests that it saw; undefined where that is not measured. */
  readonly requests?: number;
  /** Its own time on the way in and out, the mean in seconds. */
  readonly in?: number | undefined;
  readonly out?: number | undefined;
  readonly errors?: number;
}

const WIDTH = 150;
const GAP = 30;
const HEIGHT = 84;

export function pipelinePicture(name: string, stages: readonly Stage[]): Html {
  const width = stages.length * (WIDTH + GAP) - GAP + 2;
  const told = stages.map((stage) => [stage.name, ...factsOf(stage)].join(' ')).join('; ');
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Pipeline ${name}">
<svg class="pipeline" width="${width}" height="${HEIGHT + 2}" viewBox="0 0 ${width} ${HEIGHT + 2}" role="img" aria-label="Pipeline ${name}: ${told}">
${stages.map((stage, at) => box(stage, at * (WIDTH + GAP) + 1, at === stages.length - 1))}</svg>
</div>`;
}

function box(stage: Stage, x: number, isApp: boolean): Html {
  const style = `${isApp ? 'app' : 'filter'}${(stage.errors ?? 0) > 0 ? ' errors' : ''}`;
  const arrow = html`<path class="arrow" d="M${x + WIDTH} ${HEIGHT / 2}h${GAP - 8}m0 -4l6 4l-6 4z"/>`;
  return html`<g>
<title>${stage.name}</title>
<rect class="${style}" x="${x}" y="1" width="${WIDTH}" height="${HEIGHT}" rx="6"/>
<text class="name" x="${x + 10}" y="24">${shortened(stage.name)}</text>
${factsOf(stage).map(
  (fact, line) => html`<text class="fact" x="${x + 10}" y="${42 + line * 17}">${fact}</text>
`,
)}${isApp ? undefined : arrow}
</g>
`;
}

function factsOf({ requests, in: inward, out, errors = 0 }: Stage): string[] {
  if (requests === undefined) return [];
  const times = [
    inward === undefined ? [] : `in ${micros(inward)}`,
    out === undefined ? [] : `out ${micros(out)}`,
  ].flat();
  const counted = `${requests} req${errors > 0 ? `, ${errors} err` : ''}`;
  return [...(times.length > 0 ? [times.join(', ')] : []), counted];
}

function micros(seconds: number): string {
  return seconds < 0.001 ? `${Math.round(seconds * 1e6)} µs` : `${(seconds * 1000).toFixed(1)} ms`;
}

function shortened(name: string): string {
  return name.length > 17 ? `${name.slice(0, 16)}…` : name;
}
