import { defineOptions, filterFactory, string } from 'portico';

export const greeting = (_globalConf, localConf) => (_req, res) => {
  res.end(`Hello, ${localConf.get('who')}\n`);
};

export const status = () => (_req, res) => {
  res.setHeader('content-type', 'application/json');
  res.end('{"status": "up"}\n');
};

const shoutOptions = defineOptions({
  header: string({ default: 'x-shout', help: 'The header that says so.' }),
});

/** Its options are declared: a misspelt one is refused with its line and the nearest name. */
export const shout = filterFactory('shout', shoutOptions, ({ header }) => (app) => (req, res) => {
  res.setHeader(header, 'yes');
  return app(req, res);
});
