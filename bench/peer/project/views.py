"""The peer's calls, as django-notifications-hq suggests to write them.

As in the product, a call names its user. No caller is authenticated, which is to the peer's advantage.
"""

import json
from functools import cache

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from notifications.signals import notify

_SHOWN = ("id", "level", "verb", "description", "timestamp", "unread")
_LISTED = 20


def ready(_: HttpRequest) -> HttpResponse:
    """Answer that the process serves."""
    return HttpResponse()


def mark(request: HttpRequest) -> HttpResponse:
    """Set notifications of a user read or unread."""
    body = json.loads(request.body)
    chosen = _user(body["user"]).notifications.filter(id__in=body["ids"])
    return JsonResponse({"marked": chosen.mark_all_as_read() if body["read"] else chosen.mark_all_as_unread()})


def send(request: HttpRequest) -> HttpResponse:
    """Notify a user."""
    body = json.loads(request.body)
    (_, notifications), *_ = notify.send(
        _sender(), recipient=_user(body["user"]), verb="sent", description=body["text"]
    )
    return JsonResponse({"sent": len(notifications)})


def newest(request: HttpRequest) -> HttpResponse:
    """List the newest notifications of a user, with the number of unread ones."""
    notifications = _user(request.GET["user"]).notifications
    unread = notifications.unread().count()
    return JsonResponse({"unread": unread, "notifications": list(notifications.values(*_SHOWN)[:_LISTED])})


def _user(name: str) -> User:
    return User.objects.get(username=name)


@cache
def _sender() -> User:
    return _user("sender")


urlpatterns = [path("readyz", ready), path("mark", mark), path("send", send), path("list", newest)]
