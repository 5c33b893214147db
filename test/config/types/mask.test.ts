import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oneOf, string } from 'portico/config';
import { isSecret } from '../../../dist/config/types/mask.js';

test('a text whose name means a secret is masked, and one of several public words is not', () => {
  assert.equal(isSecret('client_auth', string({})), true);
  assert.equal(isSecret('client_auth', oneOf(['none', 'required'], {})), false);
});
