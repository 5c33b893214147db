/** Sends requests on separate connections, so that both workers respond. */
import { once } from 'node:events';
import { request } from 'node:http';
import { buffer } from 'node:stream/consumers';

/** Sends a request; `json` and `form` are bodies. Does not follow redirects. */
export async function ask(url, { method, headers = {}, json, form, body } = {}) {
  const sent =
    json !== undefined ? JSON.stringify(json) : form !== undefined ? String(new URLSearchParams(form)) : body;
  const type =
    json !== undefined ? 'application/json' : form !== undefined ? 'application/x-www-form-urlencoded' : undefined;
  const outgoing = request(url, {
    agent: false,
    method: method ?? (sent === undefined ? 'GET' : 'POST'),
    headers: { ...(type && { 'content-type': type }), ...headers },
  });
  outgoing.end(sent);
  const [res] = await once(outgoing, 'response');
  const bytes = await buffer(res);
  const text = bytes.toString();
  return { status: res.statusCode, headers: res.headers, bytes, text, json: () => JSON.parse(text) };
}

/** Reads the beginning of a response and closes the connection. */
export async function leave(url) {
  const outgoing = request(url, { agent: false }).end();
  const [res] = await once(outgoing, 'response');
  await once(res, 'data');
  res.destroy();
}

/** Returns the `Cookie` header for the cookies of a response. */
export function cookiesOf({ headers }) {
  return (headers['set-cookie'] ?? []).map((each) => each.split(';', 1)[0]).join('; ');
}

/** Returns a form with files: `[[name, value], [name, bytes, filename]]`. */
export function multipart(fields) {
  const parts = fields.map(([name, value, filename]) => {
    const file = filename === undefined ? '' : `; filename="${filename}"\r\nContent-Type: text/plain`;
    return `--part\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n${value}\r\n`;
  });
  return {
    method: 'POST',
    headers: { 'content-type': 'multipart/form-data; boundary=part' },
    body: `${parts.join('')}--part--\r\n`,
  };
}
