/**
 * Tokens that are bound to their bearer's certificate.
 */
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { AuthTokenOptions } from './auth-token-options.js';
import type { TokenInfo } from './token-validator.js';

/** How strictly bindings are looked at. */
export type BindMode = AuthTokenOptions['enforceTokenBind'];

/**
 * Whether a token's binding lets this connection use it. Known is `x509`: the SHA-256 thumbprint of the client's
 * certificate, in hexadecimal digits or base64url (`cnf.x5t#S256` of RFC 8705).
 */
export function fitsBinding(info: TokenInfo, mode: BindMode, req: IncomingMessage): boolean {
  if (mode === 'disabled') return true;
  const bind = info.bind ?? {};
  const kinds = Object.keys(bind);
  if (mode === 'required' && kinds.length === 0) return false;
  if (mode === 'x509' && !kinds.includes('x509')) return false;
  return kinds.every((kind) => (kind === 'x509' ? isPeer(bind.x509, req) : mode === 'permissive'));
}

function isPeer(thumbprint: unknown, req: IncomingMessage): boolean {
  const certificate = (req.socket as Partial<TLSSocket>).getPeerCertificate?.();
  const fingerprint = certificate?.fingerprint256;
  return typeof thumbprint === 'string' && typeof fingerprint === 'string' && hex(thumbprint) === hex(fingerprint);
}

/** `AB:CD`, `abcd` and base64url, as lower-case hexadecimal digits. */
function hex(thumbprint: string): string {
  const digits = thumbprint.replaceAll(':', '').toLowerCase();
  if (/^[0-9a-f]{64}$/.test(digits)) return digits;
  return Buffer.from(thumbprint, 'base64url').toString('hex');
}
