/** The declarations of the package, as editors and compilers read them: names, documentation, and what hovers show. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type TS from 'typescript';
import { ts } from './fixtures/typescript.js';

const root = fileURLToPath(new URL('../', import.meta.url));

const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, { readonly types: string }>;
};
const doors = Object.keys(exports).filter((door) => door !== './package.json');
/** Functions that an author writes most, in code as editors show it. */
const hovered = join(root, 'hovered.ts');
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

const settings: TS.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  types: ['node'],
  strict: true,
  skipLibCheck: true,
};
const declared = doors.map((door) => join(root, exports[door]!.types));
const service = ts.createLanguageService({
  getScriptFileNames: () => [...declared, hovered],
  getScriptVersion: () => '1',
  getScriptSnapshot: (file) => {
    const content = file === hovered ? text : ts.sys.readFile(file);
    return content === undefined ? undefined : ts.ScriptSnapshot.fromString(content);
  },
  getCurrentDirectory: () => root,
  getCompilationSettings: () => settings,
  getDefaultLibFileName: ts.getDefaultLibFilePath,
  fileExists: (file) => file === hovered || ts.sys.fileExists(file),
  readFile: (file) => (file === hovered ? text : ts.sys.readFile(file)),
  directoryExists: ts.sys.directoryExists,
  getDirectories: ts.sys.getDirectories,
});
const program = service.getProgram()!;
const checker = program.getTypeChecker();
const meant = (symbol: TS.Symbol): TS.Symbol =>
  symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
const exportsOf = (door: string): TS.Symbol[] =>
  checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(door)!)!);

test('each option of a door says what it is, for editors', () => {
  const isOurs = ({ declarations = [] }: TS.Symbol): boolean =>
    declarations.some((one) => one.getSourceFile().fileName.startsWith(join(root, 'dist')));
  const silent = declared.flatMap((door) =>
    exportsOf(door)
      .filter(({ name }) => /(?:Options|Settings)$/.test(name))
      .map(meant)
      .flatMap((symbol) =>
        checker
          .getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol))
          .filter((option) => isOurs(option) && option.getDocumentationComment(checker).length === 0)
          .map((option) => `${symbol.name}.${option.name}`),
      ),
  );
  assert.deepEqual([...new Set(silent)], []);
});

/** Returns the members of an export that editors list after a dot: of a value, of what a class creates, of a type. */
function membersOf(symbol: TS.Symbol): TS.Symbol[] {
  const types = [checker.getDeclaredTypeOfSymbol(symbol)];
  if (symbol.flags & ts.SymbolFlags.Value) types.push(checker.getTypeOfSymbol(symbol));
  return types.flatMap((type) => checker.getPropertiesOfType(type));
}

test('DO-5 each export of portico and each of its members says what it is, for editors', () => {
  const isShown = ({ name, declarations = [] }: TS.Symbol): boolean =>
    name !== 'prototype' &&
    declarations.some(
      (one) =>
        one.getSourceFile().fileName.startsWith(join(root, 'dist')) &&
        !(ts.isPropertyDeclaration(one) && ts.isPrivateIdentifier(one.name)) &&
        !(ts.getCombinedModifierFlags(one) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)),
    );
  const silent = exportsOf(join(root, 'dist/index.d.ts'))
    .map(meant)
    .flatMap((symbol) => [
      { name: symbol.name, symbol },
      ...membersOf(symbol).map((member) => ({ name: `${symbol.name}.${member.name}`, symbol: member })),
    ])
    .filter(({ symbol }) => isShown(symbol) && symbol.getDocumentationComment(checker).length === 0);
  assert.deepEqual([...new Set(silent.map(({ name }) => name))], []);
});

test('DO-5 no declaration has a member that only the package itself uses', () => {
  const marked = program
    .getSourceFiles()
    .filter(({ fileName }) => fileName.startsWith(join(root, 'dist')))
    .filter(({ text }) => text.includes('@internal'));
  const fileNames = marked.map(({ fileName }) => fileName);
  assert.deepEqual(fileNames, []);
  const names = (path: string, name: string): string[] => {
    const symbol = exportsOf(join(root, path)).find((one) => one.name === name)!;
    return checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(meant(symbol))).map((one) => one.name);
  };
  const router = names('dist/routing/index.d.ts', 'Router');
  for (const name of ['get', 'connect', 'build', 'url', 'routes']) assert.ok(router.includes(name), name);
  for (const name of ['addRoute', 'guardsOf', 'lookUp', 'mountOf', 'makeRoute'])
    assert.ok(!router.includes(name), name);
  const config = names('dist/config/index.d.ts', 'Config');
  for (const name of ['registerLoaded', 'ownFilesRead']) assert.ok(!config.includes(name), name);
});

