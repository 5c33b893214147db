/** The metadata of a server: keys and values that its users set. */
import { quoteClient } from 'portico/app';
import { type ActionRequest, type Args, action } from 'portico/routing';
import { Controller, refuse } from '../api.js';
import { exceeds, quotasOf } from '../project-quotas.js';
import { closed, metadata } from '../schemas.js';
import { changeServer, findServer } from './stored-servers.js';

const all = closed({ metadata }, 'metadata');
const one = closed({ meta: { ...metadata, minProperties: 1, maxProperties: 1 } }, 'meta');

type Metadata = Record<string, string>;

export class ServerMetadata extends Controller {
  index(request: ActionRequest, { server_id }: Args) {
    return this.cloud.read(() => ({ metadata: findServer(this.cloud, request, server_id).metadata }));
  }

  show(request: ActionRequest, { server_id, id }: Args) {
    return this.cloud.read(() => {
      const known = findServer(this.cloud, request, server_id).metadata;
      return { meta: { [String(id)]: knownValue(known, String(id)) } };
    });
  }

  /** Adds or replaces the items of the body, and keeps the others. */
  readonly create = action({ body: all }, (request, { server_id }) => {
    return { metadata: this.#change(request, server_id, (known) => ({ ...known, ...request.body.metadata })) };
  });

  readonly updateAll = action({ body: all }, (request, { server_id }) => {
    return { metadata: this.#change(request, server_id, () => request.body.metadata) };
  });

  readonly update = action({ body: one }, (request, { server_id, id }) => {
    const { meta } = request.body;
    if (!Object.hasOwn(meta, String(id))) refuse(400, 'Request body and URI mismatch');
    this.#change(request, server_id, (known) => ({ ...known, ...meta }));
    return request.body;
  });

  readonly delete = action({ status: 204 }, (request, { server_id, id }) => {
    this.#change(request, server_id, (known) => {
      knownValue(known, String(id));
      const { [String(id)]: _, ...left } = known;
      return left;
    });
  });

  #change(request: ActionRequest, serverId: unknown, change: (known: Metadata) => Metadata): Metadata {
    return this.cloud.write(() => {
      const { metadata: known, project_id } = findServer(this.cloud, request, serverId);
      const metadata = change(known);
      const { metadata_items } = quotasOf(this.cloud, this.settings, project_id);
      if (exceeds(Object.keys(metadata).length, metadata_items)) {
        refuse(403, `Maximum number of metadata items exceeds ${metadata_items}`);
      }
      return changeServer(this.cloud, request, serverId, { metadata }).metadata;
    });
  }
}

function knownValue(known: Metadata, key: string): string {
  if (Object.hasOwn(known, key)) return known[key]!;
  refuse(404, `There is no key ${quoteClient(key)} in metadata.`);
}
