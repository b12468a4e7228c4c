# Ready-made plays for `once` and for scripts: what any service does on a bad day.

from .service import head

HTML = b"<!DOCTYPE html>\n<html><head><title>Down for Maintenance</title></head><body><h1>Sorry</h1></body></html>\n"


def status(code, body=None, headers=()):
    """A JSON body (an empty one if None) with a status."""
    if body is None:
        return lambda exchange: exchange.answer(b"", code, headers)
    return lambda exchange: exchange.answer(body, code, headers)


def html(code=500, headers=()):
    return lambda exchange: exchange.answer(HTML, code, headers, content_type="text/html; charset=utf-8")


def slow(seconds):
    """Waits, then answers as usual."""

    def play(exchange):
        exchange.wait(seconds)
        exchange.proceed()

    return play


def hang(exchange):
    exchange.hang()


def reset(exchange):
    exchange.reset()


def short(exchange):
    """Promises more bytes than it sends, then closes."""
    exchange.send(head(200, [("content-type", "application/json"), ("content-length", 100)]) + b'{"id":')
    exchange.close()
