/**
 * Runs a page of Markdown as its reader would: writes its files into a project, runs its commands there in order, and compares their
 * output with the page. CONTRIBUTING.md explains how to write such a page.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { registryFailure } from '../e2e/packed.js';
import { apiCli, emptyProject, freePort, Program, root } from '../e2e/program.js';
import { PageCommands } from './page-command.js';

/** A code block: the words after its fence, its lines, and its location. */
export interface Block {
  readonly language: string;
  readonly words: readonly string[];
  readonly text: string;
  /** The path in its first line, if that is a comment with only a path, or after its fence. */
  readonly file: string | undefined;
  /** `docs/page.md:12`. */
  readonly place: string;
}

/** Returns the code blocks of a page. The path is relative to the root of the repository. */
export function blocksOf(path: string): Block[] {
  const page = readFileSync(join(root, path), 'utf8');
  return [...page.matchAll(/^```(\w+)([^\n]*)\n(.*?)^```$/gms)].map(({ 1: language, 2: words, 3: text, index }) => ({
    language: language!,
    words: words!.trim().split(' '),
    text: text!,
    file: /^(?:\/\/|#) (\S*\.\w+)\n/.exec(text!)?.[1] ?? /\S*\.\w+/.exec(words!)?.[0],
    place: `${path}:${page.slice(0, index).split('\n').length}`,
  }));
}

/** The options of a page. */
export interface PageOptions {
  /** Files that are in the project before the page runs. */
  readonly files?: Readonly<Record<string, string>>;
  /** The path of the Node that runs its commands. Default: this one. */
  readonly node?: string;
  /** A command that starts a service before the page runs and serves it to the end. */
  readonly serve?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Packages that the page says it needs. */
  readonly packages?: readonly string[];
  /** Ports that the page names. In files, commands and their output a free port replaces each. */
  readonly ports?: readonly number[];
  /** Other texts that the test replaces in files, commands and their output. */
  readonly replace?: Readonly<Record<string, string>>;
  /** Patterns for the output of commands in `sh` blocks, in order. Each applies to the next command that contains its text. */
  readonly says?: readonly (readonly [command: string, says: RegExp])[];
}

const runsTypes = Boolean((process.features as { readonly typescript?: string | false }).typescript);

/** Returns code in TypeScript as its page says to write it in JavaScript: the same, without the types. */
async function withoutTypes(program: string): Promise<string> {
  const { ts } = await import('../fixtures/typescript.js');
  const { ESNext } = ts.ScriptTarget;
  const compilerOptions = { target: ESNext, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true };
  return ts.transpileModule(program, { compilerOptions }).outputText;
}

/** Names files of TypeScript as those of JavaScript, except declarations. */
const inJavaScript = (text: string): string => text.replaceAll(/(?<!\.d)\.ts\b/g, '.js');

/** Runs all blocks of a page. Returns the directory of its project, which exists until the test ends. */
export async function runPage(t: TestContext, path: string, options: PageOptions = {}): Promise<string> {
  const run = await PageRun.begin(t, options);
  if (options.serve !== undefined) await run.serve(options.serve, path);
  for (const block of blocksOf(path)) {
    await run.block(block);
    if (run.unreachable !== undefined) {
      t.skip(`no registry of packages can be reached: ${run.unreachable}`);
      return run.project;
    }
  }
  await run.endService();
  const left = options.says?.slice(run.told).map(([command]) => command) ?? [];
  assert.deepEqual(left, [], 'commands that the test knows and the page does not have');
  return run.project;
}

class PageRun {
  readonly project: string;
  /** Number of entries of `says` that have been used. */
  told = 0;
  /** The error of `npm install`, if the registry cannot be reached. */
  unreachable: string | undefined;
  /** True after a command of the page has asked the service to stop. */
  #stopped = false;
  readonly #t: TestContext;
  readonly #options: PageOptions;
  readonly #env: NodeJS.ProcessEnv;
  /** Undefined if another Node runs the page. */
  readonly #commands: PageCommands | undefined;
  readonly #texts: readonly (readonly [page: string, test: string])[];
  /** True for a Node that does not run TypeScript: its pages are run in JavaScript, without the types. */
  readonly #inJavaScript: boolean;
  #folder: string;
  #served: { readonly line: string; readonly folder: string; program: Program } | undefined;
  #written = false;

  private constructor(t: TestContext, options: PageOptions, texts: readonly (readonly [string, string])[]) {
    const { node = process.execPath } = options;
    const script = `#!/bin/sh\nexec '${node}' '${apiCli}' "$@"\n`;
    const bin = 'node_modules/.bin';
    const project = emptyProject({
      [`${bin}/api-cli`]: script,
      [`${bin}/portico`]: script,
      '.curlrc': 'silent\nshow-error\n',
    });
    for (const name of ['api-cli', 'portico']) chmodSync(join(project.folder, bin, name), 0o755);
    for (const name of options.packages ?? []) {
      mkdirSync(dirname(join(project.folder, 'node_modules', name)), { recursive: true });
      symlinkSync(join(root, 'node_modules', name), join(project.folder, 'node_modules', name), 'dir');
    }
    t.after(() => this.#served?.program.end());
    this.#t = t;
    this.#options = options;
    this.#texts = texts;
    this.#inJavaScript = options.node === undefined && !runsTypes;
    this.project = this.#folder = project.folder;
    const path = [dirname(node), join(project.folder, bin), process.env.PATH];
    this.#env = {
      ...process.env,
      NODE_TEST_CONTEXT: undefined,
      PATH: path.join(delimiter),
      // The .curlrc in this directory turns off curl's progress meter.
      CURL_HOME: project.folder,
      // npm asks the registry for nothing but packages.
      npm_config_audit: 'false',
      npm_config_fund: 'false',
      npm_config_update_notifier: 'false',
      ...options.env,
    };
    if (options.node === undefined) this.#commands = new PageCommands(this.#env);
  }

  static async begin(t: TestContext, options: PageOptions): Promise<PageRun> {
    const texts = Object.entries(options.replace ?? {});
    for (const port of options.ports ?? []) texts.push([String(port), String(await freePort())]);
    const run = new PageRun(t, options, texts);
    for (const [file, text] of Object.entries(options.files ?? {})) run.#write(file, run.#inTest(text), false);
    return run;
  }

  async block({ language, words, text, file, place }: Block): Promise<void> {
    if (words.includes('example')) return;
    const fails = words.includes('fails');
    if (file !== undefined && language === 'diff') this.#change(file, this.#inTest(text), place);
    else if (file !== undefined) {
      const types = language === 'ts' && this.#inJavaScript;
      this.#write(file, this.#inTest(types ? await withoutTypes(text) : text), words.includes('merge'));
    } else if (language === 'sh' && words.includes('serve')) await this.serve(this.#inTest(text.trim()), place);
    else if (language === 'sh') {
      for (const line of commandsOf(text)) {
        const output = await this.#run(line, place, fails);
        if (line.includes('api-cli stop')) this.#stopped = true;
        const says = this.#options.says?.[this.told];
        if (this.#options.says === undefined || output === undefined) continue;
        assert.ok(says !== undefined && line.includes(says[0]), `${place}: ${line}: the test expects ${says?.[0]}`);
        assert.match(output, says[1], `${place}: ${line}`);
        this.told += 1;
      }
    } else if (language === 'console') {
      for (const part of text.split(/^\$ /m).slice(1)) {
        const [, line, expected] = /^((?:.*\\\n)*.*)\n([\s\S]*)$/.exec(part)!;
        const output = await this.#run(line!, place, fails);
        if (output !== undefined) assertPrinted(output, this.#asRun(expected!.trim()), `${place}: ${line}`);
      }
    }
  }

  /** Sends SIGTERM to the service of the page, unless the page has stopped it. The service must exit with 0. */
  async endService(): Promise<void> {
    const program = this.#served?.program;
    this.#served = undefined;
    // A stopped service may be exiting, and Node then handles no more signals.
    if (!this.#stopped) program?.kill('SIGTERM');
    if (program !== undefined) assert.deepEqual(await program.ended, { code: 0, signal: null }, program.output());
  }

  /** Applies a diff whose parts are separated by `@@` lines. */
  #change(file: string, diff: string, place: string): void {
    let text = readFileSync(join(this.#folder, file), 'utf8');
    const [, ...lines] = diff.trimEnd().split('\n');
    for (const part of lines.join('\n').split(/^@@\n/m)) {
      const side = (sign: string): string =>
        part
          .replace(/\n$/, '')
          .split('\n')
          .filter((line) => !line.startsWith(sign))
          .map((line) => line.slice(1))
          .join('\n');
      assert.equal(
        text.split(side('+')).length,
        2,
        `${place}: ${file} does not have these lines once:\n${side('+')}\n\n${text}`,
      );
      text = text.replace(side('+'), () => side('-'));
    }
    this.#write(file, text, false);
  }

  #write(file: string, text: string, merges: boolean): void {
    const path = join(this.#folder, this.#inJavaScript ? inJavaScript(file) : file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, merges && existsSync(path) ? mergeSections(readFileSync(path, 'utf8'), text) : text);
    this.#written = true;
    if (/\.(?:[cm]?[jt]s|json)$/.test(file)) this.#commands?.changed();
  }

  /** Starts the service of the page instead of the previous one, and waits until it is ready. */
  async serve(line: string, place: string): Promise<void> {
    await this.endService();
    // npx may not forward SIGTERM, and its command is in the PATH anyway.
    const program = new Program('sh', ['-c', `exec ${line.replace(/^npx /, '')}`], {
      cwd: this.#folder,
      env: this.#env,
    });
    this.#served = { line, folder: this.#folder, program };
    this.#stopped = false;
    this.#written = false;
    await program.printed(/Ready after/).catch((error: Error) => assert.fail(`${place}: ${error.message}`));
  }

  /** Runs a command and returns its output on both streams. Undefined if curl is not installed or the registry cannot be reached. */
  async #run(line: string, place: string, fails: boolean): Promise<string | undefined> {
    // `--dev` would load the files at some moment, but the command needs a service that has loaded them. A command that must fail has
    // files that no service accepts. Lines that install or print ask no service.
    if (this.#served !== undefined && this.#written && !fails && !/^(?:npm (?!run)|echo) /.test(line)) {
      const folder = this.#folder;
      this.#folder = this.#served.folder;
      await this.serve(this.#served.line, place);
      this.#folder = folder;
    }
    const asked = this.#inTest(line);
    const ran = (await this.#commands?.run(asked, this.#folder)) ?? (await this.#inShell(asked));
    const { status } = ran;
    if (status === 127 && line.startsWith('curl')) {
      this.#t.diagnostic('curl is not installed: its lines are not tested');
      return undefined;
    }
    const said = this.#inPage(ran.output);
    if (status !== 0 && line.includes('npm install')) this.unreachable = registryFailure(said);
    if (this.unreachable !== undefined) return undefined;
    assert.equal(
      status !== 0,
      fails,
      `${place}: ${line}: status ${status}\n${said}${this.#served?.program.output() ?? ''}`,
    );
    return said;
  }

  /** Runs a line in a shell, and goes where it goes. */
  async #inShell(line: string): Promise<{ readonly status: number; readonly output: string }> {
    // npx takes half a second to find a command that is in the PATH.
    const script = `{ ${line.replaceAll(/\bnpx (?=(?:api-cli|portico)\b)/g, '')}\n} 2>&1\nstatus=$?; pwd >&3; exit $status`;
    const child = spawn('sh', ['-c', script], {
      cwd: this.#folder,
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    const [output, folder] = [1, 3].map((at) => textOf(child.stdio[at] as NodeJS.ReadableStream));
    const [status] = (await once(child, 'close')) as [number];
    // A line of another process may write what a command imports.
    if (!line.startsWith('curl')) this.#commands?.changed();
    this.#folder = (await folder!).trim() || this.#folder;
    return { status, output: await output! };
  }

  #inTest(text: string): string {
    return replacedAll(this.#asRun(text), this.#texts);
  }

  #asRun(text: string): string {
    return this.#inJavaScript ? inJavaScript(text) : text;
  }

  #inPage(text: string): string {
    return replacedAll(
      text,
      this.#texts.map(([page, test]) => [test, page]),
    );
  }
}

/** Replaces texts in one pass: the digits of a free port may contain those of another one of the page. */
function replacedAll(text: string, pairs: readonly (readonly [from: string, to: string])[]): string {
  if (pairs.length === 0) return text;
  const all = new Map(pairs);
  const longestFirst = [...all.keys()].toSorted((a, b) => b.length - a.length);
  const any = longestFirst.map((each) => each.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|');
  return text.replaceAll(new RegExp(any, 'g'), (found) => all.get(found)!);
}

/** Returns the commands of an `sh` block, one a line; a backslash continues a line. */
function commandsOf(text: string): string[] {
  return text
    .split(/(?<!\\)\n/)
    .map((line) => line.replace(/\s+# .*$/, ''))
    .filter((line) => line.trim() !== '' && !line.startsWith('#'));
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const part of stream.setEncoding('utf8')) text += String(part);
  return text;
}

/** Replaces the sections of `text` by those of the same name in `news`, and appends the others. */
function mergeSections(text: string, news: string): string {
  const parts = (file: string): string[] => file.split(/^(?=\[)/m);
  const sections = new Map<string, string>();
  for (const part of [...parts(text), ...parts(news).slice(1)]) {
    sections.set(/^\[.*?\]/.exec(part)?.[0] ?? '', `${part.trim()}\n\n`);
  }
  return [...sections.values()].join('');
}

/** Asserts that the output has the lines of the page in order. `…` matches any text. */
function assertPrinted(output: string, expected: string, message: string): void {
  const pattern = expected
    .split('…')
    .map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
    .join('[\\s\\S]*?');
  assert.match(output.replaceAll('\r', ''), new RegExp(`^${pattern}`, 'm'), `${message}\n${output}`);
}
