/** Fields by which proxies report on a request: each part that looks for them takes the same ones. */
export const FORWARDING: readonly (readonly [name: string, value: string])[] = [
  ['X-Forwarded-For', '192.0.2.1'],
  ['X-Forwarded-Host', 'api.example'],
  ['X-Forwarded-Proto', 'https'],
  ['X-Forwarded-Port', '443'],
  ['X-Real-IP', '192.0.2.1'],
  ['X-Real-Port', '1024'],
  ['Forwarded', 'for=192.0.2.1'],
  ['Via', '1.1 proxy'],
];
