/**
 * What is wrong with the paste file, when the service's configuration is refused anyway: all mistakes in one run.
 */
import type { Config } from '../config/index.js';
import { findingText, Loader, PasteError } from '../loader/index.js';
import { servingOptions } from '../server/index.js';
import type { Problems } from './problems.js';

/** Checks the file that `api_paste_config` names, factories included, and adds every error in it. */
export async function addPasteProblems(config: Config, problems: Problems): Promise<void> {
  const { apiPasteConfig } = config.group('DEFAULT', servingOptions, { partial: true });
  const path = config.findFile(apiPasteConfig);
  if (path === undefined) return;
  const findings = await Loader.checkFile(path, { config });
  const errors = findings.filter(({ severity }) => severity === 'error');
  problems.add(errors.map(findingText), PasteError);
}
