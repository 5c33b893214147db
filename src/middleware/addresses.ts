/**
 * Addresses of clients: those that only this machine can reach, networks, and who is counted for one.
 */
import { BlockList, isIP, isIPv6 } from 'node:net';

/** Whether an address or host name stands for this machine alone: 127.0.0.0/8, `::1`, `localhost`, a Unix socket. */
export function isLoopback(address: string | undefined): boolean {
  if (address === undefined || address === 'localhost') return true;
  return address === '127.0.0.1' || address === '::1' || /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/i.test(address);
}

/** Who is counted for an address: of IPv6 its /64 network, since a client with one such address has all of them. */
export function addressKey(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('%', 1)[0]!.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - before.length - after.length }, () => '0');
  return [...before, ...zeros, ...after]
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
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
