import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  boolean,
  bytes,
  Config,
  declareDescribed,
  defineOptions,
  dict,
  duration,
  host,
  integer,
  list,
  multi,
  oneOf,
  type Registration,
  regexp,
  string,
} from 'portico/config';
import { configOptions, generateSample } from '#internal/config';

const options = defineOptions({
  rare: boolean({ default: false, advanced: true, help: 'For rare needs.' }),
  workers: integer({
    default: 4,
    min: 1,
    max: 64,
    mutable: true,
    help: 'How many processes serve the API, each with its own event loop and memory.',
  }),
  method: oneOf({ reload: 'New workers.', mutate: 'In place.' }, { default: 'reload', help: 'What HUP does.' }),
  old: string({
    default: '',
    help: 'Old.',
    deprecatedForRemoval: true,
    deprecatedSince: '2.0',
    deprecatedReason: 'Nobody needs it.',
    deprecated: ['DEFAULT.older'],
  }),
  format: string({ default: ' $$client_ip "$$request" #1 ', help: 'How.' }),
  names: list({ default: ['a b', 'c,d'], help: 'Names.' }),
  many: multi({ default: ['one', 'two'], help: 'Many.' }),
  none: multi({ help: 'None.' }),
  levels: dict({ default: 'a:b', help: 'Levels.' }),
  size: bytes({ default: '16KiB', help: 'Size.' }),
  wait: duration({ default: '1m', help: 'Wait.' }),
  password: string({ default: 'a$b', secret: true, help: 'Secret.' }),
  escaped: string({ default: 'a\\$b$$', secret: true, help: 'Backslash and dollar sign.' }),
  pattern: regexp({ default: /^\$\d\\\$/, help: 'Pattern with a dollar sign.' }),
  lines: string({ default: 'one\ntwo', help: 'Two lines.' }),
  again: string({ default: '$lines, $$5', help: 'Refers to another option.' }),
  often: integer({ default: '$workers', help: 'Refers to a number.' }),
  nothing: integer({ help: 'No default.' }),
  host: host({ default: () => 'this-machine', sampleDefault: '<machine name>', help: 'Who.' }),
});
const registrations: Registration[] = [
  { group: 'wsgi', options, help: 'The server.' },
  { group: 'DEFAULT', options: configOptions },
  { group: 'needs', options: defineOptions({ it: string({ required: true, help: 'Must be set.' }) }) },
];

test('CF-95 CF-53 the sample has help, bounds, choices and notes; groups sorted, advanced options last', () => {
  const text = generateSample(registrations);
  assert.deepEqual(text.match(/^\[.*\]$/gm), ['[DEFAULT]', '[needs]', '[wsgi]']);
  assert.match(text, /# For rare needs\. \(boolean\)\n# Advanced option: .*\n#rare = false\n$/);
  assert.ok(
    text.includes(`# How many processes serve the API, each with its own event loop and
# memory. (integer)
# Minimum value: 1
# Maximum value: 64
# Note: can be changed without restarting
#workers = 4

# What HUP does. (choice)
# Possible values:
# - reload: New workers.
# - mutate: In place.
#method = reload

# Old. (string)
# Deprecated name: DEFAULT.older
# This option is deprecated for removal since 2.0.
# Reason: Nobody needs it.
# old =
`),
    text,
  );
  assert.match(text, /\n# host = <machine name>\n/);
  assert.match(text, /\n#many = one\n#many = two\n/);
  assert.equal(generateSample(registrations), text);
});

test('CF-95 CF-118 the sample, uncommented whole, loads without an issue and equals the defaults', () => {
  const sample = generateSample(registrations.filter(({ group }) => group !== 'needs'));
  const uncommented = sample.replaceAll(/^#(?! )/gm, '');
  assert.match(uncommented, /^workers = 4$/m);
  for (const text of [sample, uncommented]) {
    const config = Config.fromText(text);
    const values = config.group('wsgi', options);
    assert.deepEqual(config.problems(), []);
    assert.deepEqual(values, new Config().group('wsgi', options));
  }
});

test('CF-95 CF-118 the header and the options of a section that stands for all of its kind are comments', () => {
  const template = { group: 'api:<name>', options: defineOptions({ port: integer({ default: 1, help: 'Where.' }) }) };
  assert.equal(generateSample([template]), '# [api:<name>]\n\n# Where. (integer)\n# port = 1\n');
  const needs = { group: 'api:<name>', options: defineOptions({ it: string({ required: true, help: 'It.' }) }) };
  assert.deepEqual(Config.fromText(generateSample([needs], { minimal: true })).listAllSections(), []);
});

test('CF-95 --minimal prints only what is required, --summarize only the first paragraph', () => {
  assert.equal(
    generateSample(registrations, { minimal: true }),
    '[needs]\n\n# Must be set. (string)\n# This option is required.\nit = <string>\n',
  );
  const long = { group: 'a', options: defineOptions({ b: string({ help: 'First.\n\nSecond.' }) }) };
  assert.doesNotMatch(generateSample([long], { summarize: true }), /Second/);
  assert.match(generateSample([long], { wrapWidth: 10 }), /# Second\.\n# \(string\)/);
});

test('CF-102 CF-103 the sample as JSON, YAML, Markdown and JSON Schema', () => {
  const json = JSON.parse(generateSample(registrations, { format: 'json' }));
  assert.equal(json.schemaVersion, 1);
  assert.equal(json.groups[2].options[0].name, 'workers');
  assert.match(
    generateSample(registrations, { format: 'md' }),
    /## `\[wsgi\]`\n\nThe server\.[\s\S]*\| `workers` \| integer \| `4` \| immediately \|/,
  );
  const schema = JSON.parse(generateSample(registrations, { format: 'json-schema' }));
  assert.deepEqual(schema.properties.needs.required, ['it']);
  assert.deepEqual(schema.properties.wsgi.properties.method.enum, ['reload', 'mutate']);
  assert.match(
    generateSample(registrations, { format: 'yaml' }),
    /^schemaVersion: 1\ngroups:\n {2}-\n {4}name: "DEFAULT"\n/,
  );
});

test('CF-97 files can be validated from the JSON, without the code that declared the options', () => {
  const description = JSON.parse(generateSample(registrations, { format: 'json' }));
  const config = Config.fromText('[wsgi]\nworkers = 65\nmethod = mutat\nwait = 2m\nprot = 1\n[needs]\nit = x\n');
  for (const { group, options: declared } of declareDescribed(description)) config.register(group, declared);
  assert.deepEqual(
    config.problems().map(({ option, message }) => [option, message]),
    [
      ['workers', 'should be ≥ 1 and ≤ 64'],
      ['method', 'should be one of reload, mutate'],
      ['prot', 'unknown option'],
    ],
  );
  assert.equal(config.resolve('wsgi', 'wait').value, 120);
});
