/** What can be done to a server: `POST /servers/{id}/action`, with the action as the one key of the body. */
import { Reply } from 'portico/routing';
import type { Server } from '../records.js';
import { allow, type Call, reads, refuse, writes } from './call.js';
import { keyOf } from './key-pairs.js';
import { anyText, description, keyValues, name, object, orNull, type Schema } from './parameters.js';
import { userData } from './server-create.js';
import { begin, TRANSITIONS } from './server-states.js';
import { rebuiltServer } from './server-view.js';
import { password, serverOf, unlocked } from './servers.js';

type Transition = keyof typeof TRANSITIONS;

/** Begins a transition, as the table of transitions has it. */
function act(call: Call, transition: Transition, changes: Partial<Server> = {}): ReturnType<typeof serverOf> {
  const server = { ...begin(call, unlocked(call), transition), ...changes };
  call.record(server, TRANSITIONS[transition][0]);
  return call.cloud.servers.update(server.id, server);
}

/** Options of an action whose value has that schema, by the microversion from which it holds. */
const taking = (key: string, schemas: Readonly<Record<string, Schema>>, status = 202) => {
  const body = Object.entries(schemas).map(([from, schema]) => [from, object({ [key]: schema })]);
  return { key, status, body: Object.fromEntries(body) as Record<string, Schema> };
};
const plain = (key: Transition) => writes(taking(key, { '2.1': {} }), (call) => void act(call, key));

const rebootType = { enum: ['SOFT', 'Soft', 'soft', 'HARD', 'Hard', 'hard'] };
const rebuilt = { imageRef: anyText, 'name?': name, 'metadata?': keyValues('string'), 'adminPass?': anyText };
const described = { ...rebuilt, 'description?': description };
const keyed = { ...described, 'key_name?': orNull(name) };
const rebuilding = taking('rebuild', {
  ...{ '2.1': object(rebuilt), '2.19': object(described), '2.54': object(keyed) },
  '2.57': object({ ...keyed, 'user_data?': orNull(userData) }),
});
const locking = taking('lock', {
  '2.1': {},
  '2.73': orNull(object({ locked_reason: { type: 'string', maxLength: 255 } })),
});
const length = { anyOf: [{ type: ['integer', 'string'], minimum: -1, pattern: '^-?[0-9]+$' }, { type: 'null' }] };
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
  readonly changePassword = writes(
    taking('changePassword', { '2.1': object({ adminPass: anyText }) }),
    (call) => void act(call, 'changePassword'),
  );

  readonly reboot = writes<{ reboot: { type: string } }>(
    taking('reboot', { '2.1': object({ type: rebootType }) }),
    (call) => {
      act(call, call.body.reboot.type.toUpperCase() as 'SOFT' | 'HARD');
    },
  );

  readonly lock = writes<{ lock: { locked_reason?: string } | null }>(locking, (call) => {
    const server = serverOf(call);
    const locked_by = server.project_id === call.who.projectId ? 'owner' : 'admin';
    const locked_reason = (call.within('2.73') && call.body.lock?.locked_reason) || null;
    call.record(server, 'lock');
    call.cloud.servers.update(server.id, { ...server, locked_by, locked_reason });
  });

  readonly unlock = writes(taking('unlock', { '2.1': {} }), (call) => {
    const server = serverOf(call);
    if (server.locked_by === 'admin') allow(call, 'os-lock-server:unlock:unlock_override');
    call.record(server, 'unlock');
    call.cloud.servers.update(server.id, { ...server, locked_by: null, locked_reason: null });
  });

  readonly rebuild = writes<{ rebuild: Rebuild }>(rebuilding, (call) => {
    const { imageRef, adminPass = password(), key_name, ...changes } = call.body.rebuild;
    const image = call.cloud.images.get(imageRef) ?? refuse(400, 'Cannot find image for rebuild');
    const found =
      key_name &&
      (call.cloud.keyPairs.get(keyOf(call.who.userId, key_name)) ?? refuse(400, 'Invalid key_name provided.'));
    const key = key_name === undefined ? {} : { key: found || null };
    const rebuilt = act(call, 'rebuild', { ...changes, ...key, image_id: image.id });
    const server = { ...rebuiltServer(rebuilt, call), adminPass };
    return new Reply({ server }, { status: 202, headers: { Location: call.href('/servers/{id}', rebuilt) } });
  });

  readonly consoleOutput = reads(lines, (call) => {
    const { name, flavor } = serverOf(call);
    const log = [`Booting ${name}`, `${flavor.vcpus} processors, ${flavor.ram} MiB of memory`, `${name} login: `];
    const { length } = (call.body as { 'os-getConsoleOutput': { length?: number | string | null } })[
      'os-getConsoleOutput'
    ];
    const wanted = Number(length ?? -1);
    return { output: (wanted < 0 ? log : log.slice(Math.max(0, log.length - wanted))).join('\n') };
  });
}
