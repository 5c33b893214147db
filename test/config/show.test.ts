import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Config,
  defineOptions,
  diffConfigs,
  differencesFromDefaults,
  integer,
  lintOptions,
  showOption,
  showOptions,
  string,
  upgradeText,
} from 'portico/config';

const options = defineOptions({
  workers: integer({ default: 1, help: 'x', deprecated: ['processes', 'DEFAULT.app_workers'] }),
  token: string({ default: '', secret: true, help: 'y' }),
});

function read(text: string): Config {
  const config = Config.fromText(text);
  config.register('app', options);
  return config;
}

test('CF-98 an option is shown with its place and what it shadows; a secret is masked everywhere', () => {
  const config = read('[app]\nworkers = 2\nworkers = 3\ntoken = hunter1\ntoken = hunter2\n');
  config.setOverride('app', 'workers', 4);
  const { value, location, shadowed, isDefault } = showOption(config, 'app', 'workers');
  assert.deepEqual([value, location.kind, isDefault], ['4', 'override', false]);
  assert.deepEqual(
    shadowed.map((each) => [each.value, each.location.detail]),
    [
      ['2', 'portico.ini:2:11'],
      ['3', 'portico.ini:3:11'],
    ],
  );
  assert.doesNotMatch(JSON.stringify([showOptions(config), differencesFromDefaults(config)]), /hunter/);
  assert.throws(() => showOption(config, 'app', 'nothing'), /no option nothing/);
});

test('CF-97 CF-99 differences from the defaults, and between two sets of files', () => {
  const [one, two] = [read('[app]\nworkers = 2\ntoken = a\n'), read('[app]\nworkers = 3\ntoken = b\n')];
  assert.deepEqual(
    differencesFromDefaults(one).map(({ opt, value }) => [opt, value]),
    [
      ['token', '****'],
      ['workers', '2'],
    ],
  );
  assert.deepEqual(
    diffConfigs(one, two).map((each) => [each.opt, each.old, each.new, each.newLocation.detail]),
    [
      ['token', '****', '****', 'portico.ini:3:9'],
      ['workers', '2', '3', 'portico.ini:2:11'],
    ],
  );
});

test('CF-100 old names are rewritten; comments and order stay, and options move to their new section', () => {
  const text =
    '# top\n[DEFAULT]\n# workers\napp-workers = 3\nother = 1\n\n[app]\n# here\nprocesses: 4\n\n[last]\na = 1\n';
  const { text: upgraded, renamed } = upgradeText(text, [{ group: 'app', options }]);
  assert.equal(
    upgraded,
    '# top\n[DEFAULT]\n# workers\nother = 1\n\n[app]\n# here\nworkers: 4\nworkers = 3\n\n[last]\na = 1\n',
  );
  assert.deepEqual(renamed, [
    { line: 4, from: '[DEFAULT] app_workers', to: '[app] workers' },
    { line: 9, from: '[app] processes', to: '[app] workers' },
  ]);
  const alone = upgradeText('[DEFAULT]\napp_workers = 3\n', [{ group: 'app', options }]);
  assert.equal(alone.text, '[DEFAULT]\n\n[app]\nworkers = 3\n');
});

test('CF-104 declarations that are odd get a remark', () => {
  const odd = defineOptions({
    api_token: string({ default: '', help: 'same' }),
    disable_x: integer({ default: 0, help: 'same' }),
  });
  assert.deepEqual(
    lintOptions([{ group: 'g', options: odd }]).map(({ opt, message }) => [opt, message]),
    [
      ['api_token', 'looks like a secret and is not declared `secret`'],
      ['disable_x', 'has neither `min` nor `max`'],
      ['disable_x', 'has the same help as [g] api_token'],
    ],
  );
});
