"""Errors that the service and its callers share."""


class NotFound(Exception):
    def __init__(self, message=None, **kwargs):
        self.kwargs = kwargs
        super().__init__(message or 'there is no image %(id)s' % kwargs)
