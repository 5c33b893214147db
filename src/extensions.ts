/**
 * The extensions that Portico ships, by name, and the directories of the core that own options: the one list of them. It imports nothing
 * until something of one is needed, and nothing else names a file of an extension.
 */

type Declared = Readonly<Record<string, () => Promise<object>>>;

/** The object of an extension, as far as it is read here: `src/service/extension.ts` has its type. */
interface Shipped {
  readonly extension: { readonly name: string; readonly options?: Declared };
}

export const SHIPPED: Readonly<Record<string, () => Promise<Shipped>>> = {
  'portico/audit': () => import('./extras/audit/extension.js'),
  'portico/generate': () => import('./extras/generate/extension.js'),
  'portico/policy': () => import('./extras/policy/extension.js'),
  'portico/redis': () => import('./extras/redis/extension.js'),
  'portico/registry': () => import('./extras/registry/extension.js'),
  'portico/rpc': () => import('./extras/rpc/extension.js'),
  'portico/sessions': () => import('./extras/sessions/extension.js'),
};

/** Directories whose modules declare options that any process checks. */
export const OWNERS: Readonly<Record<string, () => Promise<unknown>>> = {
  app: () => import('./app/internal.js'),
  operating: () => import('./operating/internal.js'),
  server: () => import('./server/internal.js'),
  service: () => import('./service/internal.js'),
};
