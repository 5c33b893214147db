"""The service of the topic images, as it was written in Python: python3 images.py [transport URL] [topic]"""
import signal
import sys
import threading

from oslo_config import cfg
import oslo_messaging

from image_errors import NotFound

URL = sys.argv[1] if len(sys.argv) > 1 else 'rabbit://guest:guest@127.0.0.1:5672/'
TOPIC = sys.argv[2] if len(sys.argv) > 2 else 'images'
SIZES = {'a': 7}


class Images:
    target = oslo_messaging.Target(version='1.1')

    @oslo_messaging.expected_exceptions(NotFound)
    def show(self, context, id):
        if id not in SIZES:
            raise NotFound(id=id)
        return {'id': id, 'size': SIZES[id], 'by': context.get('user_id'), 'in': 'Python'}


CONF = cfg.CONF
CONF([], project='images')
oslo_messaging.set_transport_defaults('shop')
transport = oslo_messaging.get_rpc_transport(CONF, URL)
target = oslo_messaging.Target(topic=TOPIC, server='python')
policy = oslo_messaging.DefaultRPCAccessPolicy
server = oslo_messaging.get_rpc_server(transport, target, [Images()], executor='threading', access_policy=policy)
server.start()
print('Ready', flush=True)

stopped = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stopped.set())
signal.signal(signal.SIGINT, lambda *_: stopped.set())
stopped.wait()
server.stop()
server.wait()
