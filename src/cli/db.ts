/**
 * `api-cli db sync`: brings the tables of the service registry up to date.
 */
import type { Command } from 'commander';
import { openRegistry } from '../registry/index.js';
import { addConfigurationOptions, type ConfigurationArguments } from './command-line.js';
import { configuredLogger, readConfiguration } from './configuration.js';

export function register(program: Command): void {
  const db = program.command('db').description('the database of service records');
  const sync = db
    .command('sync')
    .description('make its tables, or bring them up to date; run it before an upgrade starts');
  addConfigurationOptions(sync.exitOverride()).action(async (given: ConfigurationArguments) => {
    const config = await readConfiguration(given);
    const registry = openRegistry(config, { log: configuredLogger(config) });
    if (registry === null) {
      process.stdout.write('the configuration names no database: nothing to do\n');
      return;
    }
    try {
      // SQLite brings itself up to date when it is opened, which a question does.
      const steps = (await registry.store.migrate?.()) ?? 0;
      await registry.store.list();
      process.stdout.write(
        steps === 0 ? 'the tables are up to date\n' : `the tables are up to date, after ${steps} steps\n`,
      );
    } finally {
      await registry.close();
    }
  });
}
