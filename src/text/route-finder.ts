/** Values found by method and path, with find-my-way. */
import { createRequire } from 'node:module';
import type { HTTPMethod, Instance } from 'find-my-way';

/** A value, with its methods and its URL in find-my-way's form: `/items/:id`. */
export interface Findable<T> {
  readonly methods: readonly string[];
  readonly url: string;
  readonly value: T;
}

/** Returns the value and the parameters of a path, percent-decoded; undefined if none has it. */
export type RouteFinder<T> = (
  method: string,
  path: string,
) => { readonly value: T; readonly params: Readonly<Record<string, string | undefined>> } | undefined;

/** Returns a finder. find-my-way is loaded with the first one. The first of several with the same method and URL is found. */
export function routeFinder<T>(routes: readonly Findable<T>[]): RouteFinder<T> {
  const findMyWay = require('find-my-way') as () => Instance<never>;
  const router = findMyWay();
  for (const { methods, url, value } of routes) {
    for (const method of methods as readonly HTTPMethod[]) {
      if (!router.hasRoute(method, url)) router.on(method, url, () => undefined, value);
    }
  }
  return (method, path) => {
    const found = router.find(method as HTTPMethod, path);
    return found === null ? undefined : { value: found.store as T, params: found.params };
  };
}

const require = createRequire(import.meta.url);
