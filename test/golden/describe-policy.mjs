#!/usr/bin/env node
// Evaluates policy cases: reads a case as JSON from each line of standard input, and prints its results as one line.
//
// oslo.policy looks at its files before each question, and reads those that are newer; Portico reads them once for each configuration. So
// the moments of reading are here, and what a reading leaves in force is the library's.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { RequestContext } from 'portico/app';
import { credentialsOf } from 'portico/policy';
import { checkText } from '../../dist/extras/policy/check.js';
import { Enforcer } from '../../dist/extras/policy/enforcer.js';
import { parseRule } from '../../dist/extras/policy/parse-rule.js';
import { readPolicyFile } from '../../dist/extras/policy/policy-file.js';
import { joinedRules, pathsInDirectory, policyPath } from '../../dist/extras/policy/policy-files.js';
import { refuseUnregistered, registeredRules } from '../../dist/extras/policy/rule-default.js';
import { RuleSet } from '../../dist/extras/policy/rule-set.js';

const camel = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
/** Converts the names of members, also of a replaced rule. */
const renamed = (object) =>
  Object.fromEntries(
    Object.entries(object).map(([name, value]) => [
      camel(name),
      name === 'deprecated_rule' && value ? renamed(value) : value,
    ]),
  );

/** Returns a default of a case as a rule: an absent description counts as text where there are operations. */
const ruleOf = (rule) => ('operations' in rule ? { description: 'x', ...renamed(rule) } : renamed(rule));

const ERRORS = {
  PORTICO_POLICY_NOT_REGISTERED: 'PolicyNotRegistered',
  PORTICO_POLICY_OPERATIONS: 'InvalidRuleDefault',
  PORTICO_POLICY_DUPLICATE: 'DuplicatePolicyError',
  PORTICO_POLICY_CREDENTIALS: 'InvalidContextObject',
};
const KINDS = { policy: 'PolicyNotAuthorized', scope: 'InvalidScope' };

/** One enforcer of the reference, with its files. */
class Service {
  #folder = mkdtempSync(join(tmpdir(), 'portico-policy-'));
  #options;
  #registered = new Map();
  #clock = Date.now() / 1000 - 86_400;
  #policyFile;
  #policyPath;
  #mtimes = new Map();
  #files = [];
  /** Rules of files as the reference remembers them for replaced rules: without a policy file it forgets none. */
  #known = new Map();
  #rules = new RuleSet(new Map(), new Map(), { policyDefaultRule: '', enforceNewDefaults: false });

