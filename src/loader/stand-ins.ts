/**
 * Stand-ins for factories that are not installed, such as those of a Python service, so that a file can be drawn and tried before anything of
 * it is moved: an app that responds with 501, a filter that passes requests on, a composite with the children that its options name.
 */
import type { App } from '../app/index.js';
import { byOption } from './composite/by-option.js';
import { urlmap } from './composite/urlmap.js';
import { versionedUrlmap } from './composite/versioned-urlmap.js';
import { type Context, headerOf, isComposite } from './load-context.js';
import { NOT_INSTALLED, PasteError } from './paste-error.js';

const unwritten = (): App => (_req, res) => {
  res.statusCode = 501;
  res.end();
};
const passing = () => (app: App) => app;
const wrapping = (app: App) => app;

/** Returns the stand-in for a factory that an error could not find, and sets its protocol; undefined for another error. */
export function standInFor(context: Context, error: unknown): unknown {
  if (!(error instanceof PasteError) || !NOT_INSTALLED.test(error.code)) return undefined;
  const { kind } = context;
  const what = /^composite?$/.test(headerOf(context).prefix) ? 'composite' : kind;
  context.protocol ??= `paste.${what}_factory`;
  if (kind === 'filter') return context.protocol === 'paste.filter_app_factory' ? wrapping : passing;
  return isComposite(context) ? compositeFor(context, error.alias?.target) : unwritten;
}

/** Returns the composite of the proposed target, else a map if its options are mounts; without either it has no children. */
function compositeFor({ localConf }: Context, target: string | undefined): unknown {
  if (target === 'portico/loader:byOption') return byOption;
  if (target === 'portico/loader:versionedUrlmap') return versionedUrlmap;
  return [...localConf.keys()].some((name) => name.startsWith('/')) ? urlmap : unwritten;
}
