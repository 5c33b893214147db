/** Hovers of the functions that an author writes most have documentation with an example, and types as one would write them. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('../', import.meta.url));
const path = join(root, 'hovered.ts');
const text = `import { action, launch, Reply, Router } from 'portico';
const router = new Router();
const book = { type: 'object', required: ['title'], properties: { title: { type: 'string' }, year: { type: 'integer' } } } as const;
router.get('/shelves/{shelf}/books/{id:int}', ({ params }) => params);
router.post('/books', { body: book }, ({ body }) => body);
router.connect('/books', { controller: 'books' });
launch;
Reply;
action;
`;

const service = ts.createLanguageService({
  getScriptFileNames: () => [path],
  getScriptVersion: () => '1',
  getScriptSnapshot: (file) => {
    const content = file === path ? text : ts.sys.readFile(file);
    return content === undefined ? undefined : ts.ScriptSnapshot.fromString(content);
  },
  getCurrentDirectory: () => root,
  getCompilationSettings: () => ({
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: ['node'],
    strict: true,
  }),
  getDefaultLibFileName: ts.getDefaultLibFilePath,
  fileExists: (file) => file === path || ts.sys.fileExists(file),
  readFile: (file) => (file === path ? text : ts.sys.readFile(file)),
  directoryExists: ts.sys.directoryExists,
  getDirectories: ts.sys.getDirectories,
});

/** Returns what is shown where the text has this for the last time. */
function hover(word: string): { readonly shown: string; readonly said: string } {
  const info = service.getQuickInfoAtPosition(path, text.lastIndexOf(word) + 1);
  return { shown: ts.displayPartsToString(info?.displayParts), said: ts.displayPartsToString(info?.documentation) };
}

for (const word of ['get(', 'post(', 'connect(', 'launch;', 'Reply;', 'action;']) {
  test(`the hover of ${word.slice(0, -1)} has a sentence and an example`, () => {
    const { said } = hover(word);
    assert.match(said, /^[A-Z].*\.\s.*```ts\n.+```$/s);
    assert.ok(said.length < 700, said);
  });
}

test('the hovers of params and body show their members alone', () => {
  const shown = [hover('params }').shown, hover('body })').shown].map((each) => each.replaceAll(/\s+/g, ' '));
  assert.deepEqual(shown, [
    '(parameter) params: { readonly shelf: string; readonly id: number; }',
    '(parameter) body: { title: string; year?: number | undefined; }',
  ]);
});
