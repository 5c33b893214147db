"""Which work is served, and where; set by the bench."""
import os
import sys

from oslo_config import cfg
from oslo_log import log
from paste import deploy

HERE = os.path.dirname(os.path.abspath(__file__))
WORK = os.environ['BENCH_WORK']
PORT = int(os.environ['BENCH_PORT'])
TLS = (os.environ['BENCH_CERT'], os.environ['BENCH_KEY']) if WORK == 'work6' else None
# oslo.log writes to standard error; what is below the level is never formatted.
LEVEL = os.environ.get('BENCH_LOG_LEVEL', 'warn').upper()


def load():
    """The app of the work, from the paste file."""
    log.register_options(cfg.CONF)
    log.set_defaults(default_log_levels=[f'bench.request={LEVEL}', 'eventlet.wsgi.server=WARN'])
    cfg.CONF([], project='bench')
    log.setup(cfg.CONF, 'bench')
    sys.path.insert(0, HERE)
    return deploy.loadapp(f'config:{os.path.join(HERE, "api-paste.ini")}', name=WORK)
