/**
 * The validator `static`: accepts the tokens in a file, for development. The file is a JSON object with an entry for each token;
 * docs/reference/filters/authentication.md lists the members of an entry.
 */
import { evaluate, type MemberNode, parse, type ValueNode } from '@humanwhocodes/momoa';
import type { Config } from '../../config/index.js';
import { camelCase } from '../../config/internal.js';
import { ConfigurationRefused, isObject, nearestNames, type Origin, Refusals } from '../../errors/index.js';
import { requireDebug } from '../debug-only.js';
import { isPlausible } from './presented-token.js';
import type { RefusedToken, TokenInfo, TokenValidator, ValidatorSettings } from './token-validator.js';

/**
 * Reads `static_tokens_file`: `{"<token>": {"user_id": …, "project_id": …, "roles": ["member"]}}`, see {@link staticTokens}. Refuses to
 * start without `[DEFAULT] debug = true`, because tokens in a file are not secret.
 */
export class StaticValidator implements TokenValidator {
  #tokens: ReadonlyMap<string, TokenInfo> = new Map();

  start({ config, options, origin, originOf }: ValidatorSettings): void {
    const what = 'the validator static trusts tokens from a file';
    requireDebug(config, what, 'use another validator', origin);
    const file = options.staticTokensFile ?? '';
    this.#tokens = staticTokens(textOf(config, file, originOf('static_tokens_file')), file);
  }

  challenge(): string {
    return 'Bearer realm="static"';
  }

  async validate(token: string): Promise<TokenInfo | RefusedToken> {
    return this.#tokens.get(token) ?? { refused: 'unknown: it is not in static_tokens_file' };
  }
}

function textOf(config: Config, file: string, origin: Origin): string {
  try {
    if (file === '') throw new Error('static_tokens_file is not set');
    return config.readFile(file).toString();
  } catch (cause) {
    throw new ConfigurationRefused('PORTICO_STATIC_TOKENS', {
      message: `the tokens of the validator static cannot be read: ${(cause as Error).message}`,
      hint: 'Set static_tokens_file to a file with a JSON object: {"<token>": {"user_id": "…", "project_id": "…", "roles": ["…"]}}.',
      origin,
      cause,
    });
  }
}

/** The type of a member. */
type Kind = 'text' | 'date' | 'flag' | 'names' | 'list' | 'object' | readonly [Members] | Members;
interface Members {
  readonly [name: string]: Kind;
}

const NAMED: Members = { id: 'text', name: 'text' };
const ENTRY: Members = {
  user_id: 'text',
  user_name: 'text',
  user_domain: NAMED,
  project_id: 'text',
  project_name: 'text',
  project_domain: NAMED,
  domain: NAMED,
  system_scope: 'text',
  roles: 'names',
  is_admin_project: 'flag',
  expires_at: 'date',
  issued_at: 'date',
  audit_ids: 'names',
  methods: 'names',
  app_credential: {
    id: 'text',
    name: 'text',
    restricted: 'flag',
    access_rules: [{ service: 'text', method: 'text', path: 'text' }],
  },
  catalog: 'list',
  bind: 'object',
  claims: 'object',
};

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const KINDS: Readonly<Record<Kind & string, { readonly is: string; fits(value: unknown): boolean }>> = {
  text: { is: 'a non-empty string', fits: isText },
  date: { is: 'a date, as 2030-01-31T12:00:00Z', fits: (value) => isText(value) && !Number.isNaN(Date.parse(value)) },
  flag: { is: 'true or false', fits: (value) => typeof value === 'boolean' },
  names: { is: 'a list of names', fits: (value) => Array.isArray(value) && value.every(isText) },
  list: { is: 'a list', fits: Array.isArray },
  object: { is: 'an object', fits: isObject },
};

/**
 * Parses the tokens. Throws a `ConfigurationRefused` (`PORTICO_STATIC_TOKENS`) with the locations of all unknown members and invalid
 * values. Messages contain no token: no entry name and no value.
 */
export function staticTokens(text: string, file: string): ReadonlyMap<string, TokenInfo> {
  const reader = new StaticTokensReader(file);
  const tokens = reader.read(text);
  reader.refusals.refuse();
  return tokens;
}

type Position = { readonly line: number; readonly column: number };

