"""A caller in Python: python3 show.py ID [transport URL] [topic] [server]"""
import json
import sys

from oslo_config import cfg
import oslo_messaging

from image_errors import NotFound

ID = sys.argv[1]
URL = sys.argv[2] if len(sys.argv) > 2 else 'rabbit://guest:guest@127.0.0.1:5672/'
TOPIC = sys.argv[3] if len(sys.argv) > 3 else 'images'
SERVER = sys.argv[4] if len(sys.argv) > 4 else None

CONF = cfg.CONF
CONF([], project='show')
oslo_messaging.set_transport_defaults('shop')
transport = oslo_messaging.get_rpc_transport(CONF, URL, allowed_remote_exmods=['image_errors'])
client = oslo_messaging.RPCClient(transport, oslo_messaging.Target(topic=TOPIC, server=SERVER), timeout=20)
try:
    print(json.dumps(client.call({'user_id': 'me', 'request_id': 'req-1'}, 'show', id=ID)))
except NotFound as error:
    print(json.dumps({'missing': error.kwargs['id']}))
transport.cleanup()
