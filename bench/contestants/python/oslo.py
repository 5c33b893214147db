"""oslo.service with eventlet: nova's way to serve an API."""
import eventlet

eventlet.monkey_patch()

from oslo_config import cfg  # noqa: E402
from oslo_service import service, sslutils, wsgi  # noqa: E402

import place  # noqa: E402

CONF = cfg.CONF
APP = place.load()


class WSGIService(service.ServiceBase):
    def __init__(self):
        if place.TLS is not None:
            sslutils.register_opts(CONF)
            CONF.set_override('cert_file', place.TLS[0], 'ssl')
            CONF.set_override('key_file', place.TLS[1], 'ssl')
        self.server = wsgi.Server(CONF, place.WORK, APP, host='127.0.0.1', port=place.PORT,
                                  use_ssl=place.TLS is not None)

    def start(self):
        self.server.start()

    def stop(self):
        self.server.stop()

    def wait(self):
        self.server.wait()

    def reset(self):
        self.server.reset()


service.launch(CONF, WSGIService(), workers=1).wait()
