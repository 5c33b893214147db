/** The package jose, for tokens and for sessions: both load it only when they are used. */
export {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  EncryptJWT,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtDecrypt,
  jwtVerify,
} from 'jose';
