// Which command runs a test file. The imports of the file decide, its own and those of its fixtures.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const tests = dirname(fileURLToPath(import.meta.url));

/** Packages, fixtures and tests that need a server or a command which is not Portico's. A file that imports one is foreign. */
const FOREIGN = new Set([
  'pg',
  'memjs',
  'playwright-core',
  'rabbitmq-client',
  'audit/keystonemiddleware.test.ts',
  'cluster/cluster.test.ts',
  'e2e/booted-systemd.ts',
  'fixtures/openstack-session.ts',
  'keystone/keystone.ts',
  'counts/alert-rules.test.ts',
  'redis/redis-server.ts',
  'registry/start-postgresql.ts',
  'rpc/transport/oslo/own-broker.ts',
  'rpc/transport/oslo/peer.ts',
  'security/path-rules.test.ts',
  'security/proxies.test.ts',
]);

/** Tests in which Portico starts the processes, and guards that take long and seldom find something. */
const E2E = new Set([
  'cli/plan-sample.test.ts',
  'launch/parent/worker-process.test.ts',
  'security/parser-time.test.ts',
]);

/** Files that take longest, the longest first: they begin, so that no one of them ends alone. A test of them may take as long as a file. */
export const LONGEST = [
  'docs/how-to.test.ts',
  'sample/control-plane.test.ts',
  'e2e/reload-options.test.ts',
  'docs/site.test.ts',
  'e2e/why-down.test.ts',
  'cli/init.test.ts',
  'e2e/registry-faults.test.ts',
  'launch/exit-status.test.ts',
  'e2e/validated-alike.test.ts',
  'security/parser-time.test.ts',
  'operating/control/metrics-text.test.ts',
  'launch/reload/proof.test.ts',
  'e2e/reload-rename.test.ts',
  'operating/control.test.ts',
  'docs/operations.test.ts',
  'docs/tutorial.test.ts',
  'cli/validate/plan.test.ts',
  'cli/errors.test.ts',
  'launch/owned-process.test.ts',
  'e2e/unit-booted.test.ts',
  'launch/reload/reload-report.test.ts',
  'e2e/secret-file.test.ts',
  'e2e/embedded.test.ts',
  'e2e/launch-reload.test.ts',
  'rpc/transport/amqp/amqp-transport.test.ts',
  'rpc/transport/oslo/broker-restart.test.ts',
  'rpc/transport/oslo/oslo-faults.test.ts',
  'rpc/transport/oslo/python.test.ts',
  'types.test.ts',
  'package.test.ts',
  'docs/moving.test.ts',
  'docs/nova/nova.test.ts',
];

/** Files whose tests wait most of the time, each for its own processes: two of them run at once. */
export const WAITING = [
  'cli/control.test.ts',
  'e2e/control-seen.test.ts',
  'e2e/embedded.test.ts',
  'e2e/faults/stops.test.ts',
  'e2e/launch-failures.test.ts',
  'e2e/launch-notify.test.ts',
  'e2e/launch-signals.test.ts',
  'e2e/launch-stopping.test.ts',
  'e2e/launch-watch.test.ts',
  'e2e/process-exit.test.ts',
  'e2e/traces.test.ts',
  'launch/exit-status.test.ts',
  'launch/owned-process.test.ts',
  'launch/worker/watch.test.ts',
  'registry/heartbeat.test.ts',
];

/**
 * Directories whose fast files take longest, and a file that runs beside those of its directory: they begin. The first ones wait for limits
 * of time, and others compute meanwhile.
 */
export const LONG_DIRECTORIES = [
  'server',
  'server/simulation/connections.test.ts',
  'launch',
  'rpc',
  'cli',
  'middleware',
  'routing',
  'sample',
  'app',
  'registry',
  'docs',
];

/** A fixture that starts processes only for those who import one of these functions. */
const KEEPER = 'fixtures/keeper.ts';
const STARTING = /\b(?:spawnKept|keepGroup|endGroup)\b/;

/** Directories that have tests for other commands. */
const OTHERS = ['node_modules', 'plugins', 'runtimes'];

/** Returns all test files, as paths below `test`. */
export function testFiles(folder = '') {
  return readdirSync(join(tests, folder), { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return OTHERS.includes(entry.name) ? [] : testFiles(path);
      return entry.name.endsWith('.test.ts') ? [path.replaceAll('\\', '/')] : [];
    })
    .sort();
}

/** Returns `fast`, `e2e` (it starts processes) or `foreign` for a path below `test`. */
export function kindOf(file) {
  const needs = needsOf(file, new Set());
  if (needs.has('foreign')) return 'foreign';
  return needs.has('e2e') ? 'e2e' : 'fast';
}

/** Returns the files below `test` that a file imports, directly or through others, itself included. */
export function importsOf(file, found = new Set()) {
  if (found.has(file)) return found;
  found.add(file);
  for (const { target } of importsIn(file)) if (target.endsWith('.ts')) importsOf(target, found);
  return found;
}

function needsOf(file, seen) {
  const needs = new Set(FOREIGN.has(file) ? ['foreign'] : E2E.has(file) ? ['e2e'] : []);
  if (seen.has(file)) return needs;
  seen.add(file);
  for (const { target, names } of importsIn(file)) {
    if (FOREIGN.has(target)) needs.add('foreign');
    if (target === 'node:child_process') needs.add('e2e');
    if (target === KEEPER) {
      if (STARTING.test(names)) needs.add('e2e');
    } else if (target.endsWith('.ts')) for (const need of needsOf(target, seen)) needs.add(need);
  }
  return needs;
}

const read = new Map();

/** Returns what a file imports: names of packages, and paths below `test`. */
function importsIn(file) {
  if (!read.has(file)) {
    const path = join(tests, file);
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    const imports = text.matchAll(/^(?:import|export) (?!type )([^;']*?)(?:from )?'([^']+)';$|\bimport\('([^']+)'\)/gm);
    read.set(
      file,
      [...imports].map(([, names = '', from, dynamic]) => {
        const specifier = from ?? dynamic;
        const target = specifier.startsWith('.')
          ? relative(tests, join(dirname(path), specifier)).replace(/\.js$/, '.ts')
          : specifier;
        return { names, target };
      }),
    );
  }
  return read.get(file);
}
