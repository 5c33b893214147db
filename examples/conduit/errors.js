// Faults in RealWorld's form: {"errors": {"title": ["must be string"]}}.
export function render({ issues, cause, message, title, safe, status }) {
  const errors = Object.create(null);
  for (const { path, where, message } of issues) {
    const name = path.at(-1) ?? where;
    errors[name] = [...(errors[name] ?? []), message];
  }
  if (issues.length === 0) errors[cause?.field ?? (status === 401 ? 'credentials' : 'body')] = [safe ? message : title];
  return { body: { errors } };
}

render.schema = {
  type: 'object',
  required: ['errors'],
  properties: { errors: { type: 'object', additionalProperties: { type: 'array', items: { type: 'string' } } } },
};
