/** Client addresses: networks, and the keys by which clients are counted. */
import { BlockList, isIP, isIPv6 } from 'node:net';

/** Returns the key for an address: for IPv6 its /64 network, because a client usually has the whole network. */
export function addressKey(address: string): string {
  const plain = unmapped(address);
  if (!isIPv6(plain)) return plain;
  return groupsOf(plain)
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':');
}

/** Converts an IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2), in any spelling, to IPv4. Returns other addresses unchanged. */
export function unmapped(address: string): string {
  if (!isIPv6(address) || !/ffff/i.test(address)) return address;
  const [a, b, c, d, e, mark, high = 0, low = 0] = groupsOf(address);
  if (mark !== 0xffff || [a, b, c, d, e].some((group) => group !== 0)) return address;
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/** Returns the eight groups of an IPv6 address. */
function groupsOf(address: string): number[] {
  const [text = ''] = address.split('%', 1);
  const hex = text.replace(/[\d.]+\.[\d.]+$/, (dotted) => {
    const [a = 0, b = 0, c = 0, d = 0] = dotted.split('.').map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const [before = [], after] = hex.split('::').map((part) => (part === '' ? [] : part.split(':')));
  const zeros = after === undefined ? [] : Array.from({ length: 8 - before.length - after.length }, () => '0');
  return [...before, ...zeros, ...(after ?? [])].map((group) => Number.parseInt(group, 16));
}

/** Returns the block list of networks such as `10.0.0.0/8`. The option validates them. */
export function networkList(ranges: readonly string[]): BlockList {
  const networks = new BlockList();
  for (const range of ranges) {
    const slash = range.lastIndexOf('/');
    const network = range.slice(0, slash);
    networks.addSubnet(network, Number(range.slice(slash + 1)), isIPv6(network) ? 'ipv6' : 'ipv4');
  }
  return networks;
}

/** Reports whether an address is in one of the networks; false for text that is not an IP address. */
export function isInNetworks(networks: BlockList, address: string): boolean {
  const version = isIP(address);
  return version !== 0 && networks.check(address, version === 6 ? 'ipv6' : 'ipv4');
}
