/** The route table of the compute API. */
import type { Logger } from 'portico';
import { Router } from 'portico/routing';
import { Aggregates } from './aggregates.js';
import { extraSpecs, Flavors } from './flavors.js';
import { Hypervisors, Services, Zones } from './hosts.js';
import { Images } from './images.js';
import { KeyPairs } from './key-pairs.js';
import { Limits } from './limits.js';
import { ServerActions } from './server-actions.js';
import { ServerGroups } from './server-groups.js';
import { ServerParts, Servers, serverMetadata, Tags } from './servers.js';
import { VERSIONS } from './versions.js';

const controllers = {
  ...{ flavors: Flavors, extraSpecs, images: Images, keyPairs: KeyPairs, groups: ServerGroups, limits: Limits },
  ...{ services: Services, hypervisors: Hypervisors, zones: Zones, aggregates: Aggregates },
  ...{ servers: Servers, serverActions: ServerActions, metadata: serverMetadata, tags: Tags, parts: ServerParts },
};

const LIST = { GET: 'index', POST: 'create' };
const ITEM = { GET: 'show', PUT: 'update', DELETE: 'delete' };

/** Path, controller, and the action of each method. Those for GET are called by their path. */
const TABLE: readonly (readonly [
  path: string,
  controller: keyof typeof controllers,
  actions: Record<string, string>,
])[] = [
  ['/flavors', 'flavors', LIST],
  ['/flavors/detail', 'flavors', { GET: 'detail' }],
  ['/flavors/{id}', 'flavors', ITEM],
  ['/flavors/{flavor_id}/os-extra_specs', 'extraSpecs', LIST],
  ['/flavors/{flavor_id}/os-extra_specs/{id}', 'extraSpecs', ITEM],
  ['/images', 'images', { GET: 'index' }],
  ['/images/detail', 'images', { GET: 'detail' }],
  ['/images/{id}', 'images', { GET: 'show' }],
  ['/os-keypairs', 'keyPairs', LIST],
  ['/os-keypairs/{id}', 'keyPairs', { GET: 'show', DELETE: 'delete' }],
  ['/os-server-groups', 'groups', LIST],
  ['/os-server-groups/{id}', 'groups', { GET: 'show', DELETE: 'delete' }],
  ['/limits', 'limits', { GET: 'index' }],
  ['/os-services', 'services', { GET: 'index' }],
  ['/os-services/{id}', 'services', { PUT: 'update' }],
  ['/os-hypervisors', 'hypervisors', { GET: 'index' }],
  ['/os-hypervisors/detail', 'hypervisors', { GET: 'detail' }],
  ['/os-hypervisors/statistics', 'hypervisors', { GET: 'statistics' }],
  ['/os-hypervisors/{id}', 'hypervisors', { GET: 'show' }],
  ['/os-hypervisors/{id}/uptime', 'hypervisors', { GET: 'uptime' }],
  ['/os-availability-zone', 'zones', { GET: 'index' }],
  ['/os-availability-zone/detail', 'zones', { GET: 'detail' }],
  ['/os-aggregates', 'aggregates', LIST],
  ['/os-aggregates/{id}', 'aggregates', ITEM],
  ['/os-aggregates/{id}/action', 'aggregates', { POST: 'action' }],
  ['/servers', 'servers', LIST],
  ['/servers/detail', 'servers', { GET: 'detail' }],
  ['/servers/{id}', 'servers', ITEM],
  ['/servers/{id}/action', 'serverActions', { POST: 'action' }],
  ['/servers/{server_id}/metadata', 'metadata', { ...LIST, PUT: 'updateAll' }],
  ['/servers/{server_id}/metadata/{id}', 'metadata', ITEM],
  ['/servers/{server_id}/tags', 'tags', { GET: 'index', PUT: 'updateAll', DELETE: 'deleteAll' }],
  ['/servers/{server_id}/tags/{id}', 'tags', ITEM],
  ['/servers/{server_id}/ips', 'parts', { GET: 'ips' }],
  ['/servers/{server_id}/os-interface', 'parts', { GET: 'interfaces' }],
  ['/servers/{server_id}/os-volume_attachments', 'parts', { GET: 'volumes' }],
  ['/servers/{server_id}/os-security-groups', 'parts', { GET: 'securityGroups' }],
  ['/servers/{server_id}/os-instance-actions', 'parts', { GET: 'actions' }],
];

/** The compute API's routes to its controllers. */
export function computeRouter(log: Logger): Router {
  const router = new Router({ controllers, versions: VERSIONS, faultStyle: 'openstack', schemas: 'required', log });
  for (const [path, controller, actions] of TABLE) {
    for (const [method, action] of Object.entries(actions)) {
      router.connect(method === 'GET' ? path : null, path, { controller, action, conditions: { method: [method] } });
    }
  }
  return router;
}
