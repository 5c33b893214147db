/**
 * All that an API rests on, looked at together: what is wrong with one part hides nothing of the others.
 */
import type { TlsOptions } from 'node:tls';
import type { Config } from '../../config/index.js';
import { gatherRefusals } from '../../errors/index.js';
import { PasteAppNotFound } from '../../loader/index.js';
import type { Logger } from '../../log/index.js';
import { ApiServing } from './api-serving.js';
import { type ApiSettings, apiSettings, tlsSettings } from './api-settings.js';
import { type AppLoader, checkApp, pasteLoader } from './paste-config.js';
import type { WSGIServiceOptions } from './wsgi-service-options.js';

/** What the files say of an API. */
export interface ApiPlan {
  readonly settings: ApiSettings;
  readonly serving: ApiServing;
  readonly loader: AppLoader;
  /** Undefined for plain HTTP, and in development for a certificate that is yet to be made. */
  readonly tls: TlsOptions | undefined;
}

/**
 * Reads options, paste file and certificates of an API. Throws what is wrong with any of them as one refusal. A name that
 * the paste file does not have is told alone: such an API is not served, and nothing else of it matters.
 */
export function apiPlan(
  name: string,
  config: Config,
  given: Pick<WSGIServiceOptions, 'loader' | 'useSsl' | 'dev'> & { readonly log: Logger },
): ApiPlan {
  const serving = new ApiServing(name, config, given);
  let settings: ApiSettings | undefined;
  let missing: PasteAppNotFound | undefined;
  try {
    const [, loader, tls] = gatherRefusals(
      () => {
        settings = apiSettings(config, name);
      },
      () => {
        const found = given.loader ?? pasteLoader(config, given.log, name);
        try {
          if (settings !== undefined) checkApp(found, settings.pipeline);
        } catch (error) {
          if (error instanceof PasteAppNotFound) missing = error;
          throw error;
        }
        return found;
      },
      () => serving.tlsOptions({ tls: tlsSettings(config, name) }),
    );
    return { settings: settings!, serving, loader, tls };
  } catch (error) {
    throw missing ?? error;
  }
}
