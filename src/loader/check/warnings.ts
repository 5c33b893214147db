/**
 * What looks wrong in the sections of a file and in the trees they make, although PasteDeploy takes it.
 */
import { originWithin, type PasteSection, strip } from '../../ini/index.js';
import { type Context, headerOf } from '../context.js';
import { definedBy, KIND_OF } from '../section.js';
import { lostBracket } from '../section-errors.js';
import type { Setting, Source } from '../source.js';
import type { Findings } from './findings.js';

/** Options that a default hides, and comments that became part of a value. */
export function warnOfSection(source: Source, section: PasteSection, findings: Findings): void {
  for (const option of section.options.values()) {
    const acts = option.name.startsWith('set ') || option.name.startsWith('get ');
    if (source.isDefault(option.name) && !acts) {
      const by = source.defaultOption(option.name)?.origin;
      const hider = by === undefined ? hiderOf(option.name) : `[DEFAULT] (${by.file}:${by.line})`;
      findings.warning(
        'PORTICO_PASTE_HIDDEN_OPTION',
        option.origin,
        source.name,
        `this line does not count: ${hider} has an option "${option.name}", which hides it.`,
        `Write "set ${option.name} = …" to change the default for this section, or rename one of the two.`,
      );
    }
    warnOfComment(source, option, findings);
    if (option.name.startsWith('[')) {
      const message = `this line is an option of [${section.name}], and no section begins here.`;
      findings.warning('PORTICO_PASTE_SPOILT_HEADER', option.origin, source.name, message, lostBracket(option));
    }
  }
}

/** Things in `[DEFAULT]` that act on no section. */
export function warnOfDefaults(source: Source, findings: Findings): void {
  for (const name of ['use', 'filter-with', 'pipeline', 'next']) {
    const option = source.defaultOption(name);
    if (option === undefined) continue;
    findings.warning(
      'PORTICO_PASTE_DEFAULT_FACTORY',
      option.origin,
      source.name,
      `"${name}" in [DEFAULT] gives no section anything, and hides the "${name}" of every section.`,
      'Move it into the sections that need it.',
    );
  }
  for (const option of source.document.defaults?.options.values() ?? []) warnOfComment(source, option, findings);
}

/** Headers that would define something but for a blank or a capital. */
export function warnOfHeaders(source: Source, findings: Findings): void {
  for (const section of source.document.sections.values()) {
    const colon = section.name.indexOf(':');
    if (definedBy(section) !== undefined || colon < 0) continue;
    const prefix = section.name.slice(0, colon);
    const meant = strip(prefix).toLowerCase();
    if (!KIND_OF.has(meant)) continue;
    findings.warning(
      'PORTICO_PASTE_SPOILT_HEADER',
      section.origin,
      source.name,
      `nothing finds this section: "${prefix}:" is not "${meant}:".`,
      `Write [${meant}:${strip(section.name.slice(colon + 1))}].`,
    );
  }
}

function warnOfComment(source: Source, option: Setting['option'], findings: Findings): void {
  const mark = /[^\S\n][#;]/.exec(option.value);
  if (mark === null) return;
  const origin = originWithin(option.pieces, mark.index + 1);
  findings.warning(
    'PORTICO_PASTE_INLINE_COMMENT',
    origin,
    source.name,
    `"${mark[0].trim()}" after text begins no comment: it belongs to the value.`,
    'A comment must be a line of its own.',
  );
}

function hiderOf(name: string): string {
  return name === 'here' || name === '__file__' ? 'every file' : 'the configuration handed in';
}

/** Filters of a pipeline that stand twice. */
export function warnOfRepeats(context: Context, findings: Findings): void {
  const met = new Set<string>();
  for (const filter of context.filters ?? []) {
    const text = filter.reference.text ?? '';
    if (met.has(text)) {
      const { origin } = filter.reference;
      findings.warning('PORTICO_PASTE_FILTER_TWICE', origin, '', `the filter "${text}" stands twice in this pipeline.`);
    }
    met.add(text);
  }
}

/** Options that sections give to what they use, and that no factory gets. */
export function warnOfLost(context: Context, findings: Findings): void {
  if (context.used.length === 0 || reachesFactory(context)) return;
  const { name } = headerOf({ ...context, section: context.reference.section });
  const what = context.type === 'pipeline' ? 'a pipeline' : `the filter around "${name}"`;
  for (const { option } of context.used.flatMap(({ localConf }) => [...localConf.values()])) {
    const { origin } = option;
    findings.warning(
      'PORTICO_PASTE_LOST_OPTION',
      origin,
      origin.file,
      `this option goes nowhere: the section uses ${what}, and no factory gets it.`,
      'Write it in the section of the app or filter it is meant for.',
    );
  }
}

function reachesFactory(context: Context): boolean {
  switch (context.type) {
    case 'pipeline':
      return false;
    case 'filter-app':
      return context.filter!.localConf === context.localConf && reachesFactory(context.filter!);
    case 'filter-with':
      return context.next!.localConf === context.localConf && reachesFactory(context.next!);
    default:
      return true;
  }
}
