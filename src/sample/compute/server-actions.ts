/** What can be done to a server: `POST /servers/{id}/action`, with the action as the one key of the body. */
import { Reply } from 'portico/routing';
import type { Stored } from '../cloud.js';
import type { Server } from '../records.js';
import { allow, type Call, reads, refuse, writes } from './call.js';
import { anyText, description, keyValues, name, object, orNull, type Schema } from './parameters.js';
import { keyFor, userData } from './server-create.js';
import { begin, TRANSITIONS } from './server-states.js';
import { rebuiltView } from './server-view.js';
import { newPassword, serverOf, unlocked } from './servers.js';

type Transition = keyof typeof TRANSITIONS;

/** Begins a transition, as the table of transitions has it. */
function act(call: Call, transition: Transition, changes: Partial<Server> = {}): Stored<Server> {
  const server = { ...begin(call, unlocked(call), transition), ...changes };
  call.record(TRANSITIONS[transition][0], server);
  return call.cloud.servers.update(server.id, server);
}

function relock(call: Call, verb: string, changes: Pick<Server, 'locked_by' | 'locked_reason'>): void {
  const server = { ...serverOf(call), ...changes };
  call.record(verb, server);
  call.cloud.servers.update(server.id, server);
}

/** Options of an action whose value has that schema, by the microversion from which it holds. */
function taking(key: string, schemas: Readonly<Record<string, Schema>>, status = 202) {
  const body = Object.entries(schemas).map(([from, schema]) => [from, object({ [key]: schema })]);
  return { key, status, body: Object.fromEntries(body) as Record<string, Schema> };
}
const plain = (key: Transition, schema = {}) => writes(taking(key, { '2.1': schema }), (call) => void act(call, key));

const rebooting = taking('reboot', {
  '2.1': object({ type: { enum: ['SOFT', 'Soft', 'soft', 'HARD', 'Hard', 'hard'] } }),
});
const rebuilt = { imageRef: anyText, 'name?': name, 'metadata?': keyValues('string'), 'adminPass?': anyText };
const described = { ...rebuilt, 'description?': description };
const keyed = { ...described, 'key_name?': orNull(name) };
const rebuilding = taking('rebuild', {
  '2.1': object(rebuilt),
  '2.19': object(described),
  '2.54': object(keyed),
  '2.57': object({ ...keyed, 'user_data?': orNull(userData) }),
});
const reason = object({ locked_reason: { type: 'string', maxLength: 255 } });
const length = orNull({ type: ['integer', 'string'], minimum: -1, pattern: '^-?[0-9]+$' });
const lines = taking('os-getConsoleOutput', { '2.1': object({ 'length?': length }) }, 200);

type Rebuild = Partial<Pick<Server, 'name' | 'metadata' | 'description' | 'user_data'>> & { imageRef: string } & {
  adminPass?: string;
  key_name?: string | null;
};

export class ServerActions {
  readonly start = plain('os-start');
  readonly stop = plain('os-stop');
  readonly pause = plain('pause');
  readonly unpause = plain('unpause');
  readonly suspend = plain('suspend');
  readonly resume = plain('resume');
  readonly changePassword = plain('changePassword', object({ adminPass: anyText }));
  readonly reboot = writes<{ reboot: { type: string } }>(rebooting, (call) => {
    act(call, call.body.reboot.type.toUpperCase() as 'SOFT' | 'HARD');
  });
  readonly lock = writes<{ lock: { locked_reason?: string } | null }>(
    taking('lock', { '2.1': {}, '2.73': orNull(reason) }),
    (call) => {
      const locked_by = serverOf(call).project_id === call.who.projectId ? 'owner' : 'admin';
      relock(call, 'lock', {
        locked_by,
        locked_reason: (call.within('2.73') && call.body.lock?.locked_reason) || null,
      });
    },
  );
  readonly unlock = writes(taking('unlock', { '2.1': {} }), (call) => {
    if (serverOf(call).locked_by === 'admin') allow(call, 'os-lock-server:unlock:unlock_override');
    relock(call, 'unlock', { locked_by: null, locked_reason: null });
  });
  readonly rebuild = writes<{ rebuild: Rebuild }>(rebuilding, (call) => {
    const { imageRef, adminPass = newPassword(), key_name, ...changes } = call.body.rebuild;
    const image = call.cloud.images.get(imageRef) ?? refuse(400, 'Cannot find image for rebuild');
    const key = keyFor(call, key_name, serverOf(call).key);
    const rebuilt = act(call, 'rebuild', { ...changes, key, image_id: image.id });
    const server = { ...rebuiltView(rebuilt, call, 'change'), adminPass };
    return new Reply({ server }, { status: 202, headers: { Location: call.href('/servers/{id}', rebuilt) } });
  });
  readonly consoleOutput = reads<{ 'os-getConsoleOutput': { length?: number | string | null } }>(lines, (call) => {
    const { name, flavor } = serverOf(call);
    const log = [`Booting ${name}`, `${flavor.vcpus} processors, ${flavor.ram} MiB of memory`, `${name} login: `];
    const wanted = Number(call.body['os-getConsoleOutput'].length ?? -1);
    return { output: (wanted < 0 ? log : log.slice(Math.max(0, log.length - wanted))).join('\n') };
  });
}
