/** The route table of the compute API. */
import { Router } from 'portico/routing';
import { Agents } from './agents.js';
import type { ComputeApi } from './api.js';
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
import { Migrations, ServerMigrations } from './servers/migrations.js';
import { ServerActions } from './servers/server-actions.js';
import { ServerMetadata } from './servers/server-metadata.js';
import { ServerTags } from './servers/server-tags.js';
import { ServerParts, Servers } from './servers/servers.js';
import { Usages } from './usages.js';
import { VERSIONS } from './versions.js';

/** Returns the routes in matching order: methods, path, controller, action and, for links, a name. */
function routesOf(api: ComputeApi) {
  const flavors = new Flavors(api);
  const extraSpecs = new ExtraSpecs(api);
  const access = new FlavorAccess(api);
  const quotas = new QuotaSets(api);
  const classes = new QuotaClasses(api);
  const usages = new Usages(api);
  const hosts = new Hosts(api);
  const agents = new Agents();
  const migrations = new ServerMigrations(api);
  const images = new Images(api);
  const keyPairs = new KeyPairs(api);
  const groups = new ServerGroups(api);
  const services = new Services(api);
  const hypervisors = new Hypervisors(api);
  const zones = new Zones(api);
  const aggregates = new Aggregates(api);
  const servers = new Servers(api);
  const parts = new ServerParts(api);
  const metadata = new ServerMetadata(api);
  const tags = new ServerTags(api);
  return [
    ['GET', '/flavors', flavors, 'index'],
    ['POST', '/flavors', flavors, 'create'],
    ['GET', '/flavors/detail', flavors, 'detail'],
    ['GET', '/flavors/{id}', flavors, 'show', 'flavor'],
    ['PUT', '/flavors/{id}', flavors, 'update'],
    ['DELETE', '/flavors/{id}', flavors, 'delete'],

    ['POST', '/flavors/{id}/action', access, 'action'],
    ['GET', '/flavors/{flavor_id}/os-flavor-access', access, 'index'],

    ['GET', '/flavors/{flavor_id}/os-extra_specs', extraSpecs, 'index'],
    ['POST', '/flavors/{flavor_id}/os-extra_specs', extraSpecs, 'create'],
    ['GET', '/flavors/{flavor_id}/os-extra_specs/{id}', extraSpecs, 'show'],
    ['PUT', '/flavors/{flavor_id}/os-extra_specs/{id}', extraSpecs, 'update'],
    ['DELETE', '/flavors/{flavor_id}/os-extra_specs/{id}', extraSpecs, 'delete'],

    ['GET', '/images', images, 'index'],
    ['GET', '/images/detail', images, 'detail'],
    ['GET', '/images/{id}', images, 'show', 'image'],

    ['GET', '/os-keypairs', keyPairs, 'index'],
    ['POST', '/os-keypairs', keyPairs, 'create'],
    ['GET', '/os-keypairs/{id}', keyPairs, 'show'],
    ['DELETE', '/os-keypairs/{id}', keyPairs, 'delete'],

    ['GET', '/os-server-groups', groups, 'index'],
    ['POST', '/os-server-groups', groups, 'create'],
    ['GET', '/os-server-groups/{id}', groups, 'show'],
    ['DELETE', '/os-server-groups/{id}', groups, 'delete'],

    ['GET', '/limits', new Limits(api), 'index'],

    ['GET', '/os-quota-sets/{id}', quotas, 'show'],
    ['PUT', '/os-quota-sets/{id}', quotas, 'update'],
    ['DELETE', '/os-quota-sets/{id}', quotas, 'delete'],
    ['GET', '/os-quota-sets/{id}/defaults', quotas, 'defaults'],
    ['GET', '/os-quota-sets/{id}/detail', quotas, 'detail'],
    ['GET', '/os-quota-class-sets/{id}', classes, 'show'],
    ['PUT', '/os-quota-class-sets/{id}', classes, 'update'],

    ['GET', '/os-simple-tenant-usage', usages, 'index'],
    ['GET', '/os-simple-tenant-usage/{id}', usages, 'show'],

    ['GET', '/os-services', services, 'index'],
    ['PUT', '/os-services/{id}', services, 'update'],

    ['GET', '/os-hypervisors', hypervisors, 'index'],
    ['GET', '/os-hypervisors/detail', hypervisors, 'detail'],
    ['GET', '/os-hypervisors/statistics', hypervisors, 'statistics'],
    ['GET', '/os-hypervisors/{id}', hypervisors, 'show'],
    ['GET', '/os-hypervisors/{id}/search', hypervisors, 'search'],
    ['GET', '/os-hypervisors/{id}/uptime', hypervisors, 'uptime'],

    ['GET', '/os-hosts', hosts, 'index'],
    ['GET', '/os-hosts/{id}', hosts, 'show'],
    ['PUT', '/os-hosts/{id}', hosts, 'update'],

    ['GET POST', '/os-agents', agents, 'gone'],
    ['PUT DELETE', '/os-agents/{id}', agents, 'gone'],
    ['GET', '/os-migrations', new Migrations(api), 'index'],

    ['GET', '/os-availability-zone', zones, 'index'],
    ['GET', '/os-availability-zone/detail', zones, 'detail'],

    ['GET', '/os-aggregates', aggregates, 'index'],
    ['POST', '/os-aggregates', aggregates, 'create'],
    ['GET', '/os-aggregates/{id}', aggregates, 'show'],
    ['PUT', '/os-aggregates/{id}', aggregates, 'update'],
    ['DELETE', '/os-aggregates/{id}', aggregates, 'delete'],
    ['POST', '/os-aggregates/{id}/action', aggregates, 'action'],

    ['GET', '/servers', servers, 'index'],
    ['POST', '/servers', servers, 'create'],
    ['GET', '/servers/detail', servers, 'detail'],
    ['GET', '/servers/{id}', servers, 'show', 'server'],
    ['PUT', '/servers/{id}', servers, 'update'],
    ['DELETE', '/servers/{id}', servers, 'delete'],
    ['POST', '/servers/{id}/action', new ServerActions(api), 'action'],

    ['GET', '/servers/{server_id}/ips', parts, 'ips'],
    ['GET', '/servers/{server_id}/os-interface', parts, 'interfaces'],
    ['GET', '/servers/{server_id}/os-volume_attachments', parts, 'volumes'],
    ['GET', '/servers/{server_id}/os-security-groups', parts, 'securityGroups'],
    ['GET', '/servers/{server_id}/os-instance-actions', parts, 'actions'],
    ['GET', '/servers/{server_id}/os-instance-actions/{id}', parts, 'oneAction'],
    ['GET', '/servers/{server_id}/migrations', migrations, 'index'],
    ['GET', '/servers/{server_id}/migrations/{id}', migrations, 'show'],

    ['GET', '/servers/{server_id}/metadata', metadata, 'index'],
    ['POST', '/servers/{server_id}/metadata', metadata, 'create'],
    ['PUT', '/servers/{server_id}/metadata', metadata, 'updateAll'],
    ['GET', '/servers/{server_id}/metadata/{id}', metadata, 'show'],
    ['PUT', '/servers/{server_id}/metadata/{id}', metadata, 'update'],
    ['DELETE', '/servers/{server_id}/metadata/{id}', metadata, 'delete'],

    ['GET', '/servers/{server_id}/tags', tags, 'index'],
    ['PUT', '/servers/{server_id}/tags', tags, 'updateAll'],
    ['DELETE', '/servers/{server_id}/tags', tags, 'deleteAll'],
    ['GET', '/servers/{server_id}/tags/{id}', tags, 'show'],
    ['PUT', '/servers/{server_id}/tags/{id}', tags, 'update'],
    ['DELETE', '/servers/{server_id}/tags/{id}', tags, 'delete'],
  ] as const;
}

/** Returns a router for the controllers of the compute API. */
export function computeRouter(api: ComputeApi): Router {
  const router = new Router({ versions: VERSIONS, faultStyle: 'openstack', schemas: 'required', log: api.log });
  for (const [method, path, controller, action, name = null] of routesOf(api)) {
    router.connect(name, path, { controller, action, conditions: { method: method.split(' ') } });
  }
  return router;
}
