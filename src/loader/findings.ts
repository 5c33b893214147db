/**
 * Findings of a load: errors and warnings with their locations; and warnings of sections and trees that PasteDeploy accepts but that are
 * suspicious.
 */
import {
  ConfigurationRefused,
  type Diagnostic,
  errorText,
  inOrder,
  isError,
  locationInFile,
  nearestNames,
  type Origin,
  PorticoError,
} from '../errors/index.js';
import { originWithin, type PasteOption, type PasteSection } from '../ini/index.js';
import { problemError, SPOILT_HEADER } from './document.js';
import { type Context, headerOf } from './load-context.js';
import { headerParts, KIND_OF, meantPrefix } from './section.js';
import type { Source } from './source.js';

/** Collects findings, each once. */
export class Findings {
  /** The file of findings without a location. */
  readonly #file: string;
  readonly #found = new Map<string, Diagnostic>();
  /**
   * If set, errors are warnings, because they prevent no start: the configuration does not choose this part, or no enabled API reaches
   * it.
   */
  harmless: false | 'unchosen' | 'unreached' = false;
  /** If set, a warning in place of errors with these codes. */
  instead: (Omit<Diagnostic, 'severity'> & { readonly found: RegExp }) | undefined;
  /** True if the configuration is wrong, and not only code that it names. */
  blames = false;
  /** Names that the errors suggest. */
  readonly meant = new Set<string>();

  constructor(file: string) {
    this.#file = file;
  }

  /** Adds any error of a load or of a factory. */
  error(error: unknown): void {
    if (error instanceof PorticoError && this.instead?.found.test(error.code) === true) {
      const { found: _, ...warning } = this.instead;
      this.add({ severity: 'warning', ...warning });
      return;
    }
    this.blames ||= !(error instanceof ConfigurationRefused) || error.blamesConfiguration;
    if (error instanceof PorticoError) {
      for (const each of error.diagnostics) this.add(each);
      return;
    }
    this.add({ severity: 'error', code: 'PORTICO_PASTE_FACTORY_FAILED', message: errorText(error) });
  }

  warning(code: string, origin: Origin | undefined, message: string, hint?: string): void {
    const { section, option } = origin ?? {};
    this.add({
      severity: 'warning',
      code,
      location: origin && locationInFile(origin),
      section,
      option,
      message,
      hint,
    });
  }

  /** Warns of an unused filter, unless a mistyped name probably meant it. */
  unused(name: string, origin: Origin): void {
    if (this.meant.has(name)) return;
    this.warning('PORTICO_PASTE_UNUSED_SECTION', origin, 'this filter is not used.');
  }

  get size(): number {
    return this.#found.size;
  }

