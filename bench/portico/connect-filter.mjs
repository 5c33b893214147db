// The smallest Connect middleware.
export function passOn(_req, _res, next) {
  next();
}
