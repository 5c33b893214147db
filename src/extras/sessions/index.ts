/** `portico/sessions`: the filter session, which `portico/middleware` exports too. */
export type { SessionStore } from 'portico/extension';
export { session } from './session.js';
