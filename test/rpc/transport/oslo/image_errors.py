"""Errors of a Python application: what its callers allow to be rebuilt."""


class NotFound(Exception):
    def __init__(self, message=None, **kwargs):
        self.kwargs = kwargs
        super().__init__(message or 'there is no image %(id)s' % kwargs)


class Busy(Exception):
    pass


class Undeclared(Exception):
    pass