  constructor({ files = {}, options = {}, defaults = [] }) {
    this.#options = options;
    this.write(files);
    const name = options.policy_file ?? options.default_policy_file ?? 'policy.json';
    const places = { policyFile: name, isWritten: options.policy_file !== undefined, find: (path) => this.#find(path) };
    this.#policyFile = policyPath(places) ?? this.#path(name);
    this.register(defaults);
  }

  close() {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #path(name) {
    return resolve(this.#folder, name);
  }

  #find(name) {
    return existsSync(this.#path(name)) ? this.#path(name) : undefined;
  }

  write(files) {
    this.#clock += 10;
    for (const [name, text] of Object.entries(files)) {
      const path = this.#path(name);
      if (text === null) rmSync(path, { recursive: true, force: true });
      else {
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, text);
        utimesSync(path, this.#clock, this.#clock);
      }
      for (let folder = dirname(path); folder.startsWith(this.#folder); folder = dirname(folder))
        if (existsSync(folder)) utimesSync(folder, this.#clock, this.#clock);
    }
  }

  register(defaults) {
    const rules = defaults.map(ruleOf);
    // All are constructed before the first is registered.
    for (const rule of rules) registeredRules([rule]);
    for (const rule of rules) this.#registered = registeredRules([rule], this.#registered);
  }

  /** Reports whether a file or directory is newer than at its last reading. */
  #isNewer(path, mtime, force) {
    const isNewer = force || mtime > (this.#mtimes.get(path) ?? 0);
    this.#mtimes.set(path, mtime);
    return isNewer;
  }

  load(force = false) {
    this.#policyPath ??= existsSync(this.#policyFile) ? this.#policyFile : undefined;
    const hasChanged = this.#policyPath !== undefined && this.#loadPolicyFile(force);
    let reads = force || hasChanged;
    const directories = (this.#options.policy_dirs ?? ['policy.d']).flatMap((name) => this.#find(name) ?? []);
    for (const directory of directories) {
      const inside = readdirSync(directory).map((name) => join(directory, name));
      const newest = Math.max(...[directory, ...inside].map((path) => statSync(path).mtimeMs));
      if (this.#isNewer(directory, newest, false)) reads = true;
    }
    if (reads && directories.length > 0) {
      if (this.#policyPath === undefined) this.#files = [];
      else if (!hasChanged) this.#loadPolicyFile(true);
      this.#apply(new Map());
      for (const path of directories.flatMap(pathsInDirectory)) this.#take(path);
    }
    this.#apply(this.#registered);
  }

  #apply(registered) {
    const choice = {
      policyDefaultRule: this.#options.policy_default_rule ?? 'default',
      enforceNewDefaults: this.#options.enforce_new_defaults ?? false,
    };
    this.#rules = new RuleSet(registered, joinedRules(this.#files), choice, this.#known);
  }

  #loadPolicyFile(force) {
    const isNewer = this.#isNewer(this.#policyPath, statSync(this.#policyPath).mtimeMs, force);
    if (!isNewer && this.#rules.rules.size > 0) return false;
    this.#take(this.#policyPath, true);
    return true;
  }

  /** Reads a file; `alone`: in place of all files. */
  #take(path, alone = false) {
    const file = readPolicyFile(path, readFileSync(path));
    if (file.isBroken) throw new Error(`${path} cannot be loaded`);
    this.#files = alone ? [file] : [...this.#files, file];
    this.#known = new Map([...(alone ? [] : this.#known), ...file.rules]);
    this.#apply(new Map());
  }

  /** Reports whether a rule refers to an undefined one or to itself, as the reference finds it: it does not look below `not`. */
  #hasWrong() {
    const { rules } = this.#rules;
    const references = (check) => (check.is === 'rule' ? [check.name] : (check.checks ?? []).flatMap(references));
    const leadsBack = (check, seen) => {
      if (check.is !== 'rule') return (check.checks ?? []).some((each) => leadsBack(each, new Set(seen)));
      if (seen.has(check.name)) return true;
      seen.add(check.name);
      return rules.has(check.name) && leadsBack(rules.get(check.name), seen);
    };
    return [...rules.values()].some(
      (check) => references(check).some((name) => !rules.has(name)) || leadsBack(check, new Set()),
    );
  }

  async ask({ op, value, rule, target = {}, creds = {}, context, do_raise: raises = false, ...query }) {
    if (op === 'write') return this.write(query.files);
    if (op === 'register') return this.register(query.defaults);
    if (op === 'load') return this.load(query.force);
    if (op === 'parse') {
      const { check, failed } = parseRule(value);
      return { text: checkText(check), ...(failed && { failed }) };
    }
    if (op === 'authorize') refuseUnregistered(this.#registered, rule);
    this.load();
    if (op === 'rules') {
      const { rules } = this.#rules;
      const shown = (query.names ?? [...rules.keys()]).map((name) => [
        name,
        rules.has(name) ? checkText(rules.get(name)) : null,
      ]);
      return { rules: Object.fromEntries(shown) };
    }
    if (op === 'check_rules') {
      if (!this.#hasWrong()) return { valid: true };
      return raises ? { error: 'InvalidDefinitionError' } : { valid: false };
    }
    const caller = context === undefined ? creds : new RequestContext(renamed(context));
    const enforcer = new Enforcer({
      registered: this.#registered,
      rules: this.#rules,
      enforceScope: this.#options.enforce_scope ?? false,
      askServer: () => Promise.reject(new Error('no case asks a server')),
      credentialsOf,
      onScope: () => undefined,
    });
    const asked = op === 'check' ? parseRule(value).check : rule;
    if (raises) await enforcer.enforce(caller, asked, target);
    return { allowed: raises || (await enforcer.allows(caller, asked, target)) };
  }
}

async function answers(described) {
  let service;
  const given = [];
  try {
    service = new Service(described);
    for (const query of described.queries) {
      try {
        given.push((await service.ask(query)) ?? { ok: true });
      } catch (error) {
        given.push({ error: ERRORS[error.code] ?? KINDS[error.kind] ?? 'ValueError', message: error.message });
      }
    }
  } finally {
    service?.close();
  }
  return { answers: given };
}

for await (const line of createInterface({ input: process.stdin })) {
  if (line.trim() !== '') console.log(JSON.stringify(await answers(JSON.parse(line))));
}
