import { environ } from 'portico';

/** Says who asks; the filters have found that out. */
export const app = () => (req, res) => {
  const { userId, roles } = environ(req).context;
  res.setHeader('content-type', 'application/json');
  res.end(`${JSON.stringify({ user: userId, roles })}\n`);
};
