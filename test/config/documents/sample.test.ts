import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  boolean,
  bytes,
  Config,
  defineOptions,
  dict,
  duration,
  host,
  integer,
  list,
  multi,
  type OptionDeclarations,
  type OptionsOf,
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

/** Returns the values of a group after its sample has been uncommented and read. */
function readBack<D extends OptionDeclarations>(group: string, declared: D): OptionsOf<D> {
  // A separator of lines such as U+2028 does not end a line of a file.
  const uncommented = generateSample([{ group, options: declared }]).replaceAll(/(^|\n)#(?! )/g, '$1');
  const config = Config.fromText(uncommented);
  const values = config.group(group, declared);
  assert.deepEqual(config.problems(), []);
  return values;
}

test('whatever the default of a list, a secret or a text is, the uncommented sample has it, or says that a file cannot', () => {
  const characters = fc.constantFrom(...`ab "',\\$#%;:=[]\n\t\r\u2028`.split(''));
  const texts = fc.string({ unit: characters, maxLength: 6 });
  fc.assert(
    fc.property(fc.array(texts, { maxLength: 3 }), texts, (items, text) => {
      const declared = defineOptions({
        names: list({ default: items, help: 'Names.' }),
        password: string({ default: text, secret: true, help: 'Secret.' }),
      });
      assert.deepEqual({ ...readBack('x', declared) }, { ...new Config().group('x', declared) });
    }),
  );
});

test('the sample quotes an item of a list or dictionary only if it must, because oslo.config keeps the quotes', () => {
  const declared = defineOptions({
    rules: list({ default: ["it's", String.raw`^\w+\.\d$`, 'a"b', 'c\\'], help: 'Rules.' }),
    one: list({ default: ["it's, so"], help: 'One.' }),
    pairs: dict({ default: new Map([['who', "it's me"]]), help: 'Pairs.' }),
  });
  assert.deepEqual(generateSample([{ group: 'x', options: declared }]).match(/^#(?! ).*$/gm), [
    String.raw`#rules = it's,^\w+\.\d$,a"b,c\\`,
    String.raw`#one = 'it\'s, so'`,
    "#pairs = who:it's me",
  ]);
  assert.deepEqual(readBack('x', declared), new Config().group('x', declared));
});

test('a dollar sign after a backslash is read back from the sample', () => {
  const declared = defineOptions({
    names: list({ default: ['a\\$b', 'a\\\\$$'], help: 'Names.' }),
    password: string({ default: '$a$$b\\$c', secret: true, help: 'Secret.' }),
  });
  assert.deepEqual({ ...readBack('x', declared) }, { names: ['a\\$b', 'a\\\\$$'], password: '$a$$b\\$c' });
});

test('each line of an explanation, a reason and a sample default is a comment', () => {
  const declared = defineOptions({
    mode: oneOf({ slow: 'One at a time.\nother = 1', fast: 'All at once.' }, { default: 'slow', help: 'How.' }),
    old: string({ default: '', help: 'Old.', deprecatedForRemoval: true, deprecatedReason: 'Nobody\nneeds = it' }),
    key: string({ default: () => 'own', sampleDefault: 'BEGIN\nkey = x', help: 'Key.' }),
  });
  assert.deepEqual({ ...readBack('x', declared) }, { mode: 'slow', old: '', key: 'own' });
  assert.match(generateSample([{ group: 'x', options: declared }]), /\n# key = BEGIN\n# key = x\n/);
});

test('a default that a file cannot have is shown in a comment, and does not prevent the sample', () => {
  for (const value of ['{\n  "a": 1\n}', 'a\n\nb', '"a\'b"']) {
    const declared = defineOptions({ body: string({ default: value, help: 'Body.' }) });
    assert.equal(readBack('x', declared).body, value);
    const sample = generateSample([{ group: 'x', options: declared }]);
    assert.equal(
      sample,
      `[x]\n\n# Body. (string)\n# The default, which a file cannot have: ${JSON.stringify(value)}\n# body = <string>\n`,
    );
  }
});

test('CF-95 CF-118 the header and the options of a section that stands for all of its kind are comments', () => {
  const template = { group: 'api:<name>', options: defineOptions({ port: integer({ default: 1, help: 'Where.' }) }) };
  assert.equal(generateSample([template]), '# [api:<name>]\n\n# Where. (integer)\n# port = 1\n');
  const needs = { group: 'api:<name>', options: defineOptions({ it: string({ required: true, help: 'It.' }) }) };
  assert.deepEqual(Config.fromText(generateSample([needs], { minimal: true })).listAllSections(), []);
});

test('CF-95 --minimal prints only what is required', () => {
  assert.equal(
    generateSample(registrations, { minimal: true }),
    '[needs]\n\n# Must be set. (string)\n# This option is required.\nit = <string>\n',
  );
});
