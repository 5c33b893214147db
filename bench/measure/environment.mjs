// The environment of all contestants. Import it first, for its side effect.
//
// Node 20 reads the certificates of NODE_EXTRA_CA_CERTS at every start, even if they are not needed. A system's whole store takes 55 ms
// of CPU time, more than the rest of Node's start. That depends on the machine, not on the server.
delete process.env.NODE_EXTRA_CA_CERTS;