  /** Makes warnings of the errors found since there were so many findings: they have prevented nothing. */
  forgive(since: number): void {
    for (const [key, found] of [...this.#found].slice(since))
      if (isError(found)) this.#found.set(key, { ...found, severity: 'warning' });
  }

  /** Returns all findings, by place. `read`: the files in the order in which they were read. */
  sorted(read: readonly string[]): Diagnostic[] {
    // At one place, in whatever order they were found: errors of the file, those of factories, warnings.
    const rank = (each: Diagnostic): number => (isError(each) ? Number(!each.code.startsWith('PORTICO_PASTE_')) : 2);
    const found = [...this.#found.values()].sort((a, b) => rank(a) - rank(b));
    const inFiles = read.flatMap((file) => found.filter(({ location }) => location?.origin?.file === file));
    return inOrder([...inFiles, ...found]);
  }

  /** Adds a finding, once. */
  add(diagnostic: Diagnostic): void {
    const { severity, code, section, option, message } = diagnostic;
    const location = diagnostic.location ?? locationInFile({ file: this.#file, line: 1, column: 1 });
    // An error of one place may be found several times, in other words; a whole file may have several errors.
    const told = location.origin?.line === 1 || !code.startsWith('PORTICO_PASTE_') ? message : '';
    const key = JSON.stringify([code, location.detail, section, option, told]);
    if (this.#found.has(key)) return;
    if (diagnostic.meant !== undefined) this.meant.add(diagnostic.meant);
    const isUnreached = severity === 'error' && this.harmless === 'unreached';
    this.#found.set(key, {
      ...diagnostic,
      location,
      severity: this.harmless === false ? severity : 'warning',
      message: isUnreached ? message.replace(/\.?$/, ' (no enabled API uses it)$&') : message,
    });
  }
}

/** Returns the lines that findings propose for `[portico:aliases]`, as a block to paste; undefined if there are none. */
export function aliasBlock(findings: readonly Diagnostic[]): string | undefined {
  const lines = new Set(findings.flatMap(({ proposal }) => proposal ?? []));
  if (lines.size === 0) return undefined;
  return ['[portico:aliases]', 'python =', ...[...lines].map((line) => `    ${line}`)].join('\n');
}

/** Warns of options that a default hides, of comments that became part of a value, and of headers without a closing bracket. */
export function warnOfSection(source: Source, section: PasteSection, findings: Findings): void {
  for (const option of section.options.values()) {
    const { name, origin } = option;
    if (source.isDefault(name) && !/^[sg]et /.test(name)) {
      const by = source.defaultOption(name)?.origin;
      const hider = by === undefined ? hiderOf(name) : `[DEFAULT] (${by.file}:${by.line})`;
      findings.warning(
        'PORTICO_PASTE_HIDDEN_OPTION',
        origin,
        `this line has no effect: ${hider} has an option "${name}", which hides it.`,
        `Write "set ${name} = …" to change the default for this section, or rename one of the two.`,
      );
    }
    warnOfComment(option, findings);
    if (name.startsWith('['))
      findings.warning(
        SPOILT_HEADER,
        origin,
        `this line is an option of [${origin.section}], not a section header.`,
        `Is it a section header without its end? Write ${name}:${option.value}].`,
      );
  }
}

function hiderOf(name: string): string {
  return name === 'here' || name === '__file__' ? 'every file' : 'the configuration handed in';
}

/**
 * Reports the errors in the lines of a file; warns of options in `[DEFAULT]` that have no effect there, and of headers that would define
 * something but for a blank, a capital or a misspelling.
 */
export function findInFile(source: Source, findings: Findings): void {
  for (const problem of source.document.problems) {
    if (problem.kind === 'duplicate-option' && problem.subject === '') continue;
    findings.error(problemError(problem));
  }
  for (const name of ['use', 'filter-with', 'pipeline', 'next']) {
    const option = source.defaultOption(name);
    if (option === undefined) continue;
    findings.warning(
      'PORTICO_PASTE_DEFAULT_FACTORY',
      option.origin,
      `"${name}" in [DEFAULT] has no effect, and hides "${name}" in every section.`,
      'Move it into the sections that need it.',
    );
  }
  const { defaults, sections } = source.document;
  for (const option of defaults?.options.values() ?? []) warnOfComment(option, findings);
  for (const { name: header, origin } of sections.values()) {
    const { prefix, name } = headerParts(header);
    if (name !== undefined && KIND_OF.has(prefix)) continue;
    const near = name === undefined ? nearestNames(header, ['DEFAULT'])[0] : nearPrefix(meantPrefix(prefix));
    if (near === undefined || prefix === near) continue;
    const colon = name === undefined ? '' : ':';
    const message = `this section is never found: "${prefix}${colon}" is not "${near}${colon}".`;
    findings.warning(SPOILT_HEADER, origin, message, `Write [${near}${colon}${name ?? ''}].`);
  }
}

/** Returns a prefix itself, or the nearest one to a word of at least six letters, because short words such as `api` have other meanings. */
function nearPrefix(word: string): string | undefined {
  if (KIND_OF.has(word)) return word;
  return word.length < 6 ? undefined : nearestNames(word, KIND_OF.keys())[0];
}

function warnOfComment({ value, pieces }: PasteOption, findings: Findings): void {
  const mark = /[^\S\n][#;]/.exec(value);
  if (mark === null) return;
  findings.warning(
    'PORTICO_PASTE_INLINE_COMMENT',
    originWithin(pieces, mark.index + 1),
    `"${mark[0].trim()}" after text does not start a comment: it belongs to the value.`,
    'Write a comment on a separate line.',
  );
}

/**
 * Reports whether an outer filter of the pipeline has written the request's line already: swift has proxy-logging twice, from one section,
 * and one line for a request.
 */
export function logsAgain(filter: Context, filters: readonly Context[]): boolean {
  const { factory, reference } = filter;
  if ((factory?.value as { group?: unknown } | undefined)?.group !== 'request_log') return false;
  return filters.findIndex((each) => each.reference.text === reference.text) < filters.indexOf(filter);
}

/** Warns of filters that a pipeline has twice. */
export function warnOfRepeats({ filters }: Context, findings: Findings): void {
  const met = new Set<string>();
  for (const filter of filters) {
    const { text = '', origin } = filter.reference;
    if (met.has(text) && !logsAgain(filter, filters)) {
      findings.warning('PORTICO_PASTE_FILTER_TWICE', origin, `the filter "${text}" is in this pipeline twice.`);
    }
    met.add(text);
  }
}

/** Warns of options that sections pass to the context they use, but that no factory gets. */
export function warnOfLost(context: Context, findings: Findings): void {
  if (context.used.length === 0 || reachesFactory(context)) return;
  const { kind, reference } = context;
  const { name } = headerOf({ kind, reference, section: reference.section });
  const what = context.type === 'pipeline' ? 'a pipeline' : `the filter around "${name}"`;
  for (const { option } of context.used.flatMap(({ localConf }) => [...localConf.values()])) {
    findings.warning(
      'PORTICO_PASTE_LOST_OPTION',
      option.origin,
      `this option has no effect: the section uses ${what}, and no factory receives it.`,
      'Move it to the section of the app or filter it is meant for.',
    );
  }
}

/** Reports whether options added to a context reach its factory. */
function reachesFactory(context: Context): boolean {
  const { type, filters, inner, localConf } = context;
  if (inner === undefined) return true;
  if (type === 'pipeline') return false;
  const own = type === 'filter-app' ? filters[0]! : inner;
  return own.localConf === localConf && reachesFactory(own);
}
