// NestJS on Fastify. Its decorators are called as functions, so that no compiler is needed.
import 'reflect-metadata';
import {
  BadRequestException,
  Body,
  Catch,
  Controller,
  Get,
  HttpCode,
  HttpException,
  Module,
  Param,
  Post,
  RequestMapping,
  RequestMethod,
  Res,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Ajv } from 'ajv';
import {
  colonRoutes,
  created,
  missing,
  newServerSchema,
  pieces,
  servers,
  versions,
  wrong,
} from '../works/payloads.mjs';
import { connectFilters } from './connect-filters.mjs';
import { host, port, serve, tls, work } from './place.mjs';
import { failed, PREFIX } from './seven-filters.mjs';

/** Returns a controller of handlers: `[decorator of the method, decorators of the parameters, the method]`. */
function controller(prefix, handlers) {
  class Handlers {}
  handlers.forEach(([decorators, parameters, handler], index) => {
    const name = `handler${index}`;
    Object.defineProperty(Handlers.prototype, name, { value: handler, configurable: true, writable: true });
    const descriptor = Object.getOwnPropertyDescriptor(Handlers.prototype, name);
    for (const [at, parameter] of parameters.entries()) parameter(Handlers.prototype, name, at);
    for (const decorate of decorators) decorate(Handlers.prototype, name, descriptor);
  });
  Controller(prefix)(Handlers);
  return Handlers;
}

const isValid = new Ajv().compile(newServerSchema);
const versionsController = () => controller('', [[[Get()], [], () => versions]]);
const Root = serve({
  work1: versionsController,
  work2: () => controller('v2.1', [[[Get('servers/:id')], [Param('id')], (id) => ({ server: servers.get(id) })]]),
  work3: () =>
    controller('v2.1', [
      [
        [Post('servers'), HttpCode(202)],
        [Body()],
        (body) => {
          if (!isValid(body)) throw new BadRequestException();
          return created;
        },
      ],
    ]),
  work4: () =>
    controller(
      '',
      colonRoutes().map(([method, path]) => [
        [RequestMapping({ path, method: RequestMethod[method] })],
        [],
        () => ({}),
      ]),
    ),
  work5: () =>
    controller('', [[[Get('stream')], [Res()], (reply) => reply.type('application/octet-stream').send(pieces())]]),
  work6: versionsController,
});

class Application {}
Module({ controllers: [Root] })(Application);

/** Handles errors, including paths without a route. */
class Failures {
  catch(error, at) {
    const status = error instanceof HttpException ? error.getStatus() : 500;
    const body = status === 404 ? missing : status < 500 ? wrong : failed;
    at.switchToHttp().getResponse().code(status).send(body);
  }
}
Catch()(Failures);

const adapter = new FastifyAdapter(tls === undefined ? {} : { https: tls });
const app = await NestFactory.create(Application, adapter, { logger: false });
app.useGlobalFilters(new Failures());
if (work === 'work2' || work === 'work3') for (const filter of connectFilters()) app.use(PREFIX, filter);
await app.listen(port, host);
