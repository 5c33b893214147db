/** Errors of factories: calls that fail, and results of the wrong kind. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  ConfigurationRefused,
  type Diagnostic,
  errorText,
  locationInFile,
  type Origin,
  PorticoError,
  shownPath,
} from '../errors/index.js';
import { whileLoading } from '../process/index.js';
import type { Awaitable } from '../service/index.js';
import { looksSecret, masked } from '../text/index.js';
import { type Context, headerOf } from './load-context.js';
import { FactoryFailed, PasteError, type PasteErrorDetails } from './paste-error.js';
import { type Kind, PROTOCOLS } from './section.js';

/** Calls a factory or a filter with the options `conf`. An error that it throws is wrapped with its section. */
export async function guarded<T>(
  context: Context,
  call: () => Awaitable<T>,
  mistakable = true,
  conf: ReadonlyMap<string, string> = new Map(),
): Promise<T> {
  try {
    return await whileLoading(() => loadingText(context), call);
  } catch (error) {
    const { origin } = headerOf(context);
    if (error instanceof PasteError)
      throw error.origin === undefined ? context.reference.explain(error.with({ origin })) : error;
    if (error instanceof ConfigurationRefused) throw located(error, origin);
    const failed = new FactoryFailed('PORTICO_PASTE_FACTORY_FAILED', {
      message: `${named(context)}: ${context.factory?.written ?? 'its factory'} failed: ${withoutSecrets(errorText(error), conf)}`,
      origin,
      cause: error,
      diagnostics: inCode(error, context, conf),
      hint: mistakable && isNoFactory(error) ? HOW_CALLED : hintOf(error),
    });
    throw context.reference.explain(failed);
  }
}

/** Returns a refusal in which what has no place, such as a missing package, has that of the section. */
function located(error: ConfigurationRefused, origin: Origin | undefined): ConfigurationRefused {
  const { code, diagnostics, cause, hint } = error;
  if (origin === undefined || diagnostics.every(({ location }) => location !== undefined)) return error;
  const location = locationInFile({ ...origin, section: undefined, option: undefined });
  const placed = diagnostics.map((each) => ({ ...each, location: each.location ?? location }));
  return new ConfigurationRefused(code, { diagnostics: placed, hint, cause });
}

/** Returns the errors of a thrown one that have lines in files, such as those of routes in the code, each with the section's line as a note. */
function inCode(
  error: unknown,
  context: Context,
  conf: ReadonlyMap<string, string>,
): readonly Diagnostic[] | undefined {
  const { prefix, name, origin } = headerOf(context);
  if (!(error instanceof PorticoError) || error.diagnostics.some(({ location }) => location?.origin === undefined))
    return undefined;
  const note = `${context.factory?.written ?? 'its factory'} failed${origin === undefined ? '' : `: ${locationInFile(origin).detail}`}`;
  const shown = (text: string | undefined): string | undefined => text && withoutSecrets(text, conf);
  return error.diagnostics.map(({ location, section = `${prefix}:${name}`, message, hint, got, ...each }) => {
    const from = location!.origin!;
    const place = locationInFile({ ...from, file: shownPath(from.file) });
    const texts = { message: withoutSecrets(message, conf), hint: shown(hint), got: shown(got) };
    return { ...each, ...texts, location: place, section, note };
  });
}

/** Masks the values of options whose names mark them as secrets. */
function withoutSecrets(text: string, conf: ReadonlyMap<string, string>): string {
  const secrets = [...conf].flatMap(([name, value]) => (looksSecret(name) && value.length >= 4 ? [value] : []));
  // The longest first: one may be a part of another.
  secrets.sort((one, other) => other.length - one.length);
  return secrets.reduce((left, secret) => left.replaceAll(secret, masked), text);
}

const HOW_CALLED =
  'A factory is called with (globalConf, localConf, ctx) and returns the app or filter: is its outer function missing?';

function hintOf(error: unknown): string | undefined {
  return error instanceof PorticoError ? error.hint : undefined;
}

/** Reports whether an error comes from a filter or an app called in place of a factory, with plain values as arguments. */
function isNoFactory(error: unknown): boolean {
  return error instanceof TypeError && error.message.endsWith(' is not a function');
}

