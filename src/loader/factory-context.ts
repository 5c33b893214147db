/**
 * What a factory is given beside its configuration, and the release of what it acquired.
 */
import type { App, Conf, FactoryContext, Section } from '../app/index.js';
import type { Config } from '../config/index.js';
import type { Logger } from '../log/index.js';
import type { Awaitable, OwnRPCClients, RPCClients } from '../service/index.js';
import { type Context, headerOf, sectionOf } from './context.js';

/** What all factories of a load are given. */
export interface GivenToFactories {
  readonly config: Config;
  readonly service?: string | undefined;
  readonly log: Logger;
  readonly releases: Pick<Releases, 'add'>;
  /** Default: {@link rpcOf} the configuration. */
  readonly rpc?: FactoryContext['rpc'];
}

/** Makes the way to other services of one load. */
export type Connect = () => Promise<OwnRPCClients>;

/** What factories ask for the way to other services: it is made for the first, and is one of the releases. */
export function rpcOf(
  { config, log, releases }: Pick<GivenToFactories, 'config' | 'log' | 'releases'>,
  connect: Connect = async () => {
    const { RPCConnection } = await import('../rpc/index.js');
    return new RPCConnection({ config, log });
  },
): FactoryContext['rpc'] {
  let made: Promise<RPCClients> | undefined;
  const make = async (): Promise<RPCClients> => {
    const rpc = await connect();
    releases.add(() => rpc.close());
    return rpc;
  };
  return () => (made ??= make());
}

/** The arguments of a context's factory. The maps are its own: what it does with them is seen by nothing else. */
export function argumentsFor(
  context: Context,
  { config, service, log, releases, rpc = rpcOf({ config, log, releases }) }: GivenToFactories,
): { globalConf: Conf; localConf: Conf; ctx: FactoryContext } {
  let section: Section | undefined;
  let own: Logger | undefined;
  const ctx: FactoryContext = {
    get section() {
      section ??= sectionOf(context);
      return section;
    },
    config,
    service,
    get log() {
      own ??= log.child({ section: headerOf(context).name });
      return own;
    },
    rpc,
    onClose: (release) => releases.add(release),
  };
  const localConf = new Map<string, string>();
  for (const [name, { value }] of context.localConf) localConf.set(name, value);
  return { globalConf: new Map(context.globalConf), localConf, ctx };
}

/** What factories acquired, to be released in reverse order. */
export class Releases {
  #registered: (() => Awaitable<void>)[] = [];

  add(release: () => Awaitable<void>): void {
    this.#registered.push(release);
  }

  /** Runs each once, last registered first; all run even when one throws, and the first error is thrown at the end. */
  async run(): Promise<void> {
    const registered = this.#registered;
    this.#registered = [];
    const errors: unknown[] = [];
    for (const release of registered.reverse()) {
      try {
        await release();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}

/** An app that can be closed once nothing calls it any more. */
export interface LoadedApp extends App {
  /**
   * Runs what factories registered with `ctx.onClose`, in reverse order. All run even when one throws; then the first
   * error is thrown. A second call waits for the first and does nothing more.
   */
  close(): Promise<void>;
}

/** The app, in a function of its own: what a factory gave may be shared and is left as it is. */
export function loadedApp(app: App, releases: Releases): LoadedApp {
  let closing: Promise<void> | undefined;
  const loaded: App = (req, res) => app(req, res);
  return Object.assign(loaded, {
    close: () => {
      closing ??= releases.run();
      return closing;
    },
  });
}
