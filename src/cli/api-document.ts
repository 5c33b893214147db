/**
 * The OpenAPI document of an API. Its apps are made for it, without the filters around them, and let go of.
 */
import { faultStyleOf } from '../app/index.js';
import type { Config } from '../config/index.js';
import { PorticoError } from '../errors/index.js';
import { describeNode } from '../loader/internal.js';
import { type ApiVersion, type DocumentedRouter, openApiOf } from '../routing/internal.js';
import type { WSGIService } from '../server/index.js';
import { formatAddress, isWildcard } from '../service/internal.js';
import { routedApps } from './api-routers.js';

/** `version`: null for all together. */
export async function documentOf(api: WSGIService, config: Config, version: ApiVersion | null): Promise<object> {
  const apps = await routedApps(config, [api]);
  const routers = apps.flatMap(({ routers: placed, filters }): DocumentedRouter[] => {
    const additions = filters.flatMap((filter) => describeNode(filter, config)?.openapi ?? []);
    return placed.map(({ router, prefix }) => ({ router, prefix, additions }));
  });
  if (version !== null) refuseUnserved(api, routers, version);
  return openApiOf(routers, {
    title: api.name,
    server: serverOf(api),
    apiVersion: version,
    faultStyle: faultStyleOf(config),
  });
}

function refuseUnserved(api: WSGIService, routers: readonly DocumentedRouter[], version: ApiVersion): void {
  const served = routers.flatMap(({ router }) => router.versions ?? []);
  if (served.some(({ min, max }) => version.atLeast(min) && version.atMost(max))) return;
  const ranges = served.map(({ min, max }) => `${min} to ${max}`).join(', ');
  throw new PorticoError('PORTICO_USAGE', {
    message: `${api.name} has no version ${version.text}`,
    hint: served.length === 0 ? 'It has no versions: leave --version out.' : `It has ${ranges}.`,
  });
}

/** Where clients on this machine find it; undefined for a Unix socket and a port that is chosen at the start. */
function serverOf({ addresses, usesTls }: WSGIService): string | undefined {
  const address = addresses.find((each) => 'port' in each && each.port !== 0);
  if (address === undefined || !('host' in address)) return undefined;
  const { host, port } = address;
  return `${usesTls ? 'https' : 'http'}://${formatAddress({ host: isWildcard(host) ? 'localhost' : host, port })}`;
}
