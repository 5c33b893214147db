/** The names of options. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundledOptions, registerBundledOptions } from '../../../dist/cli/configured/bundled-options.js';
import { Config } from '../../../dist/config/index.js';

const named = (await bundledOptions()).flatMap(({ group, options }) =>
  Object.entries(options).map(([name, option]) => ({ group, name, option, shown: `[${group}] ${name}` })),
);

/** Times named as in oslo and nova, without a unit. */
const KNOWN = ['report_interval', 'service_down_time', 'periodic_fuzzy_delay'];

test('CF-52 LC-9 options are in lower snake case in files, and in camel case in code', async () => {
  assert.ok(named.length > 200, String(named.length));
  const wrong = named.filter(({ name }) => name !== '<name>' && !/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name));
  const texts = wrong.map(({ shown }) => shown);
  assert.deepEqual(texts, []);
  const config = Config.fromText('[DEFAULT]\n[wsgi]\nkeep_alive_timeout = 7\n');
  const { options } = (await bundledOptions()).find(({ group }) => group === 'wsgi')!;
  const read: Readonly<Record<string, unknown>> = config.group('wsgi', options);
  assert.equal(read.keepAliveTimeout, 7);
  assert.ok(Object.keys(read).every((name) => !name.includes('_')));
});

test('CF-52 a boolean says what is, and not what is not', () => {
  const negative = named.filter(
    ({ name, option }) => option.type === 'boolean' && /^(no|not|disable|without|skip)_/.test(name),
  );
  assert.deepEqual(
    negative.map(({ shown }) => shown),
    [],
  );
});

test('CF-52 a number that is a time says its unit, unless it is one that operators know without', () => {
  const times = named.filter(
    ({ option }) => /^(integer|float)/.test(option.type) && /^(Milli)?[Ss]econds|^Days/.test(option.help ?? ''),
  );
  assert.ok(times.length > 0);
  const bare = times.filter(({ name }) => !/_(s|ms|days)$/.test(name) && !KNOWN.includes(name));
  assert.deepEqual(
    bare.map(({ shown }) => shown),
    [],
  );
});

test('CF-66 the hint for a name of an OpenStack file is the option that its operator means', async () => {
  const hints = async (text: string): Promise<(string | undefined)[]> => {
    const config = Config.fromText(`[DEFAULT]\nenabled_apis = a\n${text}`);
    await registerBundledOptions(config);
    return config
      .problems({ complete: true })
      .map(({ severity, section, option, hint }) => `${severity} [${section}] ${option}: ${hint}`);
  };
  assert.deepEqual(await hints('log_dir = /var/log/nova\nport = 8774\nprot = 1\n[api:a]\n'), [
    'warning [DEFAULT] log_dir: The log goes to standard error: write the whole path of a file as log_file.',
    "error [DEFAULT] port: did you mean 'port' of [api:a] or [stats]?",
    "error [DEFAULT] prot: did you mean 'port' of [api:a]?",
  ]);
  assert.deepEqual(await hints('bind_host = ::\ncontrol_exchange = nova\nrpc_response_timeout = 9\n[api:a]\n'), [
    "error [DEFAULT] bind_host: in [api:a]: did you mean 'listen'?",
  ]);
  for (const name of ['a', 'idle']) {
    assert.deepEqual(await hints(`[api:${name}]\nhost = ::\nbind_host = ::\nbind_port = 1\nprot = 1\n`), [
      `error [api:${name}] host: did you mean 'listen'?`,
      `error [api:${name}] bind_host: did you mean 'listen'?`,
      `error [api:${name}] bind_port: did you mean 'port'?`,
      `error [api:${name}] prot: did you mean 'port'?`,
    ]);
  }
  const listener = 'Prometheus reads /metrics of the admin listener: write [admin] listen = 127.0.0.1:9100';
  assert.deepEqual(await hints('[metrics]\nport = 9090\nlisten = ::\n'), [
    `error [metrics] port: ${listener}`,
    `error [metrics] listen: ${listener}`,
  ]);
  assert.deepEqual(await hints('hots = x\n'), ["error [DEFAULT] hots: did you mean 'host'?"]);
});