/** Names that the declarations of entry points use but no entry point exports, by the reason. */
const UNEXPORTED: Readonly<Record<string, string>> = {
  'is a part of the type of another name, which is written instead':
    'AllOf AnyHandler BodyKnown Both CamelCase Child ChoiceOf ContextOf DefaultOf Draft Filled LineWriter Literal Mark Method Named OneOf OnlyOptions OwnType ' +
    'RawAnswer Returned SchemaType Side Simplify SuitsResource TypedRouterOptions ValueOf WithContext WithRoute',
  'is used by a member that only the package itself reads or calls':
    'ApiMeter CallMeter Captured CompiledAction CompiledRoute ConfEntry CreateOptions ' +
    'LoopKind NotedRefusals RequestFailures RouteTable SchemaCompiler UrlBuilder',
  'is a part of RPCConnection that its clients share': 'MessagingSettings PendingCalls SendOptions UpgradeLevels',
  'is in a snapshot, which is handed on whole': 'AcceptedFile Sources State',
};

test('an application can import the name of each type that a public declaration uses', async () => {
  const values = new Set<string>();
  for (const door of doors)
    for (const name of Object.keys((await import(`portico${door.slice(1)}`)) as object)) values.add(name);
  const isExported = new Set(
    declared.flatMap((door) => exportsOf(door).flatMap((symbol) => meant(symbol).declarations ?? [])),
  );
  const found = new Map<string, string>();
  const isHidden = (node: TS.Node): boolean =>
    (ts.isPropertyDeclaration(node) && ts.isPrivateIdentifier(node.name)) ||
    (ts.canHaveModifiers(node) && !!node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword)) ||
    // A class that is exported only as a type is not constructed.
    (ts.isConstructorDeclaration(node) && !values.has(node.parent.name?.text ?? ''));
  const look = (node: TS.Node, user: string): void => {
    if (isHidden(node)) return;
    const isBase = ts.isExpressionWithTypeArguments(node);
    const name = isBase
      ? node.expression
      : ts.isTypeReferenceNode(node)
        ? node.typeName
        : ts.isImportTypeNode(node)
          ? node.qualifier
          : undefined;
    const used = name && checker.getSymbolAtLocation(name);
    const declaration = used && meant(used).declarations?.[0];
    if (
      declaration?.getSourceFile().fileName.startsWith(join(root, 'dist')) &&
      !ts.isTypeParameterDeclaration(declaration) &&
      !isExported.has(declaration)
    ) {
      // A base's members become members of the class or interface.
      if (isBase) look(declaration, user);
      else found.set(meant(used!).name, user);
    }
    ts.forEachChild(node, (child) => look(child, user));
  };
  for (const declaration of isExported) {
    if (!ts.isSourceFile(declaration))
      look(
        declaration,
        checker.getSymbolAtLocation((declaration as TS.NamedDeclaration).name ?? declaration)?.name ?? '',
      );
  }
  const listed = Object.values(UNEXPORTED).flatMap((names) => names.split(' '));
  const unlisted = [...found]
    .filter(([name]) => !listed.includes(name))
    .map(([name, user]) => `${name}, which ${user} uses`);
  assert.deepEqual(unlisted, [], 'export these types from an entry point');
  const gone = listed.filter((name) => !found.has(name));
  assert.deepEqual(gone, [], 'no longer used or exported now');
});

/** Each published value has a purpose on a page; all others are in an `internal.ts`. */
test('each exported value is named in a page, and there are at most 245', async () => {
  const below = (folder: string): string[] =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((path) => join(root, folder, path));
  const pages = [
    join(root, 'README.md'),
    ...below('docs').filter((path) => path.endsWith('.md') && !path.startsWith(join(root, 'docs', 'api'))),
  ];
  const words = new Set(pages.flatMap((path) => readFileSync(path, 'utf8').match(/\w+/g)));
  const names = new Set<string>();
  for (const door of doors) {
    for (const name of Object.keys((await import(`portico${door.slice(1)}`)) as object)) names.add(name);
  }
  // In pages a filter has the name of its section in a paste file.
  const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  assert.deepEqual(
    [...names].filter((name) => !words.has(name) && !words.has(snakeCase(name))),
    [],
  );
  assert.ok(names.size <= 245, `${names.size} values are exported`);
});

test('`portico` exports the values of its stability page, and no others', async () => {
  const page = readFileSync(join(root, 'docs', 'stability.md'), 'utf8');
  const [, listed = ''] = /\| values of `portico`: ([^|]*)\|/.exec(page) ?? [];
  assert.deepEqual(Object.keys((await import('portico')) as object).toSorted(), listed.match(/\w+/g)?.toSorted());
});

/** Returns what is shown where the text has this for the last time. */
function hover(word: string): { readonly shown: string; readonly said: string } {
  const info = service.getQuickInfoAtPosition(hovered, text.lastIndexOf(word) + 1);
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
