/** The actions of a server: `POST /servers/{id}/action`. The only key of the body selects the action. */
import { type ActionRequest, action, Reply } from 'portico/routing';
import type { Stored } from 'portico/sqlite';
import type { Server } from '../../records.js';
import { Controller, callerOf, refuse, requireAdmin } from '../api.js';
import { surroundingsOf } from '../hosts/compute-hosts.js';
import { anyText, closed, text } from '../schemas.js';
import { beginTransition, readConsole } from './host-tasks.js';
import { findKey, newPassword } from './server-create.js';
import { rebuilding } from './server-schemas.js';
import { rebuiltServerView } from './server-view.js';
import { findServer, recordAction } from './stored-servers.js';
import type { TransitionName } from './transitions.js';

const password = closed({ adminPass: anyText }, 'adminPass');
const reboot = closed({ type: { enum: ['SOFT', 'Soft', 'soft', 'HARD', 'Hard', 'hard'] } }, 'type');
const rebooting = closed({ reboot }, 'reboot');

const reason = closed({ locked_reason: text });
const locking = {
  '2.1': closed({ lock: {} }, 'lock'),
  '2.73': closed({ lock: { anyOf: [reason, { type: 'null' }] } }, 'lock'),
} as const;

const unlocking = closed({ unlock: {} }, 'unlock');

const lines = closed({
  length: { anyOf: [{ type: ['integer', 'string'], minimum: -1, pattern: '^-?[0-9]+$' }, { type: 'null' }] },
});
const readingConsole = closed({ 'os-getConsoleOutput': lines }, 'os-getConsoleOutput');

const state = closed({ state: { enum: ['active', 'error'] } }, 'state');
const resetting = closed({ 'os-resetState': state }, 'os-resetState');

export class ServerActions extends Controller {
  readonly start = this.#transition('os-start', 'start');
  readonly stop = this.#transition('os-stop', 'stop');
  readonly pause = this.#transition('pause', 'pause');
  readonly unpause = this.#transition('unpause', 'unpause');
  readonly suspend = this.#transition('suspend', 'suspend');
  readonly resume = this.#transition('resume', 'resume');
  readonly changePassword = this.#transition('changePassword', 'changePassword', password);

  readonly reboot = action({ bodyKey: 'reboot', status: 202, body: rebooting }, async (request, { id }) => {
    const isSoft = request.body.reboot.type.toUpperCase() === 'SOFT';
    await beginTransition(this.api, request, id, isSoft ? 'softReboot' : 'hardReboot');
  });

  readonly lock = action({ bodyKey: 'lock', status: 202, body: locking }, (request, { id }) => {
    const { lock } = request.body as { lock: { locked_reason?: string } | null };
    const reason = request.apiVersion.atLeast('2.73') ? lock?.locked_reason : undefined;
    this.cloud.write(() => {
      const server = findServer(this.cloud, request, id);
      const by = server.project_id === callerOf(request).projectId ? 'owner' : 'admin';
      if (by === 'owner' && server.locked_by !== null) return;
      this.#relock(request, 'lock', { ...server, locked_by: by, locked_reason: reason ?? server.locked_reason });
    });
  });

  readonly unlock = action({ bodyKey: 'unlock', status: 202, body: unlocking }, (request, { id }) => {
    this.cloud.write(() => {
      const server = findServer(this.cloud, request, id);
      if (server.locked_by === 'admin') requireAdmin(request, 'os-lock-server:unlock:unlock_override');
      this.#relock(request, 'unlock', { ...server, locked_by: null, locked_reason: null });
    });
  });

  /** Sets a server's state and drops its task. Administrators only. */
  readonly resetState = action({ bodyKey: 'os-resetState', status: 202, body: resetting }, (request, { id }) => {
    requireAdmin(request, 'os-admin-actions:reset_state');
    this.cloud.write(() => {
      const server = findServer(this.cloud, request, id);
      recordAction(this.cloud, request, 'reset_state', server);
      const changes = { vm_state: request.body['os-resetState'].state, task: null, updatedAt: Date.now() };
      this.cloud.servers.update(server.id, { ...server, ...changes });
    });
  });

  readonly rebuild = action({ bodyKey: 'rebuild', status: 202, body: rebuilding }, async (request, { id }) => {
    const { imageRef, adminPass = newPassword(), key_name, ...changes } = request.body.rebuild;
    const server = await beginTransition(this.api, request, id, 'rebuild', ({ key }) => {
      const image = this.cloud.images.get(imageRef) ?? refuse(400, 'Cannot find image for rebuild');
      const named = typeof key_name === 'string' ? findKey(this.cloud, callerOf(request).userId, key_name) : key;
      return { ...changes, key: key_name === null ? null : named, image_id: image.id };
    });
    const around = await surroundingsOf(this.api, request);
    const view = this.cloud.read(() => rebuiltServerView(around, request, server, adminPass));
    return new Reply({ server: view }, { headers: { Location: request.url('server', { id: server.id }) } });
  });

  readonly consoleOutput = action(
    { bodyKey: 'os-getConsoleOutput', status: 200, body: readingConsole },
    async (request, { id }) => {
      const log = await readConsole(this.api, request, id);
      const wanted = Number(request.body['os-getConsoleOutput'].length ?? -1);
      return { output: (wanted < 0 ? log : log.slice(Math.max(0, log.length - wanted))).join('\n') };
    },
  );

  /** Defines an action that only begins a transition. */
  #transition(bodyKey: string, name: TransitionName, schema: object = {}) {
    return action({ bodyKey, status: 202, body: closed({ [bodyKey]: schema }, bodyKey) }, async (request, { id }) => {
      await beginTransition(this.api, request, id, name);
    });
  }

  #relock(request: ActionRequest, verb: 'lock' | 'unlock', server: Stored<Server>): void {
    recordAction(this.cloud, request, verb, server);
    this.cloud.servers.update(server.id, server);
  }
}
