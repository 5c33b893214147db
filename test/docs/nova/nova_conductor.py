"""nova's conductor in Python, for the page about moving from it: python3 nova_conductor.py URL EXCHANGE TOPIC"""
import sys
import threading

from oslo_config import cfg
import oslo_messaging

URL, EXCHANGE, TOPIC = sys.argv[1:]


class Conductor:
    target = oslo_messaging.Target(version='1.1')

    def flavor_get(self, context, id):
        return {'id': id, 'vcpus': 2, 'by': context.get('user_id'), 'in': 'Python'}


CONF = cfg.CONF
CONF([], project='nova')
oslo_messaging.set_transport_defaults(EXCHANGE)
server = oslo_messaging.get_rpc_server(oslo_messaging.get_rpc_transport(CONF, URL),
                                       oslo_messaging.Target(topic=TOPIC, server='python'), [Conductor()],
                                       executor='threading', access_policy=oslo_messaging.DefaultRPCAccessPolicy)
server.start()
print('Ready', flush=True)
threading.Event().wait()
