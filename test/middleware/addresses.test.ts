import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressKey, isInNetworks, networkList, unmapped } from '../../dist/middleware/addresses.js';

test('MW-20 of IPv6 the /64 network is counted, in whatever spelling an address of it comes', () => {
  const spellings = [
    '2001:db8::1',
    '2001:db8:0:0:ffff::1',
    '2001:0DB8:0000::',
    '2001:db8:0:0:1:2:3:4',
    '2001:db8::1%eth0',
  ];
  assert.deepEqual([...new Set(spellings.map(addressKey))], ['2001:db8:0:0']);
  assert.equal(addressKey('2001:db8:0:1::1'), '2001:db8:0:1');
  assert.equal(addressKey('::1'), '0:0:0:0');
  assert.equal(addressKey('192.0.2.1'), '192.0.2.1');
  for (const mapped of ['::ffff:9.2.3.4', '::FFFF:902:304', '0:0:0:0:0:ffff:902:304', '::ffff:0902:0304%eth0']) {
    assert.equal(addressKey(mapped), '9.2.3.4', mapped);
    assert.equal(unmapped(mapped), '9.2.3.4', mapped);
  }
  for (const other of ['::fffe:902:304', '1::ffff:902:304', '::ffff:0:902:304', 'ffff::', '192.0.2.1', 'ffff']) {
    assert.equal(unmapped(other), other);
  }
});

test('an address lies in a network of the same family, and what is no address in none', () => {
  const networks = networkList(['10.0.0.0/8', '2001:db8::/32']);
  assert.equal(isInNetworks(networks, '10.255.0.1'), true);
  assert.equal(isInNetworks(networks, '11.0.0.1'), false);
  assert.equal(isInNetworks(networks, '2001:db8:ffff::1'), true);
  assert.equal(isInNetworks(networks, '2001:db9::1'), false);
  for (const none of ['', '10.0.0', 'localhost', '10.0.0.1, 11.0.0.1'])
    assert.equal(isInNetworks(networks, none), false);
});
