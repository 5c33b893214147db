/** Writes a certificate for this machine: `node certificate.js`. In production another tool does (certbot, cert-manager). */
import { writeFileSync } from 'node:fs';
import { generate } from 'selfsigned';

const names = [
  { type: 2, value: 'localhost' },
  { type: 7, ip: '127.0.0.1' },
];
const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
  extensions: [{ name: 'subjectAltName', altNames: names }],
});
writeFileSync('key.pem', key, { mode: 0o600 });
writeFileSync('cert.pem', cert);
