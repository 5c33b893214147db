/** Schemes of transport URLs. */

/** Other names of transports. */
const ALIASES: Readonly<Record<string, string>> = { rabbit: 'amqp', 'oslo+amqp': 'oslo+rabbit' };

/** Returns the transport that a scheme names, also one that does not exist. Text after a plus names the hosts, except after `oslo`. */
export function transportOf(scheme: string): string {
  const written = scheme.toLowerCase();
  const [, named = written] = /^([^+]+)\+[^+]+$/.exec(written) ?? [];
  const asked = named === 'oslo' ? written : named;
  return ALIASES[asked] ?? asked;
}
