/** The error codes of this directory, for docs/reference/errors.md. */
import type { ErrorCodes } from '../errors/index.js';

export const errorCodes: ErrorCodes = {
  PORTICO_ADDRESS_TAKEN: {
    cause: 'Another process, or another service of this program, listens on the address.',
    remedy: 'Give one of them another address, or end the other process.',
  },
  PORTICO_ADMIN_HOST: {
    cause: 'A request to the admin listener names a host that it does not know.',
    remedy: 'Add the name to `[admin] hosts`.',
  },
  PORTICO_ADMIN_LISTEN: {
    cause: 'The admin listener cannot listen, or others would reach it without `allow_remote`.',
    remedy: 'Change `[admin] listen`, or set `[admin] allow_remote`.',
  },
  PORTICO_ADMIN_ORIGIN: {
    cause: 'A page of another site tried to change something by the admin listener.',
    remedy: 'Use `api-cli`, or the page of the admin listener itself.',
  },
  PORTICO_ADMIN_REMOTE: {
    cause: 'Another machine, or a proxy, tried to change something by the admin listener.',
    remedy: 'Use `api-cli` on the machine itself.',
  },
  PORTICO_ALREADY_SERVING: {
    cause: '`serve()` was called twice.',
    remedy: 'Use a launcher for several services.',
  },
  PORTICO_BACKDOOR_CONFIG: {
    cause: '`backdoor_port` is no port and no range of ports.',
    remedy: 'Write `0`, `N` or `N:M`.',
  },
  PORTICO_BACKDOOR_SOCKET: {
    cause: 'The backdoor cannot listen on its socket.',
    remedy: 'Remove the file, or name another one in `backdoor_socket`.',
  },
  PORTICO_CONTROL_BODY: {
    cause: 'A request to the control socket has a body that is too large or no JSON object.',
    remedy: 'Send the JSON that the path takes.',
  },
  PORTICO_CONTROL_FAILED: {
    cause: 'A request to the control socket failed for a reason without a code.',
    remedy: 'See the message, and the log of the service.',
  },
  PORTICO_CONTROL_NOT_FOUND: {
    cause: 'The control socket has no such path.',
    remedy: 'Use one of those that the message names.',
  },
  PORTICO_CONTROL_QUERY: {
    cause: 'A request to the control socket or the admin listener has a query that its path does not take.',
    remedy: 'Ask with what the message names.',
  },
  PORTICO_CONTROL_SOCKET: {
    cause: 'The control socket cannot be listened on, or the configuration wants none.',
    remedy: 'Name another path in `[control] socket`.',
  },
  PORTICO_DOCS_OFF: {
    cause: '`/docs` was asked for, and `[admin] docs` is off.',
    remedy: 'Set `[admin] docs`.',
  },
  PORTICO_DUPLICATE_SERVICE: {
    cause: 'Two services of one launcher have the same name.',
    remedy: 'Give each its own name.',
  },
  PORTICO_INVALID_RESTART_METHOD: {
    cause: 'A launcher was given a restart method that is neither `reload` nor `mutate`.',
    remedy: 'Give one of the two.',
  },
  PORTICO_INVALID_WORKERS: {
    cause: 'A number of workers is no whole number, or below what is allowed.',
    remedy: 'Give a whole number of at least 1; `scale` takes 0 too.',
  },
  PORTICO_LAUNCHER_EXISTS: {
    cause: 'Two launchers of one process listen to signals.',
    remedy: 'Give the second one `{ signals: false }`.',
  },
  PORTICO_LAUNCHER_OPTION: {
    cause: 'An option of a launcher has a wrong type or does not exist.',
    remedy: 'Give what the message says.',
  },
  PORTICO_LOG_LEVEL: {
    cause: 'There is no such log level.',
    remedy: 'Use one of those that the message names.',
  },
  PORTICO_METRICS_OFF: {
    cause: 'Metrics were asked for, and `[metrics] enabled` is off.',
    remedy: 'Set `[metrics] enabled`.',
  },
  PORTICO_NOTIFY_FAILED: {
    cause: '`NOTIFY_SOCKET` takes no message.',
    remedy: 'Check that the unit has `Type=notify` and `NotifyAccess=all`.',
  },
  PORTICO_NOT_A_SERVICE: {
    cause: 'What is to be launched lacks `start`, `stop`, `wait` or `reset`.',
    remedy: 'Extend `Service`, or write the four methods.',
  },
  PORTICO_NOT_DESCRIBED: {
    cause: 'An API cannot be described: no worker serves, or it failed.',
    remedy: 'Wait until a worker is ready; see the message.',
  },
  PORTICO_NOT_SERVING: {
    cause: '`wait()` was called before `serve()`.',
    remedy: 'Call `serve(service)` first.',
  },
  PORTICO_NO_MAIN_MODULE: {
    cause: 'Workers have no module to run, as in a REPL.',
    remedy: 'Give the launcher an `entry`.',
  },
  PORTICO_NO_SUCH_SERVICE: {
    cause: 'No service of this program has that name.',
    remedy: 'Use one of those that the message names.',
  },
  PORTICO_NO_SUCH_WORKER: {
    cause: 'No worker has that pid, or it does not serve yet.',
    remedy: '`api-cli status` lists the workers.',
  },
  PORTICO_NO_WORKERS: {
    cause: 'The process runs its services by itself and has no workers to restart or scale.',
    remedy: 'Launch with a `ProcessLauncher`.',
  },
  PORTICO_RELOAD_RACED: {
    cause: 'A file was written while a reload read it; the reload is refused.',
    remedy: 'Reload again once the writer has ended.',
  },
  PORTICO_RELOAD_REFUSED: {
    cause: 'New workers refuse the configuration for several reasons; nothing was changed.',
    remedy: 'Correct all that the message lists: `api-cli check`.',
  },
  PORTICO_RELOAD_TIMEOUT: {
    cause: 'A new worker did not load, start, or find room in time.',
    remedy: 'Make the start quicker, or raise `reload_check_timeout` or `reload_timeout`.',
  },
  PORTICO_SERVICE_EXIT: {
    cause: 'A service ended its program with a status of its own (`ServiceExit`).',
    remedy: 'See the log of that service.',
  },
  PORTICO_SERVICE_NOT_LAUNCHED: {
    cause: "A worker's program did not launch the service that the worker is for.",
    remedy: 'Launch the same services in every process; read no options that differ.',
  },
  PORTICO_START_FAILED: {
    cause: "A service cannot start; the system's own error is in the message.",
    remedy: 'Correct the address, host name or permission it names.',
  },
  PORTICO_STOPPING: {
    cause: 'A reload was asked for while the service is being stopped.',
    remedy: 'Nothing; start it again afterwards.',
  },
  PORTICO_WORKER_FAILED: {
    cause: 'A worker ended before it was ready.',
    remedy: 'See the message and its stack; look for `process.exit()` in the application.',
  },
  PORTICO_WORKER_FAULT: {
    cause: 'A worker sent its parent something that breaks their protocol, and was killed.',
    remedy: 'Let the application leave the channel to the parent alone.',
  },
};
