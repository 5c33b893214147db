/** The report of a reload as text: its outcome, what clients notice of it, and what was replaced. */
import { explainedIn } from '../../modules/index.js';
import { cutOffText } from '../../operating/internal.js';
import { listOf, sumOf } from '../../plan/index.js';
import { countText } from '../../text/index.js';
import { changeText } from '../look/status-text.js';
import { type ComparedReload, otherChanges } from './reload-differences.js';

/** Returns the lines of a report. */
export function reloadText(report: ComparedReload): string {
  const { outcome, error, warnings, replaced, added, removed, durationMs, generation, dryRun } = report;
  const { draining = 0, cutOff = 0 } = report;
  const what = dryRun ? `would be ${outcome}, checked in` : `${outcome} after`;
  const then = `configuration ${generation}${dryRun ? ' stays' : ''}${error === undefined ? '' : `: ${error}`}`;
  const done = dryRun ? 'to be ' : '';
  const lines = differencesOf(report);
  for (const change of otherChanges(report)) lines.push(`${changeText(change)}, ${change.effect}`);
  for (const warning of warnings) lines.push(warning);
  for (const [service, count] of Object.entries(replaced))
    lines.push(`${service}: ${countText(count, 'worker')} ${done}replaced`);
  if (cutOff > 0) lines.push(cutOffText(cutOff, 'drain_timeout'));
  if (draining > 0) {
    const open = `${countText(draining, 'open request')} of replaced workers`;
    lines.push(`${open} may run on for drain_timeout; api-cli status counts those that are cut off`);
  }
  if (added.length > 0) lines.push(`${done}added: ${added.join(', ')}`);
  if (removed.length > 0) lines.push(`${done}removed: ${removed.join(', ')}`);
  const indented = lines.map((line) => `  ${line.replaceAll('\n', '\n  ')}`);
  return [`${what} ${durationMs} ms, ${then}`, ...indented, ...explainedIn(report.pages ?? [])].join('\n');
}

/** Returns the list of `plan --running`; where the states are not known, the changes of pipelines. */
function differencesOf({ differences, notCompared, pipelines, dryRun }: ComparedReload): string[] {
  if (differences !== undefined) return differences.length === 0 ? [] : [...listOf(differences), sumOf(differences)];
  const lines = pipelines.map(({ pipeline, ...parts }) => {
    const told = Object.entries(parts).filter(([, names]) => names.length > 0);
    return `${pipeline}: ${told.map(([how, names]) => `${how} ${names.join(', ')}`).join('; ')}`;
  });
  if (notCompared === undefined) return lines;
  return [`what clients ${dryRun ? 'would notice' : 'notice'} is not known: ${notCompared}`, ...lines];
}
