"""Applications behind the real keystonemiddleware.auth_token, to compare with.

PORTICO_AUTH_TOKEN is a folder: a request to /NAME/... goes to the pipeline main of NAME/api-paste.ini, which is loaded with
the first request and reads NAME/service.conf.
"""
import json
import os
import threading
from urllib.parse import unquote

from paste.deploy import loadapp

FOLDER = os.environ['PORTICO_AUTH_TOKEN']
loaded = {}
loading = threading.Lock()


def echo_factory(global_conf, **local_conf):
    """What reached the application, as JSON; its status is the query."""
    def echo(environ, start_response):
        seen = {name[5:].replace('_', '-').lower(): value for name, value in environ.items()
                if name.startswith(('HTTP_X_', 'HTTP_OPENSTACK_'))}
        start_response(unquote(environ['QUERY_STRING']) or '200 OK', [('Content-Type', 'application/json')])
        return [json.dumps(seen).encode()]
    return echo


def application(environ, start_response):
    name = environ['PATH_INFO'].split('/')[1]
    with loading:
        if name not in loaded:
            settings = {'oslo_config_project': 'portico', 'oslo_config_file': os.path.join(FOLDER, name, 'service.conf')}
            loaded[name] = loadapp('config:' + os.path.join(FOLDER, name, 'api-paste.ini'), 'main', global_conf=settings)
    return loaded[name](environ, start_response)
