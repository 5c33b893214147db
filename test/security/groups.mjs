// The groups of attacks: the tests that attack, and the protections to remove from a copy, one at a time.
// `file` is below src; `replace` must occur once in lib. Where not all tests are needed, `tests` lists the files that find
// the mutant, and `names` is an expression for tests in them: one that fails, and one that passes.

export const groups = [
  {
    name: 'framing',
    tests: ['server/requests/malformed', 'security/proxies', 'server/connections/upgrades', 'app/response-length'],
    mutants: [
      {
        what: 'a request with Content-Length and Transfer-Encoding is served',
        file: 'server/requests/request-guard.js',
        replace: 'if (httpVersionMinor === 0 || (kinds & FIELD.LENGTH) !== 0)',
        by: 'if (false)',
        tests: ['server/requests/malformed'],
      },
    ],
  },
  {
    name: 'spelling',
    tests: [
      'server/requests/request-guard',
      'middleware/spellings',
      'middleware/auth/access-rules',
      'middleware/read-only',
    ],
    mutants: [
      {
        what: 'filters decide by the path as it was sent',
        file: 'app/request-path.js',
        replace: 'return isAsSent(req) ? text : collapsed(text);',
        by: 'return environ(req).originalUrl.split("?", 1)[0];',
        tests: ['middleware/spellings'],
      },
    ],
  },
  {
    name: 'identity',
    tests: ['server/requests/request-pool', 'middleware/auth/identity', 'middleware/noauth', 'middleware/basic-auth'],
    mutants: [
      {
        what: 'a pipelined request is begun in the context of the one before it',
        file: 'server/connections/connection.js',
        replace: 'this.#inItsContext(() => this.#beginNext())',
        by: 'this.#beginNext()',
        tests: ['server/requests/request-pool'],
      },
      {
        what: "a client's identity headers reach the application",
        file: 'middleware/auth/identity.js',
        replace: 'removeHeaders(req, (name) => IDENTITY_HEADERS.has(name));',
        by: 'removeHeaders(req, (claimed) => claimed === "x-roles");',
        tests: ['middleware/auth/identity'],
      },
    ],
  },
  {
    name: 'parsers',
    tests: ['security/parser-time', 'openstack/client-values'],
    mutants: [
      {
        what: 'the mask of the log looks for a sign from each character of a query anew',
        file: 'app/faults/client-text.js',
        replace: '.replace(/[^&;]+/g, maskPair)',
        by: '.replace(/[^&;]+=[^&;]*/g, maskPair)',
        tests: ['security/parser-time'],
        names: 'secrets masked|host name of a server',
      },
    ],
  },
  {
    name: 'memory',
    tests: ['server/memory-budget', 'server/memory', 'server/connections'],
    mutants: [
      {
        what: 'pieces of a body are kept as they come',
        file: 'wire/gathered-bytes.js',
        replace: 'if (chunk !== null && chunk.length < LARGE)',
        by: 'if (false)',
        tests: ['server/memory-budget'],
        names: 'RL-18 of pipelined requests|waits for the concurrency limit',
      },
      {
        what: 'any number of requests of a connection waits',
        file: 'server/connections/connection.js',
        replace: 'waiting.length < MOST_WAITING',
        by: 'true',
        tests: ['server/memory-budget'],
        names: 'RL-18 of pipelined requests|waits for the concurrency limit',
      },
      {
        what: 'all fields that a connection sends ahead are kept',
        file: 'server/connections/connection.js',
        replace: 'ahead + fields <= MOST_FIELDS',
        by: 'true',
        tests: ['server/memory-budget'],
        names: 'AT-21',
      },
      {
        what: 'all bodies that a connection sends ahead are read',
        file: 'server/connections/connection.js',
        replace: 'if (this.socket.bytesRead > this.#waitsFrom)',
        by: 'if (false)',
        tests: ['server/memory-budget'],
        names: 'RL-18 of pipelined bodies|waits for the concurrency limit',
      },
      {
        what: 'a connection that was paused within a read is read on',
        file: 'server/connections/connection.js',
        replace: 'if (this.socket.isPaused())',
        by: 'if (false)',
        tests: ['server/memory-budget'],
        names: 'RL-18 of pipelined bodies|waits for the concurrency limit',
      },
    ],
  },
  {
    name: 'worker',
    tests: ['launch/parent/worker-channel'],
    mutants: [
      {
        what: 'bytes that are no message end the parent of a worker',
        file: 'launch/parent/worker-channel.js',
        replace: 'Reflect.apply(read, pipe, [bytes2]);',
        by: 'setImmediate(() => Reflect.apply(read, pipe, [bytes2]));',
        names: 'bytes that are no message|answer of Node',
      },
    ],
  },
  {
    name: 'secrets',
    tests: ['text/secrets', 'text/printable', 'config/sources/command-line', 'launch/parent/worker-process'],
    mutants: [
      {
        what: 'a password is taken to end at the first @ in it',
        file: 'text/secrets.js',
        replace: 'const at = text.lastIndexOf("@", ',
        by: "const at = text.indexOf('@', ",
        tests: ['text/secrets'],
      },
    ],
  },
  {
    name: 'files',
    tests: [
      'sqlite/database',
      'operating/backdoor',
      'operating/report/report',
      'server/tls/development-certificate',
      'middleware/static-files',
    ],
    mutants: [
      {
        what: 'a report is written through a link',
        file: 'operating/report/report.js',
        replace: 'writeFile)(file, text, { mode: 384, flag: "wx" });',
        by: 'writeFile)(file, text, { mode: 0o600 });',
        tests: ['operating/report/report'],
        names: 'written through no link|LC-1505',
      },
    ],
  },
  {
    name: 'operators',
    tests: ['operating/control/control-server', 'operating/control/admin-guard', 'counts/failure-text'],
    mutants: [
      {
        what: 'frames of a stack are read in the message too',
        file: 'counts/noted-failures.js',
        replace: 'stack.slice(at).matchAll(FRAME)',
        by: 'stack.matchAll(FRAME)',
        tests: ['counts/failure-text'],
      },
      {
        what: 'the admin listener answers to any name that a page has pointed there',
        file: 'operating/control/admin-guard.js',
        replace: 'isIP(read.name) === 0 && !isKnown(read, "http")',
        by: 'false',
        tests: ['operating/control/admin-guard'],
        names: 'OP-58 a host|OP-57 a probe',
      },
    ],
  },
  {
    name: 'caches',
    tests: [
      'middleware/private-responses',
      'routing/formats',
      'routing/actions/refused-values',
      'middleware/compression',
    ],
    mutants: [
      {
        what: 'a response to a known caller is sent without Cache-Control',
        file: 'app/response/served-response.js',
        replace: '(exchange.identity !== void 0 || exchange.context?.userId !== void 0)',
        by: 'false',
        tests: ['middleware/private-responses', 'routing/formats'],
      },
      {
        what: 'a resource has a response for each suffix',
        file: 'routing/router.js',
        replace: 'compat === "routes" || kind !== "routes"',
        by: 'true',
        tests: ['routing/formats', 'middleware/compression'],
      },
      {
        what: 'JSON for a request with a cookie is compressed',
        file: 'middleware/compression.js',
        replace: '!WITHOUT_SECRETS.test(type)',
        by: 'false',
        tests: ['middleware/compression'],
      },
    ],
  },
  {
    name: 'tokens',
    tests: ['middleware/auth/jwt-validator', 'middleware/auth/token-spelling'],
    mutants: [
      {
        what: 'a signature is read in any spelling',
        file: 'middleware/auth/issuer-tokens.js',
        replace: '!isCompactJws(token)',
        by: 'false',
        tests: ['middleware/auth/token-spelling'],
        names: 'ES256|HS256|AU-2',
      },
      {
        what: 'a limit counts by a token that no filter has accepted',
        file: 'middleware/rate-limit.js',
        replace: 'const { acceptedToken: token, context, identity } = exchangeOf(req);',
        by: "const { context, identity } = exchangeOf(req); const token = req.headers['x-auth-token'];",
        tests: ['middleware/auth/token-spelling'],
        names: 'AU-2|password is accepted',
      },
      {
        what: 'a token of any issuer is taken',
        file: 'middleware/auth/issuer-tokens.js',
        replace: '...issuer !== void 0 && { issuer },',
        by: '',
      },
    ],
  },
];
