/** Where a running service answers by HTTP over TCP, and who may ask it there. */
import { isIP } from 'node:net';
import { boolean, type Config, defineOptions, type HostPort, hostport, list } from '../../config/index.js';

/** `[admin]`. */
export const adminOptions = defineOptions({
  listen: hostport({
    restart: true,
    help: 'Where a running service answers operators, probes and Prometheus over TCP, as 127.0.0.1:9100. It asks for no password: every user of this machine may stop the service there. Default: nowhere.',
  }),
  allow_remote: boolean({
    default: false,
    restart: true,
    help: 'It may listen on an address that other machines reach. Everything can be read there, and nothing changed.',
  }),
  docs: boolean({
    default: false,
    parent: true,
    help: 'Shows at /docs what each API answers, made from its routes, schemas and filters: a page, and an OpenAPI document.',
  }),
  hosts: list({
    default: [],
    restart: true,
    help: 'Names by which it may be asked, beside localhost, addresses and the host of listen: no other is answered, because a web page can give its own name any address.',
  }),
});

/** True for an address, or `localhost`, that this machine alone reaches. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true;
  return isIP(host) !== 0 && /^(::ffff:)?127\./.test(host);
}

/** The address that `[admin] listen` must not have; undefined where all is well. */
export function remoteAdmin(config: Config): HostPort | undefined {
  const { listen, allowRemote } = config.group('admin', adminOptions, { partial: true });
  return listen === undefined || allowRemote || isLoopback(listen.host) ? undefined : listen;
}
