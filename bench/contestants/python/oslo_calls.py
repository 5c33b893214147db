"""oslo.messaging over RabbitMQ, with its defaults and the threading executor: server or client, as bench/rpc/peer.mjs."""
import json
import logging
import sys
import threading
import time

from oslo_config import cfg
import oslo_messaging as messaging

ROLE, URL, EXCHANGE = sys.argv[1:4]
AT_A_TIME = 16
ASKED = {'id': 'c0ffee00-5e6f-4a5b-8c7d-0123456789ab', 'flavor': 'm1.small', 'image': 'debian-12', 'count': 1,
         'names': ['one', 'two', 'three']}
logging.disable(logging.CRITICAL)
CONF = cfg.CONF
CONF([])
messaging.set_transport_defaults(control_exchange=EXCHANGE + '-oslo')
TRANSPORT = messaging.get_rpc_transport(CONF, url=URL.replace('amqp://', 'rabbit://'))


class Servers:
    target = messaging.Target(version='1.0')

    def build(self, ctxt, id, count, **_):
        return {'id': id, 'status': 'BUILD', 'host': 'node-17', 'links': [{'rel': 'self', 'href': '/servers/%s' % id}],
                'count': count}


def say(word):
    sys.stdout.write(word + '\n')
    sys.stdout.flush()


def run(client, count):
    left = [count]
    took = []
    lock = threading.Lock()

    def caller():
        while True:
            with lock:
                if left[0] == 0:
                    return
                left[0] -= 1
            begun = time.perf_counter()
            found = client.call({'request_id': 'req-1', 'user_id': 'me'}, 'build', **ASKED)
            assert found['id'] == ASKED['id'], found
            took.append(round((time.perf_counter() - begun) * 1000, 3))

    threads = [threading.Thread(target=caller) for _ in range(AT_A_TIME)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took


if ROLE == 'server':
    server = messaging.get_rpc_server(TRANSPORT, messaging.Target(topic='oslo-bench', server='bench'), [Servers()],
                                      executor='threading')
    server.start()
    say('ready')
    for _ in sys.stdin:
        pass
    server.stop()
else:
    CLIENT = messaging.get_rpc_client(TRANSPORT, messaging.Target(topic='oslo-bench', version='1.0')) \
        if hasattr(messaging, 'get_rpc_client') else messaging.RPCClient(TRANSPORT, messaging.Target(topic='oslo-bench'))
    say('ready')
    for line in sys.stdin:
        say(json.dumps(run(CLIENT, int(line.split()[1]))))
