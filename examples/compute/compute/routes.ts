/** The route table of the compute API. */

import { Router } from 'portico/routing';
import { type ComputeApi, refuse } from './api.js';
import { ExtraSpecs } from './flavors/extra-specs.js';
import { FlavorAccess } from './flavors/flavor-access.js';
import { Flavors } from './flavors/flavors.js';
import { Aggregates } from './hosts/aggregates.js';
import { Hosts } from './hosts/hosts.js';
import { Hypervisors } from './hosts/hypervisors.js';
import { Services, Zones } from './hosts/services.js';
import { Images } from './images.js';
import { KeyPairs } from './key-pairs.js';
import { Limits } from './limits.js';
import { QuotaClasses, QuotaSets } from './quotas.js';
import { ServerGroups } from './server-groups.js';
import { ServerActions } from './servers/server-actions.js';
import { ServerMetadata, ServerTags } from './servers/server-metadata.js';
import { Migrations, ServerMigrations, ServerParts, Servers } from './servers/servers.js';
import { Usages } from './usages.js';
import { VERSIONS } from './versions.js';

/** Agents in servers: nova has removed them, and responds with 410. */
class Agents {
  gone(): never {
    return refuse(410, 'This resource is no longer available. No forwarding address is given.');
  }
}

/** The routes in matching order: methods, path, controller, action and, for links, a name. */
const ROUTES = [
  ['GET', '/flavors', Flavors, 'index'],
  ['POST', '/flavors', Flavors, 'create'],
  ['GET', '/flavors/detail', Flavors, 'detail'],
  ['GET', '/flavors/{id}', Flavors, 'show', 'flavor'],
  ['PUT', '/flavors/{id}', Flavors, 'update'],
  ['DELETE', '/flavors/{id}', Flavors, 'delete'],

  ['POST', '/flavors/{id}/action', FlavorAccess, 'action'],
  ['GET', '/flavors/{flavor_id}/os-flavor-access', FlavorAccess, 'index'],

  ['GET', '/flavors/{flavor_id}/os-extra_specs', ExtraSpecs, 'index'],
  ['POST', '/flavors/{flavor_id}/os-extra_specs', ExtraSpecs, 'create'],
  ['GET', '/flavors/{flavor_id}/os-extra_specs/{id}', ExtraSpecs, 'show'],
  ['PUT', '/flavors/{flavor_id}/os-extra_specs/{id}', ExtraSpecs, 'update'],
  ['DELETE', '/flavors/{flavor_id}/os-extra_specs/{id}', ExtraSpecs, 'delete'],

  ['GET', '/images', Images, 'index'],
  ['GET', '/images/detail', Images, 'detail'],
  ['GET', '/images/{id}', Images, 'show', 'image'],

  ['GET', '/os-keypairs', KeyPairs, 'index'],
  ['POST', '/os-keypairs', KeyPairs, 'create'],
  ['GET', '/os-keypairs/{id}', KeyPairs, 'show'],
  ['DELETE', '/os-keypairs/{id}', KeyPairs, 'delete'],

  ['GET', '/os-server-groups', ServerGroups, 'index'],
  ['POST', '/os-server-groups', ServerGroups, 'create'],
  ['GET', '/os-server-groups/{id}', ServerGroups, 'show'],
  ['DELETE', '/os-server-groups/{id}', ServerGroups, 'delete'],

  ['GET', '/limits', Limits, 'index'],

  ['GET', '/os-quota-sets/{id}', QuotaSets, 'show'],
  ['PUT', '/os-quota-sets/{id}', QuotaSets, 'update'],
  ['DELETE', '/os-quota-sets/{id}', QuotaSets, 'delete'],
  ['GET', '/os-quota-sets/{id}/defaults', QuotaSets, 'defaults'],
  ['GET', '/os-quota-sets/{id}/detail', QuotaSets, 'detail'],
  ['GET', '/os-quota-class-sets/{id}', QuotaClasses, 'show'],
  ['PUT', '/os-quota-class-sets/{id}', QuotaClasses, 'update'],

  ['GET', '/os-simple-tenant-usage', Usages, 'index'],
  ['GET', '/os-simple-tenant-usage/{id}', Usages, 'show'],

  ['GET', '/os-services', Services, 'index'],
  ['PUT', '/os-services/{id}', Services, 'update'],

  ['GET', '/os-hypervisors', Hypervisors, 'index'],
  ['GET', '/os-hypervisors/detail', Hypervisors, 'detail'],
  ['GET', '/os-hypervisors/statistics', Hypervisors, 'statistics'],
  ['GET', '/os-hypervisors/{id}', Hypervisors, 'show'],
  ['GET', '/os-hypervisors/{id}/search', Hypervisors, 'search'],
  ['GET', '/os-hypervisors/{id}/uptime', Hypervisors, 'uptime'],

  ['GET', '/os-hosts', Hosts, 'index'],
  ['GET', '/os-hosts/{id}', Hosts, 'show'],
  ['PUT', '/os-hosts/{id}', Hosts, 'update'],

  ['GET POST', '/os-agents', Agents, 'gone'],
  ['PUT DELETE', '/os-agents/{id}', Agents, 'gone'],
  ['GET', '/os-migrations', Migrations, 'index'],

  ['GET', '/os-availability-zone', Zones, 'index'],
  ['GET', '/os-availability-zone/detail', Zones, 'detail'],

  ['GET', '/os-aggregates', Aggregates, 'index'],
  ['POST', '/os-aggregates', Aggregates, 'create'],
  ['GET', '/os-aggregates/{id}', Aggregates, 'show'],
  ['PUT', '/os-aggregates/{id}', Aggregates, 'update'],
  ['DELETE', '/os-aggregates/{id}', Aggregates, 'delete'],
  ['POST', '/os-aggregates/{id}/action', Aggregates, 'action'],

  ['GET', '/servers', Servers, 'index'],
  ['POST', '/servers', Servers, 'create'],
  ['GET', '/servers/detail', Servers, 'detail'],
  ['GET', '/servers/{id}', Servers, 'show', 'server'],
  ['PUT', '/servers/{id}', Servers, 'update'],
  ['DELETE', '/servers/{id}', Servers, 'delete'],
  ['POST', '/servers/{id}/action', ServerActions, 'action'],

  ['GET', '/servers/{server_id}/ips', ServerParts, 'ips'],
  ['GET', '/servers/{server_id}/os-interface', ServerParts, 'interfaces'],
  ['GET', '/servers/{server_id}/os-volume_attachments', ServerParts, 'volumes'],
  ['GET', '/servers/{server_id}/os-security-groups', ServerParts, 'securityGroups'],
  ['GET', '/servers/{server_id}/os-instance-actions', ServerParts, 'actions'],
  ['GET', '/servers/{server_id}/os-instance-actions/{id}', ServerParts, 'oneAction'],
  ['GET', '/servers/{server_id}/migrations', ServerMigrations, 'index'],
  ['GET', '/servers/{server_id}/migrations/{id}', ServerMigrations, 'show'],

  ['GET', '/servers/{server_id}/metadata', ServerMetadata, 'index'],
  ['POST', '/servers/{server_id}/metadata', ServerMetadata, 'create'],
  ['PUT', '/servers/{server_id}/metadata', ServerMetadata, 'updateAll'],
  ['GET', '/servers/{server_id}/metadata/{id}', ServerMetadata, 'show'],
  ['PUT', '/servers/{server_id}/metadata/{id}', ServerMetadata, 'update'],
  ['DELETE', '/servers/{server_id}/metadata/{id}', ServerMetadata, 'delete'],

  ['GET', '/servers/{server_id}/tags', ServerTags, 'index'],
  ['PUT', '/servers/{server_id}/tags', ServerTags, 'updateAll'],
  ['DELETE', '/servers/{server_id}/tags', ServerTags, 'deleteAll'],
  ['GET', '/servers/{server_id}/tags/{id}', ServerTags, 'show'],
  ['PUT', '/servers/{server_id}/tags/{id}', ServerTags, 'update'],
  ['DELETE', '/servers/{server_id}/tags/{id}', ServerTags, 'delete'],
] as const;

/** Returns a router for the controllers of the compute API. */
export function computeRouter(api: ComputeApi): Router {
  const router = new Router({ versions: VERSIONS, faultStyle: 'openstack', schemas: 'required', log: api.log });
  const classes = new Set(ROUTES.map(([, , Class]) => Class));
  const controllers = new Map([...classes].map((Class) => [Class, new Class(api)]));
  for (const [method, path, Class, action, name = null] of ROUTES) {
    const controller = controllers.get(Class)!;
    router.connect(name, path, { controller, action, conditions: { method: method.split(' ') } });
  }
  return router;
}
