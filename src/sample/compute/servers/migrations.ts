/** Migrations of servers: always none, because servers stay on the host where they were created. */
import { type ActionRequest, action } from 'portico/routing';
import { Controller, refuse, requireAdmin } from '../api.js';
import { query, strict } from '../schemas.js';
import { findServer } from './stored-servers.js';

const filters = ['hidden', 'host', 'instance_uuid', 'source_compute', 'status', 'migration_type'] as const;
const page = [...filters, 'limit', 'marker', 'changes-since'] as const;
const listQuery = {
  '2.1': query(...filters),
  '2.59': strict(query(...page)),
  '2.66': strict(query(...page, 'changes-before')),
} as const;

export class Migrations extends Controller {
  readonly index = action({ query: listQuery }, (request) => {
    requireAdmin(request, 'os-migrations:index');
    return { migrations: [] };
  });
}

/** The migrations in progress of one server. */
export class ServerMigrations extends Controller {
  readonly index = action({ versions: ['2.23'] }, (request, { server_id }) => {
    this.#find(request, server_id, 'index');
    return { migrations: [] };
  });

  readonly show = action({ versions: ['2.23'] }, (request, { server_id, id }) => {
    const server = this.#find(request, server_id, 'show');
    refuse(404, `In-progress live migration ${String(id)} is not found for server ${server.id}.`);
  });

  #find(request: ActionRequest, id: unknown, verb: string) {
    requireAdmin(request, `servers:migrations:${verb}`);
    return this.cloud.read(() => findServer(this.cloud, request, id));
  }
}
