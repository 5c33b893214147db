/**
 * What is wrong with a configuration, as data and as text: every problem found, each with its place.
 */
import { ConfigurationRefused, nearestNames, type Origin } from '../../errors/index.js';
import { printable } from '../../text/index.js';

/** Where a value comes from. `detail` says it in words an operator knows. */
export interface Location {
  readonly kind: 'default' | 'set_default' | 'override' | 'file' | 'environment' | 'command_line' | 'source';
  /** `portico.ini:3:8`, the name of the variable, the argument's number, the name of the source. */
  readonly detail: string;
  /** The place in the file, for `file` and `source`. */
  readonly origin?: Origin | undefined;
}

/** One problem. Errors refuse the configuration; warnings do not. */
export interface ConfigIssue {
  readonly severity: 'error' | 'warning';
  /** `PORTICO_CONFIG_` and a constant: what tests and tools go by. */
  readonly code: string;
  readonly group?: string | undefined;
  readonly opt?: string | undefined;
  readonly location?: Location | undefined;
  /** What is wrong, without place and value. */
  readonly message: string;
  /** The value as written, `****` for a secret. */
  readonly got?: string | undefined;
  /** What to do. */
  readonly hint?: string | undefined;
}

/** A configuration that was refused; `issues` holds everything that is wrong with it, the message one line for each. */
export class ConfigError extends ConfigurationRefused {
  declare readonly issues: readonly ConfigIssue[];

  constructor(issues: readonly ConfigIssue[]) {
    super('PORTICO_CONFIG_REFUSED', { message: issues.map(describeIssue).join('\n') });
    // Not enumerable: the message says it all, and Node prints what an uncaught error has.
    Object.defineProperty(this, 'issues', { value: Object.freeze([...issues]) });
  }
}

/** Throws when there are errors among the issues. */
export function refuseErrors(issues: readonly ConfigIssue[]): void {
  const refusal = refusalFor(issues);
  if (refusal !== undefined) throw refusal;
}

/** What a configuration is refused with for the errors among its issues; undefined where there are none. */
export function refusalFor(issues: readonly ConfigIssue[]): ConfigError | undefined {
  const errors = issues.filter(({ severity }) => severity === 'error');
  return errors.length > 0 ? new ConfigError(errors) : undefined;
}

/**
 * One issue as compilers write them: `portico.ini:3:8: error: [wsgi] max_headers: should be an integer; got many`, and
 * the hint on a line of its own.
 */
export function describeIssue(issue: ConfigIssue): string {
  const group = issue.group === undefined ? '' : `[${issue.group}] `;
  const option = issue.opt === undefined ? '' : `${issue.opt}: `;
  const got = issue.got === undefined ? '' : `; got ${oneLine(issue.got)}`;
  const place = issue.location === undefined ? '' : placeOf(issue.location);
  const text = `${place === '' ? '' : `${place}: `}${issue.severity}: ${group}${option}${issue.message}${got}`;
  return issue.hint === undefined ? text : `${text}\n  ${issue.hint}`;
}

/** `did you mean 'workers'?`, or undefined when no name is near. */
export function suggestion(word: string, candidates: Iterable<string>): string | undefined {
  const names = nearestNames(word, new Set(candidates)).map((name) => `'${name}'`);
  return names.length === 0 ? undefined : `did you mean ${names.join(' or ')}?`;
}

/** A place in words: `portico.ini:3:8`, `env PORTICO_WSGI__KEEP_ALIVE`, `command line, argument 2`; empty for a default. */
export function placeOf({ kind, detail }: Location): string {
  if (kind === 'default') return '';
  if (kind === 'environment') return `env ${detail}`;
  return kind === 'command_line' ? `command line, ${detail}` : detail;
}

function oneLine(value: string): string {
  const shown = value.length > 200 ? `${value.slice(0, 200)}…` : value;
  return shown === '' ? "''" : printable(shown.replaceAll('\r\n', '\n'));
}
