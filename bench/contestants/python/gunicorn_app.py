"""For gunicorn: `gunicorn gunicorn_app:application`."""
import place

application = place.load()
