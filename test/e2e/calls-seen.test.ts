/** Figures and errors of remote calls that an operator sees: of the methods of a service, and of the service that calls them. */
import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { commandBeside } from '../cli/command.js';
import { until } from '../fixtures/until.js';
import { ask } from './clients.js';
import { emptyProject, freePort, startedOnce, startMain, untilFileEnds } from './program.js';

const managers = `
import { RequestContext } from 'portico/app';
class Missing extends Error {}
export class Images {
  size(_, { id }) {
    if (id === 'bad') throw new TypeError('secret of the caller');
    if (id === 'hang') return new Promise(() => {});
    if (id === 'missing') throw new Missing('secret of the caller');
    return id.length;
  }
}
export const app = async (_globalConf, _localConf, { rpc }) => {
  const client = (await rpc()).client({ topic: 'images' });
  return async (req, res) => {
    const id = req.url.slice(1);
    res.end(String(await client.call(new RequestContext({ requestId: 'req-' + id }), 'size', { id })));
  };
};
`;

const main = `
import { Config, createLogger, WSGIService } from 'portico';
import { ServiceLauncher } from 'portico/launch';
import { RPCService } from 'portico/rpc';
const config = await Config.load({ files: ['portico.ini'], argv: [], env: {} });
const log = createLogger({ format: 'json' });
const launcher = new ServiceLauncher({ config, log });
await launcher.launchService(RPCService.create({ binary: 'portico-images', config, log }));
await launcher.launchService(new WSGIService('front', config, { log }));
process.exitCode = await launcher.wait();
`;

interface Seen {
  readonly name: string;
  readonly errors: readonly Readonly<Record<'route' | 'error' | 'place' | 'count' | 'requestId', unknown>>[];
}

const file = untilFileEnds();

async function started(metrics: boolean) {
  const port = await freePort();
  const project = emptyProject({
    'managers.js': managers,
    'main.js': main,
    'api-paste.ini': '[app:front]\npaste.app_factory = ./managers.js:app\n',
    'portico.ini': `[DEFAULT]\nimages_manager = ./managers.js:Images\n[api:front]\nport = ${port}\n[metrics]\nenabled = ${metrics}\n[control]\nsocket = ./control.sock\n[rpc]\ntransport_url = memory://\n`,
  });
  const program = startMain(file, project);
  await program.printed(/front listening/);
  const cli = async (...words: string[]) => (await commandBeside(words, { cwd: project.folder })).stdout;
  return {
    program,
    get: async (path: string) => (await ask(`http://127.0.0.1:${port}${path}`)).status,
    requests: () => cli('requests'),
    text: () => cli('status'),
    services: async () => {
      const { services } = JSON.parse(await cli('status', '--json')) as { readonly services: readonly Seen[] };
      return Object.fromEntries(services.map((service) => [service.name, service]));
    },
  };
}

/** One application for the tests that follow one another. */
const counted = startedOnce(() => started(true));

test('the last errors of each method are seen, where it runs and where it is called, without a word of the caller', async () => {
  const { get, text, services } = await counted();
  assert.deepEqual([await get('/good'), await get('/bad'), await get('/missing')], [200, 500, 500]);
  const { 'portico-images': images, front } = await until(
    services,
    (all) => all['portico-images']?.errors.length === 2 && all.front?.errors.length === 2,
  );
  const told = images!.errors.map(({ route, error, count, requestId }) => [route, error, count, requestId]);
  assert.deepEqual(told.toSorted(), [
    ['call images.size', 'Missing', 1, 'req-missing'],
    ['call images.size', 'TypeError', 1, 'req-bad'],
  ]);
  assert.match(String(images!.errors[0]!.place), /managers\.js:\d+$/);
  // The caller's line names the remote class, the method and the host.
  assert.ok(
    front!.errors.some(({ error }) =>
      String(error).startsWith(`RemoteError PORTICO_RPC_REMOTE_ERROR: Missing in images.size on ${hostname()}`),
    ),
    JSON.stringify(front!.errors),
  );
  const shown = await text();
  assert.match(shown, /call images\.size/);
  assert.doesNotMatch(shown, /secret/);
});

test('RP-93 OP-52 a method that does not end is seen where it runs, with its age and the request id', async () => {
  const { get, requests } = await counted();
  void get('/hang').catch(() => undefined);
  const text = await until(requests, (said) => said.includes('images.size'));
  assert.match(text, /portico-images\/0 +call +images\.size +- +handler works, [\d.]+ s +req-hang /);
});
