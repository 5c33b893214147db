/**
 * Which option an API has a part of its TLS from.
 */
import type { Config } from '../../config/index.js';

/** `ssl_<option>` of the API's own section where that is set, else the option of `[ssl]`; `option` is as in `[ssl]`. */
export function tlsOption(
  config: Config,
  name: string,
  option: string,
): { readonly group: string; readonly opt: string } {
  const own = { group: `api:${name}`, opt: `ssl_${option}` };
  const isSet = config.has(own.group, own.opt) && config.getLocation(own.group, own.opt).kind !== 'default';
  return isSet ? own : { group: 'ssl', opt: option };
}
