/** The factories of the service under test: an app and a filter for one case in one way. */
import { compose, fastifyApp, fromConnect } from 'portico/app';
import { Router } from 'portico/routing';

async function caseOf({ file, name }) {
  return (await import(file)).cases[name];
}

export async function app(_globalConf, localConf, { onClose }) {
  const options = Object.fromEntries(localConf);
  const tried = await caseOf(options);
  if (options.way === 'express') return tried.express();
  if (options.way === 'connect') return tried.inner;
  const built = options.way === 'router' ? await routerOf(tried) : await fastifyApp(tried.fastify, tried.options);
  onClose(() => built.close());
  return built;
}

async function routerOf({ router }) {
  const { routes, ...options } = await router();
  const made = new Router(options);
  routes?.(made);
  return made.build();
}

export async function filter(_globalConf, localConf) {
  const options = Object.fromEntries(localConf);
  const { connect, withExpress } = await caseOf(options);
  const express = withExpress ? (await import('express')).default : undefined;
  const filters = connect().map((middleware) => fromConnect(middleware, { express }));
  return (inner) => compose(filters, inner);
}
