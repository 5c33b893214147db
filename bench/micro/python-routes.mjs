// The same lookups by Python's Routes, where it is installed (Debian: python3-routes).
import { spawnSync } from 'node:child_process';

const PYTHON = '/usr/bin/python3';

// One pass warms up. Then passes run for half a second of CPU time.
const PROGRAM = `
import json, sys, time
import routes
given = json.load(sys.stdin)
mapper = routes.Mapper(register=False)
for name, path, arguments in given['routes']:
    mapper.connect(name, path, **arguments)
mapper.create_regs([])
answer = {}
for kind, paths in given['paths'].items():
    asked = [(path, {'REQUEST_METHOD': method, 'PATH_INFO': path}) for method, path in paths]
    for path, environ in asked:
        mapper.match(path, environ)
    runs, start, spent = 0, time.process_time(), 0
    while spent < 0.5:
        for path, environ in asked:
            mapper.match(path, environ)
        runs += len(asked)
        spent = time.process_time() - start
    answer[kind] = spent * 1e9 / runs
json.dump(answer, sys.stdout)
`;

export function hasPythonRoutes() {
  return spawnSync(PYTHON, ['-c', 'import routes']).status === 0;
}

/** Returns the nanoseconds of one lookup for each kind of path. Throws with Python's error message if it fails. */
export function pythonRoutes(mapper, kinds) {
  const routes = mapper.routes.map(({ name, template, defaults, requirements, conditions }) => {
    const method = conditions?.method === undefined ? undefined : [conditions.method].flat();
    const limits = method === undefined ? {} : { conditions: { method } };
    return [name, template, { ...Object.fromEntries(defaults), requirements, ...limits }];
  });
  const input = JSON.stringify({ routes, paths: kinds });
  const { status, stdout, stderr } = spawnSync(PYTHON, ['-c', PROGRAM], { input, encoding: 'utf8' });
  if (status !== 0) throw new Error(`Python's Routes failed: ${stderr.trim().split('\n').at(-1)}`);
  return JSON.parse(stdout);
}
