/**
 * The states of an accepted connection. The table is data, and `Connection.move` alone goes along it.
 *
 * | State | A request | Broken or late input | After the last response | `end` | `break` | `answer` | `linger` | `upgrade` |
 * | --- | --- | --- | --- | --- | --- | --- | --- | --- |
 * | `open` | begins; up to 32 wait for those before them | ends it: `break` | stays open | `last` | `refused` | | `lingering` | `upgraded` |
 * | `last` | is not taken | is discarded, but within a request: `break` | lingers, or closes | | `refused` | | `lingering` | |
 * | `refused` | is not taken | is discarded | its refusal is sent: `answer` | | | `refusing` | `lingering` | |
 * | `refusing` | is not taken | is discarded | lingers | | | | `lingering` | |
 * | `lingering` | is not read | is not read | its client closes, or its time ends | | | | | |
 * | `upgraded` | is read by the app that took the connection | likewise | that app closes it | | | | | |
 *
 * `end`: a request taken from it is its last one, for `Connection: close`, `max_requests_per_connection`, a refused request, or because more
 * requests or fields than may wait have come, or wait for long. `break`: its input is refused. Requests taken before have their responses in all
 * states but `lingering`. An event without an entry changes nothing: a connection whose input is refused gets that refusal, whatever ends
 * it before.
 */
export type ConnectionState = keyof typeof NEXT;

export type ConnectionEvent = 'end' | 'break' | 'answer' | 'linger' | 'upgrade';

type Row = Partial<Record<ConnectionEvent, string>>;

const NEXT = {
  open: { end: 'last', break: 'refused', linger: 'lingering', upgrade: 'upgraded' },
  last: { break: 'refused', linger: 'lingering' },
  refused: { answer: 'refusing', linger: 'lingering' },
  refusing: { linger: 'lingering' },
  lingering: {},
  upgraded: {},
} satisfies Record<string, Row>;

/** Returns the state after an event. */
export function after(state: ConnectionState, event: ConnectionEvent): ConnectionState {
  const row: Row = NEXT[state];
  return (row[event] as ConnectionState | undefined) ?? state;
}
