import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Type as OldType } from '@sinclair/typebox';
import { Type } from 'typebox';
import { documentOf, to } from './document-of.js';

const text = { type: 'string' };

test('RT-202 a definition that several schemas have is one component; another of its name has a number', async () => {
  const definitions = {
    Node: {
      type: 'object',
      properties: { next: { $ref: '#/definitions/Node' }, leaf: { $ref: '#/definitions/Leaf' } },
    },
    Leaf: text,
  };
  const $defs = { 'Pair<Node>': { type: 'array', items: { $ref: '#/$defs/Node' } }, Node: { type: 'integer' } };
  const { components, body } = await documentOf({
    one: { body: { $ref: '#/definitions/Node', definitions } },
    two: { body: { type: 'object', properties: { node: { $ref: '#/definitions/Node' } }, definitions } },
    six: { body: { type: 'object', properties: { a: { $ref: '#/$defs/Pair%3CNode%3E' } }, $defs } },
    ten: { body: { type: 'object', properties: { fault: { $ref: '#/$defs/Fault' } }, $defs: { Fault: text } } },
  });
  assert.deepEqual(components, {
    Node: { type: 'object', properties: { next: to('Node'), leaf: to('Leaf') } },
    Leaf: text,
    Pair_Node_: { type: 'array', items: to('Node.2') },
    'Node.2': { type: 'integer' },
    'Fault.2': text,
  });
  assert.deepEqual(body('one'), to('Node'));
  assert.deepEqual(body('two'), { type: 'object', properties: { node: to('Node') } });
  assert.deepEqual(body('six'), { type: 'object', properties: { a: to('Pair_Node_') } });
});

test('RT-202 a definition of one name is not that of another schema when what it refers to differs', async () => {
  const item = { $ref: '#/$defs/Item' };
  const { components } = await documentOf({
    one: {
      body: { type: 'object', properties: { item }, $defs: { Item: { allOf: [{ $ref: '#/$defs/Id' }] }, Id: text } },
    },
    two: {
      body: {
        type: 'object',
        properties: { item },
        $defs: { Item: { allOf: [{ $ref: '#/$defs/Id' }] }, Id: { type: 'integer' } },
      },
    },
  });
  assert.deepEqual(components, {
    Item: { allOf: [to('Id')] },
    Id: text,
    'Item.2': { allOf: [to('Id.2')] },
    'Id.2': { type: 'integer' },
  });
});

test('RT-202 a reference into a schema leads into its component; members and data of such names are left alone', async () => {
  const data = { definitions: 1, $schema: 'x' };
  const properties = { a: text, b: { $ref: '#/properties/a' }, definitions: text, c: { default: data } };
  const { components, body } = await documentOf({ first: { body: { type: 'object', properties } } });
  assert.deepEqual(body('first'), to('controller.first.body'));
  assert.deepEqual(components['controller.first.body']!.properties, {
    ...properties,
    b: to('controller.first.body/properties/a'),
  });
});

test('RT-202 a schema with an $id, as TypeBox makes them, is a component of that name', async () => {
  const tree = OldType.Recursive((self) => OldType.Object({ leaves: OldType.Array(self) }), { $id: 'Tree' });
  const cyclic = Type.Cyclic({ Node: Type.Object({ next: Type.Optional(Type.Ref('Node')) }) }, 'Node');
  const { components, body } = await documentOf({
    whole: { body: tree },
    within: { body: OldType.Object({ tree }) },
    cyclic: { body: cyclic },
  });
  assert.deepEqual(Object.keys(components), ['Tree', 'Node']);
  assert.deepEqual((components.Tree as { properties: object }).properties, {
    leaves: { type: 'array', items: to('Tree') },
  });
  assert.deepEqual((components.Node as { properties: object }).properties, { next: to('Node') });
  assert.deepEqual([body('whole'), body('cyclic')], [to('Tree'), to('Node')]);
  assert.deepEqual((body('within') as { properties: object }).properties, { tree: to('Tree') });
});
