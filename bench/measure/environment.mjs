// What all contestants are started with. Imported for its effect, first.
//
// Node 20 reads the certificates that NODE_EXTRA_CA_CERTS names whenever a process starts, needed or not: the whole store of
// a system takes 55 ms of a processor, more than all the rest of starting node. Whose machine it is decides that, no server.
delete process.env.NODE_EXTRA_CA_CERTS;
