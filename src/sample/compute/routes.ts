/** The route table of the compute API. */
import type { Logger } from 'portico';
import { Router, serveController } from 'portico/routing';
import { Aggregates } from './aggregates.js';
import { extraSpecs, Flavors } from './flavors.js';
import { Hypervisors } from './hypervisors.js';
import { Images } from './images.js';
import { KeyPairs } from './key-pairs.js';
import { Limits } from './limits.js';
import { ServerActions } from './server-actions.js';
import { ServerGroups } from './server-groups.js';
import { ServerParts, serverMetadata, serverTags } from './server-parts.js';
import { Servers } from './servers.js';
import { Services, Zones } from './services.js';
import { VERSIONS } from './versions.js';

const TABLE = [
  ['/flavors', Flavors, 'index create detail show update delete'],
  ['/flavors/{flavor_id}/os-extra_specs', extraSpecs, 'index create show update delete'],
  ['/images', Images, 'index detail show'],
  ['/os-keypairs', KeyPairs, 'index create show delete'],
  ['/os-server-groups', ServerGroups, 'index create show delete'],
  ['/limits', Limits, 'index'],
  ['/os-services', Services, 'index update'],
  ['/os-hypervisors', Hypervisors, 'index detail statistics=/statistics show uptime=/{id}/uptime'],
  ['/os-availability-zone', Zones, 'index detail'],
  ['/os-aggregates', Aggregates, 'index create show update delete action'],
  ['/servers', Servers, 'index create detail show update delete'],
  ['/servers', ServerActions, 'action'],
  ['/servers/{server_id}', ServerParts, 'ips=/ips interfaces=/os-interface volumes=/os-volume_attachments'],
  ['/servers/{server_id}', ServerParts, 'securityGroups=/os-security-groups actions=/os-instance-actions'],
  ['/servers/{server_id}/metadata', serverMetadata, 'index create updateAll show update delete'],
  ['/servers/{server_id}/tags', serverTags, 'index updateAll deleteAll show update delete'],
] as const;

/** The compute API's routes to its controllers. Those for GET are called by their path. */
export function computeRouter(log: Logger): Router {
  const router = new Router({ versions: VERSIONS, faultStyle: 'openstack', schemas: 'required', log });
  for (const [path, controller, actions] of TABLE) serveController(router, path, controller, actions);
  return router;
}