class StaticTokensReader {
  readonly refusals = new Refusals();
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  read(text: string): Map<string, TokenInfo> {
    const tokens = new Map<string, TokenInfo>();
    for (const { name, value } of this.#entries(text)) {
      const token = wordOf(name);
      if (tokens.has(token)) this.#refuse('this token is repeated', 'Remove one of its entries.', name.loc.start);
      if (!isPlausible(token)) {
        const hint = 'A token has at most 8192 characters of printable ASCII, and no blanks.';
        this.#refuse('no request can present this token', hint, name.loc.start);
      }
      const info = this.#members(value, ENTRY, 'the entry of a token');
      if (value.type === 'Object' && value.members.every((member) => wordOf(member.name) !== 'user_id')) {
        this.#refuse('this token has no user_id', 'Add the user of the token: "user_id": "…".', name.loc.start);
      }
      tokens.set(token, { roles: [], ...info } as TokenInfo);
    }
    return tokens;
  }

  #entries(text: string): readonly MemberNode[] {
    try {
      const { body } = parse(text, { mode: 'json' });
      if (body.type === 'Object') return body.members;
      this.#refuse('the file is not a JSON object', FORM, body.loc.start);
    } catch (error) {
      // The message of the parser is not used, because it quotes the text, which contains tokens.
      const { line = 1, column = 1 } = error as Partial<Position>;
      this.#refuse('the file is not JSON from here on', FORM, { line, column });
    }
    return [];
  }

  #members(node: ValueNode, members: Members, what: string): Record<string, unknown> | undefined {
    if (node.type !== 'Object') {
      this.#refuse(`${what} is not an object`, memberList(members), node.loc.start);
      return undefined;
    }
    const seen = new Set<string>();
    return Object.fromEntries(
      node.members.flatMap(({ name, value }) => {
        const word = wordOf(name);
        if (!Object.hasOwn(members, word)) {
          this.#refuse(`${what} has no member ${shown(word, value)}`, hintFor(word, members), name.loc.start);
          return [];
        }
        if (seen.has(word)) this.#refuse(`${word} is repeated`, 'Remove one of them.', name.loc.start);
        seen.add(word);
        return [[camelCase(word), this.#value(value, members[word]!, word)]];
      }),
    );
  }

  #value(node: ValueNode, kind: Kind, name: string): unknown {
    if (typeof kind === 'string') {
      const value: unknown = evaluate(node);
      if (!KINDS[kind].fits(value)) this.#refuse(`${name} is not ${KINDS[kind].is}`, undefined, node.loc.start);
      return value;
    }
    if (!isListOf(kind)) return this.#members(node, kind, name);
    if (node.type !== 'Array') this.#refuse(`${name} is not a list of objects`, memberList(kind[0]), node.loc.start);
    else return node.elements.map(({ value }) => this.#members(value, kind[0], `one of ${name}`));
    return undefined;
  }

  #refuse(message: string, hint: string | undefined, { line, column }: Position): void {
    const origin = { file: this.#file, line, column };
    this.refusals.note(new ConfigurationRefused('PORTICO_STATIC_TOKENS', { message, hint, origin }));
  }
}

const FORM = 'It must be a JSON object: {"<token>": {"user_id": "…", "project_id": "…", "roles": ["…"]}}.';

function isListOf(kind: Members | readonly [Members]): kind is readonly [Members] {
  return Array.isArray(kind);
}

function wordOf(name: MemberNode['name']): string {
  return name.type === 'String' ? name.value : name.name;
}

/** Returns a member name for a message. The name of an object may be a token, if the file is nested one level too deep. */
function shown(word: string, value: ValueNode): string {
  return value.type === 'Object' ? 'of this name' : JSON.stringify(word);
}

/** Suggests similar names, or names that begin with the word. */
function hintFor(word: string, members: Members): string {
  const names = Object.keys(members);
  const near = nearestNames(word, names);
  const longer = names.filter((name) => name.startsWith(`${word}_`));
  const meant = (near.length > 0 ? near : longer).map((name) => `"${name}"`).join(' or ');
  return meant === '' ? memberList(members) : `Did you mean ${meant}?`;
}

function memberList(members: Members): string {
  return `Members: ${Object.keys(members).join(', ')}.`;
}
