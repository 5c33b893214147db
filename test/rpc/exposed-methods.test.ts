import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { expose } from 'portico/rpc';
import type { Track } from 'portico/service';
import { periodicTask } from 'portico/tasks';
import { exposedMethods } from '#internal/extras/rpc';

class Parent {
  fromParent(): string {
    return 'parent';
  }
  replaced(): string {
    return 'old';
  }
}

class Images extends Parent {
  asked = 0;
  ownFunction = (): string => 'a member, not a method';
  track!: Track;
  static staticMethod(): void {}
  get dear(): () => string {
    this.asked++;
    return () => 'a getter';
  }
  resize(_context: unknown, { id }: { id?: string } = {}): string {
    return `${id} ${this.asked}`;
  }
  override replaced(): string {
    return 'new';
  }
  _private(): void {}
  initHost(): void {}
  preStartHook(): void {}
  postStartHook(): void {}
  gracefulShutdown(): void {}
  cleanupHost(): void {}
  reset(): void {}
  periodicTasks(): void {}
  @periodicTask()
  clean(): void {}
}

test('MG-23 RP-10 RP-98 methods of the class and its parents are exposed; hooks, base members, getters and Object’s are not', () => {
  const images = new Images();
  const methods = exposedMethods(images);
  assert.deepEqual([...methods.keys()].sort(), ['clean', 'fromParent', 'replaced', 'resize']);
  assert.equal(methods.get('resize')!(undefined, { id: '7' }), '7 0');
  assert.equal(methods.get('replaced')!(undefined, {}), 'new');
  for (const name of ['constructor', 'toString', 'hasOwnProperty', 'valueOf', '__proto__', 'dear', 'initHost']) {
    assert.equal(methods.has(name), false, name);
  }
});

test('RP-10 an object that is nobody’s instance exposes its own functions', () => {
  const methods = exposedMethods({ resize: () => 'done', size: 7, initHost() {}, track: () => {} });
  assert.deepEqual([...methods.keys()], ['resize']);
});

test('RP-11 a class that marks or lists methods exposes those alone', () => {
  class Marked {
    @expose
    open(): void {}
    closed(): void {}
  }
  class Listed {
    static readonly rpc = ['open'];
    open(): void {}
    closed(): void {}
  }
  for (const endpoint of [new Marked(), new Listed()]) {
    assert.deepEqual([...exposedMethods(endpoint).keys()], ['open']);
    assert.deepEqual([...exposedMethods(endpoint, 'public').keys()], ['open', 'closed']);
    assert.deepEqual([...exposedMethods(endpoint, 'none').keys()], []);
  }
  assert.deepEqual([...exposedMethods(new Images(), 'explicit').keys()], []);
});

test('MG-23 RP-11 a hook that is listed is not exposed, but refused', () => {
  class Leaky {
    static readonly rpc = ['cleanupHost'];
    cleanupHost(): void {}
  }
  assert.throws(() => exposedMethods(new Leaky()), {
    code: 'PORTICO_RPC_NO_SUCH_METHOD',
    message: /^Leaky lists "cleanupHost"/,
  });
});

test('RP-13 a method called target or rpc is refused', () => {
  assert.throws(() => exposedMethods({ target() {} }), { code: 'PORTICO_RPC_RESERVED_NAME' });
  assert.throws(
    () =>
      exposedMethods(
        new (class Endpoint {
          rpc(): void {}
        })(),
      ),
    { code: 'PORTICO_RPC_RESERVED_NAME', message: /^Endpoint has a method "rpc"/ },
  );
});

test('RP-10 RP-11 an override that is not marked is not exposed, and makes no other method so', () => {
  class Marked {
    @expose
    open(): void {}
    closed(): void {}
  }
  class Changed extends Marked {
    override open(): void {}
  }
  assert.deepEqual([...exposedMethods(new Changed()).keys()], []);
});

test('RP-10 RP-98 what classes and event emitters inherit is not exposed, and no name with an underscore', () => {
  class Images extends EventEmitter {
    resize(): void {}
    @expose
    _marked(): void {}
  }
  class Listed {
    static readonly rpc = ['_hidden'];
    _hidden(): void {}
  }
  assert.deepEqual([...exposedMethods(new Images(), 'public').keys()], ['resize']);
  assert.deepEqual([...exposedMethods(new Images()).keys()], []);
  assert.deepEqual([...exposedMethods(Images, 'public').keys()], []);
  assert.throws(() => exposedMethods(new Listed()), { code: 'PORTICO_RPC_NO_SUCH_METHOD', message: /"_hidden"/ });
});
