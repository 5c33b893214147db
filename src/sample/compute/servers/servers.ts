/** Servers: looking at them, making, changing and removing them. */
import { collectionPage } from 'portico/openstack';
import { type ActionRequest, type Args, action, Reply } from 'portico/routing';
import type { ComputeApi } from '../api.js';
import { isHostUp, surroundingsOf } from '../hosts/compute-hosts.js';
import { isTrue } from '../schemas.js';
import { changeOnHost, taskMs } from './host-tasks.js';
import { createServers, newPassword } from './server-create.js';
import { listServers, query } from './server-list.js';
import { change, creation } from './server-schemas.js';
import { changedServerView, serverDetail, serverReference, serverView } from './server-view.js';
import { findServer, findUnlocked, recordAction } from './stored-servers.js';
import { beginTask } from './transitions.js';

export class Servers {
  readonly #api: ComputeApi;

  constructor(api: ComputeApi) {
    this.#api = api;
  }

  readonly index = action({ query }, (request) => {
    const { cloud, settings } = this.#api;
    const servers = cloud.read(() => listServers(cloud, request, 'index'));
    return collectionPage(request, 'servers', servers, {
      show: (server) => serverReference(request, server),
      maxLimit: settings.maxLimit,
    });
  });

  readonly detail = action({ query }, async (request) => {
    const { cloud, settings } = this.#api;
    const around = await surroundingsOf(this.#api, request);
    return cloud.read(() =>
      collectionPage(request, 'servers', listServers(cloud, request, 'detail'), {
        show: (server) => serverDetail(around, request, server),
        maxLimit: settings.maxLimit,
      }),
    );
  });

  async show(request: ActionRequest, { id }: Args) {
    const { cloud } = this.#api;
    const around = await surroundingsOf(this.#api, request);
    return cloud.read(() => ({ server: serverView(around, request, findServer(cloud, request, id)) }));
  }

  readonly create = action({ status: 202, body: creation }, async (request) => {
    const { server: asked } = request.body;
    const servers = await createServers(this.#api, request, request.body);
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
    const { cloud } = this.#api;
    const around = await surroundingsOf(this.#api, request);
    return cloud.write(() => {
      // Also while it is locked.
      const server = { ...findServer(cloud, request, id), ...request.body.server, updatedAt: Date.now() };
      return { server: changedServerView(around, request, cloud.servers.update(server.id, server)) };
    });
  });

  /** A server whose host is down is forgotten without it. */
  readonly delete = action({ status: 204 }, async (request, { id }) => {
    const { cloud } = this.#api;
    const { host } = cloud.read(() => findUnlocked(cloud, request, id));
    const isUp = host !== null && (await isHostUp(this.#api, host));
    const ms = taskMs(this.#api, isUp ? host : null);
    await changeOnHost(this.#api, request, id, (server) => {
      recordAction(cloud, request, 'delete', server);
      return { ...server, task: beginTask('deleting', 'deleted', ms) };
    });
  });
}
