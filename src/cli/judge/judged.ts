/**
 * A configuration as a validation sees it: a copy with the options of all loaded code, which it may read and change; and the list of its errors:
 * values that their declarations refuse, names without an owner, errors of the paste file, and findings of others.
 */
import type { Config } from '../../config/index.js';
import { asFarAsKnown } from '../../config/internal.js';
import { type Diagnostic, inOrder, shownPath, whole } from '../../errors/index.js';
import { type Names, namesIn, pipelineOf } from '../../server/internal.js';
import { besideOptions } from '../configured/passed-over.js';
import { registerNamed } from '../configured/shipped-options.js';

/** Options of {@link judgedCopy}. */
export interface JudgedOptions {
  /** True for a program that may start other services than the enabled ones, and have no paste file. */
  readonly embeds?: boolean;
}

export interface Judged {
  readonly config: Config;
  readonly names: Names;
  /** Returns the errors of the paste file. `imports`: after the import of all code that it names, whether an API uses it or not. */
  ofPasteFile(imports: boolean): Promise<readonly Diagnostic[]>;
  /** Returns one list of these findings and of the errors in values and names. `loads`: false if no code was loaded. */
  mistakes(found: readonly (readonly Diagnostic[])[], loads?: boolean): readonly Diagnostic[];
}

export function judgedCopy(given: Config, { embeds = false }: JudgedOptions = {}): Judged {
  const config = given.copy({ declared: true });
  config.registerLoaded();
  const names = namesIn(config);
  registerNamed(config, names);
  const apis = names.apis.map((name) => ({ name, pipeline: pipelineOf(config, name) }));
  const isPasted = apis.length > 0 || (!embeds && names.services.length === 0);
  const files = [undefined, ...config.configFiles.map(shownPath)];
  return {
    config,
    names,
    ofPasteFile: async (imports) =>
      isPasted ? (await import('./paste-mistakes.js')).pasteMistakes(config, { apis }, imports) : [],
    mistakes: (found, loads = true) => {
      const own = asFarAsKnown(config.problems(), found.flat(), loads);
      return inOrder(whole(own, besideOptions(config), ...found), files);
    },
  };
}
