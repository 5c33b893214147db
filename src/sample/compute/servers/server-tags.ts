/** The tags of a server, as in the API-SIG's guideline on tags. From 2.26 on. */
import { quoteClient } from 'portico/app';
import { type ActionRequest, action, Reply } from 'portico/routing';
import { Controller, refuse } from '../api.js';
import { closed, tag } from '../schemas.js';
import { changeServer, findServer } from './stored-servers.js';

const MOST_TAGS = 50;
/** The schema's rule, for a tag in the path. The flag `u` counts characters instead of UTF-16 code units. */
const ALLOWED = /^[^,/]{1,60}$/u;

const body = closed({ tags: { type: 'array', items: tag, maxItems: MOST_TAGS } }, 'tags');
const versions = ['2.26'] as const;

export class ServerTags extends Controller {
  readonly index = action({ versions }, (request, { server_id }) => {
    return { tags: this.cloud.read(() => this.#tagsOf(request, server_id)) };
  });

  readonly show = action({ versions, status: 204 }, (request, { server_id, id }) => {
    const tags = this.cloud.read(() => this.#tagsOf(request, server_id));
    refuseUnknown(tags, String(id));
  });

  readonly updateAll = action({ versions, body }, (request, { server_id }) => {
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
      refuseUnknown(tags, String(id));
      changeServer(this.cloud, request, server_id, { tags: tags.filter((tag) => tag !== String(id)) });
    });
  });

  #tagsOf(request: ActionRequest, serverId: unknown): readonly string[] {
    return findServer(this.cloud, request, serverId).tags;
  }
}

function refuseUnknown(tags: readonly string[], tag: string): void {
  if (!tags.includes(tag)) refuse(404, `There is no tag '${quoteClient(tag)}'.`);
}
