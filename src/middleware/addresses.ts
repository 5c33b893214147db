/**
 * Addresses of clients: those that only this machine can reach, networks, and who is counted for one.
 */
import { BlockList, isIP, isIPv6 } from 'node:net';

/** Whether an address or host name stands for this machine alone: 127.0.0.0/8, `::1`, `localhost`, a Unix socket. */
export function isLoopback(address: string | undefined): boolean {
  if (address === undefined || address === 'localhost') return true;
  return address === '127.0.0.1' || address === '::1' || /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/i.test(address);
}

/** The key that an address is counted under: of IPv6 its /64 network, since a client with one such address has all of them. */
export function addressKey(address: string): string {
  const plain = unmapped(address);
  if (!isIPv6(plain)) return plain;
  return groupsOf(plain)
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':');
}

/** An IPv4 address that is written as one of IPv6 (RFC 4291 §2.5.5.2), in whatever spelling, as IPv4; others as they are. */
export function unmapped(address: string): string {
  if (!isIPv6(address) || !/ffff/i.test(address)) return address;
  const [a, b, c, d, e, mark, high = 0, low = 0] = groupsOf(address);
  if (mark !== 0xffff || [a, b, c, d, e].some((group) => group !== 0)) return address;
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/** The eight groups of an IPv6 address. */
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

/** Networks written as `10.0.0.0/8`, checked by their option. */
export function networkList(ranges: readonly string[]): BlockList {
  const networks = new BlockList();
  for (const range of ranges) {
    const slash = range.lastIndexOf('/');
    const network = range.slice(0, slash);
    networks.addSubnet(network, Number(range.slice(slash + 1)), isIPv6(network) ? 'ipv6' : 'ipv4');
  }
  return networks;
}

/** Whether an address lies in one of the networks; false for what is no IP address. */
export function isInNetworks(networks: BlockList, address: string): boolean {
  const version = isIP(address);
  return version !== 0 && networks.check(address, version === 6 ? 'ipv6' : 'ipv4');
}
