/** request_config: the configuration of the paste file, for applications that read it from the environ. */
import { afterResponse, environ, type FilterFactory } from '../app/index.js';
import { catching } from '../app/internal.js';

declare module '../app/index.js' {
  interface Environ {
    /** The global and local configuration of the nearest request_config filter, as PasteDeploy's `paste.config`. */
    pasteConfig?: ReadonlyMap<string, string>;
  }
}

/**
 * Sets `environ(req).pasteConfig` to the options of `[DEFAULT]` and of the section, which takes precedence. Accepts any option in its
 * section.
 */
export const requestConfig: FilterFactory = (globalConf, localConf) => {
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
    return catching(app, (error) => {
      restore();
      throw error;
    })(req, res);
  };
};
