/**
 * Factory expressions, `package/subpath:export` or `./file.js:Class.method`: their values, and the errors of those that cannot be
 * resolved.
 */
import { statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { didYouMean, ignoreErrors, loadFailure, type Origin, PorticoError } from '../errors/index.js';
import { strip } from '../ini/index.js';
import {
  ExportMissing,
  type ExportReference,
  ImportFailed,
  importExport,
  ModuleMissing,
  moduleUrl,
  parseExportReference,
  searchFolders,
} from '../modules/index.js';
import { aboutFunction, counterpartOf } from './counterparts.js';
import { ownFilter } from './own-filters.js';
import { aliasLine, firstNames, PasteError } from './paste-error.js';

/** Parses an expression; extras in brackets, as in Python's entry points, are ignored. */
export function parseExpression(text: string): ExportReference | undefined {
  return parseExportReference(strip(text).replace(/\s*\[[^\]]*\]$/, ''));
}

/** Returns the expression without blanks and extras, the form in which aliases compare it. */
export function normalExpression(text: string): string {
  const parsed = parseExpression(text);
  if (parsed === undefined) return text;
  return parsed.name === undefined ? parsed.module : `${parsed.module}:${parsed.name}`;
}

/**
 * Imports the module of an expression, seen from `folder`, and returns the export; a method is bound to its owner. `written` is for
 * messages.
 */
export async function evaluateExpression(
  parsed: ExportReference,
  folder: string,
  written: string,
  origin: Origin,
): Promise<unknown> {
  const url = findModule(parsed.module, folder, written, origin);
  try {
    const { value, owner } = await importExport(parsed, url, ownFilter(parsed, url));
    if (owner === undefined || typeof value !== 'function') return value;
    // The bound method keeps the properties of the method, such as its declared options.
    return Object.assign((value as (...args: never[]) => unknown).bind(owner), value);
  } catch (error) {
    if (error instanceof ExportMissing) throw noExport(parsed, error, origin);
    if (!(error instanceof ImportFailed)) throw error;
    throw new PasteError('PORTICO_PASTE_NO_MODULE', {
      ...loadFailure(parsed.module, error.message),
      origin,
      hint: importHint(error.cause),
      cause: error.cause,
    });
  }
}

/** Returns the URL of an expression's module without importing it. Throws `PORTICO_PASTE_NO_MODULE` if there is none. */
export function findModule(module: string, folder: string, written: string, origin: Origin): string {
  try {
    return moduleUrl(module, folder);
  } catch (error) {
    if (error instanceof ModuleMissing) throw noModule(error, module, folder, written, origin);
    throw error;
  }
}

function noExport({ module, name }: ExportReference, { part, known }: ExportMissing, origin: Origin): PasteError {
  const there = known.length === 0 ? 'It exports nothing.' : `It has: ${firstNames(known)}.`;
  const which = name === undefined && known[0] !== undefined ? `Name one of them: ${module}:${known[0]}.` : undefined;
  return new PasteError('PORTICO_PASTE_BAD_FACTORY_EXPRESSION', {
    message: name === undefined ? `${module} has no default export.` : `${module} has no export "${name}".`,
    hint: [didYouMean(part, known), there, which].filter((sentence) => sentence !== undefined).join(' '),
    origin,
  });
}

/** Returns the hint for a module that does not parse, or that imports a file without its extension. */
function importHint(error: unknown): string | undefined {
  if (error instanceof PorticoError) return error.hint;
  const [, missing] = /^Cannot find module '([^']+)'/.exec((error as Error | undefined)?.message ?? '') ?? [];
  if (missing !== undefined) {
    const there = fileBeside(basename(missing).replace(/\.[cm]?js$/, ''), dirname(missing));
    return there === undefined ? undefined : `There is ${there.slice(2)}: an import needs the file extension.`;
  }
  if (!(error instanceof SyntaxError) || !/token 'export'|import statement|token 'import'/.test(error.message)) {
    return undefined;
  }
  return 'It is an ES module: rename it to .mjs, or set "type": "module" in its package.json.';
}

function noModule(error: ModuleMissing, module: string, folder: string, written: string, origin: Origin): PasteError {
  const beside = error.what === 'package' ? fileBeside(module, folder) : undefined;
  if (beside !== undefined) {
    return new PasteError('PORTICO_PASTE_NO_MODULE', {
      message: `no package is called ${JSON.stringify(module)}, but there is a file with this name.`,
      hint: `Relative modules begin with "./": write ${written.replace(module, beside)}.`,
      origin,
    });
  }
  const why =
    error.what === 'package' ? 'no such package is installed in a node_modules directory of this file' : error.message;
  const message = `no module is called ${JSON.stringify(module)}: ${why}.`;
  const looked = `Looked in node_modules of ${searchFolders(folder).join(', ')}, and above.`;
  if (error.what === 'package' && PYTHON_MODULE.test(module)) {
    const named = normalExpression(written);
    const slashed = module.replaceAll('.', '/');
    if (isFound(slashed, folder)) {
      const hint = `Did you mean "${named.replace(module, slashed)}"? Between the parts of a name is a "/".`;
      return new PasteError('PORTICO_PASTE_NO_MODULE', { message, origin, hint });
    }
    const [, name = 'factory'] = named.split(':');
    const counterpart = counterpartOf(named);
    const alias = { from: named, target: counterpart ?? `./${slashed}.js:${name}` };
    // Only Python has dots between words; a single word is more likely a package that is not installed.
    const about = module.includes('.')
      ? (aboutFunction(named) ?? 'It looks like a Python module.')
      : `${looked} Is it not installed there? If it is a Python module:`;
    const say =
      counterpart === undefined
        ? 'Map it in [portico:aliases]:'
        : 'By its name, this is the replacement; add it to [portico:aliases], or name a module:';
    const hint = `${about} ${say}\n    ${aliasLine(alias)}`;
    return new PasteError('PORTICO_PASTE_NO_MODULE', { message, origin, hint, alias });
  }
  const others =
    error.what === 'package'
      ? looked
      : 'Others are looked up in node_modules, starting from the directory of this file.';
  const known = error.what === 'subpath' ? `It has: ${firstNames(error.known)}.` : undefined;
  const hint = didYouMean(module, error.known) ?? known ?? `Relative modules begin with "./". ${others}`;
  return new PasteError('PORTICO_PASTE_NO_MODULE', { message, origin, hint });
}

/** Dotted Python identifiers, which may have letters of any script. */
const PYTHON_MODULE = /^[\p{XID_Start}_]\p{XID_Continue}*(\.[\p{XID_Start}_]\p{XID_Continue}*)*$/u;

/** Reports whether a package has a module, written with slashes: `portico/middleware`. */
function isFound(module: string, folder: string): boolean {
  return module.includes('/') && ignoreErrors(() => moduleUrl(module, folder)) !== undefined;
}

/** Returns the relative name of a file in the folder with that name, with or without an extension. */
function fileBeside(module: string, folder: string): string | undefined {
  const endings = ['', '.js', '.mjs', '.cjs', '.ts', '.mts'];
  const found = endings
    .map((ending) => `${module}${ending}`)
    .find((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.isFile() === true);
  return found === undefined ? undefined : `./${found}`;
}
