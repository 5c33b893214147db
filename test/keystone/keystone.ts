/** The real Keystone and keystonemiddleware for tests: Debian's packages, in a temporary directory, on loopback. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Program, root } from '../e2e/program.js';
import { removeFolder, temporaryFolder } from '../fixtures/keeper.js';

/** Debian's Python, which has the packages; the PATH may name another one first. */
const PYTHON = '/usr/bin/python3';
const NEEDED = ['keystone', 'keystonemiddleware', 'gunicorn', 'paste.deploy'];
const PACKAGES = 'python3-keystone, python3-gunicorn, python3-pastedeploy';

/** The reason to skip tests with Keystone; false if it is installed. */
export const keystoneMissing: string | false = (() => {
  const script = `import importlib.util, sys\nsys.exit(any(importlib.util.find_spec(name) is None for name in ${JSON.stringify(NEEDED)}))`;
  const { status } = spawnSync(PYTHON, ['-c', script], { stdio: 'ignore' });
  return status === 0 ? false : `Keystone and keystonemiddleware are not installed (Debian: ${PACKAGES})`;
})();

/** The user and the scope of a token. Without a scope it is unscoped. */
export interface TokenRequest {
  readonly user: string;
  readonly password?: string;
  readonly project?: string;
  readonly domain?: string;
  readonly system?: boolean;
  /** Replaces user and password. */
  readonly application?: { readonly id: string; readonly secret: string };
}

/** The scope of a role: a project by its name, the domain Default, or the system. */
export type Grant = { readonly role: string } & (
  | { readonly project: string }
  | { readonly domain: true }
  | { readonly system: true }
);

interface Named {
  readonly id: string;
  readonly name: string;
}

type Json = Record<string, unknown>;

/**
 * Keystone with the domain Default, the project and user `admin`, the roles admin, member and reader, the region RegionOne, and a
 * catalog with Keystone itself.
 */
export class Keystone {
  /** The URL without a version: `http://127.0.0.1:port`. */
  readonly url: string;
  readonly #program: Program;
  readonly #folder: string;
  #adminToken = '';

  private constructor(url: string, program: Program, folder: string) {
    this.url = url;
    this.#program = program;
    this.#folder = folder;
  }

  static readonly password = 'a-password';

  /** Starts Keystone. It takes some seconds: start it once for a test file, parallel to other slow work. */
  static async start(): Promise<Keystone> {
    const folder = temporaryFolder('portico-keystone-');
    writeFileSync(join(folder, 'keystone.conf'), configuration(folder));
    // One request at a time, because SQLite locks the database.
    const program = gunicorn('keystone_app', folder, 1, {
      PORTICO_KEYSTONE: folder,
      PORTICO_KEYSTONE_PASSWORD: Keystone.password,
    });
    const url = await listening(program);
    const keystone = new Keystone(url, program, folder);
    await keystone.#logIn();
    await keystone.service('identity', 'keystone', url);
    return keystone;
  }

  /** Returns the environment variables with which the `openstack` command logs in. */
  environment(asked: TokenRequest): Record<string, string> {
    return {
      OS_AUTH_URL: `${this.url}/v3`,
      OS_IDENTITY_API_VERSION: '3',
      OS_REGION_NAME: 'RegionOne',
      OS_USERNAME: asked.user,
      OS_PASSWORD: asked.password ?? Keystone.password,
      OS_USER_DOMAIN_ID: 'default',
      ...(asked.project !== undefined && { OS_PROJECT_NAME: asked.project, OS_PROJECT_DOMAIN_ID: 'default' }),
      ...(asked.domain !== undefined && { OS_DOMAIN_ID: asked.domain }),
      ...(asked.system === true && { OS_SYSTEM_SCOPE: 'all' }),
    };
  }

