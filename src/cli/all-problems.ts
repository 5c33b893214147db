/**
 * What else is wrong, when the configuration is refused anyway: all mistakes in one run.
 */
import type { Config } from '../config/index.js';
import { findingText, Loader, markedLine, PasteAppNotFound, PasteError } from '../loader/index.js';
import { servingOptions } from '../server/index.js';
import type { Problems } from './problems.js';
import { registerShippedOptions } from './shipped-options.js';

/**
 * Judges the configuration by every option that ships, and the paste file by its factories; adds every error. An API
 * that was refused at its first option never asked for the others.
 */
export async function addAllProblems(config: Config, problems: Problems): Promise<void> {
  await problems.gather(() => registerShippedOptions(config));
  await problems.gather(() => config.validate({ complete: false }));
  const { apiPasteConfig } = config.group('DEFAULT', servingOptions, { partial: true });
  const path = config.findFile(apiPasteConfig);
  if (path === undefined) return;
  const findings = await Loader.checkFile(path, { config, trial: false });
  const errors = findings.filter(({ severity }) => severity === 'error');
  problems.add(
    errors.map((finding) => [findingText(finding), markedLine(finding)].filter(Boolean).join('\n')),
    (refusal) => refusal instanceof PasteError && !(refusal instanceof PasteAppNotFound),
  );
}
