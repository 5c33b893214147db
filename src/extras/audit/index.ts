/** `portico/audit`: events of audit for each request, as keystonemiddleware.audit emits them. */
export { audit } from './audit.js';
