/** Servers: looking at them, making, changing and removing them. */
import { isTrue, object, objectSince, Reply } from 'portico/routing';
import type { Server } from '../records.js';
import { page, reads, writes } from './call.js';
import { addresses, createServers, type NewServer, newPassword, newServer } from './server-create.js';
import { listed, query } from './server-list.js';
import { change, record, serverOf } from './server-of.js';
import { during } from './server-states.js';
import { briefView, createdView, detailView, serverView } from './server-view.js';
import { description, name } from './texts.js';

const changes = objectSince(
  { '2.1': { 'name?': name, ...addresses }, '2.19': { 'description?': description } },
  (server) => object({ server }),
);

export class Servers {
  readonly index = reads({ query }, (call) => page(call, 'servers', listed(call, 'index'), briefView));
  readonly detail = reads({ query }, (call) => page(call, 'servers', listed(call, 'detail'), detailView));
  readonly show = reads({}, (call) => ({ server: serverView(serverOf(call), call) }));
  readonly create = writes<NewServer>({ status: 202, body: newServer }, (call) => {
    const { adminPass = newPassword(), security_groups = [{ name: 'default' }] } = call.body.server;
    const first = createServers(call)[0]!;
    if (isTrue(call.body.server.return_reservation_id)) return { reservation_id: first.reservation_id };
    const server = { ...createdView(first, call), adminPass, security_groups };
    const Location = call.url('/servers/{id}', { id: first.id });
    return new Reply({ server }, { status: 202, headers: { Location } });
  });
  readonly update = writes<{ server: Partial<Server> }>({ body: changes }, (call) => {
    const server = { ...serverOf(call), ...call.body.server, updatedAt: call.now };
    return { server: serverView(call.cloud.servers.update(server.id, server), call, 'change') };
  });
  readonly delete = writes({ status: 204 }, (call) => {
    record(call, 'delete', change(call, { task: during(call, 'deleting', 'deleted') }));
  });
}
