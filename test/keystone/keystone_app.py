"""Keystone as one WSGI application: makes its keys, database and administrator first.

PORTICO_KEYSTONE is a folder with keystone.conf. POST /test/expired-token {"user_id", "project_id"} answers with a token
that ended a minute ago, which Keystone itself gives out to nobody.
"""
import base64
import datetime
import json
import os
import sqlite3
import sys

from keystone.cmd import bootstrap
from keystone.common import provider_api
from keystone.common.sql import upgrades
from keystone.server.flask import core

FOLDER = os.environ['PORTICO_KEYSTONE']
# Keystone reads its command line.
sys.argv = sys.argv[:1]

for name, count in (('fernet', 2), ('credential', 1)):
    repository = os.path.join(FOLDER, name)
    os.makedirs(repository, mode=0o700)
    for number in range(count):
        path = os.path.join(repository, str(number))
        with open(path, 'wb', opener=lambda p, flags: os.open(p, flags, 0o600)) as key:
            key.write(base64.urlsafe_b64encode(os.urandom(32)))

# Readers do not lock it for writers then; no power failure is feared.
with sqlite3.connect(os.path.join(FOLDER, 'keystone.db')) as database:
    database.execute('PRAGMA journal_mode = WAL')

keystone = core.initialize_application(name='public', config_files=[os.path.join(FOLDER, 'keystone.conf')])
upgrades.offline_sync_database_to_version()

# Without __init__, which loads what the application has loaded.
first = object.__new__(bootstrap.Bootstrapper)
first.admin_username = first.project_name = first.admin_role_name = 'admin'
first.admin_password = os.environ['PORTICO_KEYSTONE_PASSWORD']
first.member_role_name = 'member'
first.reader_role_name = 'reader'
first.immutable_roles = False
first.region_id = 'RegionOne'
first.service_name = first.public_url = first.admin_url = first.internal_url = None
first.bootstrap()


def application(environ, start_response):
    if environ['PATH_INFO'] != '/test/expired-token':
        return keystone(environ, start_response)
    asked = json.loads(environ['wsgi.input'].read(int(environ['CONTENT_LENGTH'])))
    ended = datetime.datetime.utcnow() - datetime.timedelta(minutes=1)
    issue = provider_api.ProviderAPIs.token_provider_api.issue_token
    with keystone.test_request_context():
        token = issue(asked['user_id'], ['password'], expires_at=ended.strftime('%Y-%m-%dT%H:%M:%S.000000Z'),
                      project_id=asked['project_id'])
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [token.id.encode()]
