const because = (reason, titles) => titles.map((title) => ({ title, page: 'docs/node-http.md', reason }));

/** The allowed differences by suite: words of a test's title, and the page with the reason in bold. */
export const expected = {
  'on-finished': [
    ...because('CONNECT', ['when CONNECT method']),
    // The first request never gets a response.
    ...because('answers first', ['onFinished(req, listener) when requests pipelined should handle socket errors']),
  ],
  compression: [],
  express: [
    ...because('escapes', ['app.router decode params should decode correct params']),
    // These tests send `Host: http://example.com`.
    ...because('refused requests', [
      'res when accepting html should escape the url',
      'res when accepting html should not render evil javascript links',
      'res when accepting text should encode the url',
    ]),
    ...because('refused paths', [
      'express.static() basic operations should support ../',
      'when URL malformed',
      'when true should fall-through when traversing past root',
      'when false should 400 when URL malformed',
      'when false should 403 when traversing past root',
      'when traversing past root should catch urlencoded ../',
      'when traversing past root should not allow root path disclosure',
      'downloads GET /files/../index.js should respond with 403',
    ]),
  ],
  koa: [],
  fastify: [
    // These tests expect Fastify's JSON bodies, made for `clientError`.
    ...because('refused requests', [
      'test/404s.test.js: Unknown method',
      'test/client-timeout.test.js: requestTimeout should return 408',
      'test/reply-error.test.js: Should reply 400 on client error',
      'test/reply-error.test.js: Should set the response from client error handler',
      'test/request-error.test.js: non-numeric content-length is rejected before Fastify body parsing',
      'test/request-header-host.test.js: Return 200 when Host header is empty',
      'test/request-header-host.test.js: Return 200 when Host header is missing and http.requireHostHeader = false',
    ]),
    ...because('last answers', [
      'test/close-pipelining.test.js: Should return 503 while closing - pipelining',
      'test/close.test.js: Current opened connection should not accept new incoming connections',
      'test/close.test.js: rejected incoming connections should be logged',
      // The first of these tests waits for a response until the file's timeout.
      'test/max-requests-per-socket.test.js: ',
    ]),
  ],
};
