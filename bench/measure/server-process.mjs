// Starts, awaits and stops a server under measurement.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { processTree } from './process-tree.mjs';

const START_SECONDS = 60;
const NOWHERE = openSync('/dev/null', 'w');

/** Returns a port without a listener. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts a server: `{ pid, port, stop() }`. Its output is discarded; if it does not start, the error shows its command. */
export async function startServer({ command, args, env = {}, cwd, stderr = NOWHERE }, port) {
  // Each Node process would parse the certificates that a machine adds, which takes 40 ms.
  const inherited = { ...process.env, NODE_EXTRA_CA_CERTS: undefined, NODE_ENV: 'production' };
  const options = { cwd, env: { ...inherited, ...env }, stdio: ['ignore', 'ignore', stderr] };
  const child = spawn(command, args, options);
  const exited = once(child, 'exit');
  let ended = false;
  exited.then(
    () => {
      ended = true;
    },
    () => {},
  );
  const deadline = Date.now() + START_SECONDS * 1000;
  while (!(await accepts(port))) {
    if (!ended && Date.now() < deadline) continue;
    child.kill('SIGKILL');
    const shown = stderr === NOWHERE ? ` Its command: ${[command, ...args].join(' ')}` : '';
    throw new Error(`the server ${ended ? 'ended at its start' : 'did not answer in time'}.${shown}`);
  }
  return {
    pid: child.pid,
    port,
    child,
    /** Sends SIGINT, which ends each server at once. Remaining processes are killed after three seconds. */
    async stop() {
      if (ended) return;
      const tree = processTree(child.pid);
      child.kill('SIGINT');
      const timer = setTimeout(() => {
        for (const pid of tree) kill(pid);
      }, 3000);
      await exited;
      clearTimeout(timer);
    },
  };
}

/** Reports whether the port accepts connections; if not, waits a moment first. */
async function accepts(port) {
  const socket = connect({ port, host: '127.0.0.1' });
  const connected = await new Promise((resolve) => {
    socket.on('connect', () => resolve(true));
    socket.on('error', () => resolve(false));
  });
  socket.destroy();
  if (!connected) await new Promise((resolve) => setTimeout(resolve, 2));
  return connected;
}

function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // The process has ended.
  }
}
