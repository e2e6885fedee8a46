#!/usr/bin/env python3
"""Sends notices as a vendor who uses Django would: django-post_office, templates from its database, its queue.

usage: django_post_office.py pg|sqlite MESSAGES PROCESSES THREADS BATCH RENDER_ON_DELIVERY(0|1)

Putting the mails into the queue is not timed, emptying it is. Prints messages a second and counts the rows marked sent.
"""

import logging
import os
import resource
import sys
import time

logging.disable(logging.INFO)
kind, messages, processes, threads, batch = sys.argv[1], *map(int, sys.argv[2:6])
render_on_delivery = sys.argv[6] == "1"

import django  # noqa: E402
from django.conf import settings  # noqa: E402

databases = {
    "sqlite": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("SQLITE", "peer.sqlite3"),
        "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"},
    },
    "pg": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "dj",
        "HOST": "127.0.0.1",
        "PORT": os.environ.get("PGPORT", "5432"),
        "USER": os.environ.get("PGUSER", "postgres"),
    },
}
settings.configure(
    DATABASES={"default": databases[kind]},
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "post_office"],
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    EMAIL_BACKEND="post_office.EmailBackend",
    EMAIL_HOST="127.0.0.1",
    EMAIL_PORT=int(os.environ.get("SMTP_PORT", "2525")),
    SECRET_KEY="bench",
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
    POST_OFFICE={
        "BATCH_SIZE": batch,
        "THREADS_PER_PROCESS": threads,
        "BATCH_DELIVERY_TIMEOUT": 600,
        "LOG_LEVEL": 0,
        "BACKENDS": {"default": "django.core.mail.backends.smtp.EmailBackend"},
    },
    LOGGING_CONFIG=None,
)
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

call_command("migrate", verbosity=0)

from post_office import mail  # noqa: E402
from post_office.models import Email, EmailTemplate  # noqa: E402

here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "m.html"), encoding="utf-8") as html, open(os.path.join(here, "m.txt"), encoding="utf-8") as text:
    texts = {"subject": "{{ subject }}", "content": text.read(), "html_content": html.read()}
Email.objects.all().delete()
template, _ = EmailTemplate.objects.update_or_create(name="m", language="", defaults=texts)


def queued(number):
    address, company = f"user{number}@c{number % 100}.test", f"Company {number % 100}"
    context = {"subject": "MFA required soon", "name": f"José User {number}", "deadline": "2026-12-31", "company": company,
               "email": address, "days": 14, "url": f"https://login.test/enrol/{number}"}
    return {"recipients": [address], "sender": "sec@x.test", "template": template,
            "render_on_delivery": render_on_delivery, "context": context}


for first in range(0, messages, 2000):
    mail.send_many([queued(number) for number in range(first, min(messages, first + 2000))])

started, cpu, children, sent = time.monotonic(), time.process_time(), resource.getrusage(resource.RUSAGE_CHILDREN), 0
while True:
    done, failed, requeued = mail.send_queued(processes=processes, log_level=0)
    if done + failed + requeued == 0:
        break
    sent += done
    # As its management command does.
    connection.close()
seconds, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
cpu = time.process_time() - cpu + after.ru_utime + after.ru_stime - children.ru_utime - children.ru_stime
rows = Email.objects.filter(status=0).count()
print(f"django-post_office {kind} messages={messages} processes={processes} threads={threads} batch={batch} "
      f"render_on_delivery={render_on_delivery}: {messages / seconds:.1f} msg/s; cpu {cpu / messages * 1e6:.0f} us/msg; sent rows {rows}")
