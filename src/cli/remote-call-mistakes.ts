/** What is wrong with `[rpc]`. Judged where remote calls may be made, and nowhere else: what makes them is loaded for it. */
import type { Config } from '../config/index.js';
import { type Diagnostic, Refusals } from '../errors/index.js';
import { silentLogger } from '../log/index.js';

export async function remoteCallMistakes(config: Config): Promise<readonly Diagnostic[]> {
  const { RPCConnection } = await import('../rpc/index.js');
  const refusals = new Refusals();
  await refusals.gather(() => new RPCConnection({ config, log: silentLogger() }));
  return refusals.diagnostics;
}
