import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oneOf, string, uri } from 'portico/config';
import { isSecret, maskText } from '../../../dist/config/types/mask.js';

test('a text whose name means a secret is masked, and one of several public words is not', () => {
  assert.equal(isSecret('client_auth', string({})), true);
  assert.equal(isSecret('client_auth', oneOf(['none', 'required'], {})), false);
});

test('a secret URI is shown without its password, and hidden if it may have another secret', () => {
  const option = uri({ secret: true, help: 'URL.' });
  const cases = {
    'nats://127.0.0.1:4222/?response_timeout=3': 'nats://127.0.0.1:4222/?response_timeout=3',
    'memory://': 'memory://',
    'sqlite:///var/data.db': 'sqlite:///var/data.db',
    'amqp://guest:s3cret@a:5672,guest:s3cret@b/vhost?heartbeat=3': 'amqp://guest:****@b/vhost?heartbeat=3',
    'postgresql:///data?password=s3cret': 'postgresql:///data?password=****',
    'nats://t0ken@host': '****',
    'amqp://guest:s3cret': '****',
    'guest:s3cret@host': '****',
  };
  for (const [text, shown] of Object.entries(cases)) assert.equal(maskText('url', option, text), shown, text);
});
