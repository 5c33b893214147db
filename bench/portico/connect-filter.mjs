// The least that a Connect middleware can do.
export function passOn(_req, _res, next) {
  next();
}