  /** Sends a request below /v3 as the administrator of the system. Throws unless the status is 2xx. */
  async api(method: string, path: string, body?: Json): Promise<Json> {
    const answer = await fetch(`${this.url}/v3${path}`, {
      method,
      headers: { 'x-auth-token': this.#adminToken, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok)
      throw new Error(`${method} ${path}: ${answer.status} ${text}\n${this.#program.output().slice(-2000)}`);
    return text === '' ? {} : (JSON.parse(text) as Json);
  }

  async token({ user, password, project, domain, system, application }: TokenRequest): Promise<string> {
    const who = { name: user, domain: { id: 'default' }, password: password ?? Keystone.password };
    const identity =
      application === undefined
        ? { methods: ['password'], password: { user: who } }
        : { methods: ['application_credential'], application_credential: application };
    const scope = {
      ...(project !== undefined && { project: { name: project, domain: { id: 'default' } } }),
      ...(domain !== undefined && { domain: { id: domain } }),
      ...(system === true && { system: { all: true } }),
    };
    const body = { auth: { identity, scope: Object.keys(scope).length > 0 ? scope : 'unscoped' } };
    if (application !== undefined) delete (body.auth as Partial<typeof body.auth>).scope;
    const answer = await fetch(`${this.url}/v3/auth/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const token = answer.headers.get('x-subject-token');
    if (token === null) throw new Error(`no token: ${answer.status} ${await answer.text()}`);
    return token;
  }

  /** Returns a token that expired a minute ago. */
  async expiredToken(user: string, project: string): Promise<string> {
    const answer = await fetch(`${this.url}/test/expired-token`, {
      method: 'POST',
      body: JSON.stringify({ user_id: await this.id('users', user), project_id: await this.id('projects', project) }),
    });
    if (!answer.ok) throw new Error(`no expired token: ${answer.status} ${await answer.text()}`);
    return answer.text();
  }

  revoke(token: string): Promise<unknown> {
    return fetch(`${this.url}/v3/auth/tokens`, {
      method: 'DELETE',
      headers: { 'x-auth-token': this.#adminToken, 'x-subject-token': token },
    });
  }

  /** Returns the id of a user, project or role. A missing project or role is created. */
  async id(kind: 'users' | 'projects' | 'roles', name: string): Promise<string> {
    const found = (await this.api('GET', `/${kind}?name=${encodeURIComponent(name)}`))[kind] as Named[];
    if (found[0] !== undefined) return found[0].id;
    if (kind === 'users') throw new Error(`there is no user ${name}`);
    const one = kind.slice(0, -1);
    const made = await this.api('POST', `/${kind}`, {
      [one]: kind === 'projects' ? { name, domain_id: 'default' } : { name },
    });
    return (made[one] as Named).id;
  }

  /** Creates a user, with the common password by default. Returns its id. */
  async user(name: string, grants: readonly Grant[] = [], password = Keystone.password): Promise<string> {
    const made = await this.api('POST', '/users', { user: { name, password, domain_id: 'default' } });
    const { id } = made.user as Named;
    for (const grant of grants) {
      const role = await this.id('roles', grant.role);
      const where =
        'project' in grant
          ? `/projects/${await this.id('projects', grant.project)}`
          : 'domain' in grant
            ? '/domains/default'
            : '/system';
      await this.api('PUT', `${where}/users/${id}/roles/${role}`);
    }
    return id;
  }

  /** Adds a service to the catalog, with one URL for all interfaces. */
  async service(type: string, name: string, url: string): Promise<void> {
    const made = await this.api('POST', '/services', { service: { type, name } });
    const service_id = (made.service as Named).id;
    for (const kind of ['public', 'internal', 'admin']) {
      const endpoint = { service_id, interface: kind, url, region_id: 'RegionOne' };
      await this.api('POST', '/endpoints', { endpoint });
    }
  }

  async end(): Promise<void> {
    await this.#program.end();
    removeFolder(this.#folder);
  }

  async #logIn(): Promise<void> {
    this.#adminToken = await this.token({ user: 'admin', system: true });
  }
}

/** Runs applications behind the real `keystonemiddleware.auth_token`. */
export class AuthTokenPeer {
  /** The base URL: a {@link serve}d application is at `url/name`. */
  readonly url: string;
  readonly #program: Program;
  readonly #folder: string;

  private constructor(url: string, program: Program, folder: string) {
    this.url = url;
    this.#program = program;
    this.#folder = folder;
  }

  static async start(): Promise<AuthTokenPeer> {
    const folder = temporaryFolder('portico-auth-token-');
    const program = gunicorn('auth_token_app', folder, 8, { PORTICO_AUTH_TOKEN: folder });
    return new AuthTokenPeer(await listening(program), program, folder);
  }

  /**
   * Creates the directory of an application, with its configuration and its paste file, whose pipeline `main` is loaded by the first request.
   */
  serve(name: string, pasteFile: string, configuration: string): string {
    const folder = join(this.#folder, name);
    mkdirSync(folder);
    writeFileSync(join(folder, 'api-paste.ini'), pasteFile);
    writeFileSync(join(folder, 'service.conf'), configuration, { mode: 0o600 });
    return folder;
  }

  async end(): Promise<void> {
    await this.#program.end();
    removeFolder(this.#folder);
  }
}

function gunicorn(module: string, folder: string, threads: number, env: Record<string, string>): Program {
  const workers = threads === 1 ? ['--worker-class', 'sync'] : ['--worker-class', 'gthread', '--threads', `${threads}`];
  // It closes kept connections after two seconds, perhaps while a request arrives: so each has one request.
  const args = ['--bind', '127.0.0.1:0', ...workers, '--keep-alive', '0', '--timeout', '120', `${module}:application`];
  return new Program(PYTHON, ['-m', 'gunicorn', ...args], {
    cwd: folder,
    env: { ...env, PYTHONPATH: join(root, 'test', 'keystone'), PYTHONDONTWRITEBYTECODE: '1' },
  });
}

/** Waits until the application listens. Connections then wait until the application is loaded. */
async function listening(program: Program): Promise<string> {
  return (await program.printed(/Listening at: (http:\S+)/))[1]!;
}

function configuration(folder: string): string {
  return `
[DEFAULT]
log_file = ${folder}/keystone.log
[database]
connection = sqlite:///${folder}/keystone.db
[token]
provider = fernet
[fernet_tokens]
key_repository = ${folder}/fernet
[fernet_receipts]
key_repository = ${folder}/fernet
[credential]
key_repository = ${folder}/credential
[identity]
password_hash_rounds = 4
[cache]
enabled = true
backend = oslo_cache.dict
`;
}
