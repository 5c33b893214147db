"""The applications: Routes' mapper and WebOb, as nova uses them."""
import json
import os

import jsonschema
import routes
import webob
import webob.dec
from oslo_service.wsgi import Router

from filters import answer

WORKS = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'works')


def _read(name):
    with open(os.path.join(WORKS, name)) as file:
        return json.load(file)


PAYLOADS = _read('payloads.json')
SERVERS = {PAYLOADS['server']['id']: PAYLOADS['server']}
VALIDATOR = jsonschema.Draft4Validator(PAYLOADS['newServerSchema'])
PIECE = (b'Portico streams what it is given. ' * 2000)[:65536]


def _controller(act):
    @webob.dec.wsgify
    def app(req):
        return act(req, req.environ['wsgiorg.routing_args'][1])
    return app


class JsonRouter(Router):
    """The router, with an answer for what has no route."""

    @webob.dec.wsgify
    def __call__(self, req):
        response = req.get_response(self._router)
        return answer(404, PAYLOADS['missing']) if response.status_int == 404 else response


def versions_app(global_conf, **local_conf):
    mapper = routes.Mapper()
    mapper.connect(None, '/', controller=_controller(lambda req, args: answer(200, PAYLOADS['versions'])))
    return JsonRouter(mapper)


def _show(req, args):
    return answer(200, {'server': SERVERS[args['id']]})


def _create(req, args):
    try:
        VALIDATOR.validate(json.loads(req.body))
    except (ValueError, jsonschema.ValidationError):
        return answer(400, PAYLOADS['wrong'])
    return answer(202, PAYLOADS['created'])


def servers_app(global_conf, **local_conf):
    mapper = routes.Mapper()
    mapper.connect(None, '/servers', controller=_controller(_create), conditions={'method': ['POST']})
    mapper.connect(None, '/servers/{id}', controller=_controller(_show), conditions={'method': ['GET']})
    return JsonRouter(mapper)


def table(global_conf, **local_conf):
    mapper = routes.Mapper()
    empty = _controller(lambda req, args: answer(200, {}))
    for prefix in ('', '/{project_id}'):
        for path, method, *_names in _read('compute-routes.json')[:200]:
            mapper.connect(None, prefix + path, controller=empty, conditions={'method': [method]})
    return JsonRouter(mapper)


def stream(global_conf, **local_conf):
    def app(environ, start_response):
        start_response('200 OK', [('Content-Type', 'application/octet-stream')])
        return (PIECE for _ in range(16))
    return app
