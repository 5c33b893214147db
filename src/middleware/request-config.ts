/**
 * request_config: the configuration of the paste file, for applications that look it up in the environ.
 */
import { afterResponse, type Conf, type Description, environ, type Filter, type FilterFactory } from '../app/index.js';
import { catching } from '../app/internal.js';

declare module '../app/index.js' {
  interface Environ {
    /** Global and local configuration of the nearest request_config filter: PasteDeploy's `paste.config`. */
    pasteConfig?: ReadonlyMap<string, string>;
  }
}

/** Puts `[DEFAULT]` and the section, which wins, into `environ(req).pasteConfig`. Any option may be in its section. */
export const requestConfig: FilterFactory & { readonly describe: () => Description } = Object.assign(
  (globalConf: Conf, localConf: Conf): Filter => {
    const merged: ReadonlyMap<string, string> = new Map([...globalConf, ...localConf]);
    return (app) => (req, res) => {
      const env = environ(req);
      const outer = env.pasteConfig;
      const restore = (): void => {
        if (outer === undefined) delete env.pasteConfig;
        else env.pasteConfig = outer;
      };
      env.pasteConfig = merged;
      afterResponse(res, restore);
      return catching(app, req, res, (error) => {
        restore();
        throw error;
      });
    };
  },
  { describe: () => ({ does: "passes the section's options to the application" }) },
);
