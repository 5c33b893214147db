/** What can be done to a server: `POST /servers/{id}/action`, with the action as the one key of the body. */
import { anyText, type JsonSchema, keyValuePairs, object, objectSince, orNull, Reply, text } from 'portico/routing';
import type { Stored } from 'portico/sqlite';
import type { Server } from '../records.js';
import { allow, type Call, reads, refuse, writes } from './call.js';
import { keyFor, newPassword } from './server-create.js';
import { record, serverOf, unlocked } from './server-of.js';
import { begin, TRANSITIONS } from './server-states.js';
import { rebuiltView } from './server-view.js';
import { description, name, userData } from './texts.js';

type Transition = keyof typeof TRANSITIONS;

/** Begins a transition, as the table of transitions has it. */
function act(call: Call, transition: Transition, changes: Partial<Server> = {}): Stored<Server> {
  const server = { ...begin(call, unlocked(call), transition), ...changes };
  record(call, TRANSITIONS[transition][0], server);
  return call.cloud.servers.update(server.id, server);
}

function relock(call: Call, verb: string, locked_by: Server['locked_by'], locked_reason: string | null): void {
  const server = { ...serverOf(call), locked_by, locked_reason };
  record(call, verb, server);
  call.cloud.servers.update(server.id, server);
}

/** Options of an action: its key in the body, and what stands there. */
const taking = (bodyKey: string, schema: JsonSchema = {}, status = 202) => {
  return { bodyKey, status, body: object({ [bodyKey]: schema }) };
};
const plain = (key: Transition, schema?: JsonSchema) => writes(taking(key, schema), (call) => void act(call, key));

const rebuilding = objectSince(
  {
    '2.1': { imageRef: anyText, 'name?': name, 'metadata?': keyValuePairs('string'), 'adminPass?': anyText },
    '2.19': { 'description?': description },
    '2.54': { 'key_name?': orNull(name) },
    '2.57': { 'user_data?': orNull(userData) },
  },
  (rebuild) => object({ rebuild }),
);
type Rebuild = Partial<Pick<Server, 'name' | 'metadata' | 'description' | 'user_data'>> & { imageRef: string } & {
  adminPass?: string;
  key_name?: string | null;
};
const reboots = object({ type: { enum: ['SOFT', 'Soft', 'soft', 'HARD', 'Hard', 'hard'] } });
const reason = orNull(object({ 'locked_reason?': text() }));
const locking = { ...taking('lock'), body: { '2.1': object({ lock: {} }), '2.73': object({ lock: reason }) } };
const length = orNull({ type: ['integer', 'string'], minimum: -1, pattern: '^-?[0-9]+$' });
const lines = taking('os-getConsoleOutput', object({ 'length?': length }), 200);

export class ServerActions {
  readonly start = plain('os-start');
  readonly stop = plain('os-stop');
  readonly pause = plain('pause');
  readonly unpause = plain('unpause');
  readonly suspend = plain('suspend');
  readonly resume = plain('resume');
  readonly changePassword = plain('changePassword', object({ adminPass: anyText }));
  readonly reboot = writes<{ reboot: { type: string } }>(taking('reboot', reboots), (call) => {
    act(call, call.body.reboot.type.toUpperCase() as 'SOFT' | 'HARD');
  });
  readonly lock = writes<{ lock: { locked_reason?: string } | null }>(locking, (call) => {
    const { project_id, locked_by, locked_reason } = serverOf(call);
    const by = project_id === call.who.projectId ? 'owner' : 'admin';
    if (by === 'owner' && locked_by !== null) return;
    relock(call, 'lock', by, (call.apiVersion.atLeast('2.73') && call.body.lock?.locked_reason) || locked_reason);
  });
  readonly unlock = writes(taking('unlock'), (call) => {
    if (serverOf(call).locked_by === 'admin') allow(call, 'os-lock-server:unlock:unlock_override');
    relock(call, 'unlock', null, null);
  });
  readonly rebuild = writes<{ rebuild: Rebuild }>({ ...taking('rebuild'), body: rebuilding }, (call) => {
    const { imageRef, adminPass = newPassword(), key_name, ...changes } = call.body.rebuild;
    const image = call.cloud.images.get(imageRef) ?? refuse(400, 'Cannot find image for rebuild');
    const key = keyFor(call, key_name, serverOf(call).key);
    const rebuilt = act(call, 'rebuild', { ...changes, key, image_id: image.id });
    const server = { ...rebuiltView(rebuilt, call, 'change'), adminPass };
    const Location = call.url('/servers/{id}', { id: rebuilt.id });
    return new Reply({ server }, { status: 202, headers: { Location } });
  });
  readonly consoleOutput = reads<{ 'os-getConsoleOutput': { length?: number | string | null } }>(lines, (call) => {
    const { name, flavor } = serverOf(call);
    const log = [`Booting ${name}`, `${flavor.vcpus} processors, ${flavor.ram} MiB of memory`, `${name} login: `];
    const wanted = Number(call.body['os-getConsoleOutput'].length ?? -1);
    return { output: (wanted < 0 ? log : log.slice(Math.max(0, log.length - wanted))).join('\n') };
  });
}
