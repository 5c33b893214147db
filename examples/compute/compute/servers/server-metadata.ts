/**
 * Descriptions that users give a server: its metadata, keys and values; and its tags, as in the API-SIG's guideline on tags, from 2.26 on.
 */
import { quoteClient } from 'portico/app';
import { type ActionRequest, type Args, action, Reply } from 'portico/routing';
import { Controller, refuse } from '../api.js';
import { exceeds, quotasOf } from '../project-quotas.js';
import { closed, metadata, tag } from '../schemas.js';
import { changeServer, findServer } from './stored-servers.js';

const all = closed({ metadata }, 'metadata');
const one = closed({ meta: { ...metadata, minProperties: 1, maxProperties: 1 } }, 'meta');

type Metadata = Record<string, string>;

/** The metadata of a server: keys and values that its users set. */
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
      const { metadata_items } = quotasOf(this.cloud, project_id);
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

const MOST_TAGS = 50;
/** The schema's rule, for a tag in the path. The flag `u` counts characters instead of UTF-16 code units. */
const ALLOWED = /^[^,/]{1,60}$/u;

const allTags = closed({ tags: { type: 'array', items: tag, maxItems: MOST_TAGS } }, 'tags');
const versions = ['2.26'] as const;

/** The tags of a server. */
export class ServerTags extends Controller {
  readonly index = action({ versions }, (request, { server_id }) => {
    return { tags: this.cloud.read(() => this.#tagsOf(request, server_id)) };
  });

  readonly show = action({ versions, status: 204 }, (request, { server_id, id }) => {
    const tags = this.cloud.read(() => this.#tagsOf(request, server_id));
    refuseUnknownTag(tags, String(id));
  });

  readonly updateAll = action({ versions, body: allTags }, (request, { server_id }) => {
    const tags = [...new Set(request.body.tags)];
    this.cloud.write(() => changeServer(this.cloud, request, server_id, { tags }));
    return { tags };
  });

  readonly update = action({ versions }, (request, { server_id, id }) => {
    const tag = String(id);
    return this.cloud.write(() => {
      const tags = this.#tagsOf(request, server_id);
      if (tags.includes(tag)) return new Reply(null, { status: 204 });
      if (!ALLOWED.test(tag) || tags.length >= MOST_TAGS) {
        refuse(400, `The tag ${quoteClient(tag)} cannot be added.`);
      }
      changeServer(this.cloud, request, server_id, { tags: [...tags, tag] });
      return new Reply(null, { status: 201, headers: { Location: request.url() } });
    });
  });

  readonly deleteAll = action({ versions, status: 204 }, (request, { server_id }) => {
    this.cloud.write(() => changeServer(this.cloud, request, server_id, { tags: [] }));
  });

  readonly delete = action({ versions, status: 204 }, (request, { server_id, id }) => {
    this.cloud.write(() => {
      const tags = this.#tagsOf(request, server_id);
      refuseUnknownTag(tags, String(id));
      changeServer(this.cloud, request, server_id, { tags: tags.filter((tag) => tag !== String(id)) });
    });
  });

  #tagsOf(request: ActionRequest, serverId: unknown): readonly string[] {
    return findServer(this.cloud, request, serverId).tags;
  }
}

function refuseUnknownTag(tags: readonly string[], tag: string): void {
  if (!tags.includes(tag)) refuse(404, `There is no tag '${quoteClient(tag)}'.`);
}
