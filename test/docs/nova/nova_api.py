"""nova's API in Python, for the page about moving from it: auth_token with the nova.conf of the page, and one action.

NOVA_CONF is that file. It is loaded with the first request, because the page writes it.
"""
import json
import os
import threading

from keystonemiddleware import auth_token

loaded = []
loading = threading.Lock()


def answer(start_response, value):
    start_response('200 OK', [('Content-Type', 'application/json')])
    return [json.dumps(value).encode()]


def flavors(environ, start_response):
    return answer(start_response, {'flavors': [], 'in': 'Python'})


def application(environ, start_response):
    if environ['PATH_INFO'] == '/':
        return answer(start_response, {'versions': []})
    with loading:
        if not loaded:
            settings = {'oslo_config_project': 'nova', 'oslo_config_file': os.environ['NOVA_CONF']}
            loaded.append(auth_token.filter_factory({}, **settings)(flavors))
    return loaded[0](environ, start_response)
