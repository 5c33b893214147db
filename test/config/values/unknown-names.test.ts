/** Options of the last version, and names of other applications: their lines, and the line for `other_names`. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Config, defineOptions, string } from 'portico/config';
import { writtenElsewhere } from '#internal/config';
import { temporaryFolder } from '../../fixtures/keeper.js';

const mailOptions = writtenElsewhere(defineOptions({ server: string({ default: '', help: 'The server.' }) }), {
  unused: { mailer: 'Write server.' },
  removed: {
    patience: 'a connection attempt ends after 10 s.',
    password: 'write it in the URL.',
    uri: 'write server.',
  },
});

function problemsOf(text: string) {
  const config = Config.fromText(text);
  config.register('mail', mailOptions);
  return config.problems();
}

test('CF-66 the line for other applications has no name that is known to have no effect', () => {
  const text =
    '[mail]\npatience = 3\nmailer = exim\n[DEFAULT]\nlock_path = /run/shop\nstrict_config = yes\nmy_ip = ::1\n';
  const others = problemsOf(text).flatMap((each) => each.others ?? []);
  assert.deepEqual(others, ['DEFAULT.my_ip']);
});

test('CF-66 the line for other applications has no option of an API that is served here', () => {
  const config = Config.fromText('[DEFAULT]\nmy_ip = ::1\n[api:hello]\nport = 0\nzzz = 1\n');
  const found = config.problems();
  assert.deepEqual(
    found.map(({ section, option, hint, others }) => [section, option, hint !== undefined, others]),
    [
      ['DEFAULT', 'my_ip', true, ['DEFAULT.my_ip']],
      ['api:hello', 'zzz', false, undefined],
    ],
  );
});

test('a warning shows the value of a name that is known to have no effect; unknown names and secrets are masked', () => {
  const text = `[mail]
patience = very long
password = hunter2
uri = smtp://me:hunter2@relay/
mailer = exim
colour = blue
`;
  assert.deepEqual(
    problemsOf(text).map(({ location }) => location?.origin?.text),
    ['patience = very long', undefined, 'uri = smtp://me:****@relay/', 'mailer = exim', 'colour = ****'],
  );
});

test('CF-73 the report of a reload shows them too', async () => {
  const file = join(temporaryFolder('portico-gone-'), 'portico.ini');
  const write = (text: string): void => writeFileSync(file, text, { mode: 0o600 });
  write('[mail]\npatience = very long\npassword = hunter2\n');
  const config = await Config.load({ files: [file], dirs: [], env: {}, argv: false });
  config.register('mail', mailOptions);
  write('[mail]\npatience = short\npassword = hunter3\n');
  assert.deepEqual(
    (await config.next()).report().map((change) => `${change.option} ${change.old} -> ${change.new}`),
    ['mail.patience very long -> short', 'mail.password **** -> ****'],
  );
});
