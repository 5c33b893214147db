"""A Python peer for tests: oslo.messaging, driven by lines of JSON on its standard input. It answers on its standard output.

Each line has an "id" and a "do"; the answer has the same id, and a "result" or an "error". Lines without an id are events.
"""
import datetime
import json
import sys
import threading
import time
import uuid

from oslo_config import cfg
import oslo_messaging
from oslo_messaging import RPCClient, get_notification_transport, get_rpc_server, get_rpc_transport
import oslo_messaging.notify.listener

import image_errors

CONF = cfg.CONF
CONF([], project='peer')
OUTPUT = threading.Lock()


def say(**line):
    with OUTPUT:
        sys.stdout.write(json.dumps(line) + '\n')
        sys.stdout.flush()


class Images:
    target = oslo_messaging.Target(version='1.2')

    def __init__(self, name):
        self.name = name

    def who(self, ctxt):
        return self.name

    def echo(self, ctxt, **args):
        return args

    def context(self, ctxt):
        return ctxt

    def nothing(self, ctxt):
        pass

    def values(self, ctxt):
        return {
            'when': datetime.datetime(2026, 1, 2, 3, 4, 5, 678),
            'id': uuid.UUID('6f9619ff-8b86-d011-b42d-00cf4fc964ff'),
            'set': {1},
            'tuple': (1, 2),
            'keys': {7: 'seven'},
            'nan': float('nan'),
            'infinite': [float('inf'), float('-inf')],
            'large': 2 ** 60,
            'text': 'NaN 12345678901234567890',
        }

    @oslo_messaging.expected_exceptions(image_errors.Busy)
    def busy(self, ctxt):
        raise image_errors.Busy('later')

    def missing(self, ctxt, id):
        raise image_errors.NotFound(id=id)

    def undeclared(self, ctxt):
        raise image_errors.Undeclared('oh')

    def builtin(self, ctxt):
        raise ValueError('seven', 7)

    def sleep(self, ctxt, seconds):
        say(event='sleeps', server=self.name)
        time.sleep(seconds)
        return 'slept'

    def note(self, ctxt, **args):
        say(event='note', server=self.name, args=args, context=ctxt)


class Other:
    target = oslo_messaging.Target(namespace='other', version='2.1')

    def who(self, ctxt):
        return 'other'


class Passed:
    """Hands an error of another service on to its own caller."""
    target = oslo_messaging.Target(namespace='passed')

    def __init__(self, peer):
        self.peer = peer

    def on(self, ctxt, topic, method, args):
        target = oslo_messaging.Target(topic=topic)
        return RPCClient(self.peer.transport, target, timeout=20).call({}, method, **args)


class Serializer(oslo_messaging.NoOpSerializer):
    pass


class Listener:
    def __init__(self, name, requeue):
        self.name = name
        self.requeue = requeue

    def _take(self, priority, ctxt, publisher_id, event_type, payload, metadata):
        say(event='notification', listener=self.name, priority=priority, context=ctxt, publisher_id=publisher_id,
            event_type=event_type, payload=payload, metadata=metadata)
        return oslo_messaging.NotificationResult.HANDLED

    def info(self, *args):
        return self._take('info', *args)

    def error(self, *args):
        return self._take('error', *args)


class Peer:
    def __init__(self):
        self.transport = None
        self.servers = {}

    def open(self, url, exchange, options=None, ping=False):
        oslo_messaging.set_transport_defaults(exchange)
        self.transport = get_rpc_transport(CONF, url, allowed_remote_exmods=['image_errors'])
        # Queues of its replies are left to the broker.
        for name, value in {'rabbit_transient_queues_ttl': 60, **(options or {})}.items():
            CONF.set_override(name, value, 'oslo_messaging_rabbit')
        self.notifications = get_notification_transport(CONF, url)
        self.ping = ping

    def serve(self, topic, server):
        endpoints = [Images(server), Other(), Passed(self)]
        target = oslo_messaging.Target(topic=topic, server=server)
        served = get_rpc_server(self.transport, target, endpoints, executor='threading',
                                access_policy=oslo_messaging.DefaultRPCAccessPolicy)
        if self.ping:
            endpoints.append(oslo_messaging.rpc.dispatcher.PingEndpoint())
        served.start()
        self.servers[server] = served

    def stop(self, server):
        served = self.servers.pop(server)
        served.stop()
        served.wait()

    def call(self, method, args=None, context=None, timeout=20, monitor=None, cast=False, **target):
        client = RPCClient(self.transport, oslo_messaging.Target(**target), timeout=timeout,
                           call_monitor_timeout=monitor)
        prepared = client.prepare()
        if cast:
            return prepared.cast(context or {}, method, **(args or {}))
        return prepared.call(context or {}, method, **(args or {}))

    def listen(self, name, topic, requeue=False):
        targets = [oslo_messaging.Target(topic=topic)]
        listener = oslo_messaging.get_notification_listener(self.notifications, targets, [Listener(name, requeue)],
                                                            executor='threading')
        listener.start()
        self.servers[name] = listener

    def notify(self, topic, priority, event_type, payload, publisher_id='peer', driver='messagingv2', context=None):
        notifier = oslo_messaging.Notifier(self.notifications, publisher_id, driver=driver, topics=[topic])
        getattr(notifier, priority)(context or {}, event_type, payload)

    def close(self):
        for name in list(self.servers):
            self.stop(name)
        if self.transport is not None:
            self.transport.cleanup()
            self.notifications.cleanup()


def work(peer, line):
    try:
        result = getattr(peer, line.pop('do'))(**line.pop('with', {}))
        say(id=line['id'], result=result)
    except Exception as error:
        kwargs = getattr(error, 'kwargs', None)
        say(id=line['id'], error={
            'type': type(error).__name__,
            'module': type(error).__module__,
            'bases': [each.__name__ for each in type(error).__mro__],
            'message': str(error),
            'kwargs': kwargs if isinstance(kwargs, dict) else None,
            'exc_type': getattr(error, 'exc_type', None),
            'value': getattr(error, 'value', None),
        })


def main():
    peer = Peer()
    say(event='ready')
    for text in sys.stdin:
        line = json.loads(text)
        threading.Thread(target=work, args=(peer, line), daemon=True).start()
    peer.close()


main()
