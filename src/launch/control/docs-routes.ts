/** The descriptions of APIs. A worker makes them: the routes are in the application, which the parent does not import. */
import type { Config } from '../../config/index.js';
import { nearestOrAll } from '../../errors/index.js';
import type { LauncherStatus } from '../launcher-status.js';
import type { Answer } from '../report/questions.js';
import { adminOptions } from './admin-options.js';
import { ControlRefused, type ControlRoutes, pageAnswer } from './control-server.js';

/** Whose APIs are described. */
interface Describing {
  readonly name: string;
  readonly config: Config | undefined;
  status(): Pick<LauncherStatus, 'services'>;
  readonly runner: { readonly fleet?: { describe(service: string): Promise<Answer | undefined> } | undefined };
}

/** `[admin] docs`. */
export function hasDocs(config: Config | undefined): boolean {
  return config?.group('admin', adminOptions).docs === true;
}

export function docsRoutes({ name: program, config, status, runner }: Describing): ControlRoutes {
  const names = (): readonly string[] => {
    if (!hasDocs(config)) throw refused(404, 'PORTICO_DOCS_OFF', 'no API is described', 'Set docs = true in [admin].');
    return status().services.map(({ name }) => name);
  };
  const documentOf = async (service = ''): Promise<unknown> => {
    const known = names();
    if (!known.includes(service)) {
      const hint = nearestOrAll(service, known);
      throw refused(404, 'PORTICO_NO_SUCH_SERVICE', `there is no service ${JSON.stringify(service)}`, hint);
    }
    const answer = await runner.fleet?.describe(service);
    if (answer?.body !== undefined) return answer.body;
    const why = answer?.error ?? (runner.fleet === undefined ? 'it has no workers' : 'none of its workers serves');
    throw refused(503, 'PORTICO_NOT_DESCRIBED', `${service} cannot be described: ${why}`);
  };
  // Loaded when they are first asked for.
  const pages = () => import('../page/index.js');
  return {
    'GET /docs': async () => pageAnswer((await pages()).apisPage(program, names())),
    'GET /docs/:service': async ({ params: { service } }) => {
      const document = await documentOf(service);
      return pageAnswer((await pages()).apiPage(service!, document));
    },
    'GET /docs/:service/openapi.json': ({ params: { service } }) => documentOf(service),
  };
}

function refused(status: number, code: string, message: string, hint?: string): ControlRefused {
  return new ControlRefused(status, code, { message, hint });
}
