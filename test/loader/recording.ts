/** Factories that record the order of their calls. */
import type { App, Conf } from 'portico/app';

/** Returns factories that record their calls, and complete at once or later. */
export function recording(slow: boolean) {
  const calls: string[] = [];
  const done = <T>(value: T): T | Promise<T> =>
    slow ? new Promise((resolve) => setImmediate(() => resolve(value))) : value;
  const app = (_g: Conf, l: Conf) => {
    calls.push(`app ${l.get('n')}`);
    return done(() => undefined);
  };
  const filter = (_g: Conf, l: Conf) => {
    calls.push(`filter ${l.get('n')}`);
    return done((inner: App) => {
      calls.push(`applied ${l.get('n')}`);
      return done(inner);
    });
  };
  const filterApp = (inner: App, _g: Conf, l: Conf) => {
    calls.push(`applied ${l.get('n')}`);
    return done(inner);
  };
  return { calls, factories: { app, filter, filterApp } };
}

export const MEMBERS = `
[filter:f1]
paste.filter_factory = filter
n = f1
[filter:f2]
paste.filter_app_factory = filterApp
n = f2
[filter:f3]
paste.filter_factory = filter
n = f3
filter-with = f1
[app:a]
paste.app_factory = app
n = a
`;