/** Describes a running factory, for a start that takes too long. */
function loadingText(context: Context): string {
  const { origin } = headerOf(context);
  const place = origin === undefined ? '' : `${origin.file}:${origin.line}:${origin.column}: `;
  return `${place}${named(context)} ${context.factory?.written ?? ''}`.trimEnd();
}

/** The protocols that can be created, and the kind of each. */
const KNOWN: ReadonlyMap<string | null, Kind> = new Map(
  (Object.keys(PROTOCOLS) as Kind[]).flatMap((kind) => PROTOCOLS[kind].flat().map((protocol) => [protocol, kind])),
);

/** Reports whether a factory of this protocol makes the requested kind. */
export function usableProtocol({ protocol, kind }: Context): boolean {
  return KNOWN.get(protocol) === kind;
}

/** Returns the error for a factory that is no function. */
export function notAFactory(context: Context): PasteError {
  const { written, value, origin } = context.factory!;
  return refused('PORTICO_PASTE_BAD_TYPE', context, {
    message: `${written} is ${kindOfValue(value)}, which is not a factory.`,
    hint: 'Use a function: module:export.',
    origin,
  });
}

/** Returns the error for a factory whose protocol is missing or unknown. */
export function unknownProtocol(context: Context): PasteError {
  const { protocol, factory, reference } = context;
  const written = factory?.written ?? 'the factory';
  return refused('PORTICO_PASTE_UNKNOWN_PROTOCOL', context, {
    message:
      protocol === null
        ? `${written} has no protocol here: it is unknown whether it makes an app or a filter.`
        : `${written} has the unknown protocol ${protocol}.`,
    hint: 'Put it into a separate section: [app:…], [composite:…] or [filter:…] with "use = call:…".',
    origin: reference.origin,
  });
}

/** Returns the error for a factory or filter that returned a value of the wrong kind; `verb` follows its name. */
export function wrongResult(context: Context, verb: string, result: unknown, wanted: string): PasteError {
  return refused('PORTICO_PASTE_BAD_TYPE', context, {
    message: `${named(context)}: ${context.factory?.written ?? 'the filter'}${verb} ${kindOfValue(result)} instead of ${wanted}.`,
    hint:
      wanted === 'an app'
        ? `An app is a function (req, res); a factory returns it, or a promise of it.${isUnbuilt(result) ? ' A Router makes one: return router.build().' : ''}`
        : 'A filter is a function that takes an app and returns one; its factory returns that function.',
  });
}

/** Reports whether a value is a builder such as a Router, before its `build()`. */
function isUnbuilt(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'build' in value && typeof value.build === 'function';
}

/** Returns the error for an app in place of a filter. */
export function appForFilter(context: Context): PasteError {
  return refused('PORTICO_PASTE_BAD_TYPE', context, {
    message: `${named(context)}: ${context.factory!.written} returned an app (req, res) instead of a filter.`,
    hint: `A filter is a function (app) that returns an app. An app, such as a Router, needs a section [app:…] with paste.app_factory. ${HOW_CALLED}`,
  });
}

/** Returns the error for a filter in place of an app. */
export function filterForApp(context: Context): PasteError {
  return refused('PORTICO_PASTE_BAD_TYPE', context, {
    message: `${named(context)}: ${context.factory!.written} returned a filter (app) instead of an app.`,
    hint: 'An app is a function (req, res). A filter needs a section [filter:…] with paste.filter_factory, and its name before an app in a pipeline.',
  });
}

/** Reports whether a function is a filter: it takes one argument, and returns a function for an app. */
export async function isFilter(value: unknown): Promise<boolean> {
  if (typeof value !== 'function' || value.length !== 1) return false;
  try {
    // An app of one parameter may wait for ever.
    const result: unknown = await Promise.race([value(() => undefined), nextTurn()]);
    return typeof result === 'function';
  } catch {
    return false;
  }
}

/** Returns an error about a context: at the given place, else at its section. */
function refused(code: string, context: Context, details: PasteErrorDetails): PasteError {
  const origin = details.origin ?? headerOf(context).origin;
  return context.reference.explain(new PasteError(code, { ...details, origin }));
}

function named(context: Context): string {
  const { prefix, name } = headerOf(context);
  return `${prefix} "${name}"`;
}

/** Returns a value's kind with its article: `a list`, `a number`. */
function kindOfValue(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'object') return Array.isArray(value) ? 'a list' : 'an object';
  return typeof value === 'function' ? 'a function' : `a ${typeof value}`;
}
