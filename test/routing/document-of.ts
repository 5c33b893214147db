import assert from 'node:assert/strict';
import { Validator } from '@seriousme/openapi-schema-validator';
import { action, Router, type Schema } from 'portico/routing';
import { openApiDocument } from '#internal/routing';
import { keepingLogger } from './served-router.js';

export type Json = Readonly<Record<string, unknown>>;

/** Returns the parts of a document with one action each. A separate validator checks the document and follows each reference. */
export async function documentOf(actions: Readonly<Record<string, Parameters<typeof action>[0]>>) {
  const router = new Router({ log: keepingLogger() });
  for (const [name, options] of Object.entries(actions)) {
    const controller = { [name]: action(options as { body: Schema }, () => null) };
    router.connect(`/${name}`, { controller, action: name, conditions: { method: ['POST'] } });
  }
  await (await router.build()).close();
  const document = openApiDocument(router, { title: 'x' });
  const { valid, errors } = await new Validator().validate(structuredClone(document));
  assert.equal(valid, true, JSON.stringify(errors));
  // The validator takes "#" as the document.
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]*)"/g)].map(([, to]) => to!);
  for (const to of references) assert.match(to, /^#\/components\/\w+\/[\w.-]+(\/|$)/);
  const { schemas } = document.components as { schemas: Readonly<Record<string, Json>> };
  const { Fault: _, ...components } = schemas;
  const operations = document.paths as Readonly<Record<string, { readonly post: Json }>>;
  const body = (name: string): unknown =>
    (operations[`/${name}`]!.post.requestBody as { content: Record<string, Json> }).content['application/json']!.schema;
  return { components, body, operation: (name: string) => operations[`/${name}`]!.post };
}

export const to = (name: string): object => ({ $ref: `#/components/schemas/${name}` });
