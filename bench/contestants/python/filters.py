"""The two filters that are nova's own and not in oslo.middleware, written as nova writes them."""
import json
import time

import webob
import webob.dec
from oslo_context import context
from oslo_log import log

LOG = log.getLogger('bench.request')


def answer(status, value):
    return webob.Response(json.dumps(value, separators=(',', ':')).encode(), status, content_type='application/json',
                          charset=None)


class RequestLog:
    """One line for each request, with the facts of the others' lines."""

    def __init__(self, app):
        self.app = app

    @webob.dec.wsgify
    def __call__(self, req):
        begun = time.monotonic()
        target = req.path_qs
        response = req.get_response(self.app)
        who = req.environ.get('bench.context')
        LOG.info('%s', {
            'remote': req.remote_addr, 'method': req.method, 'target': target,
            'protocol': req.environ['SERVER_PROTOCOL'],
            'request_id': req.environ.get('openstack.request_id', '-'),
            'global_request_id': req.environ.get('openstack.global_request_id', '-'),
            'api_version': '-', 'route': '-',
            'user_id': '-' if who is None else who.user_id, 'project_id': '-' if who is None else who.project_id,
            'status': response.status_int, 'bytes': response.content_length,
            'duration_ms': (time.monotonic() - begun) * 1000})
        return response


class NoAuth:
    """Believes the token: `user:project`."""

    def __init__(self, app):
        self.app = app

    @webob.dec.wsgify
    def __call__(self, req):
        token = req.headers.get('X-Auth-Token')
        if not token:
            response = webob.Response(status=204)
            response.headers['X-Auth-Token'] = 'admin:admin'
            response.headers['X-Server-Management-Url'] = 'http://127.0.0.1:8774/v2.1'
            return response
        user_id, _colon, project_id = token.partition(':')
        # Becomes the current context of this thread, as nova's does.
        req.environ['bench.context'] = context.RequestContext(
            user_id=user_id, project_id=project_id or user_id, is_admin=user_id == 'admin', auth_token=token,
            roles=['admin', 'member'] if user_id == 'admin' else ['member'],
            request_id=req.environ.get('openstack.request_id'),
            global_request_id=req.environ.get('openstack.global_request_id'))
        return self.app


def request_log(global_conf, **local_conf):
    return RequestLog


def noauth(global_conf, **local_conf):
    return NoAuth
