/**
 * Runs a page of Markdown as its reader would: writes the files it shows into a project, runs its commands there in their
 * order, and compares what they print with what the page says they print. CONTRIBUTING.md tells how a page is written for it.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { registryFailure } from '../e2e/packed.js';
import { apiCli, emptyProject, freePort, Program, root } from '../e2e/program.js';

/** A code block: what stands behind its fence, its lines, and where it begins. */
export interface Block {
  readonly language: string;
  readonly words: readonly string[];
  readonly text: string;
  /** The path in its first line, where that is a comment with nothing but a path, or behind its fence. */
  readonly file: string | undefined;
  /** `docs/page.md:12`. */
  readonly place: string;
}

/** The code blocks of a page, whose path begins at the repository's root. */
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

/** What a page needs besides itself. */
export interface PageOptions {
  /** Files that are in the project before the page begins. */
  readonly files?: Readonly<Record<string, string>>;
  /** The Node that runs its commands. Default: this one. */
  readonly node?: string;
  /** A command that serves them from before the page begins to its end. */
  readonly serve?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Packages that the page says it needs. */
  readonly packages?: readonly string[];
  /** Ports that the page names: a free one stands for each, in files, commands and what these print. */
  readonly ports?: readonly number[];
  /** Other texts for which the test has its own, in files and commands. */
  readonly replace?: Readonly<Record<string, string>>;
  /** What tells that a command of an `sh` block has done what the page says: by a part of the command, in their order. */
  readonly says?: readonly (readonly [command: string, says: RegExp])[];
}

/** Runs a page from its first block to its last; gives the folder of its project, which is there until the test ends. */
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
  /** How many entries of `says` have had their command. */
  told = 0;
  /** Why `npm install` could not do its work, where that is the network. */
  unreachable: string | undefined;
  /** A command of the page has asked the service to stop. */
  #stopped = false;
  readonly #t: TestContext;
  readonly #options: PageOptions;
  readonly #env: NodeJS.ProcessEnv;
  readonly #texts: readonly (readonly [page: string, test: string])[];
  #folder: string;
  #served: { readonly line: string; readonly folder: string; program: Program } | undefined;
  #written = false;

  private constructor(t: TestContext, options: PageOptions, texts: readonly (readonly [string, string])[]) {
    const { node = process.execPath } = options;
    const script = `#!/bin/sh\nexec '${node}' '${apiCli}' "$@"\n`;
    const project = emptyProject({ 'node_modules/.bin/api-cli': script, '.curlrc': 'silent\nshow-error\n' });
    chmodSync(join(project.folder, 'node_modules/.bin/api-cli'), 0o755);
    for (const name of options.packages ?? []) {
      mkdirSync(dirname(join(project.folder, 'node_modules', name)), { recursive: true });
      symlinkSync(join(root, 'node_modules', name), join(project.folder, 'node_modules', name), 'dir');
    }
    t.after(async () => {
      await this.#served?.program.end();
      project.remove();
    });
    this.#t = t;
    this.#options = options;
    this.#texts = texts;
    this.project = this.#folder = project.folder;
    const path = [dirname(node), join(project.folder, 'node_modules/.bin'), process.env.PATH];
    this.#env = {
      ...process.env,
      NODE_TEST_CONTEXT: undefined,
      PATH: path.join(delimiter),
      // In a terminal curl shows no progress of so little.
      CURL_HOME: project.folder,
      ...options.env,
    };
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
    else if (file !== undefined) this.#write(file, this.#inTest(text), words.includes('merge'));
    else if (language === 'sh' && words.includes('serve')) await this.serve(this.#inTest(text.trim()), place);
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
        if (output !== undefined) assertPrinted(output, expected!.trim(), `${place}: ${line}`);
      }
    }
  }

  /** TERM to the service of the page; it must end with 0, as one that a command of the page has stopped. */
  async endService(): Promise<void> {
    const program = this.#served?.program;
    this.#served = undefined;
    // One that the page has stopped may be exiting, when Node takes no signal any more.
    if (!this.#stopped) program?.kill('SIGTERM');
    if (program !== undefined) assert.deepEqual(await program.ended, { code: 0, signal: null }, program.output());
  }

  /** Makes the changes of a diff, whose parts stand between lines of `@@`. */
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
    const path = join(this.#folder, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, merges && existsSync(path) ? mergeSections(readFileSync(path, 'utf8'), text) : text);
    this.#written = true;
  }

  /** Starts the service of the page, in the place of the one before; settles when it is ready. */
  async serve(line: string, place: string): Promise<void> {
    await this.endService();
    // npx need not hand TERM on, and what it would start is in the path.
    const program = new Program('sh', ['-c', `exec ${line.replace(/^npx /, '')}`], {
      cwd: this.#folder,
      env: this.#env,
    });
    this.#served = { line, folder: this.#folder, program };
    this.#stopped = false;
    this.#written = false;
    await program.printed(/Ready after/).catch((error: Error) => assert.fail(`${place}: ${error.message}`));
  }

  /** What a command has printed, on both streams. Undefined where its program is not installed here. */
  async #run(line: string, place: string, fails: boolean): Promise<string | undefined> {
    // `--dev` would take the files up at some moment: the command is for a service that has them. What is to fail has files
    // that no service takes.
    if (this.#served !== undefined && this.#written && !fails) {
      const folder = this.#folder;
      this.#folder = this.#served.folder;
      await this.serve(this.#served.line, place);
      this.#folder = folder;
    }
    // npx takes half a second to find what is in the path.
    const script = `{ ${this.#inTest(line).replaceAll('npx api-cli', 'api-cli')}\n} 2>&1\nstatus=$?; pwd >&3; exit $status`;
    const child = spawn('sh', ['-c', script], {
      cwd: this.#folder,
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    const [output, folder] = [1, 3].map((at) => textOf(child.stdio[at] as NodeJS.ReadableStream));
    const [status] = (await once(child, 'close')) as [number];
    if (status === 127 && line.startsWith('curl')) {
      this.#t.diagnostic('curl is not installed: its lines are not tested');
      return undefined;
    }
    const said = this.#inPage(await output!);
    if (status !== 0 && line.includes('npm install')) this.unreachable = registryFailure(said);
    if (this.unreachable !== undefined) return undefined;
    assert.equal(
      status !== 0,
      fails,
      `${place}: ${line}: status ${status}\n${said}${this.#served?.program.output() ?? ''}`,
    );
    this.#folder = (await folder!).trim();
    return said;
  }

  #inTest(text: string): string {
    return this.#texts.reduce((now, [page, test]) => now.replaceAll(page, test), text);
  }

  #inPage(text: string): string {
    return this.#texts.reduce((now, [page, test]) => now.replaceAll(test, page), text);
  }
}

/** The commands of an `sh` block: one a line, where no backslash joins it to the next. */
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

/** The sections of `news` in the place of those of `text` with their names, or behind all. */
function mergeSections(text: string, news: string): string {
  const parts = (file: string): string[] => file.split(/^(?=\[)/m);
  const sections = new Map<string, string>();
  for (const part of [...parts(text), ...parts(news).slice(1)]) {
    sections.set(/^\[.*?\]/.exec(part)?.[0] ?? '', `${part.trim()}\n\n`);
  }
  return [...sections.values()].join('');
}

/** The output has the lines of the page, in their order; `…` stands for any text. */
function assertPrinted(output: string, expected: string, message: string): void {
  const pattern = expected
    .split('…')
    .map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
    .join('[\\s\\S]*?');
  assert.match(output.replaceAll('\r', ''), new RegExp(`^${pattern}`, 'm'), `${message}\n${output}`);
}
