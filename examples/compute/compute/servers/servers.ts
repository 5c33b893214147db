/** Servers: list, show, create, change and delete; their parts, and their migrations. */
import { collectionPage } from 'portico/openstack';
import { type ActionRequest, type Args, action, Reply } from 'portico/routing';
import type { Action } from '../../records.js';
import { Controller, refuse, requireAdmin } from '../api.js';
import { isHostUp, surroundingsOf } from '../hosts/compute-hosts.js';
import { isTrue, query, strict } from '../schemas.js';
import { changeOnHost, taskMs } from './host-tasks.js';
import { createServers, newPassword } from './server-create.js';
import { listQuery, listServers } from './server-list.js';
import { change, creation } from './server-schemas.js';
import { changedServerView, serverDetail, serverReference, serverView } from './server-view.js';
import { findServer, findUnlocked, recordAction } from './stored-servers.js';
import { beginTask } from './transitions.js';

export class Servers extends Controller {
  readonly index = action({ query: listQuery }, (request) => {
    const servers = this.cloud.read(() => listServers(this.cloud, request, 'index'));
    return collectionPage(request, 'servers', servers, {
      show: (server) => serverReference(request, server),
      maxLimit: this.settings.maxLimit,
    });
  });

  readonly detail = action({ query: listQuery }, async (request) => {
    const around = await surroundingsOf(this.api, request);
    return this.cloud.read(() =>
      collectionPage(request, 'servers', listServers(this.cloud, request, 'detail'), {
        show: (server) => serverDetail(around, request, server),
        maxLimit: this.settings.maxLimit,
      }),
    );
  });

  async show(request: ActionRequest, { id }: Args) {
    const around = await surroundingsOf(this.api, request);
    return this.cloud.read(() => ({ server: serverView(around, request, findServer(this.cloud, request, id)) }));
  }

  readonly create = action({ status: 202, body: creation }, async (request) => {
    const { server: asked } = request.body;
    const servers = await createServers(this.api, request, request.body);
    const { id, reservation_id } = servers[0]!;
    if (isTrue(asked.return_reservation_id)) return { reservation_id };
    const server = {
      id,
      links: serverReference(request, servers[0]!).links,
      'OS-DCF:diskConfig': 'MANUAL',
      adminPass: asked.adminPass ?? newPassword(),
      security_groups: asked.security_groups ?? [{ name: 'default' }],
    };
    return new Reply({ server }, { headers: { Location: request.url('server', { id }) } });
  });

  readonly update = action({ body: change }, async (request, { id }) => {
    const around = await surroundingsOf(this.api, request);
    return this.cloud.write(() => {
      // A locked server can be changed too.
      const server = { ...findServer(this.cloud, request, id), ...request.body.server, updatedAt: Date.now() };
      return { server: changedServerView(around, request, this.cloud.servers.update(server.id, server)) };
    });
  });

  /** If the server's host is down, the server is deleted without it. */
  readonly delete = action({ status: 204 }, async (request, { id }) => {
    const { host } = this.cloud.read(() => findUnlocked(this.cloud, request, id));
    const isUp = host !== null && (await isHostUp(this.api, host));
    const ms = taskMs(this.api, isUp ? host : null);
    await changeOnHost(this.api, request, id, (server) => {
      recordAction(this.cloud, request, 'delete', server);
      return { ...server, task: beginTask('deleting', 'deleted', ms) };
    });
  });
}

/** Further resources of a server: its history, and parts that are always empty here. */
export class ServerParts extends Controller {
  readonly ips = this.#empty({ addresses: {} });
  readonly interfaces = this.#empty({ interfaceAttachments: [] });
  readonly volumes = this.#empty({ volumeAttachments: [] });
  readonly securityGroups = this.#empty({ security_groups: [] });

  /** Lists the actions, newest first. */
  actions(request: ActionRequest, { server_id }: Args) {
    const actions = this.cloud.read(() => this.cloud.actions.listOf(findServer(this.cloud, request, server_id).id));
    return { instanceActions: actions.toReversed().map((action) => actionView(request, action)) };
  }

  /** Shows one action, by the id of its request. Without `events`, because the work of hosts is not recorded. */
  oneAction(request: ActionRequest, { server_id, id }: Args) {
    const actions = this.cloud.read(() => this.cloud.actions.listOf(findServer(this.cloud, request, server_id).id));
    const found = actions.find(({ request_id }) => request_id === id) ?? refuse(404, `Action ${String(id)} not found`);
    return { instanceAction: { ...actionView(request, found), events: [] } };
  }

  /** Defines an action that checks that the server exists and returns a constant. */
  #empty(answer: object) {
    return (request: ActionRequest, { server_id }: Args) => {
      this.cloud.read(() => findServer(this.cloud, request, server_id));
      return answer;
    };
  }
}

function actionView({ apiVersion }: ActionRequest, record: Action): object {
  const { action, instance_uuid, request_id, user_id, project_id, start_time } = record;
  const view = { action, instance_uuid, request_id, user_id, project_id, message: null, start_time };
  return apiVersion.atLeast('2.58') ? { ...view, updated_at: start_time } : view;
}

const ofMigration = ['hidden', 'host', 'instance_uuid', 'source_compute', 'status', 'migration_type'] as const;
const page = [...ofMigration, 'limit', 'marker', 'changes-since'] as const;
const migrationQuery = {
  '2.1': query(...ofMigration),
  '2.59': strict(query(...page)),
  '2.66': strict(query(...page, 'changes-before')),
} as const;

/** Migrations of servers: always none, because servers stay on the host where they were created. */
export class Migrations extends Controller {
  readonly index = action({ query: migrationQuery }, (request) => {
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
