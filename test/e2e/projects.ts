/** Small projects as users write them: an app that responds with its pid, after a delay if requested. */
export const pidApp = `
export const app = () => (req, res) => {
  const wait = Number(new URL(req.url, 'http://localhost').searchParams.get('ms') ?? 0);
  const answer = () => res.end(String(process.pid));
  if (wait === 0) answer();
  else setTimeout(answer, wait);
};
`;

/** The pipeline file of {@link pidApp} under the name `hello`. */
export const pidPaste = `
[pipeline:hello]
pipeline = request_id hello_app

[filter:request_id]
paste.filter_factory = portico/middleware:requestId

[app:hello_app]
paste.app_factory = ./app.js:app
`;

/** A project that serves {@link pidApp} as `hello` on a port. */
export function pidProject(port: number, workers: number, more = ''): Record<string, string> {
  return {
    'app.js': pidApp,
    'api-paste.ini': pidPaste,
    'portico.ini': `[DEFAULT]\nenabled_apis = hello\n${more}\n[api:hello]\nport = ${port}\nworkers = ${workers}\n`,
  };
}
