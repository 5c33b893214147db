/** The style of all pages, and the script of the status page. */

export const STYLE = `
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
td.long { overflow-wrap: anywhere; }
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

/**
 * Fetches the page again every two seconds, and puts each part that is another one in the place of the old: what is shown
 * is made in one place. A part that has the focus, or a selection, or was opened, stays until it has not.
 */
export const SCRIPT = `
const button = document.querySelector('#live');
const busy = (part) => part.contains(document.activeElement) || part.contains(getSelection()?.anchorNode ?? null) && !getSelection().isCollapsed;
let asking = false;
const update = async () => {
  if (asking) return;
  asking = true;
  const failed = document.querySelector('#failed');
  try {
    const answer = await fetch(location.href, { signal: AbortSignal.timeout(5000) });
    if (!answer.ok) throw new Error(answer.status);
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    for (const part of document.querySelectorAll('[data-part]')) {
      const next = page.getElementById(part.id);
      if (next === null || busy(part) || next.innerHTML === part.innerHTML) continue;
      const open = part.querySelector('details[open]') !== null;
      part.replaceChildren(...document.importNode(next, true).childNodes);
      if (open) part.querySelector('details')?.setAttribute('open', '');
    }
    failed.textContent = '';
  } catch {
    failed.textContent = 'The service does not answer; what is shown is old.';
  } finally {
    asking = false;
  }
};
let timer = setInterval(update, 2000);
button.hidden = false;
button.addEventListener('click', () => {
  const paused = timer === undefined;
  clearInterval(timer);
  timer = paused ? setInterval(update, 2000) : undefined;
  button.textContent = paused ? 'Pause' : 'Go on';
});
`;
