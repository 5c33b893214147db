/** The TLS files of an API. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Config } from 'portico/config';
import { apiOptions, sslSettings } from '#internal/server';

test('an empty TLS option of an API is none: that of [ssl] applies, so that clients still need a certificate', () => {
  const config = Config.fromText(
    '[ssl]\nca_file = /etc/clients.pem\ncert_file = /etc/own.pem\n[api:x]\nssl_ca_file =\nssl_cert_file =\n',
  );
  config.api('x', apiOptions, { partial: true });
  const { caFile, certFile } = sslSettings(config, 'x');
  assert.deepEqual({ caFile, certFile }, { caFile: '/etc/clients.pem', certFile: '/etc/own.pem' });
});
