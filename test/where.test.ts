/** Questions of someone who changes something for the first time: the file is among the first three. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Questions by the path below src. */
const QUESTIONS: Readonly<Record<string, readonly string[]>> = {
  'server/api/api-options': ['drain_idle', 'max_requests'],
  'server/server': ['how are idle connections ended in a drain?'],
  'server/connections/connection': ['who closes a connection whose client still sends?'],
  'server/connections/connection-limits': ['min_body_rate of slow clients'],
  'server/requests/request-guard': ['refuse a request with two Host headers'],
  'server/requests/request-pool': ['where does a request wait for a slot?'],
  'server/tls/certificates': ['check that a certificate has not expired'],
  'launch/launcher-options': ['worker_timeout'],
  'launch/parent/supervisor': ['who kills a worker that does not answer?'],
  'launch/parent/reconciler': ['delay between restarts of a worker that dies'],
  'launch/parent/roll': ['workers are replaced one after another'],
  'launch/process/signals': ['effect of SIGHUP'],
  'launch/exit-status': ['exit status of a worker'],
  'launch/systemd/service-manager': ['notify systemd'],
  'launch/sockets/listener-pool': ['which sockets are kept over a reload?'],
  'launch/reload/file-changes': ['notice that a watched file has changed'],
  'operating/control/metrics-text': ['portico_requests_lost_total'],
  'operating/control/status-document': ['the document that status shows'],
  'operating/control/admin-guard': ['access to the admin listener'],
  'config/values/unknown-names': ['who refuses an unknown section?', 'unknown option'],
  'config/sources/command-line-values': ['read --set from the command line'],
  'config/types/number-types': ['parse a duration'],
  'config/documents/sample': ['write a sample configuration'],
  'middleware/request-log': ['where is a field of the access log added?'],
  'middleware/cors': ['preflight of another origin'],
  'middleware/rate-limit': ['rules of the rate limit'],
  'loader/section-errors': ['message for a missing section of a paste file'],
  'loader/composite/mount-table': ['choose the mount of a urlmap by host and path'],
  'routing/matching/route-table': ['in which order are routes matched?'],
  'routing/urls/generator': ['generate the URL of a route'],
  'routing/serving/request-body': ['415 for the type of a body'],
  'routing/openapi-operation': ['an operation of the OpenAPI document'],
  'app/faults/fault-style': ['shape of an error response in the style of OpenStack'],
  'app/read-body': ['read the body of a request'],
  'rpc/errors': ['PORTICO_RPC_TIMEOUT'],
  'rpc/server/reply-sender': ['send the reply of a call again'],
  'rpc/client/dead-letters': ['list dead letters'],
  'registry/heartbeat': ['when is the next heartbeat sent?'],
  'tasks/periodic-tasks': ['run the periodic tasks that are due'],
  'cli/look/routes-command': ['api-cli routes'],
  'server/connections/upgrades': ['WebSocket'],
  'registry/postgresql-store': ['postgres'],
};

test('forty questions lead to the file among the first three', async () => {
  const { where } = (await import(pathToFileURL(join(root, 'where.mjs')).href)) as {
    readonly where: (question: string) => readonly { readonly file: string }[];
  };
  const all = Object.entries(QUESTIONS).flatMap(([file, questions]) =>
    questions.map((question) => ({ question, file: `src/${file}.ts` })),
  );
  assert.ok(all.length >= 40);
  const missed = all
    .map(({ question, file }) => ({ question, file, found: where(question).map((each) => each.file) }))
    .filter(({ file, found }) => !existsSync(join(root, file)) || !found.includes(file));
  assert.deepEqual(missed, []);
});
