/**
 * Names of headers in options: one that HTTP does not allow would fail at every request instead of at the start.
 */

/** A token, RFC 9110 §5.6.2: the form of header names and methods. */
export const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
