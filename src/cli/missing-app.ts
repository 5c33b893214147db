/**
 * What may have been meant by an API, or its `pipeline`, that the paste file has no app for.
 */

import { type Config, ConfigError } from '../config/index.js';
import { locationOfItem } from '../config/internal.js';
import { type Diagnostic, didYouMean } from '../errors/index.js';
import { Loader, type PasteAppNotFound } from '../loader/index.js';
import { apiOptions, servingOptions } from '../server/internal.js';
import { apiSections, missingComma } from './api-names.js';

/** The `pipeline` that an API's section names; undefined where the API's own name is looked for. */
function ownPipeline(config: Config, name: string): string | undefined {
  try {
    return config.api(name, apiOptions, { partial: true }).pipeline || undefined;
  } catch (error) {
    // What is wrong with the section is reported as such.
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}

/** That the paste file has no app for an API: at the name that is wrong, with what may have been meant. A warning. */
export function missingAppIssue(config: Config, name: string, error: PasteAppNotFound): Diagnostic {
  const pipeline = ownPipeline(config, name);
  const [group, opt] = pipeline === undefined ? ['DEFAULT', 'enabled_apis'] : [`api:${name}`, 'pipeline'];
  const resolved = config.resolve(group, opt);
  const unset = pipeline === undefined && resolved.location.kind === 'default';
  const place = pipeline === undefined ? locationOfItem(resolved, name) : resolved.location;
  const { apiPasteConfig } = config.group('DEFAULT', servingOptions, { partial: true });
  return {
    severity: 'warning',
    code: error.code,
    ...(unset ? { section: `api:${name}` } : { section: group, option: opt }),
    place: unset ? config.getSectionLocation(`api:${name}`) : place,
    message: `no app is called "${pipeline ?? name}" in ${apiPasteConfig}, so this API does not start`,
    hint: missingAppHint(config, name, error),
  };
}

/**
 * The nearest of what would start: other APIs that have an app, and the apps of the paste file, which `error` knows.
 * Never the name itself.
 */
function missingAppHint(config: Config, name: string, error: PasteAppNotFound): string | undefined {
  if (ownPipeline(config, name) !== undefined) return error.hint;
  const { apiPasteConfig } = config.group('DEFAULT', servingOptions, { partial: true });
  const path = config.findFile(apiPasteConfig);
  if (path === undefined) return error.hint;
  const loader = new Loader(path, { config });
  const known = [
    ...apiSections(config),
    ...loader.sections().flatMap((each) => (each.kind === 'app' ? [each.name] : [])),
  ];
  const comma = missingComma(name, known);
  if (comma !== undefined) return comma;
  const others = apiSections(config).filter((each) => each !== name && loader.has(ownPipeline(config, each) ?? each));
  return didYouMean(name, others) ?? error.hint;
}
