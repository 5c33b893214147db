/** Servers: looking at them, making, changing and removing them. */
import { collectionPage } from 'portico/openstack';
import { type ActionRequest, type Args, action, Reply } from 'portico/routing';
import type { ComputeApi } from '../api.js';
import { isTrue } from '../schemas.js';
import { createServers, newPassword } from './server-create.js';
import { listServers, query } from './server-list.js';
import { change, creation } from './server-schemas.js';
import { changedServerView, serverDetail, serverReference, serverView } from './server-view.js';
import { changeServer, findServer, recordAction } from './stored-servers.js';
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

  readonly detail = action({ query }, (request) => {
    const { cloud, settings } = this.#api;
    return cloud.read(() =>
      collectionPage(request, 'servers', listServers(cloud, request, 'detail'), {
        show: (server) => serverDetail(cloud, request, server),
        maxLimit: settings.maxLimit,
      }),
    );
  });

  show(request: ActionRequest, { id }: Args) {
    const { cloud } = this.#api;
    return cloud.read(() => ({ server: serverView(cloud, request, findServer(cloud, request, id)) }));
  }

  readonly create = action({ status: 202, body: creation }, (request) => {
    const { cloud } = this.#api;
    const { server: asked } = request.body;
    const servers = cloud.write(() => createServers(this.#api, request, request.body));
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

  readonly update = action({ body: change }, (request, { id }) => {
    const { cloud } = this.#api;
    return cloud.write(() => {
      // Also while it is locked.
      const server = { ...findServer(cloud, request, id), ...request.body.server, updatedAt: Date.now() };
      return { server: changedServerView(cloud, request, cloud.servers.update(server.id, server)) };
    });
  });

  readonly delete = action({ status: 204 }, (request, { id }) => {
    const { cloud, settings } = this.#api;
    cloud.write(() => {
      const server = changeServer(cloud, request, id, { task: beginTask('deleting', 'deleted', settings) });
      recordAction(cloud, request, 'delete', server);
    });
  });
}
