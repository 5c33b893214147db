/** Types that refuse a controller whose methods do not fit the variables of a path. */
import type { IncomingHttpHeaders } from 'node:http';
import type { ActionRequest } from './actions/action-request.js';

/** Refuses a controller whose methods require variables of another type than the path has. */
export type Suits<O, P> = O extends { readonly controller: infer C extends object; readonly action: infer A }
  ? Misfits<C, A, P> extends never
    ? unknown
    : { readonly action: `${A & string} expects another type of the path's variables: ${Misfits<C, A, P> & string}` }
  : unknown;

/** Variables that a method of a controller requires in another type than `P` has. */
export type Misfits<C, A, P> = A extends keyof InstanceOf<C> ? Unfit<WantedBy<InstanceOf<C>[A]>, P> : never;

export type InstanceOf<C> = C extends new () => infer I ? I : C;

export type WantedBy<M> = M extends readonly (infer One)[]
  ? WantedBy<One>
  : M extends (request: ActionRequest<infer P, never, never, IncomingHttpHeaders, never>, ...rest: never) => unknown
    ? P
    : unknown;

export type Unfit<Wanted, P> = {
  [K in keyof Wanted & keyof P]: P[K] extends Wanted[K] ? never : K;
}[keyof Wanted & keyof P];
